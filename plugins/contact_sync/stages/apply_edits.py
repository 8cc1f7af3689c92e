"""Apply: send queued edits to Salesforce at once, and never over somebody else's value."""

from __future__ import annotations

import json

from contact_sync import database, errors, reasons
from contact_sync.salesforce import auth
from contact_sync.stages import _applying, _ending, _ledger

STAGE = "apply_edits"

#: A run in which most edits were refused, and at least so many, fails: it is usually one permission or rule.
FAILING_FROM = 10
#: One read call brings this many records.
BATCH = 200


def run(db: database.Database, salesforce: auth.Session, *, org_id: str, run_id: str) -> dict[str, int]:
    """Send the org's queued edits, oldest first, until none is due.

    An edit is claimed, compared with what Salesforce holds, sent on condition that the record did not move, read
    back, and settled together with mirror, sidebar row and history. What a dead worker left *applying* is taken up
    first: Salesforce is read before anything is sent again.

    Returns counts: ``claimed``, ``applied``, ``conflict``, ``rejected`` of all tries of the run, ``requeued``,
    ``parked``, ``unparked`` of this one.
    Raises RetryError if Salesforce does not answer (unsent edits are taken up by the next run), StopError if it
    refuses us: the waiting edits then say so. StopError if it refused most edits: those are settled all the same.
    """
    with (
        db.advisory_lock(f"apply:{org_id}") as is_held,
        _ledger.recorded(db, run_id=run_id, stage=STAGE, scope=org_id) as counts,
    ):
        if is_held:
            counts |= {"requeued": 0, **_prepare(db, org_id)}
            try:
                _apply(db, salesforce, org_id, run_id, counts)
            except errors.ContactSyncError as error:
                _ending.explain_waiting(db, org_id, error)
                raise
            finally:
                # what was not sent can be taken back while Salesforce is away
                _ending.requeue_unsent(db, org_id)
                counts |= _ended(db, org_id, run_id)
            _refuse_to_be_green(org_id, counts)
    return counts


def _apply(
    db: database.Database, salesforce: auth.Session, org_id: str, run_id: str, counts: dict[str, int]
) -> None:
    # what a dead worker sent ends in this run, and is counted in it
    db.execute("take_over_flight", org_id=org_id, run_id=run_id)
    _applying.settle_flight(db, salesforce, org_id, counts)
    _free_waiting(db, org_id)
    while db.all("claim_edits", org_id=org_id, run_id=run_id, batch_size=BATCH):
        _applying.settle_flight(db, salesforce, org_id, counts)
        _free_waiting(db, org_id)
    if counts["requeued"]:
        # a permission that was lost meanwhile is known by now
        counts["parked"] += _park(db, org_id)["parked"]


def _ended(db: database.Database, org_id: str, run_id: str) -> dict[str, int]:
    """Count what the run came to in all its tries: a retry must not look as if nothing had been refused."""
    row = db.one("count_edits_of_run", org_id=org_id, run_id=run_id)
    assert row is not None
    return dict(row)


def _refuse_to_be_green(org_id: str, counts: dict[str, int]) -> None:
    if counts["rejected"] >= FAILING_FROM and counts["rejected"] > counts["applied"]:
        raise errors.StopError(
            f"org {org_id}: Salesforce refused {counts['rejected']} of {counts['claimed']} edits;"
            " see error_code and error_detail of field_edit"
        )


def _prepare(db: database.Database, org_id: str) -> dict[str, int]:
    """Take up what a dead worker left, park what may not be sent now, follow merges, free what waited."""
    _ending.requeue_unsent(db, org_id)
    counts = _park(db, org_id)
    with db.transaction() as tx:
        tx.execute("supersede_merged_edits", org_id=org_id)
        tx.execute("follow_merges", org_id=org_id)
    _free_waiting(db, org_id)
    return counts


def _park(db: database.Database, org_id: str) -> dict[str, int]:
    with db.transaction() as tx:
        tx.execute("supersede_outdated_parked_edits", org_id=org_id)
        tx.execute("create_edit_obstacles", org_id=org_id)
        parked = tx.execute("park_edits", sentences=json.dumps(dict(reasons.OBSTACLES)))
        return {"parked": parked, "unparked": tx.execute("unpark_edits")}


def _free_waiting(db: database.Database, org_id: str) -> None:
    db.execute("stop_behind_conflicts", org_id=org_id)
    db.execute("inherit_bases", org_id=org_id)
