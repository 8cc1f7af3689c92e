"""Sweep: forget what its time is over for, and have values read anew whose rules are older than the code."""

from __future__ import annotations

from contact_sync import database, keys, reasons
from contact_sync.stages import _ledger

STAGE = "sweep_leftovers"


def run(db: database.Database, *, run_id: str, batch_size: int = 50_000) -> dict[str, int]:
    """Delete old windows, runs, resolved rows and edits, blank what gone contacts held, make outdated rules anew.

    Returns counts: ``windows``, ``stage_runs``, ``quality_runs``, ``quarantined_rows``, ``winners``,
    ``given_up_edits``, ``edits``, ``payloads``, ``gone_contacts``, ``rules`` to be made anew, ``unused_rules``,
    ``settled_rules``.
    """
    with (
        db.advisory_lock("sweep") as is_held,
        _ledger.recorded(db, run_id=run_id, stage=STAGE, scope="all") as counts,
    ):
        if is_held:
            counts |= {
                "windows": db.execute("delete_old_windows"),
                "stage_runs": db.execute("delete_old_stage_runs"),
                "quality_runs": db.execute("delete_old_quality_runs"),
                "quarantined_rows": db.execute("delete_resolved_rows"),
                "winners": db.execute("delete_old_winners"),
                "given_up_edits": _give_up_parked(db),
                "edits": db.execute("delete_old_edits"),
                "payloads": db.execute("blank_gone_payloads"),
                "gone_contacts": db.execute("blank_gone_contacts"),
                **_refresh_rules(db),
                "settled_rules": _settle_rules(db, batch_size),
            }
    return counts


def _give_up_parked(db: database.Database) -> int:
    with db.transaction() as tx:
        tx.one("set_actor", actor=STAGE)
        return tx.execute("reject_parked_edits", error_detail=reasons.sentence("waited_too_long"))


def _refresh_rules(db: database.Database) -> dict[str, int]:
    """Drop rules that nobody uses; have the values of outdated ones normalized anew, beside everything else.

    The old keys serve until then, and ``normalize_contacts`` counts what moved.
    """
    with db.transaction() as tx:
        stale = tx.one("are_rules_stale", rules_version=keys.RULES_VERSION)
        if stale is None or not stale["is_stale"]:
            return {"rules": 0, "unused_rules": 0}
        unused = tx.execute("delete_unused_rules", rules_version=keys.RULES_VERSION)
        tx.execute("touch_used_rules")
        outdated = tx.one("count_outdated_rules", rules_version=keys.RULES_VERSION)
        assert outdated is not None
        if outdated["rules"]:
            tx.execute("feed_all_contacts")
    return {"rules": outdated["rules"], "unused_rules": unused}


def _settle_rules(db: database.Database, batch_size: int) -> int:
    """Move recent rules among all others, a batch at a time: normalizing waits for one; return how many."""
    settled = 0
    while moved := db.in_turn(lambda tx: _settle_batch(tx, batch_size)):
        settled += moved
    return settled


def _settle_batch(tx: database.Transaction, batch_size: int) -> int:
    tx.one("await_normalizers")
    return tx.execute("settle_recent_rules", batch_size=batch_size)
