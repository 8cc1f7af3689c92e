"""Holds: listed while open, decided once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from contact_sync import database, errors, holds
from tests.raw_sql import RawSql
from tests.stages.house import ORG, WORKSPACE, House


@pytest.fixture
def raw(database_url: str, db: database.Database) -> Iterator[RawSql]:
    opened = RawSql(database_url)
    House(db, opened).org()
    yield opened
    opened.close()


def held(raw: RawSql, **cells: Any) -> int:
    given = {"org_id": ORG, "workspace_id": WORKSPACE, "kind": "unmatch", "affected": 250, "share": 0.125}
    raw.insert("held_change", **{**given, **cells})
    return int(raw.value("SELECT max(hold_id) FROM held_change"))


def test_open_holds_are_listed_oldest_first(db: database.Database, raw: RawSql) -> None:
    first, decided, last = held(raw), held(raw, kind="blank"), held(raw, kind="gate", workspace_id=None)
    holds.decide(db, decided, "rejected", by="ada")
    assert [row["hold_id"] for row in holds.open_holds(db)] == [first, last]


def test_an_approval_covers_what_is_affected(db: database.Database, raw: RawSql) -> None:
    row = holds.decide(db, held(raw), "approved", by="ada")
    assert (row["decision"], row["decided_by"], row["approved_up_to"]) == ("approved", "ada", 250)


def test_an_approval_may_cover_more_or_less(db: database.Database, raw: RawSql) -> None:
    assert holds.decide(db, held(raw), "approved", by="ada", approved_up_to=300)["approved_up_to"] == 300


def test_a_refusal_approves_nothing(db: database.Database, raw: RawSql) -> None:
    row = holds.decide(db, held(raw), "rejected", by="ada", approved_up_to=300)
    assert (row["decision"], row["approved_up_to"]) == ("rejected", None)


def test_a_hold_is_decided_once(db: database.Database, raw: RawSql) -> None:
    hold_id = held(raw)
    holds.decide(db, hold_id, "approved", by="ada")
    with pytest.raises(errors.RejectError, match=r"already_decided.*approved by ada"):
        holds.decide(db, hold_id, "rejected", by="bob")
    assert raw.value("SELECT decided_by FROM held_change") == "ada"


def test_only_an_approval_that_means_to_overrules_a_refusal(db: database.Database, raw: RawSql) -> None:
    hold_id = held(raw)
    holds.decide(db, hold_id, "rejected", by="ada")
    assert [row["decided_by"] for row in holds.refused_holds(db)] == ["ada"]
    with pytest.raises(errors.RejectError, match="already_decided"):
        holds.decide(db, hold_id, "approved", by="bob")
    assert holds.decide(db, hold_id, "approved", by="bob", overrules=True)["decided_by"] == "bob"
    with pytest.raises(errors.RejectError, match="already_decided"):
        holds.decide(db, hold_id, "rejected", by="ada", overrules=True)


def test_a_refusal_that_is_over_cannot_be_overruled(db: database.Database, raw: RawSql) -> None:
    hold_id = held(raw)
    holds.decide(db, hold_id, "rejected", by="ada")
    raw("UPDATE held_change SET ended_at = now()")
    assert holds.refused_holds(db) == []
    with pytest.raises(errors.RejectError, match="already_decided"):
        holds.decide(db, hold_id, "approved", by="bob", overrules=True)


def test_a_hold_nobody_knows_cannot_be_decided(db: database.Database) -> None:
    with pytest.raises(errors.RejectError, match="unknown_hold"):
        holds.decide(db, 7, "approved", by="ada")


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        ({}, "workspace acme: 250 contacts would lose their match (12.5% of them)"),
        ({"workspace_id": None, "kind": "gate", "share": None}, f"org {ORG}: 250 rows did not pass"),
    ],
)
def test_a_hold_is_told_in_a_sentence(
    db: database.Database, raw: RawSql, cells: dict[str, Any], told: str
) -> None:
    held(raw, **cells)
    assert holds.described(holds.open_holds(db)[0]).startswith(told)
