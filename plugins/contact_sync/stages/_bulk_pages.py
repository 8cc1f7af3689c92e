"""Result sets of a bulk job on their way into the mirror: HTTP bytes straight into COPY, one transaction a set.

Where a set ends is told before its rows are: the next one is read while this one is merged. A set that COPY refuses
as a whole (a NUL byte, a torn line) is fetched again and taken row by row, so that one bad cell costs one row in
quarantine and not the window.
"""

from __future__ import annotations

import contextlib
import csv
import io
import itertools
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent import futures
from dataclasses import dataclass
from typing import Any

from contact_sync import database, errors, records
from contact_sync.salesforce import auth, bulk
from contact_sync.stages import _windows

#: Sets on their way at a time: two are merged while a third is waited for.
WORKERS = 3
#: Sets that each worker takes, at least: none is left alone with the last one for long.
_TURNS = 2
#: Fewer rows than these are not worth a call of their own.
_LEAST_ROWS = 10_000
#: Rows that the slow road takes at a time.
_SLOW_ROWS = 2_000
#: A long text area holds 131,072 characters; the csv module's default limit is no more.
_CELL_CHARACTERS = 1_000_000

#: Hears the locator of the next set, None after the last one.
Announce = Callable[[str | None], None]


def get_ready(db: database.Database, window: _windows.Window) -> None:
    """While Salesforce works on the job: connect as often as sets are merged side by side, and read the catalogue."""
    with contextlib.ExitStack() as stack:
        for _ in range(WORKERS):
            _windows.make_page(stack.enter_context(db.transaction(is_undone=True)), window)


@dataclass(frozen=True, slots=True)
class Results:
    """The results of a complete job, on their way into the mirror."""

    db: database.Database
    salesforce: auth.Session
    window: _windows.Window
    job: bulk.Job

    def merge(self) -> None:
        """Merge all sets but those that were merged before the last worker stopped, ``WORKERS`` at a time.

        Raises what stopped the first set that failed; sets on their way are finished, no other is begun.
        """
        rows = self.db.all("select_merged_sets", window_id=self.window.window_id)
        chain = _Chain(self._merge_set, {row["locator"]: row["next_locator"] for row in rows})
        chain.follow()

    @property
    def _set_rows(self) -> int:
        share = -(-self.job.rows // (WORKERS * _TURNS))
        return min(max(share, _LEAST_ROWS), bulk.SET_ROWS)

    def _merge_set(self, locator: str | None, announce: Announce) -> None:
        try:
            self._copy_in_turn(locator, announce)
        except errors.RejectError as error:
            if error.status is not None:
                # Salesforce's own refusal, not the database's
                raise
            self._read_set(locator)

    def _copy_in_turn(self, locator: str | None, announce: Announce) -> None:
        """Copy a set, once more if another transaction was let go first: its successor is begun already."""
        try:
            self._copy_set(locator, announce)
        except errors.LostTurnError:
            self._copy_set(locator, lambda _: None)

    def _copy_set(self, locator: str | None, announce: Announce) -> None:
        names = list(self.window.selection.names)
        with bulk.results(self.salesforce, self.job, locator=locator, max_rows=self._set_rows) as found:
            announce(found.next_locator)
            with self.db.transaction() as tx:
                # the proof's waits for the disk; a set that a crash takes back is fetched again
                tx.execute("leave_flushing_to_a_later_commit")
                _windows.make_page(tx, self.window)
                if found.rows:
                    tx.copy_csv("csv_page", names, found)
                place = _windows.Place(locator=locator, following=found.next_locator)
                _, bad = _windows.merge_page(tx, self.window, place)
                self._record(tx, found.rows - bad, 0)

    def _read_set(self, locator: str | None) -> None:
        rows = refused = bad = 0
        with (
            bulk.results(self.salesforce, self.job, locator=locator, max_rows=self._set_rows) as found,
            self.db.transaction() as tx,
        ):
            place = _windows.Place(locator=locator, following=found.next_locator)
            for part in _parts(found):
                refused += self._land(tx, part, rows)
                bad += _windows.merge_landed(tx, self.window, place)[1]
                rows += len(part)
            self._record(tx, rows - refused - bad, refused)

    def _land(self, tx: database.Transaction, part: list[records.Json], first: int) -> int:
        """Land rows of the slow road; return how many were quarantined instead."""
        whole = [row for row in part if not _is_torn(row)]
        for row in filter(_is_torn, part):
            _windows.quarantine(tx, self.window, row, "the line has more or fewer cells than the header")
        return len(part) - len(whole) + _windows.land_page(tx, self.window, whole, first)

    def _record(self, tx: database.Transaction, landed: int, refused: int) -> None:
        tx.execute(
            "record_result_set",
            window_id=self.window.window_id,
            rows_landed=landed,
            rows_quarantined=refused,
        )


class _Chain:
    """Sets that are only known one from the other, several at work: each tells its successor before its rows."""

    def __init__(self, take: Callable[[str | None, Announce], None], done: Mapping[str, str | None]) -> None:
        self._take = take
        #: Locators of sets that need not be taken, with the locator that follows each.
        self._done = done
        self._running: deque[futures.Future[None]] = deque()
        self._is_stopped = threading.Event()

    def follow(self) -> None:
        """Take all sets from the first one on."""
        with futures.ThreadPoolExecutor(WORKERS, thread_name_prefix="results") as self._pool:
            self._begin("")
            # a successor is begun before its predecessor ends
            while self._running:
                self._running.popleft().result()

    def _begin(self, locator: str | None) -> None:
        """Begin that set, or the first one after it that is not done. The first set's locator is empty."""
        while locator is not None and locator in self._done:
            locator = self._done[locator]
        if locator is not None:
            self._running.append(self._pool.submit(self._take_unless_stopped, locator))

    def _take_unless_stopped(self, locator: str) -> None:
        if self._is_stopped.is_set():
            return
        try:
            self._take(locator or None, self._begin)
        except BaseException:
            self._is_stopped.set()
            raise


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
    """A line with more or fewer cells than the header is no record."""
    if None in row or None in row.values():
        return {"torn_line": list(row.values())}
    return {name: value or None for name, value in row.items()}


def _is_torn(row: records.Json) -> bool:
    return "torn_line" in row


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
