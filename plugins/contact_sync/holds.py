"""Holds: changes that the brake or the gate withheld, and a person's decision on them.

Deciding changes nothing by itself: the next run of the stage recomputes, and proceeds if it affects no more than was
approved.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from contact_sync import database, errors

Decision = Literal["approved", "rejected"]

#: What is withheld, as a person reads it.
KINDS = {
    "unmatch": "contacts would lose their match",
    "blank": "sidebar rows would lose all their values",
    "gate": "rows did not pass the quality checks",
}


def open_holds(db: database.Database) -> list[database.Row]:
    """Return the holds that wait for a person, oldest first."""
    return db.all("select_open_holds")


def decide(
    db: database.Database, hold_id: int, decision: Decision, *, by: str, approved_up_to: int | None = None
) -> database.Row:
    """Write down a person's decision and return the hold. ``approved_up_to`` None approves what is affected now.

    Raises RejectError ``unknown_hold`` or ``already_decided``; a hold is decided once.
    """
    with db.transaction() as tx:
        decided = tx.one(
            "decide_hold", hold_id=hold_id, decision=decision, decided_by=by, approved_up_to=approved_up_to
        )
        row = tx.one("select_hold", hold_id=hold_id)
    if row is None:
        raise errors.RejectError("unknown_hold", f"There is no hold {hold_id}.", status=404)
    if decided is None:
        raise errors.RejectError(
            "already_decided",
            f"Hold {hold_id} was {row['decision']} by {row['decided_by'] or 'nobody'} already.",
            status=409,
        )
    return row


def described(row: Mapping[Any, Any]) -> str:
    """Return one hold as a sentence: how many rows of whom, what would happen to them, what share that is."""
    whose = f"workspace {row['workspace_id']}" if row["workspace_id"] else f"org {row['org_id']}"
    share = f" ({float(row['share']):.1%} of them)" if row["share"] is not None else ""
    return f"{whose}: {row['affected']} {KINDS[row['kind']]}{share}"
