"""Materialize: the sidebar's rows and layouts follow matches, mirror and choices. Only what differs is written."""

from __future__ import annotations

import json

from contact_sync import database, fields, records
from contact_sync.stages import _brake, _ledger

STAGE = "materialize_sidebar"

#: Rows of an org from which on a quarter of them changed means that all are compared in one join.
BROAD_FROM = 10_000

_UNSEEN = "Salesforce does not show this field to the connection."
_LOST = "Salesforce no longer shows this field to the connection; its last value is kept."


def run(db: database.Database, *, org_id: str, run_id: str) -> dict[str, int]:
    """Bring the sidebar rows of one org up to date, in one transaction; readers see old rows or new, never half.

    Returns counts: ``looked_at``, ``written``, ``removed`` rows and ``layouts`` rewritten, and ``held`` if the
    brake withheld some.
    """
    with (
        db.advisory_lock(f"match:{org_id}") as is_held,
        _ledger.recorded(db, run_id=run_id, stage=STAGE, scope=org_id) as counts,
    ):
        if is_held:
            counts.update(_materialize(db, org_id))
    return counts


def _materialize(db: database.Database, org_id: str) -> dict[str, int]:
    with db.transaction() as tx:
        # before it holds a row: an erasure keeps others out and then reaches for the feed
        tx.one("hold_off_erasures", org_id=org_id)
        tx.execute("create_sidebar_tables")
        extent = tx.one("select_sidebar_change_extent", org_id=org_id, broad_from=BROAD_FROM)
        assert extent is not None
        is_broad = bool(extent["is_broad"])
        if is_broad:
            tx.execute("claim_all_sidebar_changes", org_id=org_id)
            looked_at = extent["matches"]
        else:
            looked_at = tx.execute("claim_sidebar_changes", org_id=org_id)
        # after the claim: what is chosen from here on stays on the feed
        layouts = _lay_out(tx, org_id)
        if looked_at:
            # an edit of a merged record moves in the moment in which the row shows the winner
            tx.execute("supersede_merged_edits", org_id=org_id)
            tx.execute("follow_merges", org_id=org_id)
        counts = process(tx, org_id=org_id, is_broad=is_broad, is_braked=True)
    if is_broad:
        db.one("analyze_sidebar")
    return {"looked_at": looked_at, **counts, "layouts": layouts}


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
    # a disconnect that runs at this moment waits for us, so it removes what we write now
    tx.all("lock_serving_workspaces", org_id=org_id)
    if is_broad:
        tx.execute("allow_large_joins")
    else:
        tx.execute("analyze_changed_rows")
        tx.execute("find_by_index")
        tx.all("insert_shown_rows", org_id=org_id)
    kept = _brake.Blanks(held=0, written=0, is_broad=is_broad)
    if is_braked:
        kept = _brake.withhold_blanks(tx, org_id=org_id, is_broad=is_broad)
    if kept.is_broad:
        removed, written = _write_all(tx, org_id)
    else:
        if is_broad:
            # some are held: the working table has everybody else
            tx.execute("join_by_hash")
            tx.all("insert_shown_rows", org_id=org_id)
        removed, written = _write_changed(tx, org_id)
    written += kept.written + tx.execute("upsert_ambiguous_rows", org_id=org_id, is_broad=kept.is_broad)
    counts = {"written": written, "removed": removed}
    return {**counts, "held": kept.held} if kept.held else counts


def _write_all(tx: database.Transaction, org_id: str) -> tuple[int, int]:
    """Write all rows of matched contacts that differ; return how many were removed and written."""
    removed = tx.execute("delete_all_unwanted_rows", org_id=org_id)
    tx.execute("join_by_hash")
    written = tx.one("write_all_matched_rows", org_id=org_id)
    assert written is not None
    return removed, written["written"]


def _write_changed(tx: database.Transaction, org_id: str) -> tuple[int, int]:
    """Write those rows that were compared and differ; return how many were removed and written."""
    tx.execute("analyze_shown_rows")
    removed = tx.execute("delete_unwanted_rows", org_id=org_id)
    updated, new = tx.execute("update_shown_rows", org_id=org_id), tx.one("insert_new_rows", org_id=org_id)
    assert new is not None
    return removed, updated + new["written"]


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
