"""Match: one respond contact, at most one Salesforce contact, and a reason for each miss."""

from __future__ import annotations

from contact_sync import database, holds
from contact_sync.stages import _ledger

STAGE = "match_contacts"

_DECIDE = (
    "insert_affected_keys",
    "count_key_holders",
    "analyze_affected",
    "insert_candidates",
    "insert_standing_answers",
    "insert_verdicts",
    "analyze_verdicts",
    "resolve_most_recent",
    "apply_standing_answers",
    "explain_unmatched",
)
_SETTLE = ("delete_stale_matches", "delete_stale_issues", "upsert_matches", "upsert_issues")


def run(db: database.Database, *, org_id: str, run_id: str) -> dict[str, int]:
    """Match the respond contacts that changed keys, decisions or settings concern, in one transaction.

    The outcome depends on mirrors, keys, decisions, creations and settings alone: incremental or full, in any
    order, gives the same rows. Returns counts: ``looked_at``, ``matched``, ``ambiguous``, ``unmatched``,
    ``written``.
    """
    with (
        db.advisory_lock(f"match:{org_id}") as is_held,
        _ledger.recorded(db, run_id=run_id, stage=STAGE, scope=org_id) as counts,
    ):
        if is_held and holds.is_gate_held(db, org_id):
            # the feed keeps its rows until a person approves or the data is better
            counts["held"] = 1
        elif is_held:
            counts.update(_match(db, org_id))
    return counts


def _match(db: database.Database, org_id: str) -> dict[str, int]:
    with db.transaction() as tx:
        tx.execute("create_match_tables")
        if not tx.execute("claim_key_changes", org_id=org_id):
            return {}
        return process(tx, org_id=org_id)


def process(tx: database.Transaction, *, org_id: str) -> dict[str, int]:
    """Match the contacts of the working table; return the verdicts' counts and how many rows were written."""
    for name in _DECIDE:
        _execute(tx, name, org_id)
    # a disconnect that runs at this moment waits for us, so it removes what we write now
    tx.all("lock_serving_workspaces", org_id=org_id)
    written = sum(_execute(tx, name, org_id) for name in _SETTLE)
    verdicts = tx.one("count_verdicts")
    assert verdicts is not None
    return {**verdicts, "written": written}


def _execute(tx: database.Transaction, name: str, org_id: str) -> int:
    return tx.execute(name, org_id=org_id)
