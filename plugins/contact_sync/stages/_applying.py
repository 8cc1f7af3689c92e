"""Edits in flight, from reading what Salesforce holds to settling what became of each.

Per field: current = new is applied already; current = base is sent; anything else is somebody else's value and
stands. Without idempotency keys one case cannot be told: the answer was lost and somebody restored the base in
between; the edit is then sent once more, which is what its agent asked for.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from contact_sync import database, errors, fields, reasons, records, tenants, values
from contact_sync.salesforce import auth, update
from contact_sync.stages import _ending, _ledger, _reading, _sending

#: A record that keeps moving is read and compared this often before its edits wait.
ROUNDS = 5


def settle_flight(
    db: database.Database, salesforce: auth.Session, org_id: str, counts: _ledger.Counts
) -> None:
    """Bring every edit in flight to an end: applied, conflict, rejected, or back in the queue."""
    tried = _sending.Tried()
    for number in range(ROUNDS + 1):
        flight = db.all("select_edits_in_flight", org_id=org_id)
        if not flight:
            return
        # the last look sends nothing: what comes back is known to be unsent
        _round(db, salesforce, org_id, flight, counts, tried if number < ROUNDS else None)
    left = db.all("select_edits_in_flight", org_id=org_id)
    causes = {row["edit_id"]: tried.why_left(row["target_salesforce_id"]) for row in left}
    _ending.requeue(db, causes, counts)


def _round(
    db: database.Database,
    salesforce: auth.Session,
    org_id: str,
    flight: Sequence[database.Row],
    counts: _ledger.Counts,
    tried: _sending.Tried | None,
) -> None:
    reading = _reading.read_ripe(salesforce, flight)
    flight = _without_refused(db, salesforce, org_id, flight, reading, counts)
    flight = _without_merged(db, flight, reading, counts)
    user_id = _integration_user(db, org_id)
    verdicts = {row["edit_id"]: _verdict(row, reading, user_id) for row in flight}
    _ending.settle(db, org_id, reading, [v for v in verdicts.values() if v is not None])
    to_send = [
        row
        for row in flight
        if verdicts[row["edit_id"]] is None and reading.is_ripe(row["target_salesforce_id"])
    ]
    if not to_send or tried is None:
        return
    db.execute(
        "mark_edits_sent",
        edit_ids=[row["edit_id"] for row in to_send],
        stamps=[reading.found[row["target_salesforce_id"]].modstamp for row in to_send],
    )
    results: dict[str, update.Written] = {}
    try:
        for part in update.write_contacts(salesforce, _sending.writes(to_send, reading, tried)):
            results.update({result.salesforce_id: result for result in part})
    except errors.ContactSyncError:
        # a call that raises was not applied, so these can be taken back while Salesforce is away
        unsent = [row["edit_id"] for row in to_send if row["target_salesforce_id"] not in results]
        db.execute("unmark_edits_sent", edit_ids=unsent)
        raise
    finally:
        # what was written stands, whatever became of the other calls
        if results:
            _settle_written(db, salesforce, org_id, to_send, tried.judged(results), counts)


def _without_refused(
    db: database.Database,
    salesforce: auth.Session,
    org_id: str,
    flight: Sequence[database.Row],
    reading: _reading.Reading,
    counts: _ledger.Counts,
) -> list[database.Row]:
    """Edits whose field or record Salesforce refused to show: others are not held back by them."""
    refused = [row for row in flight if row["edit_id"] in reading.refused]
    by_code: dict[str, list[database.Row]] = {}
    for row in refused:
        by_code.setdefault(reading.refused[row["edit_id"]], []).append(row)
    for code, rows in by_code.items():
        if code == "INVALID_FIELD":
            # a permission was lost or a field deleted since the last describe: the next look parks them
            tenants.refresh_fields(db, salesforce, org_id=org_id)
        if code in ("INVALID_FIELD", "QUERY_TIMEOUT"):
            _ending.requeue(db, dict.fromkeys((row["edit_id"] for row in rows), (code, None)), counts)
        else:
            _ending.settle(
                db, org_id, None, [_ending.outcome(row, "rejected", None, code=code) for row in rows]
            )
    return [row for row in flight if row["edit_id"] not in reading.refused]


def _without_merged(
    db: database.Database, flight: Sequence[database.Row], reading: _reading.Reading, counts: _ledger.Counts
) -> list[database.Row]:
    """Edits of a record that was merged wait until the mirror knows its winner, and follow it.

    However long our reading takes, they are not rejected for it; a winner that is gone ends them.
    """
    merged = {key for key, record in reading.found.items() if record.is_deleted and record.master_record_id}
    losers = [row["edit_id"] for row in flight if row["target_salesforce_id"] in merged]
    db.execute("uncount_lagging_merges", edit_ids=losers)
    _ending.requeue(db, dict.fromkeys(losers, ("merged", None)), counts)
    return [row for row in flight if row["target_salesforce_id"] not in merged]


def _verdict(row: database.Row, reading: _reading.Reading, user_id: str) -> records.Json | None:
    """Return what an edit has come to without sending it, None if it is to be sent."""
    record = reading.found.get(row["target_salesforce_id"])
    if record is None or record.is_deleted:
        return _ending.outcome(row, "rejected", None, code="ENTITY_IS_DELETED" if record else "NOT_FOUND")
    current = record.fields.get(row["field_name"])
    described = fields.of_row(row)
    is_new = _same(described, current, row["new_value"])
    was_ours = (
        row["sent_modstamp"] is not None
        and record.modified_by_id == user_id
        and record.modstamp > row["sent_modstamp"]
        and not _same(described, current, row["base_value"])
    )
    if is_new or was_ours:
        return {**_ending.outcome(row, "applied", current), "changed_by_salesforce": not is_new}
    if _same(described, current, row["base_value"]):
        return None
    return _ending.outcome(
        row, "conflict", current, code="conflict", detail="Somebody changed this value in Salesforce."
    )


def _settle_written(
    db: database.Database,
    salesforce: auth.Session,
    org_id: str,
    sent: Sequence[database.Row],
    results: Mapping[str, update.Written],
    counts: _ledger.Counts,
) -> None:
    """Settle by each record's result; *modified*, *unknown* and records not reached stay in flight for another look.

    Only *unknown* ones and records not reached may have been written, and stay marked as sent.
    """
    by_outcome: dict[str, list[database.Row]] = {}
    names: dict[str, set[str]] = {}
    for row in sent:
        names.setdefault(row["target_salesforce_id"], set()).add(row["field_name"].casefold())
    for row in sent:
        result = results.get(row["target_salesforce_id"])
        told = _told(row, result, names[row["target_salesforce_id"]])
        by_outcome.setdefault(told, []).append(row)
    written = by_outcome.get("written", [])
    if written:
        reading = _reading.read(salesforce, written)
        _ending.settle(db, org_id, reading, [_verified(row, reading) for row in written])
    refused = [
        _ending.outcome(
            row, "rejected", None, code=result.code, detail=reasons.sentence(result.code, result.detail)
        )
        for row in by_outcome.get("rejected", [])
        if (result := results[row["target_salesforce_id"]])
    ]
    _ending.settle(db, org_id, None, refused)
    # an edit that was surely not written must not find itself in a value that somebody else's call left
    db.execute("unmark_edits_sent", edit_ids=[row["edit_id"] for row in by_outcome.get("modified", [])])
    causes = {
        row["edit_id"]: (result.code or "NO_ANSWER", result.detail)
        for row in by_outcome.get("retry", [])
        if (result := results[row["target_salesforce_id"]])
    }
    _ending.requeue(db, causes, counts)


def _told(row: database.Row, result: update.Written | None, sent: Collection[str]) -> str:
    """A refusal that names edited fields spares the record's other edits: those are compared and sent again."""
    if result is None or result.outcome == "unknown":
        return "unknown"
    if result.outcome == "gone":
        return "modified"
    # a rule may show its error at a field that nobody edited
    names = {name.casefold() for name in result.fields} & set(sent)
    if result.outcome == "rejected" and names and row["field_name"].casefold() not in names:
        return "modified"
    return result.outcome


def _verified(row: database.Row, reading: _reading.Reading) -> records.Json:
    record = reading.found.get(row["target_salesforce_id"])
    stored = record.fields.get(row["field_name"]) if record else row["new_value"]
    is_changed = not _same(fields.of_row(row), stored, row["new_value"])
    return {**_ending.outcome(row, "applied", stored), "changed_by_salesforce": is_changed}


def _same(described: records.SalesforceField, one: Any, other: Any) -> bool:
    return values.canonical_text(described, one) == values.canonical_text(described, other)


def _integration_user(db: database.Database, org_id: str) -> str:
    row = db.one("select_integration_user", org_id=org_id)
    if row is None:
        raise errors.StopError(f"org {org_id} is unknown: run `python -m contact_sync connect`")
    return str(row["integration_user_id"])
