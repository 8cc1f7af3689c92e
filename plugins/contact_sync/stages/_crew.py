"""Several creations at once: while one waits for an answer, others use the rate. Slow to begin, quick to give up."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from concurrent import futures

from contact_sync import database, errors
from contact_sync.stages import _ledger

log = logging.getLogger(__name__)

#: So many creations under way, once respond.io answers well. Five calls a second, each answered within a second.
_WORKERS = 5
#: So many unanswered creations in a row end the run.
_PATIENCE = 3.0
#: What the failure of a creation that failed before counts of one.
_STUCK_WEIGHT = 0.25
#: How often the task's log tells how far it is.
_SAY_SECONDS = 60.0

#: Takes one creation as far as it goes; returns what became of it.
Advance = Callable[[database.Row], str]
#: Returns the next creation to work on, none of the given Salesforce ids; None if nothing is left.
Next = Callable[[list[str]], database.Row | None]


class Crew:
    """Works through creations until none is left, the limit or the deadline is reached, or respond.io is silent."""

    def __init__(self, *, limit: int | None, deadline: float) -> None:
        self._limit = limit
        self._deadline = deadline
        self._wanted = 1
        self._begun = self._answered = 0
        self._failures = 0.0
        self._tried: list[str] = []
        self._error: errors.ContactSyncError | None = None
        self._silence: errors.RetryError | None = None

    def work(
        self, advance: Advance, following: Next, counts: _ledger.Counts, *, say: Callable[[], str]
    ) -> None:
        """Take what is next until nothing is; count outcomes into ``counts``, log ``say`` once a minute.

        Raises StopError at once; RetryError if nothing at all was answered, or three in a row were not.
        """
        said_at = time.monotonic()
        with futures.ThreadPoolExecutor(_WORKERS) as pool:
            busy: dict[futures.Future[str], database.Row] = {}
            while True:
                for row in self._next_rows(busy, following):
                    busy[pool.submit(advance, row)] = row
                if not busy:
                    break
                done, _ = futures.wait(busy, timeout=_SAY_SECONDS, return_when=futures.FIRST_COMPLETED)
                for future in done:
                    self._settle(busy.pop(future), future, counts)
                if time.monotonic() - said_at >= _SAY_SECONDS:
                    said_at = time.monotonic()
                    log.info("%s", say())
        self._raise()

    def _may_begin(self) -> bool:
        is_wanted = self._limit is None or self._begun < self._limit
        return is_wanted and self._error is None and time.monotonic() < self._deadline

    def _next_rows(
        self, busy: dict[futures.Future[str], database.Row], following: Next
    ) -> Iterator[database.Row]:
        while len(busy) < self._wanted and self._may_begin():
            row = following([*self._tried, *(begun["salesforce_id"] for begun in busy.values())])
            if row is None:
                return
            self._begun += 1
            yield row

    def _settle(self, row: database.Row, future: futures.Future[str], counts: _ledger.Counts) -> None:
        try:
            outcome = future.result()
        except errors.RetryError as error:
            # one contact that is stuck must not hold up the others; three in a row are the vendor
            outcome = "postponed"
            self._tried.append(row["salesforce_id"])
            # one that failed before says little about the vendor
            self._failures += 1.0 if row["error_code"] is None else _STUCK_WEIGHT
            self._wanted, self._silence = 1, error
            if self._failures >= _PATIENCE:
                self._error = error
        except errors.StopError as error:
            self._error = error
            return
        else:
            self._answered += 1
            self._failures, self._wanted = 0.0, min(self._wanted + 1, _WORKERS)
        counts[outcome] = counts.get(outcome, 0) + 1

    def _raise(self) -> None:
        if self._error:
            raise self._error
        # a vendor that is down must not look like a quiet day; what is merely unclear is looked up in a minute
        if self._silence and not self._answered and not self._silence.is_ambiguous:
            raise self._silence
