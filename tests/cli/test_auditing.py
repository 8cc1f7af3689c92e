"""``status --audit`` against the stand-in: both numbers, per presence, over any range that has settled."""

from __future__ import annotations

import time
from typing import Any

import pytest

from sandbox.salesforce.objects import CONTACT
from sandbox.salesforce.store import Store
from tests.cli.conftest import Command
from tests.raw_sql import RawSql

#: 2026-01-01T00:00:00Z; the contacts' stamps are a day apart from then on.
NEW_YEAR = 1767225600
DAY = 86_400
EXTRACT = ("run", "extract_salesforce_contacts")


@pytest.fixture
def people(salesforce_store: Store, command: Command, connected: str) -> list[str]:
    """Five contacts, the last one deleted, extracted and settled."""
    made = salesforce_store.insert_contacts(
        {"LastName": f"Person {day}", "SystemModstamp": NEW_YEAR + day * DAY, "IsDeleted": day == 4}
        for day in range(5)
    )
    assert command(*EXTRACT).code == 0
    return made


def audit(command: Command, *words: str) -> dict[str, Any]:
    [found] = command("status", "--audit", "--json", *words).json["audits"]
    return dict(found)


def test_both_numbers_are_told_per_presence(command: Command, people: list[str]) -> None:
    found = audit(command)
    assert found["salesforce"] == found["mirror"] == {"live": 4, "deleted": 1}
    assert (found["is_equal"], found["difference"]) == (True, None)


def test_a_range_holds_its_beginning_and_not_its_end(command: Command, people: list[str]) -> None:
    found = audit(command, "--from", "2026-01-02", "--to", "2026-01-04")
    assert found["mirror"] == {"live": 2, "deleted": 0}
    assert found["is_equal"]


def test_the_range_is_cut_at_what_has_settled(command: Command, people: list[str], raw: RawSql) -> None:
    raw("UPDATE salesforce_org SET settled_until = '2026-01-03'")
    found = audit(command, "--to", "2030-01-01")
    assert found["to"] == "2026-01-03T00:00:00+00:00"
    assert found["mirror"] == {"live": 2, "deleted": 0}


def test_a_contact_that_is_missing_here_is_a_failure(
    command: Command, people: list[str], raw: RawSql
) -> None:
    raw("DELETE FROM salesforce_contact WHERE salesforce_id = %(id)s", id=people[0])
    said = command("status", "--audit", "--json")
    [found] = said.json["audits"]
    assert said.code == 1
    assert (found["salesforce"]["live"], found["mirror"]["live"]) == (4, 3)
    assert found["difference"]["missing"] == 1


def test_a_contact_held_at_an_older_stamp_is_a_failure(
    command: Command, people: list[str], raw: RawSql
) -> None:
    raw(
        "UPDATE salesforce_contact SET system_modstamp = '2025-01-01' WHERE salesforce_id = %(id)s",
        id=people[1],
    )
    said = command("status", "--audit", "--json", "--from", "2026-01-01")
    assert (said.code, said.json["audits"][0]["difference"]["older"]) == (1, 1)


def test_what_is_in_quarantine_accounts_for_a_difference(
    command: Command, salesforce_store: Store, people: list[str], raw: RawSql
) -> None:
    raw("DELETE FROM salesforce_contact WHERE salesforce_id = %(id)s", id=people[0])
    raw.insert(
        "quarantined_row",
        org_id=salesforce_store.org_id,
        salesforce_id=people[0],
        raw="{}",
        reason="holds a NUL character",
    )
    said = command("status", "--audit", "--json")
    assert said.code == 0
    assert said.json["audits"][0]["difference"]["quarantined"] == 1


def test_a_contact_that_changed_since_it_was_read_is_no_loss(
    command: Command, salesforce_store: Store, people: list[str]
) -> None:
    salesforce_store.update_columns(CONTACT, people[0], {"SystemModstamp": int(time.time())})
    said = command("status", "--audit", "--json")
    assert said.code == 0
    assert said.json["audits"][0]["difference"]["moved_on"] == 1


def test_a_range_before_the_first_contact_is_an_explicit_nobody(command: Command, people: list[str]) -> None:
    said = command("status", "--audit", "--from", "2001-01-01", "--to", "2002-01-01")
    assert said.code == 0
    assert "nobody has a stamp in this range" in said.out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--from", "2026-02-01", "--to", "2026-01-01"), "is not before"),
        (("--from", "2126-01-01"), "in the future"),
        (("--from", "soon"), "is no date"),
        (("--org", "00D000000000009EAA"), "not connected"),
    ],
)
def test_a_range_that_cannot_be_is_refused(
    command: Command, people: list[str], words: tuple[str, ...], told: str
) -> None:
    said = command("status", "--audit", *words)
    assert said.code != 0
    assert told in said.err


def test_what_has_not_settled_is_refused(command: Command, people: list[str], raw: RawSql) -> None:
    raw("UPDATE salesforce_org SET settled_until = '2026-01-03'")
    said = command("status", "--audit", "--from", "2026-01-04")
    assert said.code != 0
    assert "has settled until 2026-01-03T00:00:00Z only" in said.err


def test_before_the_first_load_nothing_has_settled(command: Command, connected: str) -> None:
    said = command("status", "--audit")
    assert said.code != 0
    assert "nothing has settled yet" in said.err


def test_a_range_without_an_audit_is_not_ignored(command: Command) -> None:
    said = command("status", "--from", "2026-01-01")
    assert said.code != 0
    assert "add --audit" in said.err


def test_a_person_reads_both_numbers(command: Command, people: list[str]) -> None:
    shown = command("status", "--audit").out
    assert "Salesforce counts  mirror counts" in shown
    assert "together" in shown
    assert shown.rstrip().endswith("equal")
