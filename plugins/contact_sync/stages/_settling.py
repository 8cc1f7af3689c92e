"""How far Salesforce itself is settled, and its log of deletions: each asked at most every five minutes.

Salesforce pulls ``latestDateCovered`` back to the start of any open transaction. What it passes can no longer change
under an old stamp: that range is compared with the mirror by Id and stamp, once, and ``settled_until`` moves on. When
it stands still nothing waits for it; ``status`` raises the alarm.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import datetime, timedelta

from contact_sync import database, errors
from contact_sync.salesforce import auth, query, replication
from contact_sync.stages import _auditing, _ledger, _windows

#: How far back the log of changes reaches ("sObject Get Updated"): 30 days, with a margin.
_REACH = timedelta(days=29)
#: Both logs cut seconds; the log of deletions wants more than a minute between start and end.
_MINUTE = timedelta(minutes=1)
#: A range with more Ids than one listing takes is compared in steps, so many in one run.
_STEPS = 5
#: A log names at most 600,000 Ids at once.
_TOO_MANY = "EXCEEDED_ID_LIMIT"
#: Contacts of the log of deletions that are asked for in one run.
_GONE = 2_000


def read_logs(
    db: database.Database,
    salesforce: auth.Session,
    selection: _windows.Selection,
    outcome: _windows.Outcome,
    counts: _ledger.Counts,
) -> None:
    """Ask the logs that are due, one in a run: a quiet run is to cost three calls. The first run asks both.

    An org that is asked for news more slowly than every five minutes finds both due each time: they take turns.
    """
    due = db.one("select_logs_due", org_id=outcome.org_id)
    assert due is not None
    is_deleting = due["is_deleting_due"]
    if due["is_settling_due"] and not (is_deleting and due["is_deleting_next"]):
        counts["rows_late"] += settle(db, salesforce, selection, outcome)
        is_deleting = is_deleting and outcome.kind == "initial"
    if is_deleting:
        counts["rows_purged"] = read_deletions(db, salesforce, selection, outcome, counts)


def settle(
    db: database.Database, salesforce: auth.Session, selection: _windows.Selection, outcome: _windows.Outcome
) -> int:
    """Move ``settled_until`` as far as Salesforce says, and fetch what came late below it; return how many changed.

    A refusal is noted for ``status`` and stops nothing.
    """
    row = db.one("begin_settling", org_id=outcome.org_id)
    assert row is not None
    start, end = row["settled_until"], _minute(outcome.read_until)
    if end - _minute(start) < _MINUTE:
        return 0
    try:
        log = _updated(salesforce, max(start, end - _REACH), end)
    except errors.RejectError as error:
        _note(db, outcome, f"Salesforce refuses its log of changes: {error.code}")
        return 0
    until = log.latest_date_covered
    if until <= start:
        _note(db, outcome, "Salesforce reports a transaction that is open since then")
        return 0
    # nothing that lives changed since: deletions have a log of their own
    if not log.salesforce_ids and start >= end - _REACH:
        db.execute("move_settled", org_id=outcome.org_id, settled_until=until)
        return 0
    try:
        return _compare(db, salesforce, selection, outcome, (start, until))
    except query.QueryTimeoutError:
        _note(db, outcome, "Salesforce is too slow to list what changed since then")
        return 0


def read_deletions(
    db: database.Database,
    salesforce: auth.Session,
    selection: _windows.Selection,
    outcome: _windows.Outcome,
    counts: _ledger.Counts,
) -> int:
    """Give contacts that the log of deletions names the presence they deserve; return how many are purged.

    One that is in the recycle bin, or was taken out of it, is read; one that is not shown any more was purged. A range
    with more of them than a run asks for stays the same until it is read to its end, by id.
    """
    row = db.one("begin_deleting", org_id=outcome.org_id)
    assert row is not None
    start, end = row["deletes_until"], row["deletes_through"] or _minute(outcome.read_until)
    if end - _minute(start) <= _MINUTE:
        return 0
    try:
        log = replication.deleted(salesforce, start, end)
    except errors.RejectError as error:
        if isinstance(error, replication.LogTooShortError) or error.code == _TOO_MANY:
            # the daily comparison of all Ids tells what the log does not
            db.execute("move_deletes", org_id=outcome.org_id, deletes_until=end)
        else:
            counts["logs_refused"] = 1
        return 0
    rows = db.all(
        "select_undeleted_ids",
        org_id=outcome.org_id,
        ids=list(log.deleted_at),
        after_id=row["deletes_after_id"],
        batch_size=_GONE,
    )
    ids = [row["salesforce_id"] for row in rows]
    purged = 0
    for first in range(0, len(ids), _auditing.IDS_A_CALL):
        part = ids[first : first + _auditing.IDS_A_CALL]
        merged, gone = _look_at(db, salesforce, selection, outcome, part)
        counts["rows_late"] += merged
        purged += gone
    until = min(log.latest_date_covered, end)
    if len(ids) < _GONE:
        db.execute("move_deletes", org_id=outcome.org_id, deletes_until=until)
    elif _minute(until) - _minute(start) > _MINUTE:
        db.execute(
            "keep_deletes_open", org_id=outcome.org_id, deletes_through=_minute(until), after_id=ids[-1]
        )
    return purged


def _look_at(
    db: database.Database,
    salesforce: auth.Session,
    selection: _windows.Selection,
    outcome: _windows.Outcome,
    ids: Sequence[str],
) -> tuple[int, int]:
    """Read some contacts of the log; return how many changed, and how many are purged."""
    pages = list(_auditing.by_ids(salesforce, selection, ids))
    merged = _windows.add_late(db, outcome, selection, pages)
    shown = {record["Id"] for page in pages for record in page.records}
    gone = [salesforce_id for salesforce_id in ids if salesforce_id not in shown]
    asked_at = pages[0].server_date
    return merged, db.execute("mark_vanished_as_purged", org_id=outcome.org_id, ids=gone, asked_at=asked_at)


def _updated(salesforce: auth.Session, start: datetime, end: datetime) -> replication.Updated:
    """Ask for less where more changed than the log gives at once."""
    while True:
        try:
            log = replication.updated(salesforce, start, end)
            # what was not asked for is not covered, whatever is said
            return dataclasses.replace(log, latest_date_covered=min(log.latest_date_covered, end))
        except errors.RejectError as error:
            nearer = _minute(start + (end - start) / 2)
            if error.code != _TOO_MANY or nearer - _minute(start) < _MINUTE:
                raise
            end = nearer


def _compare(
    db: database.Database,
    salesforce: auth.Session,
    selection: _windows.Selection,
    outcome: _windows.Outcome,
    span: tuple[datetime, datetime],
) -> int:
    """Compare the range in steps that one listing takes; what is left goes on from there next time."""
    start, until = span
    fetched = 0
    for _ in range(_STEPS):
        if start >= until:
            break
        reached, late = _compare_step(db, salesforce, selection, outcome, (start, until))
        db.execute("move_settled", org_id=outcome.org_id, settled_until=reached)
        start, fetched = reached, fetched + late
    if start < until:
        _note(db, outcome, "more changed than is compared at once; it goes on")
    return fetched


def _compare_step(
    db: database.Database,
    salesforce: auth.Session,
    selection: _windows.Selection,
    outcome: _windows.Outcome,
    span: tuple[datetime, datetime],
) -> tuple[datetime, int]:
    """Compare the beginning of a range, all of it if it is short enough; return how far, and how many changed."""
    start, until = span
    while True:
        nearer = (start + (until - start) / 2).replace(microsecond=0)
        is_divisible = nearer > start
        pages = query.pages(
            salesforce, query.select(["Id", "SystemModstamp"], where=_auditing.between(start, until))
        )
        try:
            first = next(pages)
        except query.QueryTimeoutError:
            if not is_divisible:
                raise
        else:
            if first.total_size <= _auditing.LISTED or not is_divisible:
                fetched = _auditing.fetch_unlike(db, salesforce, selection, outcome, [first])
                return until, fetched + _auditing.fetch_unlike(db, salesforce, selection, outcome, pages)
        until = nearer


def _note(db: database.Database, outcome: _windows.Outcome, detail: str) -> None:
    db.execute("note_unsettled", org_id=outcome.org_id, detail=detail)


def _minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)
