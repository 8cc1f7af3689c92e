"""Fields of the records a contact refers to: chosen by name, described when first shown, read like its own."""

from __future__ import annotations

import httpx
import pytest

from sandbox.salesforce.store import Store as SalesforceStore
from tests.cli.conftest import Command
from tests.raw_sql import RawSql

CHOSEN = ("fields", "acme", "--set", "Title,owner.name,ReportsTo.LastName")


@pytest.fixture
def related(connected: str, salesforce_store: SalesforceStore) -> str:
    """A contact who reports to another one; returns its id."""
    [boss] = salesforce_store.insert_contacts([{"LastName": "Boss"}])
    [found] = salesforce_store.insert_contacts([{"LastName": "Ada", "ReportsToId": boss}])
    return str(found)


def describes(url: str) -> list[str]:
    requests = httpx.get(f"{url}/_sandbox/journal").json()["requests"]
    return [request["path"].split("/")[-2] for request in requests if request["path"].endswith("/describe")]


def test_they_are_shown_as_they_are_read(
    command: Command, related: str, raw: RawSql, salesforce_connection: str
) -> None:
    httpx.delete(f"{salesforce_connection}/_sandbox/journal").raise_for_status()
    said = command(*CHOSEN)
    assert said.code == 0, said.err
    assert describes(salesforce_connection) == ["Contact", "Account", "User"]
    assert command("run", "extract_salesforce_contacts").code == 0
    [payload] = raw.column("SELECT payload FROM salesforce_contact WHERE salesforce_id = %(id)s", id=related)
    assert payload["ReportsTo.LastName"] == "Boss"
    assert payload["Owner.Name"]
    # nobody is told of a describe that is news to us alone
    assert raw.value("SELECT count(*) FROM salesforce_field_event") == 0


def test_they_are_described_again_with_the_others(
    command: Command, related: str, raw: RawSql, salesforce_connection: str
) -> None:
    command(*CHOSEN)
    command("fields", "acme", "--set", "Title")
    assert command("connect", "salesforce_default", "--refresh").code == 0
    assert raw.value("SELECT bool_and(lost_at IS NULL) FROM salesforce_field WHERE name LIKE 'Owner.%%'")


def test_a_dry_run_describes_and_keeps_nothing(command: Command, related: str, raw: RawSql) -> None:
    before = raw.value("SELECT count(*) FROM salesforce_field")
    assert "would show" in command(*CHOSEN, "--dry-run").out
    assert raw.value("SELECT count(*) FROM salesforce_field") == before


def test_a_list_names_the_records_that_nobody_shows_anything_of(command: Command, related: str) -> None:
    assert {"Owner.…", "ReportsTo.…", "CreatedBy.…"} <= set(
        command("fields", "acme", "--json").json["related"]
    )
    command(*CHOSEN)
    assert not {"Owner.…", "Account.…"} & set(command("fields", "acme", "--json").json["related"])
    assert "and fields of related records: CreatedBy.…" in command("fields", "acme").out


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Owner.Nmae", "unknown field Owner.Nmae (nearest: Owner.Name"),
        ("Lead.Company", "only Contact is supported, and fields of its Account and CreatedBy and"),
        ("Owner.Manager.Name", "unknown field Owner.Manager.Name"),
    ],
)
def test_what_cannot_be_shown_of_them_is_named(command: Command, related: str, name: str, told: str) -> None:
    said = command("fields", "acme", "--set", name)
    assert (said.code, told in said.err) == (1, True), said.err
