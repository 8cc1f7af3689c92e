"""Sweep: forget what its time is over for, and have values read anew whose rules are older than the code."""

from __future__ import annotations

from contact_sync import database, keys
from contact_sync.stages import _ledger

STAGE = "sweep_leftovers"


def run(db: database.Database, *, run_id: str) -> dict[str, int]:
    """Delete old windows, runs and resolved rows, blank what gone contacts held, upgrade rules of older versions.

    Returns counts: ``windows``, ``stage_runs``, ``quarantined_rows``, ``payloads``, ``rules``.
    """
    with (
        db.advisory_lock("sweep") as is_held,
        _ledger.recorded(db, run_id=run_id, stage=STAGE, scope="all") as counts,
    ):
        if is_held:
            counts |= {
                "windows": db.execute("delete_old_windows"),
                "stage_runs": db.execute("delete_old_stage_runs"),
                "quarantined_rows": db.execute("delete_resolved_rows"),
                "payloads": db.execute("blank_gone_payloads"),
                "rules": _upgrade_rules(db),
            }
    return counts


def _upgrade_rules(db: database.Database) -> int:
    with db.transaction() as tx:
        outdated = tx.execute("delete_outdated_rules", rules_version=keys.RULES_VERSION)
        if outdated:
            tx.execute("feed_all_contacts")
    return outdated
