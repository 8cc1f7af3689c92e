"""Result sets of a bulk job on their way into the landing: HTTP bytes straight into COPY, one transaction a set.

A set that COPY refuses as a whole (a NUL byte, a torn line) is fetched again and taken row by row, so that one bad
cell costs one row in quarantine and not the window.
"""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterator
from typing import Any

from contact_sync import database, errors, records
from contact_sync.salesforce import auth, bulk
from contact_sync.stages import _windows

#: Rows per set: small enough that a resumed set costs seconds.
SET_ROWS = 50_000
#: Rows that the slow road takes at a time.
_SLOW_ROWS = 2_000
#: A long text area holds 131,072 characters; the csv module's default limit is no more.
_CELL_CHARACTERS = 1_000_000


def land(db: database.Database, salesforce: auth.Session, window: _windows.Window, job: bulk.Job) -> None:
    """Land all sets of a complete job, from the one that had not landed when the last worker stopped."""
    progress = db.one("select_bulk_progress", window_id=window.window_id)
    assert progress is not None
    locator, first = progress["result_locator"], progress["rows_landed"] + progress["rows_quarantined"]
    is_landed = progress["is_landed"]
    while not is_landed:
        try:
            landed, refused, following = _copy_set(db, salesforce, window, job, (locator, first))
        except errors.RejectError as error:
            if error.status is not None:
                # Salesforce's own refusal, not the database's
                raise
            landed, refused, following = _read_set(db, salesforce, window, job, (locator, first))
        first += landed + refused
        locator, is_landed = following, following is None


def _copy_set(
    db: database.Database,
    salesforce: auth.Session,
    window: _windows.Window,
    job: bulk.Job,
    place: tuple[str | None, int],
) -> tuple[int, int, str | None]:
    locator, first = place
    names = list(window.selection.names)
    with (
        bulk.results(salesforce, job, locator=locator, max_rows=SET_ROWS) as found,
        db.transaction() as tx,
    ):
        if found.rows:
            tx.execute("make_csv_page", names=names)
            tx.copy_csv("csv_page", names, found)
            tx.execute("land_csv_page", window_id=window.window_id, first=first)
        _record(tx, window, found.rows, 0, found.next_locator)
    return found.rows, 0, found.next_locator


def _read_set(
    db: database.Database,
    salesforce: auth.Session,
    window: _windows.Window,
    job: bulk.Job,
    place: tuple[str | None, int],
) -> tuple[int, int, str | None]:
    locator, first = place
    rows = refused = 0
    with (
        bulk.results(salesforce, job, locator=locator, max_rows=SET_ROWS) as found,
        db.transaction() as tx,
    ):
        for part in _parts(found):
            refused += _windows.land_page(tx, window, part, first + rows)
            rows += len(part)
        _record(tx, window, rows - refused, refused, found.next_locator)
    return rows - refused, refused, found.next_locator


def _record(
    tx: database.Transaction, window: _windows.Window, landed: int, refused: int, following: str | None
) -> None:
    tx.execute(
        "record_result_set",
        window_id=window.window_id,
        rows_landed=landed,
        rows_quarantined=refused,
        next_locator=following,
    )


def _parts(found: bulk.ResultSet) -> Iterator[list[records.Json]]:
    """Yield the set's rows as records, an empty cell as None; bytes that are no UTF-8 stay visible as surrogates."""
    csv.field_size_limit(_CELL_CHARACTERS)
    text = io.TextIOWrapper(
        io.BufferedReader(_Raw(found)), encoding="utf-8-sig", errors="surrogateescape", newline=""
    )
    rows = csv.DictReader(text)
    while part := [_cells(row) for row in itertools.islice(rows, _SLOW_ROWS)]:
        yield part


def _cells(row: dict[Any, Any]) -> records.Json:
    """A line with more or fewer cells than the header is no record: without an Id it ends in quarantine."""
    if None in row or None in row.values():
        return {"torn_line": list(row.values())}
    return {name: value or None for name, value in row.items()}


class _Raw(io.RawIOBase):
    """The set as a file, for the standard library's decoder."""

    def __init__(self, found: bulk.ResultSet) -> None:
        self._found = found

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        chunk = self._found.read(len(buffer))
        buffer[: len(chunk)] = chunk
        return len(chunk)
