"""How an edit's try ends: settled together with mirror, sidebar rows and history, or back in the queue."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from contact_sync import database, errors, reasons, records
from contact_sync.stages import _ledger, _reading, materialize_sidebar

#: A transient refusal is tried this often, each time a little later, before it is final.
ATTEMPTS = 8
RETRY_SECONDS = 5.0

#: Salesforce's code or ours, and Salesforce's own words if it said any.
Cause = tuple[str, str | None]


def outcome(
    row: database.Row, status: str, stored: Any, *, code: str | None = None, detail: str | None = None
) -> records.Json:
    """Return what became of an edit, as ``settle`` takes it."""
    if status == "rejected" and detail is None:
        detail = reasons.sentence(code)
    return {
        "edit_id": row["edit_id"],
        "salesforce_id": row["target_salesforce_id"],
        "status": status,
        "stored_value": stored,
        "error_code": code,
        "error_detail": detail,
    }


def settle(
    db: database.Database,
    org_id: str,
    reading: _reading.Reading | None,
    outcomes: Sequence[records.Json],
) -> None:
    """Edits, mirror, sidebar rows and history in one transaction."""
    if not outcomes:
        return
    ids = {outcome["salesforce_id"] for outcome in outcomes}
    with db.transaction() as tx:
        tx.one("set_actor", actor="apply_edits")
        tx.execute("settle_edits", outcomes=json.dumps([_stamped(outcome, reading) for outcome in outcomes]))
        if reading is not None:
            read = [
                _as_json(record)
                for key, record in reading.found.items()
                if key in ids and not record.is_deleted
            ]
            tx.execute(
                "merge_read_contacts",
                org_id=org_id,
                read_at=reading.read_at,
                contacts=json.dumps(read, default=str),
            )
            tx.execute("create_sidebar_tables")
            tx.execute("mark_shown_rows", org_id=org_id, salesforce_ids=sorted(ids))
            materialize_sidebar.process(tx, org_id=org_id)


def requeue(db: database.Database, causes: Mapping[int, Cause], counts: _ledger.Counts) -> None:
    """Put edits back that may be taken later, by id; where a later edit of the field waits, that one stands.

    One that was tried too often is rejected, and its agent told so in other words.
    """
    if not causes:
        return
    with db.transaction() as tx:
        tx.execute("supersede_returning_edits", edit_ids=list(causes))
        back = tx.all(
            "requeue_edits",
            seconds=RETRY_SECONDS,
            attempts=ATTEMPTS,
            reasons=json.dumps(
                [
                    {
                        "edit_id": edit_id,
                        "code": code,
                        "retried": reasons.retry_sentence(code),
                        "refused": reasons.sentence(code, detail),
                    }
                    for edit_id, (code, detail) in causes.items()
                ]
            ),
        )
    counts["requeued"] += sum(row["status"] == "queued" for row in back)


def requeue_unsent(db: database.Database, org_id: str) -> None:
    """Put claimed edits back of which nothing was sent; where a later edit of the field waits, that one stands."""
    unsent = [row["edit_id"] for row in db.all("select_unsent_edits", org_id=org_id)]
    if unsent:
        with db.transaction() as tx:
            tx.execute("supersede_returning_edits", edit_ids=unsent)
            tx.execute("requeue_unsent_edits", edit_ids=unsent)


def explain_waiting(db: database.Database, org_id: str, error: errors.ContactSyncError) -> None:
    """Tell the agents why an org's edits wait; one that waits for a reason of its own keeps that."""
    code = "no_answer"
    if isinstance(error, errors.QuotaError):
        code = "quota_used_up"
    elif isinstance(error, errors.StopError):
        code = "refused_connection"
    db.execute(
        "explain_waiting_edits",
        org_id=org_id,
        error_code=code,
        error_detail=reasons.WAITS[code],
        codes=list(reasons.WAITS),
    )


def _stamped(outcome: records.Json, reading: _reading.Reading | None) -> records.Json:
    """An outcome with the stamp under which its stored value was read, where there is one."""
    record = reading.found.get(outcome["salesforce_id"]) if reading else None
    return {**outcome, "stored_modstamp": record.modstamp.isoformat() if record else None}


def _as_json(record: _reading.Record) -> records.Json:
    return {
        "salesforce_id": record.salesforce_id,
        "system_modstamp": record.modstamp.isoformat(),
        "fields": dict(record.fields),
    }
