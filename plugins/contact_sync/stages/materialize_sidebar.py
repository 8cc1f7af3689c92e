"""Materialize: the sidebar's rows and layouts follow matches, mirror and choices. Only what differs is written."""

from __future__ import annotations

import json

from contact_sync import database, fields, records
from contact_sync.stages import _brake, _hands, _ledger

STAGE = "materialize_sidebar"

#: Rows of an org from which on a quarter of them changed means that all are compared in one join.
BROAD_FROM = 10_000

_UNSEEN = "Salesforce does not show this field to the connection."
_LOST = "Salesforce no longer shows this field to the connection; its last value is kept."


def run(db: database.Database, *, org_id: str, run_id: str) -> dict[str, int]:
    """Bring the sidebar rows of one org up to date, in one transaction or two hands; each row is seen old or new.

    Returns counts: ``looked_at``, ``written``, ``removed`` rows and ``layouts`` rewritten, and ``held`` if the
    brake withheld some.
    """
    with (
        db.advisory_lock(f"match:{org_id}") as is_held,
        _ledger.recorded(db, run_id=run_id, stage=STAGE, scope=org_id) as counts,
    ):
        if is_held:
            counts.update(_hands.with_both(lambda hands: _materialize(db, org_id, hands)))
    return counts


def _materialize(db: database.Database, org_id: str, hands: int) -> dict[str, int]:
    with db.transaction() as tx:
        # before it holds a row: an erasure keeps others out and then reaches for the feed
        tx.one("hold_off_erasures", org_id=org_id)
        tx.execute("create_sidebar_tables")
        extent = tx.one("select_sidebar_change_extent", org_id=org_id, broad_from=BROAD_FROM)
        assert extent is not None
        if not extent["is_broad"]:
            return _materialize_changed(db, tx, org_id, hands)
        tx.execute("claim_all_sidebar_changes", org_id=org_id)
        layouts = _lay_out(tx, org_id)
        _follow_merges(tx, org_id)
        counts = process(tx, org_id=org_id, is_broad=True, is_braked=True)
    db.one("analyze_sidebar")
    return {"looked_at": extent["matches"], **counts, "layouts": layouts}


def _materialize_changed(
    db: database.Database, tx: database.Transaction, org_id: str, hands: int
) -> dict[str, int]:
    shares = _hands.deal(tx, org_id=org_id, entities=["sidebar_row"], kind="blank", hands=hands)
    with _hands.joined(db, tx, org_id=org_id, hands=len(shares)) as joined:
        looked_at = sum(joined.each(lambda tx, hand: _list_changed(tx, org_id, shares[hand])))
        # the first hand's, whichever share they are in
        tx.execute("insert_changed_layouts", change_ids=_hands.together(shares))
        tx.execute("claim_changes", change_ids=_hands.together(shares))
        # after the claim: what is chosen from here on stays on the feed
        layouts = _lay_out(tx, org_id)
        if looked_at and _follow_merges(tx, org_id):
            joined.must_be_one("an edit moves to the winner of a merge")
        looked_at -= joined.swap("hand_over_changed_rows", "take_changed_rows")
        counts = _process(joined, org_id, is_broad=False, is_braked=True)
    return {"looked_at": looked_at, **counts, "layouts": layouts}


def _list_changed(tx: database.Transaction, org_id: str, change_ids: list[int]) -> int:
    tx.execute("create_sidebar_tables")
    return tx.execute("insert_changed_rows", org_id=org_id, change_ids=change_ids)


def _follow_merges(tx: database.Transaction, org_id: str) -> int:
    """Move edits of merged records in the moment in which their rows show the winner; return how many were touched."""
    return sum(tx.execute(name, org_id=org_id) for name in ("supersede_merged_edits", "follow_merges"))


def _lay_out(tx: database.Transaction, org_id: str) -> int:
    """Rewrite the layouts that the claimed changes concern; return how many differed."""
    return sum(
        tx.execute(
            "upsert_layout",
            workspace_id=row["workspace_id"],
            layout=json.dumps(_layout(tx, row["workspace_id"], is_editing=row["editing_enabled"])),
        )
        for row in tx.all("select_workspaces_to_lay_out", org_id=org_id)
    )


