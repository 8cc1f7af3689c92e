"""A hold as a question, and what becomes of the answer."""

from __future__ import annotations

from typing import Any

import pytest

from contact_sync import database, holds
from contact_sync.airflow_side import approval
from tests.raw_sql import RawSql
from tests.stages.house import ORG, WORKSPACE, House


@pytest.fixture
def asked(db: database.Database, database_url: str) -> approval.Question:
    """The question of one open hold."""
    raw = RawSql(database_url)
    House(db, raw).org()
    cells = {"kind": "unmatch", "affected": 250, "share": 0.125, "sample_ids": ["104711", "104712"]}
    raw.insert("held_change", org_id=ORG, workspace_id=WORKSPACE, **cells)
    raw.close()
    [row] = holds.open_holds(db)
    return approval.question(row)


def answered(option: str, **more: Any) -> dict[str, Any]:
    person = {"id": "7", "name": "ada"}
    return {"chosen_options": [option], "params_input": {}, "responded_by_user": person, **more}


def decided(db: database.Database, asked: approval.Question) -> dict[str, Any]:
    row = db.one("select_hold", hold_id=asked["hold_id"])
    assert row is not None
    return dict(row)


def test_a_question_tells_whom_how_many_and_some_ids(asked: approval.Question) -> None:
    assert asked["subject"] == (
        f"Hold {asked['hold_id']}: workspace acme: 250 contacts would lose their match (12.5% of them)"
    )
    assert "`104711`" in approval.shown(asked)["body"]


@pytest.mark.parametrize(
    ("option", "decision"), [(approval.APPROVE, "approved"), (approval.REJECT, "rejected")]
)
def test_an_answer_is_the_persons_decision(
    db: database.Database, asked: approval.Question, option: str, decision: str
) -> None:
    assert approval.record(db, asked, answered(option)) == decision
    row = decided(db, asked)
    assert (row["decision"], row["decided_by"]) == (decision, "ada")


def test_a_number_of_rows_can_be_given(db: database.Database, asked: approval.Question) -> None:
    approval.record(db, asked, answered(approval.APPROVE, params_input={"approved_up_to": 300}))
    assert decided(db, asked)["approved_up_to"] == 300


@pytest.mark.parametrize("params_input", [{}, {"approved_up_to": None}])
def test_without_a_number_no_more_is_approved_than_was_asked_about(
    db: database.Database, asked: approval.Question, params_input: dict[str, Any]
) -> None:
    change = holds.Withheld(org_id=ORG, workspace_id=WORKSPACE, kind="unmatch", affected=900)
    with db.transaction() as tx:
        holds.settled(tx, change)
    approval.record(db, asked, answered(approval.APPROVE, params_input=params_input))
    row = decided(db, asked)
    assert (row["affected"], row["approved_up_to"]) == (900, 250)


@pytest.mark.parametrize("answer", [None, answered(approval.LATER, responded_by_user=None)])
def test_without_an_answer_the_hold_stays_open(
    db: database.Database, asked: approval.Question, answer: dict[str, Any] | None
) -> None:
    assert approval.record(db, asked, answer) is None
    assert len(holds.open_holds(db)) == 1


def test_the_first_decision_counts(db: database.Database, asked: approval.Question) -> None:
    holds.decide(db, asked["hold_id"], "rejected", by="bob")
    assert approval.record(db, asked, answered(approval.APPROVE)) is None
