"""Load: big windows by Bulk API 2.0, streamed into the mirror in constant memory, resumable set by set."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator

from contact_sync import database, errors, records, tenants
from contact_sync.salesforce import auth, bulk, query
from contact_sync.stages import (
    _bulk_pages,
    _ledger,
    _selecting,
    _small_windows,
    _windows,
    extract_salesforce_contacts,
)

STAGE = "load_salesforce_contacts"

#: How often a window that does not add up, or whose job is gone, is read before it fails.
ATTEMPTS = 2

#: Kinds that move the watermark are read in the extracting lane, everything else must not compete with it.
_LANES: dict[str, records.Lane] = {"initial": "extract", "incremental": "extract"}


def lane_of(kind: str) -> records.Lane:
    """Return the API lane that windows of a kind are paid from."""
    return _LANES.get(kind, "backfill")


def run(
    db: database.Database,
    salesforce: auth.Session,
    *,
    org_id: str,
    run_id: str,
    job_seconds: float = 3600.0,
) -> dict[str, int]:
    """Read the org's big windows of the session's lane, one after the other, until none is left.

    A window whose worker died goes on with its job, at the sets of results that it had not merged.
    Returns counts: ``windows`` proven, ``rows_landed``, ``rows_merged``, ``rows_quarantined``.
    Raises RetryError if Salesforce does not answer (the next run goes on) or a window stays short, StopError if it
    refuses us.
    """
    with (
        db.advisory_lock(f"load:{org_id}:{salesforce.lane}") as is_held,
        _ledger.recorded(db, run_id=run_id, stage=STAGE, scope=f"{org_id}:{salesforce.lane}") as counts,
    ):
        # asked anew each time: a window that was too slow has left two halves
        while is_held and (row := _next(db, org_id, salesforce.lane)):
            outcome = _load(db, salesforce, row, job_seconds)
            if outcome:
                _add(counts, outcome)
    return counts


def _next(db: database.Database, org_id: str, lane: records.Lane) -> database.Row | None:
    rows = db.all("select_big_windows", org_id=org_id)
    return next((row for row in rows if lane_of(row["kind"]) == lane), None)


def _add(counts: _ledger.Counts, outcome: _windows.Outcome) -> None:
    found = {
        "windows": 1,
        "rows_landed": outcome.landed,
        "rows_merged": outcome.merged,
        "rows_quarantined": outcome.quarantined,
    }
    for name, count in found.items():
        counts[name] = counts.get(name, 0) + count


def _load(
    db: database.Database, salesforce: auth.Session, row: database.Row, job_seconds: float
) -> _windows.Outcome | None:
    """Read one window; None if it was too slow, and its halves are read instead."""
    window = _window(db, row)
    db.execute("start_big_window", window_id=window.window_id)
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with _windows.deferred_by_quota(db, window):
                outcome = _attempt(db, salesforce, window, job_seconds)
        except query.QueryTimeoutError as error:
            if _small_windows.halve(db, salesforce, window, str(error)):
                return None
            # one second cannot be halved; the job has failed and would be found again: the next run makes another
            db.execute("replan_window", window_id=window.window_id, detail=str(error))
            raise
        except errors.RejectError as error:
            # the job failed, was aborted, or is older than the seven days that Salesforce keeps it
            if attempt == ATTEMPTS:
                raise _unreadable(db, window, error) from error
            db.execute("replan_window", window_id=window.window_id, detail=f"read again: {error.code}")
            # a field that went since the window was planned is refused under one code or another
            tenants.refresh_fields(db, salesforce, org_id=window.org_id)
            window = _window(db, row)
            continue
        if outcome.is_proven:
            return outcome
        if attempt == ATTEMPTS:
            raise _windows.short(db, outcome)
        db.execute("replan_window", window_id=window.window_id, detail="read again: it did not add up")
    raise AssertionError("the loop ends by return or raise")


def _unreadable(
    db: database.Database, window: _windows.Window, error: errors.RejectError
) -> errors.RetryError:
    """Fail a window that Salesforce refuses to read; return the error to raise."""
    detail = f"window {window.window_id} of org {window.org_id} cannot be read by Bulk API: {error.code}"
    db.execute("end_window", window_id=window.window_id, status="failed", detail=detail)
    return errors.RetryError(f"{detail}. Look at extract_window.bulk_job_id in Salesforce, run again")


def _attempt(
    db: database.Database, salesforce: auth.Session, window: _windows.Window, job_seconds: float
) -> _windows.Outcome:
    pages = _small_pages(db, salesforce, window)
    if pages:
        return _fill(db, window, pages)
    try:
        job = _job(db, salesforce, window)
    except bulk.NotEnabledError:
        return _fill(db, window, query.pages(salesforce, _windows.soql(window)))

    def beat(_: bulk.Job) -> None:
        db.execute("beat_window", window_id=window.window_id)

    _bulk_pages.get_ready(db, window)
    done = bulk.wait(salesforce, job, timeout_seconds=job_seconds, on_poll=beat)
    _bulk_pages.Results(db, salesforce, window, done).merge()
    db.execute("record_job_rows", window_id=window.window_id, rows_reported=done.rows)
    outcome = _windows.prove(db, window)
    bulk.delete(salesforce, done.job_id)
    return outcome


def _small_pages(
    db: database.Database, salesforce: auth.Session, window: _windows.Window
) -> Iterator[records.QueryPage] | None:
    """A day, or an org, is often small: one call tells, and brings it where a job would cost five."""
    row = db.one("select_bulk_job", window_id=window.window_id)
    if window.kind not in ("backfill", "formula") or (row and row["bulk_job_id"]):
        return None
    pages = query.pages(salesforce, _windows.soql(window))
    with contextlib.suppress(query.QueryTimeoutError):
        first = next(pages)
        if first.total_size <= extract_salesforce_contacts.SMALL:
            return itertools.chain([first], pages)
    return None


def _fill(
    db: database.Database, window: _windows.Window, pages: Iterator[records.QueryPage]
) -> _windows.Outcome:
    # a worker may have died between its pages
    db.execute("restart_window", window_id=window.window_id)
    return _windows.fill(db, window, pages)


def _job(db: database.Database, salesforce: auth.Session, window: _windows.Window) -> str:
    """Return the window's job, made and written down if it has none."""
    row = db.one("select_bulk_job", window_id=window.window_id)
    assert row is not None
    if row["bulk_job_id"]:
        return str(row["bulk_job_id"])
    job = bulk.create(salesforce, _windows.soql(window))
    db.execute(
        "record_bulk_job", window_id=window.window_id, bulk_job_id=job.job_id, queried_at=job.created_at
    )
    return job.job_id


def _window(db: database.Database, row: database.Row) -> _windows.Window:
    return _windows.Window(
        window_id=row["window_id"],
        org_id=row["org_id"],
        kind=row["kind"],
        read_from=row["read_from"],
        selection=_selecting.of_names(db, row["org_id"], row["fields"]),
        read_before=row["read_until"] if row["kind"] == "backfill" else row["read_before"],
    )
