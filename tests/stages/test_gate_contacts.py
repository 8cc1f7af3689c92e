"""The gate: when it judges an org, what becomes of a failure, and how a person lets it pass."""

from __future__ import annotations

import itertools
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from contact_sync import database, errors, holds
from contact_sync.stages import gate_contacts
from tests.stages.house import NOON, ORG, OTHER_ORG, WORKSPACE, House, person_id

ADA = "ada@example.com"
_runs = itertools.count(1)


def loaded(house: House, org_id: str = ORG, **cells: Any) -> None:
    """A window that ended well just now."""
    given = {"kind": "initial", "rows_reported": 0, "read_until": NOON, "status": "proven"}
    house.raw.insert(
        "extract_window",
        org_id=org_id,
        **{"finished_at": datetime.now(UTC), **given, **cells},
    )


def gate(house: House, org_id: str = ORG, **options: Any) -> dict[str, int]:
    house.normalize(org_id)
    return gate_contacts.run(house.db, org_id=org_id, run_id=f"gate-{next(_runs)}", **options)


def passed_long_ago(house: House, hours: float = 1) -> None:
    """The first load passed, some hours ago."""
    loaded(house)
    assert gate(house)["held"] == 0
    house.raw("UPDATE quality_run SET ran_at = now() - make_interval(hours => %(hours)s)", hours=int(hours))


@pytest.fixture
def from_the_future(house: House) -> House:
    """Ada, whose record was changed tomorrow; her contact waits to be matched."""
    house.person(1, email=ADA, system_modstamp=datetime.now(UTC) + timedelta(days=1))
    house.contact(1, email=ADA)
    loaded(house)
    return house


def why(house: House) -> list[str]:
    found: list[str] = house.raw.column("SELECT why FROM quality_run ORDER BY quality_run_id")
    return found


# When


def test_contacts_that_wait_to_be_normalized_do_not_count_as_keyless(house: House) -> None:
    for number in range(1, 151):
        house.person(number, email=f"p{number}@example.com", phone=f"+1202555{number:04}")
    loaded(house)
    house.normalize(ORG)
    for number in range(1, 151):
        house.person(150 + number, email=f"q{number}@example.com", phone=f"+1303555{number:04}")
        house.contact(number, email=f"p{number}@example.com", phone=f"+1202555{number:04}")
    assert gate_contacts.run(house.db, org_id=ORG, run_id="gate")["failed"] == 0


@pytest.mark.parametrize("kind", ["salesforce", "respond"])
def test_contacts_that_all_wait_say_nothing_about_keys(house: House, kind: str) -> None:
    for number in range(1, 151):
        house.person(number, email=f"p{number}@example.com")
        house.contact(number, email=f"p{number}@example.com")
    loaded(house)
    whole = {"org_id": ORG, "entity": f"{kind}_contact", "entity_id": None}
    house.normalize(ORG)
    house.raw({"salesforce": "DELETE FROM salesforce_key", "respond": "DELETE FROM respond_key"}[kind])
    house.raw("DELETE FROM pending_change")
    house.raw.insert("pending_change", workspace_id=WORKSPACE if kind == "respond" else None, **whole)
    assert gate_contacts.run(house.db, org_id=ORG, run_id="gate")["failed"] == 0


def test_nothing_is_judged_before_the_first_load(house: House) -> None:
    house.person(1, email=ADA)
    assert gate(house) == {}


def test_a_first_load_is_judged_once(house: House) -> None:
    house.person(1, email=ADA)
    loaded(house)
    assert gate(house)["judged"] == 1
    assert gate(house) == {}
    assert why(house) == ["first_load"]


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"kind": "backfill"}, "backfill"),
        ({"kind": "incremental", "rows_merged": 10_001}, "large_delta"),
    ],
)
def test_backfills_and_large_deltas_are_judged(house: House, cells: dict[str, Any], reason: str) -> None:
    passed_long_ago(house)
    loaded(house, **cells)
    gate(house)
    assert why(house)[1:] == [reason]


def test_a_small_delta_is_not(house: House) -> None:
    passed_long_ago(house)
    loaded(house, kind="incremental", rows_merged=10_000)
    assert gate(house) == {}


def test_every_org_is_judged_daily(house: House) -> None:
    passed_long_ago(house, hours=24)
    gate(house)
    assert why(house)[1:] == ["daily"]


def test_a_day_without_changes_is_no_reason_to_leave_an_org_out(house: House) -> None:
    passed_long_ago(house, hours=24)
    assert [row["org_id"] for row in house.db.all("list_orgs_with_changes")] == [ORG]


# What


