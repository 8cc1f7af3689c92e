"""Holds: changes that the brake or the gate withheld, and a person's decision on them.

Deciding changes nothing by itself: the next run of the stage recomputes, and proceeds if it affects no more than was
approved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from contact_sync import database, errors

Decision = Literal["approved", "rejected"]

#: What is withheld, as a person reads it.
KINDS = {
    "unmatch": "contacts would lose their match",
    "blank": "sidebar rows would lose a value",
    "gate": "rows did not pass the quality checks",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Withheld:
    """What a run would change if nobody minds: ``affected`` rows of a workspace, or of an org; ids only.

    ``fresh`` of them were not withheld before.
    """

    org_id: str
    workspace_id: str | None
    kind: Literal["unmatch", "blank", "gate"]
    affected: int
    share: float | None = None
    sample_ids: Sequence[str] = field(default=())
    fresh: int = 0


def settled(tx: database.Transaction, change: Withheld, *, is_whole: bool = True) -> bool:
    """Return whether an approval covers ``change``, and use it up; else leave a hold that asks for one.

    A refusal stands as the answer until others or more are affected than were refused. ``is_whole`` tells whether the
    run looks at all that was withheld; an approval waits for the run that does.
    """
    scope = {"org_id": change.org_id, "workspace_id": change.workspace_id, "kind": change.kind}
    last = tx.one("select_hold_in_force", **scope)
    if last and _covers(last, change):
        if is_whole:
            tx.execute("use_approval", hold_id=last["hold_id"])
        return is_whole
    if last is None or not _refuses(last, change):
        if last and last["decision"]:
            tx.execute("end_holds", **scope)
        tx.one(
            "upsert_hold",
            **scope,
            affected=change.affected,
            share=change.share,
            sample_ids=list(change.sample_ids),
        )
    return False


def _covers(hold: database.Row, change: Withheld) -> bool:
    return bool(hold["decision"] == "approved" and change.affected <= hold["approved_up_to"])


def _refuses(hold: database.Row, change: Withheld) -> bool:
    is_the_same = change.affected <= hold["affected"] and not change.fresh
    return bool(hold["decision"] == "rejected" and is_the_same)


def in_force(db: database.Database) -> list[database.Row]:
    """Return whose changes are withheld now: ``org_id``, ``workspace_id``, ``kind``, ``hold_id``."""
    return db.all("list_held_scopes")


def open_holds(db: database.Database) -> list[database.Row]:
    """Return the holds that wait for a person, oldest first."""
    return db.all("select_open_holds")


def refused_holds(db: database.Database) -> list[database.Row]:
    """Return the holds whose refusal is in force, oldest first."""
    return db.all("select_refused_holds")


def decide(
    db: database.Database,
    hold_id: int,
    decision: Decision,
    *,
    by: str,
    approved_up_to: int | None = None,
    overrules: bool = False,
) -> database.Row:
    """Write down a person's decision and return the hold. ``approved_up_to`` None approves what is affected now.

    Raises RejectError ``unknown_hold`` or ``already_decided``; a hold is decided once, but that an approval which
    ``overrules`` is taken for a refusal still in force.
    """
    with db.transaction() as tx:
        decided = tx.one(
            "decide_hold",
            hold_id=hold_id,
            decision=decision,
            decided_by=by,
            approved_up_to=approved_up_to,
            overrules=overrules,
        )
        if decided:
            tx.execute("feed_approved_contacts", hold_id=hold_id)
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
