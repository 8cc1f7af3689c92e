"""A hold as a question, and what becomes of the answer."""

from __future__ import annotations

from typing import Any

import pytest

from contact_sync import database, holds
from contact_sync.airflow_side import approval
from tests.raw_sql import RawSql
from tests.stages.house import ORG, WORKSPACE, House


@pytest.fixture
def hold(db: database.Database, database_url: str) -> int:
    """One open hold; its id."""
    raw = RawSql(database_url)
    House(db, raw).org()
    cells = {"kind": "unmatch", "affected": 250, "share": 0.125, "sample_ids": ["104711", "104712"]}
    raw.insert("held_change", org_id=ORG, workspace_id=WORKSPACE, **cells)
    hold_id = int(raw.value("SELECT hold_id FROM held_change"))
    raw.close()
    return hold_id


def answered(option: str, **more: Any) -> dict[str, Any]:
    person = {"id": "7", "name": "ada"}
    return {"chosen_options": [option], "params_input": {}, "responded_by_user": person, **more}


def test_a_question_tells_whom_how_many_and_some_ids(db: database.Database, hold: int) -> None:
    [row] = holds.open_holds(db)
    question = approval.question(row)
    assert question["subject"] == (
        f"Hold {hold}: workspace acme: 250 contacts would lose their match (12.5% of them)"
    )
    assert "`104711`" in approval.shown(question)["body"]


@pytest.mark.parametrize(
    ("option", "decision"), [(approval.APPROVE, "approved"), (approval.REJECT, "rejected")]
)
def test_an_answer_is_the_persons_decision(
    db: database.Database, hold: int, option: str, decision: str
) -> None:
    assert approval.record(db, hold, answered(option)) == decision
    row = db.one("select_hold", hold_id=hold)
    assert row is not None
    assert (row["decision"], row["decided_by"]) == (decision, "ada")


def test_a_number_of_rows_can_be_given(db: database.Database, hold: int) -> None:
    approval.record(db, hold, answered(approval.APPROVE, params_input={"approved_up_to": 300}))
    row = db.one("select_hold", hold_id=hold)
    assert row is not None
    assert row["approved_up_to"] == 300


@pytest.mark.parametrize("answer", [None, answered(approval.LATER, responded_by_user=None)])
def test_without_an_answer_the_hold_stays_open(
    db: database.Database, hold: int, answer: dict[str, Any] | None
) -> None:
    assert approval.record(db, hold, answer) is None
    assert len(holds.open_holds(db)) == 1


def test_the_first_decision_counts(db: database.Database, hold: int) -> None:
    holds.decide(db, hold, "rejected", by="bob")
    assert approval.record(db, hold, answered(approval.APPROVE)) is None
