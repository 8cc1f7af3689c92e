"""A window from its first page to its proof.

Rows reach the mirror from the *page*, a temporary table with one text column per field: COPY fills it with a set of
bulk results, or the landing with the records of REST. Whatever is merged is noted; the proof adds up the notes.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from contact_sync import database, errors, records, tombstones
from contact_sync.salesforce import query
from contact_sync.stages import _landing


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The fields that a window reads: API names in order, and the describe types of those kept in ``payload``."""

    names: tuple[str, ...]
    payload_types: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A running window. ``read_from`` None reads from the beginning."""

    window_id: int
    org_id: str
    kind: str
    read_from: datetime | None
    selection: Selection
    #: Exclusive upper bound, of backfills only: news are read without one.
    read_before: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a window brought, as its row in ``extract_window`` says."""

    window_id: int
    org_id: str
    kind: str
    is_proven: bool
    read_until: datetime
    reported: int
    landed: int
    quarantined: int
    merged: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a page stands among its job's results; a window by REST has one page and no locators."""

    locator: str | None = None
    following: str | None = None


NOWHERE = Place()


def begin(
    db: database.Database, *, org_id: str, kind: str, read_from: datetime | None, selection: Selection
) -> Window:
    """Record a running window, or take up again the one of its kind that was put off."""
    asked = {"org_id": org_id, "kind": kind, "read_from": read_from, "fields": list(selection.names)}
    row = db.one("reopen_window", **asked) or db.one("insert_window", **asked)
    assert row is not None
    return Window(
        window_id=row["window_id"], org_id=org_id, kind=kind, read_from=read_from, selection=selection
    )


def soql(window: Window) -> str:
    """Return the query of a window."""
    bounds = []
    if window.read_from:
        bounds.append(f"SystemModstamp >= {query.datetime_literal(window.read_from)}")
    if window.read_before:
        bounds.append(f"SystemModstamp < {query.datetime_literal(window.read_before)}")
    return query.select(window.selection.names, where=" AND ".join(bounds))


def short(db: database.Database, outcome: Outcome) -> errors.RetryError:
    """Fail a window that stayed short; return the error to raise."""
    detail = (
        f"window {outcome.window_id} of org {outcome.org_id} does not add up: Salesforce reported {outcome.reported}"
        f" rows, {outcome.landed} landed, {outcome.quarantined} are in quarantine. The watermark stays; run again"
    )
    db.execute("end_window", window_id=outcome.window_id, status="failed", detail=detail)
    return errors.RetryError(detail)


@contextlib.contextmanager
def deferred_by_quota(db: database.Database, window: Window) -> Iterator[None]:
    """Put the window off when the quota is used up, and let the error go on; others leave it as it is."""
    try:
        yield
    except errors.QuotaError as error:
        db.execute("end_window", window_id=window.window_id, status="deferred", detail=str(error))
        raise


@contextlib.contextmanager
def ended_by_errors(db: database.Database, window: Window) -> Iterator[None]:
    """Close the window as *deferred* on a used-up quota, as *failed* on any other error, and let the error go on."""
    try:
        yield
    except errors.ContactSyncError as error:
        status = "deferred" if isinstance(error, errors.QuotaError) else "failed"
        db.execute("end_window", window_id=window.window_id, status=status, detail=str(error))
        raise


def fill(db: database.Database, window: Window, pages: Iterable[records.QueryPage]) -> Outcome:
    """Land all pages, each in its own transaction, then merge and prove in one.

    ``read_until`` is Salesforce's clock at the first page. A window that does not add up is *short*.
    """
    read_until: datetime | None = None
    row_number = 0
    for page in pages:
        read_until = read_until or page.server_date
        with db.transaction() as tx:
            refused = land_page(tx, window, page.records, row_number)
            tx.execute(
                "record_page",
                window_id=window.window_id,
                rows_reported=page.total_size,
                rows_quarantined=refused,
                read_until=read_until,
                api_calls=1,
            )
        row_number += len(page.records)
    assert read_until is not None
    return close(db, window)


def close(db: database.Database, window: Window) -> Outcome:
    """Merge and prove what a window landed, in one transaction."""

    def merge_and_prove(tx: database.Transaction) -> Outcome:
        merge_landed(tx, window)
        return _proven(tx, window)

    return db.in_turn(merge_and_prove)


def prove(db: database.Database, window: Window) -> Outcome:
    """Prove a window whose sets are merged."""
    return db.in_turn(lambda tx: _proven(tx, window))


def _proven(tx: database.Transaction, window: Window) -> Outcome:
    proof = tx.one("prove_window", window_id=window.window_id)
    assert proof is not None
    tx.execute("delete_merged_sets", window_id=window.window_id)
    return Outcome(
        window_id=window.window_id,
        org_id=window.org_id,
        kind=window.kind,
        is_proven=proof["status"] == "proven",
        read_until=proof["read_until"],
        reported=proof["rows_reported"],
        landed=proof["rows_landed"],
        quarantined=proof["rows_quarantined"],
        merged=proof["rows_merged"],
    )


