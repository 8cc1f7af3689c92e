"""Small windows by REST: read at once; left to the load if they turn out big, halved if they are too slow."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime

from contact_sync import database
from contact_sync.salesforce import auth, query, replication
from contact_sync.stages import _windows

#: How often a window that does not add up is read before it fails.
ATTEMPTS = 2
#: A rough figure is not wrong by more than this factor, or all that a wrong one costs is a job for few contacts.
_ROUGHLY = 10
#: No record is older than Salesforce; asked only where the oldest stamp itself cannot be read in time.
_SALESFORCE_BEGAN = datetime(1999, 1, 1, tzinfo=UTC)


def read(
    db: database.Database, salesforce: auth.Session, window: _windows.Window, *, most: int
) -> _windows.Outcome | None:
    """Read a window of at most ``most`` rows; None if it, or a part of it, turned out bigger and was planned.

    A window that is too slow for Salesforce (QUERY_TIMEOUT) is split into two halves, and so on down to one second,
    which is left to the load. Raises RetryError if a window stays short, and as ``query.pages``.
    """
    with _windows.ended_by_errors(db, window):
        try:
            return _read_or_plan(db, salesforce, window, most)
        except query.QueryTimeoutError as error:
            halves = halve(db, salesforce, window, str(error))
            if not halves:
                db.execute("plan_window", window_id=window.window_id, rows_reported=None)
                return None
    outcomes = []
    for half in halves:
        db.execute("start_half", window_id=half.window_id)
        outcomes.append(read(db, salesforce, half, most=most))
    return _together(window, outcomes)


def halve(
    db: database.Database, salesforce: auth.Session, window: _windows.Window, detail: str
) -> list[_windows.Window]:
    """Put two planned halves in a window's place and return them, the earlier first; none if it spans a second."""
    earliest = window.read_from or _oldest_stamp(salesforce)
    rows = db.all("split_window", window_id=window.window_id, earliest=earliest, detail=detail)
    halves = [
        _windows.Window(
            window_id=row["window_id"],
            org_id=window.org_id,
            kind=window.kind,
            read_from=row["read_from"],
            selection=window.selection,
            # a backfill's bound is its read_until, and so is its halves'
            read_before=row["read_before"] or row["read_until"],
        )
        for row in rows
    ]
    return sorted(halves, key=lambda half: half.window_id)


def _read_or_plan(
    db: database.Database, salesforce: auth.Session, window: _windows.Window, most: int
) -> _windows.Outcome | None:
    """The first page tells how many rows there are: a window of more than ``most`` is planned instead."""
    if window.read_from is None and window.read_before is None:
        # a whole org is mostly big: a count costs less than a page that nobody takes
        found = None if _is_surely_big(db, window, most) else query.count(salesforce, query.select_count())[0]
        if found is None or found > most:
            db.execute("plan_window", window_id=window.window_id, rows_reported=found)
            return None
    for attempt in itertools.count(1):
        pages = query.pages(salesforce, _windows.soql(window))
        first = next(pages)
        if first.total_size > most:
            db.execute("plan_window", window_id=window.window_id, rows_reported=first.total_size)
            return None
        outcome = _windows.fill(db, window, itertools.chain([first], pages))
        if outcome.is_proven:
            return outcome
        if attempt == ATTEMPTS:
            raise _windows.short(db, outcome)
        db.execute("restart_window", window_id=window.window_id)
    raise AssertionError("the loop ends by return or raise")


def _is_surely_big(db: database.Database, window: _windows.Window, most: int) -> bool:
    """Tell whether even a rough figure, heard when the org was connected, says that the window is left to the load."""
    org = db.one("select_org", org_id=window.org_id)
    return bool(org and (org["approximate_contacts"] or 0) > _ROUGHLY * most)


def _oldest_stamp(salesforce: auth.Session) -> datetime:
    try:
        found = query.oldest_stamp(salesforce)
    except query.QueryTimeoutError:
        return _SALESFORCE_BEGAN
    return replication.parse_time(found) if found else _SALESFORCE_BEGAN


def _together(window: _windows.Window, outcomes: list[_windows.Outcome | None]) -> _windows.Outcome | None:
    """What the halves brought, under the window that was split; None if the load goes on with one of them."""
    read_now = [outcome for outcome in outcomes if outcome]
    if len(read_now) < len(outcomes):
        return None
    return _windows.Outcome(
        window_id=window.window_id,
        org_id=window.org_id,
        kind=window.kind,
        is_proven=True,
        # a half's own is its bound, which may be long ago: the last half is bounded by the clock
        read_until=max(outcome.read_until for outcome in read_now),
        reported=sum(outcome.reported for outcome in read_now),
        landed=sum(outcome.landed for outcome in read_now),
        quarantined=sum(outcome.quarantined for outcome in read_now),
        merged=sum(outcome.merged for outcome in read_now),
    )
