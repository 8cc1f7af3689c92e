"""Migrations: harmless twice, safe at once, and complete as the design names them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from contact_sync import database, errors, migrations, statements
from sandbox import postgres

TABLES = """
salesforce_org salesforce_token workspace salesforce_field sidebar_field_choice salesforce_contact respond_contact
extract_window quarantined_row pending_change erased_person key_rule salesforce_key respond_key contact_match
match_issue match_decision held_change match_day sidebar_fields sidebar_layout contact_creation creation_claim
field_edit edit_event stage_run api_usage rate_bucket
""".split()
VIEWS = "match_overview near_miss match_explanation sidebar_field_values".split()


@pytest.fixture
def empty_database(postgres_server: postgres.Server) -> Iterator[str]:
    postgres.psql(postgres_server, "CREATE DATABASE empty OWNER contact_sync_owner")
    yield postgres_server.url("empty", "contact_sync_owner")
    postgres.psql(postgres_server, "DROP DATABASE empty WITH (FORCE)")


def test_migrating_twice_applies_nothing_the_second_time(empty_database: str) -> None:
    db = database.Database(empty_database)
    assert migrations.migrate(db) == migrations.pending_names()
    assert migrations.migrate(db) == []
    db.close()


def test_two_migrators_at_once_apply_each_file_once(empty_database: str) -> None:
    dbs = [database.Database(empty_database) for _ in range(2)]
    with ThreadPoolExecutor(2) as pool:
        applied = list(pool.map(migrations.migrate, dbs))
    assert sorted(applied[0] + applied[1]) == migrations.pending_names()
    for db in dbs:
        db.close()


def test_the_application_may_not_migrate(database_url: str) -> None:
    db = database.Database(database_url)
    with pytest.raises(errors.StopError):
        migrations.migrate(db)
    db.close()


def test_a_column_that_analysts_read_can_be_taken_away(
    empty_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = database.Database(empty_database)
    migrations.migrate(db)
    migrations.publish_to_analysts(db)
    bootstrap = statements.MIGRATIONS_DIRECTORY / "0000_bootstrap.sql"
    (tmp_path / bootstrap.name).write_text(bootstrap.read_text())
    (tmp_path / "9999_no_idempotency.sql").write_text("ALTER TABLE field_edit DROP COLUMN idempotency_key")
    monkeypatch.setattr(statements, "MIGRATIONS_DIRECTORY", tmp_path)
    assert migrations.migrate(db) == ["9999_no_idempotency.sql"]
    assert migrations.publish_to_analysts(db) == []
    with db.transaction() as tx:
        tx.script("SELECT new_value FROM contact_sync_masked.field_edit")
    db.close()


@pytest.mark.parametrize("relation", TABLES + VIEWS)
def test_each_relation_of_the_design_exists_and_explains_itself(
    postgres_server: postgres.Server, template: str, relation: str
) -> None:
    comment = postgres.psql(
        postgres_server, f"SELECT obj_description('contact_sync.{relation}'::regclass)", database=template
    )
    assert comment.strip()
