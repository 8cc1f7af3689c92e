from __future__ import annotations

import json

import httpx
import pytest

from contact_sync import cli
from sandbox import postgres
from sandbox.salesforce.store import Store
from tests.cli.conftest import Command
from tests.raw_sql import RawSql
from tests.stages.house import House


@pytest.fixture
def empty_url(postgres_server: postgres.Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """A database without tables, as its owner."""
    name = "test_cli_migrate"
    postgres.psql(postgres_server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    postgres.psql(postgres_server, f"CREATE DATABASE {name} OWNER contact_sync_owner")
    url = postgres_server.url(name, "contact_sync_owner")
    monkeypatch.setenv("CONTACT_SYNC_OWNER_DATABASE_URL", url)
    return url


def test_migrate_names_what_is_missing_then_applies_it_once(
    empty_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    foreseen, applied, again = (_migrated(capsys, *words) for words in (["--dry-run"], [], []))
    assert foreseen == applied
    assert foreseen[0] == "0001_tenants.sql"
    assert again == []


def _migrated(capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    assert cli.main(["migrate", "--json", *words]) == 0
    names: list[str] = json.loads(capsys.readouterr().out)["applied"]
    return names


def test_migrate_says_what_a_superuser_must_type_for_the_analysts(
    empty_url: str, postgres_server: postgres.Server, capsys: pytest.CaptureFixture[str]
) -> None:
    _migrated(capsys)
    postgres.psql(postgres_server, "ALTER ROLE contact_sync_owner NOCREATEROLE")
    postgres.psql(postgres_server, "ALTER ROLE contact_sync_analyst RESET search_path")
    try:
        assert cli.main(["migrate"]) == 0
        told = capsys.readouterr().out
    finally:
        postgres.psql(postgres_server, "ALTER ROLE contact_sync_owner CREATEROLE")
        _migrated(capsys)
    assert "a superuser must type the following, then migrate again" in told
    assert "  ALTER ROLE contact_sync_analyst SET search_path = contact_sync_masked, contact_sync;" in told


def test_connect_remembers_the_org_and_its_fields(
    command: Command, salesforce_connection: str, salesforce_store: Store, raw: RawSql
) -> None:
    said = command("connect", "salesforce_default", "--name", "Acme", "--default-region", "DE", "--json")
    assert (said.code, said.err) == (0, "")
    assert said.json["org_id"] == salesforce_store.org_id
    assert said.json["name"] == "Acme"
    assert said.json["fields"] == raw.value("SELECT count(*) FROM salesforce_field")
    assert raw.value("SELECT default_region FROM salesforce_org") == "DE"


def test_connecting_again_keeps_the_name(command: Command, salesforce_connection: str) -> None:
    command("connect", "salesforce_default", "--name", "Acme")
    assert command("connect", "salesforce_default", "--json").json["name"] == "Acme"


def test_connect_sets_the_pause_between_readings_and_keeps_it(
    command: Command, salesforce_connection: str, raw: RawSql
) -> None:
    assert command("connect", "salesforce_default", "--json").json["poll_seconds"] == 30
    for words in (["--poll-seconds", "600"], []):
        assert "every 600 seconds" in command("connect", "salesforce_default", *words).out
    assert raw.value("SELECT poll_seconds FROM salesforce_org") == 600


@pytest.mark.parametrize("seconds", ["4", "86401", "-30", "soon"])
def test_a_pause_that_cannot_be_is_refused(seconds: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["connect", "salesforce_default", f"--poll-seconds={seconds}"])
    assert "give 5 to 86400 seconds" in capsys.readouterr().err


@pytest.mark.parametrize(
    "setting", [("--poll-seconds", "60"), ("--name", "Acme"), ("--default-region", "DE")], ids=lambda s: s[0]
)
def test_a_refresh_says_that_it_changes_no_setting(
    command: Command, salesforce_connection: str, setting: tuple[str, str]
) -> None:
    command("connect", "salesforce_default")
    said = command("connect", "salesforce_default", "--refresh", *setting)
    assert said.code == 1
    assert f"give {setting[0]} to a connect without it" in said.err


def test_a_dry_connect_looks_and_remembers_nothing(
    command: Command, salesforce_connection: str, raw: RawSql
) -> None:
    foreseen = command("connect", "salesforce_default", "--dry-run", "--json").json
    assert raw.value("SELECT count(*) FROM salesforce_org") == 0
    assert foreseen["fields"] == command("connect", "salesforce_default", "--json").json["fields"]


def test_refresh_tells_granted_and_lost_fields(command: Command, salesforce_connection: str) -> None:
    permissions = f"{salesforce_connection}/_sandbox/permissions"
    httpx.post(permissions, json={"field": "Title", "access": "none"}).raise_for_status()
    command("connect", "salesforce_default")
    httpx.post(permissions, json={"field": "Title", "access": "edit"}).raise_for_status()
    httpx.post(permissions, json={"field": "Department", "access": "none"}).raise_for_status()
    said = command("connect", "salesforce_default", "--refresh", "--json").json
    assert (said["granted"], said["lost"]) == (["Title"], ["Department"])


def test_refresh_of_an_unknown_org_is_refused(command: Command, salesforce_connection: str) -> None:
    said = command("connect", "salesforce_default", "--refresh")
    assert said.code == 1
    assert "without --refresh" in said.err


def test_wrong_credentials_are_told_with_salesforces_reason(
    command: Command, salesforce_connection: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    extra = {"consumer_key": "key", "consumer_secret": "wr0ng", "login_url": salesforce_connection}
    monkeypatch.setenv("AIRFLOW_CONN_SALESFORCE_DEFAULT", json.dumps({"extra": extra}))
    said = command("connect", "salesforce_default")
    assert said.code == 1
    assert "connection salesforce_default" in said.err
    assert "invalid_client" in said.err
    assert "wr0ng" not in said.err


def test_a_missing_connection_names_its_variable(command: Command) -> None:
    said = command("connect", "salesforce_default")
    assert said.code == 1
    assert "AIRFLOW_CONN_SALESFORCE_DEFAULT" in said.err


def test_disconnect_counts_what_it_removes(command: Command, house: House, raw: RawSql) -> None:
    house.person(1, email="ada@example.com")
    house.contact(1, email="ada@example.com")
    house.materialize()
    said = command("disconnect", "acme", "--json").json
    assert (said["was_connected"], said["matches"], said["sidebar_rows"]) == (True, 1, 1)
    assert raw.value("SELECT count(*) FROM sidebar_fields") == 0


def test_a_dry_disconnect_counts_and_removes_nothing(command: Command, house: House, raw: RawSql) -> None:
    house.person(1, email="ada@example.com")
    house.contact(1, email="ada@example.com")
    house.materialize()
    assert command("disconnect", "acme", "--dry-run", "--json").json["matches"] == 1
    assert raw.value("SELECT count(*) FROM contact_match") == 1


def test_disconnecting_twice_says_so(command: Command, house: House) -> None:
    command("disconnect", "acme")
    said = command("disconnect", "acme")
    assert said.code == 0
    assert "serves no org" in said.out