def test_results_hold_counts_and_ids_alone(from_the_future: House) -> None:
    gate(from_the_future)
    [row] = from_the_future.raw("SELECT * FROM quality_result WHERE NOT is_met")
    assert (row["name"], row["observed"], row["sample_ids"]) == ("future_stamps", 1.0, [person_id(1)])
    assert ADA not in str(from_the_future.raw("SELECT * FROM quality_run"))


def test_data_docs_go_where_the_environment_says(
    from_the_future: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(gate_contacts.DOCS_VARIABLE, str(tmp_path))
    gate(from_the_future)
    pages = list(tmp_path.rglob("*.html"))
    assert tmp_path / ORG / "index.html" in pages
    assert not any(ADA in page.read_text() for page in pages)


def test_misshapen_ids_and_keys_are_found(house: House) -> None:
    house.person(1, email=ADA)
    house.raw.insert(
        "salesforce_contact", org_id=ORG, salesforce_id="001" + "0" * 15, system_modstamp=NOON, read_at=NOON
    )
    loaded(house)
    house.normalize()
    house.raw("UPDATE salesforce_key SET key = 'ada'")
    gate_contacts.run(house.db, org_id=ORG, run_id="gate")
    assert house.raw.column("SELECT name FROM quality_result WHERE NOT is_met ORDER BY 1") == [
        "malformed_ids",
        "malformed_keys",
    ]


def test_values_are_counted_with_their_keys(house: House) -> None:
    house.person(1, email="n/a", phone="+49 30 123456", home_phone="+49 30 123456", other_phone="?")
    house.contact(1, email=ADA, phone="030 123456")
    loaded(house)
    gate(house)
    measures = house.raw.value("SELECT measures FROM quality_run")
    assert {
        name: measures[name] for name in ("email_values", "email_keyed", "phone_values", "phone_keyed")
    } == {
        "email_values": 1,
        "email_keyed": 0,
        "phone_values": 3,
        "phone_keyed": 2,
    }
    assert (measures["respond_email_keyed"], measures["respond_phone_keyed"]) == (1, 0)


# Held


def test_a_failed_suite_is_a_hold_and_nobody_is_matched(from_the_future: House) -> None:
    assert gate(from_the_future)["held"] == 1
    assert from_the_future.match(is_judged=False) == {"held": 1}
    assert from_the_future.verdict(1) == ()
    [hold] = holds.open_holds(from_the_future.db)
    assert (hold["kind"], hold["workspace_id"], hold["affected"], hold["sample_ids"]) == (
        "gate",
        None,
        1,
        [person_id(1)],
    )


def test_a_held_run_says_so(from_the_future: House) -> None:
    gate(from_the_future)
    assert from_the_future.raw.column("SELECT status FROM stage_run WHERE stage = 'gate_contacts'") == [
        "held"
    ]


def test_another_org_is_matched_meanwhile(from_the_future: House) -> None:
    house = from_the_future
    gate(house)
    house.org(OTHER_ORG)
    house.workspace("other", org_id=OTHER_ORG)
    house.person(2, org_id=OTHER_ORG, email=ADA)
    house.contact(2, "other", org_id=OTHER_ORG, email=ADA)
    house.match(OTHER_ORG, is_judged=False)
    assert house.verdict(2, "other") == ("email", "2")


def test_an_approval_lets_the_next_run_pass_and_is_the_new_measure(from_the_future: House) -> None:
    house = from_the_future
    gate(house)
    holds.decide(house.db, holds.open_holds(house.db)[0]["hold_id"], "approved", by="ada")
    assert gate(house)["held"] == 0
    house.match(is_judged=False)
    assert house.verdict(1) == ("email", "1")
    loaded(house, kind="backfill")
    assert gate(house)["failed"] == 0


def test_an_approval_of_fewer_does_not(from_the_future: House) -> None:
    house = from_the_future
    gate(house)
    holds.decide(house.db, holds.open_holds(house.db)[0]["hold_id"], "approved", by="ada")
    house.person(2, system_modstamp=datetime.now(UTC) + timedelta(days=1))
    assert gate(house)["held"] == 1
    assert [row["affected"] for row in holds.open_holds(house.db)] == [2]


def test_a_refusal_is_not_asked_about_again(from_the_future: House) -> None:
    house = from_the_future
    gate(house)
    holds.decide(house.db, holds.open_holds(house.db)[0]["hold_id"], "rejected", by="ada")
    assert gate(house)["held"] == 1
    assert holds.open_holds(house.db) == []
    assert [row["kind"] for row in holds.in_force(house.db)] == ["gate"]


def test_an_approval_overrules_a_refusal(from_the_future: House) -> None:
    house = from_the_future
    gate(house)
    hold_id = holds.open_holds(house.db)[0]["hold_id"]
    holds.decide(house.db, hold_id, "rejected", by="ada")
    gate(house)
    holds.decide(house.db, hold_id, "approved", by="bob", overrules=True)
    assert gate(house)["held"] == 0
    assert holds.in_force(house.db) == []


@pytest.mark.parametrize("decision", ["approved", "rejected"])
def test_a_decision_ends_when_the_data_is_better(from_the_future: House, decision: holds.Decision) -> None:
    house = from_the_future
    gate(house)
    holds.decide(house.db, holds.open_holds(house.db)[0]["hold_id"], decision, by="ada")
    house.change_person(1, system_modstamp=NOON)
    assert gate(house)["held"] == 0
    house.change_person(1, system_modstamp=datetime.now(UTC) + timedelta(days=1))
    loaded(house, kind="backfill")
    assert gate(house)["held"] == 1
    assert [row["affected"] for row in holds.open_holds(house.db)] == [1]


def test_better_data_opens_the_gate(from_the_future: House) -> None:
    house = from_the_future
    gate(house)
    house.change_person(1, system_modstamp=NOON)
    house.raw("UPDATE quality_run SET ran_at = now() - interval '5 minutes'")
    assert gate(house)["held"] == 0
    assert house.raw.column("SELECT decision FROM held_change") == ["withdrawn"]
    house.match(is_judged=False)
    assert house.verdict(1) == ("email", "1")


def test_a_held_org_is_not_judged_again_every_half_minute(from_the_future: House) -> None:
    gate(from_the_future)
    assert gate(from_the_future) == {"held": 1}
    assert len(why(from_the_future)) == 1


# What was not judged


def test_what_is_proven_after_the_gate_ran_is_not_matched_before_the_next(house: House) -> None:
    passed_long_ago(house)
    house.person(1, email=ADA)
    house.contact(1, email=ADA)
    assert gate(house) == {}
    loaded(house, kind="backfill")
    assert house.match(is_judged=False) == {"waiting": 1}
    assert (house.verdict(1), gate(house)["judged"]) == ((), 1)
    house.match(is_judged=False)
    assert house.verdict(1) == ("email", "1")


@pytest.mark.parametrize("rows_merged", [10_000, 10_001])
def test_small_deltas_are_matched_unjudged(house: House, rows_merged: int) -> None:
    passed_long_ago(house)
    loaded(house, kind="incremental", rows_merged=rows_merged)
    house.contact(1, email=ADA)
    assert ("waiting" in house.match(is_judged=False)) is (rows_merged > 10_000)


@pytest.mark.parametrize("name", ["select_unjudged_windows", "select_gate_baseline"])
def test_a_window_proven_while_the_suites_run_is_judged_by_the_next(
    house: House, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Its time is that of its transaction's begin, before the suites began."""
    loaded(house)
    one = database.Transaction.one

    def interrupted(tx: database.Transaction, statement: str, **params: Any) -> Any:
        row = one(tx, statement, **params)
        if statement == name:
            loaded(house, kind="backfill", finished_at=NOON)
        return row

    monkeypatch.setattr(database.Transaction, "one", interrupted)
    gate(house)
    monkeypatch.undo()
    house.contact(1, email=ADA)
    assert house.match(is_judged=False) == {"waiting": 1}
    gate(house)
    assert why(house) == ["first_load", "backfill"]


def test_matching_waits_for_a_gate_that_cannot_run(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.person(1, email=ADA)
    house.contact(1, email=ADA)
    loaded(house)
    monkeypatch.setitem(sys.modules, "great_expectations", None)
    with pytest.raises(ImportError):
        gate(house)
    assert house.match(is_judged=False) == {"waiting": 1}
    monkeypatch.undo()
    gate(house)
    house.match(is_judged=False)
    assert house.verdict(1) == ("email", "1")


def test_data_docs_that_cannot_be_written_change_no_verdict(from_the_future: House, tmp_path: Path) -> None:
    house = from_the_future
    (tmp_path / "file").write_text("no directory")
    with pytest.raises(errors.StopError, match=r"CONTACT_SYNC_DATA_DOCS: Not a directory"):
        gate(house, docs=tmp_path / "file")
    assert house.raw.column("SELECT verdict FROM quality_run") == ["held"]
    assert house.match(is_judged=False) == {"held": 1}
    assert "Data Docs" in house.raw.value("SELECT error FROM stage_run WHERE stage = 'gate_contacts'")
