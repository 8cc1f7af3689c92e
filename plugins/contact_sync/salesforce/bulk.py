"""Bulk API 2.0 query jobs: create, wait, stream, delete (Bulk API 2.0 and Bulk API Developer Guide, "Query").

Results are CSV in UTF-8: every cell quoted, NULL and '' both an empty cell, times with ``Z``. They are handed on as
bytes; nothing here holds a whole set. A locator can be fetched again as long as the job exists, seven days.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, NoReturn

import httpx

from contact_sync import answers, errors, records
from contact_sync.salesforce import auth, query

log = logging.getLogger(__name__)

_JOBS = "/jobs/query"
_JOB = "/jobs/query/{id}"
_RESULTS = "/jobs/query/{id}/results"

JobState = Literal["UploadComplete", "InProgress", "JobComplete", "Failed", "Aborted"]

_NOT_ENABLED = "FUNCTIONALITY_NOT_ENABLED"

#: Rows that a set of results has at most: few enough that a resumed set costs seconds.
SET_ROWS = 50_000

#: Soon, then slower: waiting takes at most a quarter longer than the job, and 26 calls in the first half minute.
_POLL_FIRST_SECONDS = 0.02
_POLL_SLOWER = 1.25
_POLL_LONGEST_SECONDS = 10.0


class NotEnabledError(errors.RejectError):
    """The org has REST, but no asynchronous API: what a job would bring is read page by page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A query job as Salesforce tells it. ``rows`` is what it has found so far; all of it once complete."""

    job_id: str
    state: JobState
    rows: int = 0
    #: The version it was created with: results under another are refused with 409.
    api_version: str = auth.API_VERSION
    #: Salesforce's clock when the job was created; None when it was only asked for.
    created_at: datetime | None = None


class ResultSet:
    """One set of a job's results, open. ``rows`` is how many Salesforce says are in it."""

    def __init__(self, rows: int, next_locator: str | None, chunks: Iterator[bytes]) -> None:
        self.rows = rows
        #: What fetches the next set; None after the last one.
        self.next_locator = next_locator
        #: Why reading broke off, if it did: a driver that reads us replaces our error by one of its own.
        self.broken: errors.RetryError | None = None
        self._chunks = chunks
        self._rest = memoryview(b"")

    def read(self, size: int = -1) -> bytes:
        """Return up to ``size`` bytes of CSV (all of it if negative), b"" at the end: what COPY asks of a file.

        Raises RetryError when the connection breaks: the set is read again from its locator.
        """
        if size < 0:
            return self._taken(len(self._rest)) + b"".join(iter(self._chunk, b""))
        if not self._rest:
            self._rest = memoryview(self._chunk())
        return self._taken(size)

    def _chunk(self) -> bytes:
        """The next piece that is not empty, b"" at the end."""
        try:
            return next((chunk for chunk in self._chunks if chunk), b"")
        except httpx.HTTPError as exc:
            self.broken = errors.RetryError(
                f"Salesforce GET {_RESULTS}: the results broke off ({type(exc).__name__}); the next run goes on there"
            )
            raise self.broken from None

    def _taken(self, size: int) -> bytes:
        taken, self._rest = self._rest[:size], self._rest[size:]
        return bytes(taken)


def create(session: auth.Session, soql: str) -> Job:
    """Start a ``queryAll`` job. ORDER BY and LIMIT switch off Salesforce's own chunking: leave them out.

    Repeated after an unclear answer: a job too many costs one of ten thousand a day and nothing else.
    Raises NotEnabledError where the org has REST but no Bulk API.
    """
    body = {
        "operation": "queryAll",
        "query": soql,
        "contentType": "CSV",
        "columnDelimiter": "COMMA",
        "lineEnding": "LF",
    }
    answer = session.call("POST", _JOBS, json=body, is_idempotent=True, accept=(403,))
    if answer.status_code == 403:
        refuse(answer, f"Salesforce POST {_JOBS}")
    job = _job(answers.json_object(answer, f"Salesforce POST {_JOBS}"))
    return replace(job, created_at=query.server_date(answer, _JOBS))


