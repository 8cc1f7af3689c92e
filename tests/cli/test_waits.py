"""What matching waits for, and what is withheld of one contact."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from contact_sync import holds
from contact_sync.cli import waits
from tests.cli.conftest import Command
from tests.raw_sql import RawSql
from tests.stages.house import NOON, ORG, WORKSPACE, House

PROVEN = {"status": "proven", "rows_reported": 0, "read_until": NOON, "finished_at": NOON}


def window(raw: RawSql, **cells: Any) -> None:
    raw.insert("extract_window", org_id=ORG, **{"kind": "initial", **cells})


def verdict(raw: RawSql, verdict: str) -> None:
    raw.insert("quality_run", org_id=ORG, run_id="r", why="daily", verdict=verdict, measures={})


def test_an_org_that_is_matched_waits_for_nothing(command: Command, house: House) -> None:
    assert waits.by_org(house.db) == {}
    assert "waits" not in command("status").out
    assert command("status", "--json").json["orgs"][0]["matching_waits"] is None


def test_a_first_load_that_is_not_proven_is_waited_for(command: Command, house: House, raw: RawSql) -> None:
    window(raw, status="running")
    assert "matching          waits: the first load is not proven yet" in command("status").out


def test_what_is_not_judged_is_waited_for(command: Command, house: House, raw: RawSql) -> None:
    window(raw, **PROVEN)
    assert "not judged yet (first load)" in command("status").out
    verdict(raw, "passed")
    raw("UPDATE extract_window SET judged_at = now()")
    assert waits.by_org(house.db) == {}
    window(raw, **{**PROVEN, "kind": "incremental", "rows_merged": 10_001})
    assert "not judged yet (large delta)" in command("status", "--json").json["orgs"][0]["matching_waits"]


def test_an_org_held_by_its_gate_waits_for_a_person(command: Command, house: House, raw: RawSql) -> None:
    verdict(raw, "held")
    assert "waits: the quality gate holds the org back" in command("status").out


def test_an_org_that_is_disconnected_waits_for_nothing(house: House, raw: RawSql) -> None:
    verdict(raw, "held")
    raw.update("salesforce_org", {"org_id": ORG}, disconnected_at=datetime.now(UTC))
    assert waits.by_org(house.db) == {}


# One contact


@pytest.fixture
def lost(house: House) -> House:
    """Ada's e-mail vanished, and her workspace minds any loss."""
    house.settings(brake_count=0, brake_share=0)
    house.choose("Title")
    house.person(1, email="ada@example.com", payload={"Title": "Countess"})
    house.contact(1, email="ada@example.com")
    house.materialize()
    house.change_person(1, email=None)
    return house


def explained(command: Command) -> dict[str, Any]:
    found: dict[str, Any] = command("explain", WORKSPACE, "1", "--json").json
    return found


def test_a_match_that_the_brake_keeps_is_told_with_its_hold(command: Command, lost: House) -> None:
    lost.match()
    document = explained(command)
    assert (document["status"], document["advice"]) == ("matched", None)
    assert document["withheld"] == (
        "It would lose its match, which is kept by hold 1: python -m contact_sync approve 1 lets it go."
    )
    assert "withheld: It would lose its match" in command("explain", WORKSPACE, "1").out


def test_a_match_that_a_refusal_keeps_is_told(command: Command, lost: House) -> None:
    lost.match()
    holds.decide(lost.db, 1, "rejected", by="ada")
    assert "kept by the refusal of hold 1" in explained(command)["withheld"]


def test_values_that_the_brake_keeps_are_told(command: Command, lost: House) -> None:
    lost.change_person(1, email="ada@example.com", payload={"Title": None}, read_at=datetime.now(UTC))
    lost.materialize()
    assert "Its sidebar row would lose a value, which is kept by hold 1" in explained(command)["withheld"]


def test_what_a_run_let_go_is_not_withheld(command: Command, lost: House) -> None:
    lost.match()
    holds.decide(lost.db, 1, "approved", by="ada")
    lost.match()
    document = explained(command)
    assert (document["reason"], document["withheld"]) == ("no_counterpart", None)
    assert "No Salesforce contact has this e-mail" in document["advice"]


@pytest.mark.parametrize(
    ("cells", "told"),
    [({"status": "running"}, "the first load is not proven"), (PROVEN, "is not judged yet (first load)")],
)
def test_a_contact_that_waits_is_told_so_instead_of_advice(
    command: Command, house: House, raw: RawSql, cells: dict[str, Any], told: str
) -> None:
    window(raw, **cells)
    house.contact(1, email="ada@example.com")
    house.match(is_judged=False)
    document = explained(command)
    assert (document["status"], document["advice"]) == ("not_looked_at", None)
    assert document["withheld"].startswith("Matching waits: ")
    assert told in document["withheld"]


def test_a_contact_of_an_org_that_the_gate_holds_is_told_so(
    command: Command, house: House, raw: RawSql
) -> None:
    house.contact(1, email="ada@example.com")
    verdict(raw, "held")
    assert "the quality gate holds the org back" in explained(command)["withheld"]


def test_a_contact_that_is_gone_waits_for_nothing(command: Command, house: House, raw: RawSql) -> None:
    house.contact(1, email="ada@example.com", gone_at=NOON)
    verdict(raw, "held")
    assert explained(command)["withheld"] is None