def add_late(
    db: database.Database, outcome: Outcome, selection: Selection, pages: Iterable[records.QueryPage]
) -> int:
    """Merge rows that an audit found missing; count them on the window that overlooked them. Returns rows changed."""
    window = Window(
        window_id=outcome.window_id,
        org_id=outcome.org_id,
        kind=outcome.kind,
        read_from=None,
        selection=selection,
    )
    calls = 0
    rows: list[records.Json] = []
    for page in pages:
        calls, rows = calls + 1, rows + page.records

    def land_and_merge(tx: database.Transaction) -> int:
        land_page(tx, window, rows, 0)
        merged, _ = merge_landed(tx, window)
        tx.execute("delete_merged_sets", window_id=window.window_id)
        tx.execute("add_late_rows", window_id=window.window_id, rows_late=merged, api_calls=calls)
        return merged

    return db.in_turn(land_and_merge)


def land_page(tx: database.Transaction, window: Window, rows: Sequence[records.Json], first: int) -> int:
    """Land rows numbered from ``first``; return how many were quarantined instead."""
    numbered = [(number, flat(record)) for number, record in enumerate(rows, start=first)]

    def into(tx: database.Transaction, part: Sequence[tuple[int, records.Json]]) -> None:
        tx.copy_rows(
            "salesforce_landing",
            ("window_id", "row_number", "record"),
            ((window.window_id, number, _landing.raw_text(record)) for number, record in part),
        )

    def refuse(tx: database.Transaction, row: tuple[int, records.Json], reason: str) -> None:
        quarantine(tx, window, row[1], reason)

    return _landing.land(tx, numbered, into=into, refuse=refuse)


def quarantine(tx: database.Transaction, window: Window, record: records.Json, reason: str) -> None:
    """Keep a row that cannot be landed, with the reason."""
    salesforce_id = record.get("Id")
    tx.execute(
        "insert_quarantined_row",
        org_id=window.org_id,
        workspace_id=None,
        salesforce_id=salesforce_id and str(salesforce_id).replace("\x00", ""),
        window_id=window.window_id,
        raw=_landing.raw_text(record),
        reason=reason,
    )


def merge_landed(tx: database.Transaction, window: Window, place: Place = NOWHERE) -> tuple[int, int]:
    """Merge what was landed row by row; return as ``merge_page``."""
    make_page(tx, window)
    tx.one("fill_page", window_id=window.window_id, names=list(window.selection.names))
    tx.execute("delete_landed_rows", window_id=window.window_id)
    return merge_page(tx, window, place)


def make_page(tx: database.Transaction, window: Window) -> None:
    """Make the window's page, empty."""
    tx.one("make_csv_page", names=list(window.selection.names))


def merge_page(tx: database.Transaction, window: Window, place: Place) -> tuple[int, int]:
    """Merge the page and note it for the proof; return how many rows of the mirror changed, and how many were bad.

    Rules are looked at row by row only where the page as a whole is refused.
    """
    tombstones.drop_landed(tx, org_id=window.org_id, window_id=window.window_id)
    bad = 0
    try:
        with tx.savepoint():
            merged, new = _merge_rows(tx, window)
    except errors.RejectError:
        row = tx.one("quarantine_page_rows", window_id=window.window_id, org_id=window.org_id)
        assert row is not None
        bad, (merged, new) = row["rows"], _merge_rows(tx, window)
    tx.execute("resolve_quarantined_rows", window_id=window.window_id, org_id=window.org_id)
    tx.execute(
        "record_merged_page",
        window_id=window.window_id,
        locator=place.locator or "",
        next_locator=place.following,
        rows_merged=merged,
        rows_new=new,
    )
    return merged, bad


def _merge_rows(tx: database.Transaction, window: Window) -> tuple[int, int]:
    """Return how many rows of the mirror changed, and how many of these are new."""
    row = tx.one(
        "merge_page",
        window_id=window.window_id,
        # what was really read: a field that was lost since the window was planned keeps its values
        names=list(window.selection.names),
        payload_names=list(window.selection.payload_types),
        payload_types=list(window.selection.payload_types.values()),
    )
    assert row is not None
    # an applied edit is visible to the next read, whatever was on its way from Salesforce before
    tx.execute("keep_applied_edits", window_id=window.window_id)
    return row["rows_merged"], row["rows_new"]


def flat(record: records.Json) -> records.Json:
    """Return a record with its parents' fields beside its own: ``{"Account": {"Name": …}}`` as ``Account.Name``."""
    plain = {name: value for name, value in record.items() if not isinstance(value, dict)}
    nested = {
        f"{parent}.{name}": value
        for parent, values in record.items()
        if isinstance(values, dict)
        for name, value in values.items()
    }
    return plain | nested
