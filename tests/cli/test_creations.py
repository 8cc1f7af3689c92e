"""explain with a Salesforce id: how the record came in, and what became of its creation."""

from __future__ import annotations

import json

import pytest

from contact_sync.cli import creations
from tests.cli.conftest import Command
from tests.raw_sql import RawSql
from tests.stages.house import NOON, ORG, WORKSPACE, House, person_id

PERSON = person_id(1)


def judged(house: House, *, is_bulk: bool, **evidence: object) -> None:
    house.person(
        1,
        email="ada@example.com",
        created_by_id="005000000000001AAA",
        is_bulk_import=is_bulk,
        bulk_judged_at=NOON,
        bulk_evidence=json.dumps(evidence),
    )


def skipped(raw: RawSql, rule: str) -> None:
    raw.insert(
        "contact_creation",
        org_id=ORG,
        workspace_id=WORKSPACE,
        salesforce_id=PERSON,
        status="skipped",
        rule=rule,
    )


def test_a_bulk_import_is_told_with_its_evidence(command: Command, house: House, raw: RawSql) -> None:
    judged(house, is_bulk=True, job_id="750000000000001AAA", job_type="V2Ingest", burst=200)
    skipped(raw, "bulk_import")
    said = command("explain", WORKSPACE, PERSON).out
    assert f"{PERSON} in workspace {WORKSPACE}: skipped, bulk_import" in said
    assert "by bulk import: while V2Ingest job 750000000000001AAA of its creator ran and one of 200" in said
    assert "--include-bulk-imports on" in said


def test_a_record_made_by_hand_says_so(command: Command, house: House) -> None:
    judged(house, is_bulk=False, burst=1)
    case = command("explain", WORKSPACE, PERSON, "--json").json
    assert (case["status"], case["is_bulk_import"]) == ("not_planned", False)
    assert case["came_in"] == "by hand"
    assert "Automatic creation is off" in case["advice"]


def test_a_crowd_is_told_in_the_measure_of_its_time(command: Command, house: House) -> None:
    judged(house, is_bulk=True, burst=5, burst_size=5, burst_seconds=10.0)
    case = command("explain", WORKSPACE, PERSON, "--json").json
    assert case["came_in"] == (
        "by bulk import: one of 5 of its creator within 10 s (5 count as a bulk import)"
    )


def test_a_record_that_is_not_judged_says_when_it_will_be(command: Command, house: House) -> None:
    house.person(1)
    assert "not judged yet" in command("explain", WORKSPACE, PERSON).out


@pytest.mark.parametrize("rule", creations._ADVICE)
def test_each_rule_has_its_advice(command: Command, house: House, raw: RawSql, rule: str) -> None:
    house.person(1)
    skipped(raw, rule)
    assert creations._ADVICE[rule] in command("explain", WORKSPACE, PERSON).out


def test_a_creation_that_is_held_says_what_to_do(command: Command, house: House, raw: RawSql) -> None:
    house.person(1)
    where = {"org_id": ORG, "workspace_id": WORKSPACE, "salesforce_id": PERSON}
    raw.insert("contact_creation", status="held", **where)
    assert "python -m contact_sync approve" in command("explain", WORKSPACE, PERSON).out


def test_an_unknown_record_is_refused(command: Command, house: House) -> None:
    said = command("explain", WORKSPACE, PERSON)
    assert (said.code, PERSON in said.err) == (1, True)


def test_a_short_id_is_the_same_record(command: Command, house: House) -> None:
    house.person(1)
    raw_id = "0035g00000AbCdE"
    long_id = creations.salesforce_id(raw_id)
    assert len(long_id) == 18
    assert creations.salesforce_id(long_id) == long_id


def test_what_is_no_contact_is_refused(command: Command) -> None:
    with pytest.raises(SystemExit):
        command("explain", WORKSPACE, "ada@example.com")