def read(session: auth.Session, job_id: str) -> Job:
    """Return the job's state.

    Raises RejectError NOT_FOUND once it is gone, code of its ``errorMessage`` when it failed or was aborted, and
    QueryTimeoutError when its range was too wide.
    """
    body = session.get_json(_JOB, f"{_JOBS}/{job_id}")
    job = _job(body)
    if job.state in {"Failed", "Aborted"}:
        raise _failure(job, str(body.get("errorMessage") or ""))
    return job


def wait(
    session: auth.Session,
    job_id: str,
    *,
    timeout_seconds: float = 600.0,
    on_poll: Callable[[Job], None] | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Job:
    """Poll until the job is complete, a fiftieth of a second apart at first and ten seconds at most.

    ``on_poll`` sees each answer. Raises RetryError after ``timeout_seconds`` (the job goes on, and is found again by
    its id), and as ``read``.
    """
    pause, waited = _POLL_FIRST_SECONDS, 0.0
    while True:
        sleep(pause)
        waited += pause
        pause = min(pause * _POLL_SLOWER, _POLL_LONGEST_SECONDS)
        job = read(session, job_id)
        if on_poll:
            on_poll(job)
        if job.state == "JobComplete":
            return job
        if waited >= timeout_seconds:
            raise errors.RetryError(f"bulk job {job_id} is still {job.state}; the next run goes on with it")


@contextmanager
def results(
    session: auth.Session,
    job: Job,
    *,
    locator: str | None = None,
    max_rows: int | None = None,
) -> Iterator[ResultSet]:
    """Open one set of results, the first without a ``locator``; each set begins with the header row.

    Where the next set begins is told before the rows, so that several can be fetched side by side. Not compressed:
    that costs both sides more time than it saves on the way.
    """
    params: dict[str, str | int] = {}
    if locator:
        params["locator"] = locator
    if max_rows:
        params["maxRecords"] = max_rows
    headers = {"Accept": "text/csv", "Accept-Encoding": "identity"}
    path = f"/services/data/v{job.api_version}{_JOBS}/{job.job_id}/results"
    with session.stream("GET", _RESULTS, path, params=params, headers=headers) as answer:
        following = answer.headers.get("Sforce-Locator")
        rows = answer.headers.get("Sforce-NumberOfRecords", "")
        if not rows.isdigit():
            raise errors.RetryError(f"Salesforce GET {_RESULTS} did not say how many rows it holds")
        # the last set's locator is the literal text null
        next_locator = None if following in (None, "", "null") else following
        found = ResultSet(int(rows), next_locator, answer.iter_bytes())
        try:
            yield found
        except errors.ContactSyncError:
            if found.broken:
                raise found.broken from None
            raise


def delete(session: auth.Session, job_id: str) -> None:
    """Delete a finished job and its results, a courtesy: Salesforce forgets them after seven days. Raises nothing."""
    try:
        session.call("DELETE", _JOB, f"{_JOBS}/{job_id}", accept=(404,))
    except errors.ContactSyncError as error:
        log.info("bulk job %s stays for seven days: %s", job_id, error)


def _job(body: records.Json) -> Job:
    try:
        version = f"{float(body.get('apiVersion') or auth.API_VERSION):.1f}"
        rows = int(body.get("numberRecordsProcessed") or 0)
        return Job(job_id=str(body["id"]), state=body["state"], rows=rows, api_version=version)
    except (KeyError, TypeError, ValueError) as exc:
        raise errors.RetryError(f"Salesforce {_JOBS} answered another shape") from exc


def refuse(answer: httpx.Response, call: str) -> NoReturn:
    """Raise what a 403 means: NotEnabledError where the org has no Bulk API, else the usual refusal."""
    found = answers.read_error(answer)
    if found.code == _NOT_ENABLED:
        raise NotEnabledError(found.code, found.text, status=answer.status_code)
    raise answers.error(answer, call, is_idempotent=True)


def _failure(job: Job, message: str) -> errors.ContactSyncError:
    """``errorMessage`` is ``CODE: sentence``; the sentence may quote the query."""
    code = message.partition(":")[0].strip().replace(" ", "_") or job.state.upper()
    if "QUERY_TIMEOUT" in message:
        return query.QueryTimeoutError(f"bulk job {job.job_id}: QUERY_TIMEOUT; read a smaller range")
    return errors.RejectError(code, message or f"the job is {job.state}")
