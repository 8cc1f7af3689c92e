"""The mass-change brake: a run that would take too much from a workspace leaves that undone and asks a person.

Too much is more than the workspace's ``brake_share`` and more than its ``brake_count``. What is withheld stays as it
is, contact by contact, and counts again in every later run, so that it does not trickle through in small ones. All
else of the run proceeds, other values of a held row too. A disconnect, an erasure, a decision and another choice of
fields never come here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from contact_sync import database, holds
from contact_sync.stages import _hands


def withhold_unmatches(hands: _hands.Hands, *, org_id: str) -> int:
    """Take contacts out of the verdicts that must not lose their match yet; return how many were withheld.

    Two hands have nothing withheld: OneHandError where something must be.
    """
    _list_losing(hands, "insert_unmatched_contacts", org_id=org_id)
    tx = hands.first
    held = 0
    for loss in tx.all("select_unmatch_losses", org_id=org_id):
        if loss["is_braked"]:
            hands.must_be_one("the brake withholds a loss")
        if hands.are_two:
            # they work only where nothing is held: nothing is to be let go of
            continue
        workspace_id = loss["workspace_id"]
        if _is_allowed(tx, org_id, "unmatch", loss):
            tx.execute("feed_released_matches", org_id=org_id, workspace_id=workspace_id)
            tx.execute("delete_held_contacts", workspace_id=workspace_id, kind="unmatch")
        else:
            tx.execute("insert_held_contacts", org_id=org_id, workspace_id=workspace_id, kind="unmatch")
            tx.execute("delete_regained_matches", org_id=org_id)
            tx.execute("delete_withheld_verdicts", workspace_id=workspace_id)
            held += loss["affected"]
    return held


@dataclass(frozen=True, slots=True, kw_only=True)
class Blanks:
    """How many rows are held and how many of them were written; whether all other rows may be looked at at once."""

    held: int
    written: int
    is_broad: bool


def withhold_blanks(hands: _hands.Hands, *, org_id: str, is_broad: bool) -> Blanks:
    """Keep the values that must not be lost yet; their rows are written here, and no longer in the working table.

    Two hands have nothing withheld: OneHandError where something must be.
    """
    _list_losing(hands, "insert_blanked_contacts", org_id=org_id, is_broad=is_broad)
    tx = hands.first
    held = 0
    for loss in tx.all("select_blank_losses", org_id=org_id, is_broad=is_broad):
        if loss["is_braked"]:
            hands.must_be_one("the brake withholds a loss")
        if hands.are_two:
            # they work only where nothing is held: nothing is to be let go of
            continue
        workspace_id = loss["workspace_id"]
        if _is_allowed(tx, org_id, "blank", loss):
            tx.execute("feed_released_values", org_id=org_id, workspace_id=workspace_id)
            tx.execute("delete_held_contacts", workspace_id=workspace_id, kind="blank")
        else:
            tx.execute("insert_held_contacts", org_id=org_id, workspace_id=workspace_id, kind="blank")
            tx.execute("delete_regained_values", org_id=org_id, is_broad=is_broad)
            held += loss["affected"]
    row = tx.one("are_rows_held", org_id=org_id)
    if row is None or not row["are_held"]:
        return Blanks(held=held, written=0, is_broad=is_broad)
    # where rows are held the run goes by the working table, which then lacks them
    if is_broad:
        tx.execute("insert_all_rows", org_id=org_id)
    written = tx.one("write_held_rows", org_id=org_id)
    assert written is not None
    tx.execute("delete_held_rows", org_id=org_id)
    return Blanks(held=held, written=written["written"], is_broad=False)


def _list_losing(hands: _hands.Hands, statement: str, **params: Any) -> None:
    """Have each hand list who would lose something, and the first know of all."""

    def listed(tx: database.Transaction, _hand: int) -> None:
        tx.execute("create_brake_tables")
        tx.execute("delete_losing_contacts")
        tx.execute(statement, **params)

    hands.each(listed)
    hands.tell_first()


def _is_allowed(
    tx: database.Transaction, org_id: str, kind: Literal["unmatch", "blank"], loss: database.Row
) -> bool:
    """Return whether the loss is small, or approved; an approval is for all that is held, so all must be looked at."""
    change = holds.Withheld(
        org_id=org_id,
        workspace_id=loss["workspace_id"],
        kind=kind,
        affected=loss["affected"],
        share=loss["share"],
        sample_ids=loss["sample_ids"] or (),
        fresh=loss["fresh"],
    )
    if not loss["is_braked"]:
        # whatever was decided was about something that is over
        tx.execute("end_holds", org_id=org_id, workspace_id=loss["workspace_id"], kind=kind)
        return True
    return holds.settled(tx, change, is_whole=not loss["unseen"])