def process(
    tx: database.Transaction, *, org_id: str, is_broad: bool = False, is_braked: bool = False
) -> dict[str, int]:
    """Bring the rows of the working table, or all, up to date; return how many were written, removed, and held.

    ``is_braked`` withholds too great a loss; what an edit or a creation brings along is none.
    """
    tx.one("hold_off_erasures", org_id=org_id)
    if not is_braked:
        # who brings a change of their own knows more than whoever writes these rows at this moment
        tx.all("lock_changed_rows")
    return _process(_hands.Hands(tx), org_id, is_broad=is_broad, is_braked=is_braked)


def _process(hands: _hands.Hands, org_id: str, *, is_broad: bool, is_braked: bool) -> dict[str, int]:
    # a disconnect that runs at this moment waits for us, so it removes what we write now
    hands.each(lambda tx, _hand: tx.all("lock_serving_workspaces", org_id=org_id))
    if is_broad:
        hands.first.execute("allow_large_joins")
    else:
        hands.each(lambda tx, _hand: _compare(tx, org_id))
    kept = _brake.Blanks(held=0, written=0, is_broad=is_broad)
    if is_braked:
        kept = _brake.withhold_blanks(hands, org_id=org_id, is_broad=is_broad)
    if is_broad and not kept.is_broad:
        # some are held: the working table has everybody else
        hands.first.execute("join_by_hash")
        hands.first.all("insert_shown_rows", org_id=org_id)
    write = _write_all if kept.is_broad else _write_changed
    counts = _hands.added(hands.each(lambda tx, _hand: write(tx, org_id)))
    counts["written"] += kept.written
    return {**counts, "held": kept.held} if kept.held else counts


def _compare(tx: database.Transaction, org_id: str) -> None:
    """Look up what the rows of the working table should show."""
    tx.execute("analyze_changed_rows")
    tx.execute("find_by_index")
    tx.all("insert_shown_rows", org_id=org_id)


def _write_all(tx: database.Transaction, org_id: str) -> dict[str, int]:
    """Write all rows that differ; return how many were written and removed."""
    removed = tx.execute("delete_all_unwanted_rows", org_id=org_id)
    tx.execute("join_by_hash")
    row = tx.one("write_all_matched_rows", org_id=org_id)
    assert row is not None
    written = row["written"] + tx.execute("upsert_ambiguous_rows", org_id=org_id, is_broad=True)
    return {"written": written, "removed": removed}


def _write_changed(tx: database.Transaction, org_id: str) -> dict[str, int]:
    """Write those rows that were compared and differ; return how many were written and removed."""
    tx.execute("analyze_shown_rows")
    removed = tx.execute("delete_unwanted_rows", org_id=org_id)
    written, new = tx.execute("update_shown_rows", org_id=org_id), tx.one("insert_new_rows", org_id=org_id)
    assert new is not None
    written += new["written"] + tx.execute("upsert_ambiguous_rows", org_id=org_id, is_broad=False)
    return {"written": written, "removed": removed}


def _layout(tx: database.Transaction, workspace_id: str, *, is_editing: bool) -> list[records.Json]:
    """Return the items that an agent sees, without their values: name, label, type, editable, reason.

    ``calculated``, which they do not see, marks formula and parent fields: these have an age of their own.
    """
    return [
        _item(row, is_editing=is_editing) for row in tx.all("select_chosen_fields", workspace_id=workspace_id)
    ]


def _item(row: database.Row, *, is_editing: bool) -> records.Json:
    name = row["field_name"]
    if row["type"] is None:
        label = row["chosen_label"] or name
        return {
            "name": name,
            "label": label,
            "type": "string",
            "editable": False,
            "read_only_reason": _UNSEEN,
        }
    field = fields.of_row({**row, "name": name})
    reason = _reason(row, field, is_editing=is_editing)
    item = {
        "name": name,
        "label": row["chosen_label"] or field.label,
        "type": field.type,
        "editable": reason is None,
    }
    if field.calculated or "." in name:
        item["calculated"] = True
    return item if reason is None else {**item, "read_only_reason": reason}


def _reason(row: database.Row, field: records.SalesforceField, *, is_editing: bool) -> str | None:
    if row["lost_at"] is not None:
        return _LOST
    if reason := fields.read_only_reason(field):
        return reason
    if not row["editable"]:
        return "This field is not switched on for editing."
    return None if is_editing else "Editing is switched off for this workspace."
