"""Bulk jobs: their records, their files, their states, and the worker that does them.

A job's work starts at once in the background. What a caller sees follows the vendor: UploadComplete, then InProgress,
and JobComplete only when the work is done, ``bulk_polls`` polls were made and ``bulk_seconds`` have passed.
"""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox.salesforce import errors, ids, literals
from sandbox.salesforce.exchange import Answer, Call
from sandbox.salesforce.org import Org
from sandbox.salesforce.store import Store

TERMINAL = ("JobComplete", "Failed", "Aborted")
KEPT_SECONDS = 7 * 86_400
LISTED = 1000

_COLUMNS = (
    "job_id", "kind", "job_type", "operation", "object", "created_by", "created_at", "changed_at", "state",
    "api_version", "polls", "details",
)  # fmt: skip


@dataclass(slots=True, kw_only=True)
class Job:
    """One bulk job. ``details`` holds what only its kind knows: query text, counts, error message, file options."""

    job_id: str
    kind: str
    job_type: str
    operation: str
    object: str
    created_by: str
    created_at: float
    changed_at: float
    state: str
    api_version: str
    polls: int = 0
    details: dict[str, Any] = field(default_factory=dict)

    def shown(self) -> dict[str, Any]:
        """Return the attributes every kind of job shows, in every list."""
        shown = {
            "id": self.job_id,
            "operation": self.operation,
            "object": self.object,
            "createdById": self.created_by,
            "createdDate": literals.shown(self.created_at),
            "systemModstamp": literals.shown(self.changed_at),
            "state": self.state,
            "concurrencyMode": "Parallel",
            "contentType": "CSV",
            "apiVersion": float(self.api_version),
            "jobType": self.job_type,
            "lineEnding": self.details.get("lineEnding", "LF"),
            "columnDelimiter": self.details.get("columnDelimiter", "COMMA"),
        }
        return shown | {
            name: self.details[name] for name in ("externalIdFieldName",) if self.details.get(name)
        }


class Worker:
    """Does jobs in the background; ``work`` of each kind is called with the org and the job."""

    def __init__(self, org: Org, work: dict[str, Callable[[Org, Job], None]]) -> None:
        self._org, self._work = org, work
        self._pool = ThreadPoolExecutor(max_workers=2, thread_name_prefix="bulk")
        self._begun: list[Future[None]] = []
        self.stopping = threading.Event()

    def start(self, job: Job) -> None:
        """Begin a job's work."""
        self._begun = [begun for begun in self._begun if not begun.done()]
        self._begun.append(self._pool.submit(self._do, job.job_id))

    def settle(self) -> None:
        """Wait until everything begun is done."""
        wait(self._begun)

    def resume(self) -> None:
        """Begin again what a restart interrupted; forget files of jobs nobody knows."""
        known = {job.job_id for job in select(self._org.store, "TRUE", ())}
        for folder in _folder(self._org.store).glob("750*"):
            if folder.name not in known:
                shutil.rmtree(folder, ignore_errors=True)
        for job in select(self._org.store, "state IN ('UploadComplete', 'InProgress')", ()):
            self.start(job)

    def close(self) -> None:
        """Stop between two steps of whatever is being done."""
        self.stopping.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _do(self, job_id: str) -> None:
        job = find(self._org.store, job_id)
        if job is None or job.details.get("is_done"):
            return
        started = time.perf_counter()
        try:
            self._work[job.kind](self._org, job)
        except errors.ApiError as exc:
            job.details["outcome"], job.details["errorMessage"] = "Failed", f"{exc.code}: {exc.message}"
        if self.stopping.is_set():
            return
        outcome = self._org.switch("bulk_outcome")
        if outcome:
            job.details |= {"outcome": outcome["state"], "errorMessage": outcome.get("errorMessage", "")}
        job.details["is_done"] = True
        job.details["totalProcessingTime"] = int((time.perf_counter() - started) * 1000)
        _save_work(self._org.store, job)


def create(call: Call, kind: str, job_type: str, state: str, **what: Any) -> Job:
    """Make and keep a job of the calling user; ``what``: operation, object, details."""
    store = call.org.store
    with store.writing():
        job = Job(
            job_id=ids.mint_id("750", store.next_serial("job")), kind=kind, job_type=job_type, state=state,
            created_by=call.user_id, created_at=store.clock(), changed_at=store.clock(), api_version=call.version,
            **what,
        )  # fmt: skip
        values = [json.dumps(job.details) if name == "details" else getattr(job, name) for name in _COLUMNS]
        places = ", ".join("?" * len(_COLUMNS))
        store.read().execute(
            " ".join(["INSERT INTO job (", ", ".join(_COLUMNS), ") VALUES (", places, ")"]), values
        )
    return job


def known(call: Call, kind: str, *job_types: str) -> Job:
    """Return the job a call is about. Raises 404 for one that is unknown, deleted, older than a week or another's."""
    found = ids.full_id(call.arguments["job_id"])
    job = find(call.org.store, found or "")
    now = call.org.store.clock()
    is_gone = job is not None and job.state in TERMINAL and now - job.created_at > KEPT_SECONDS
    if job is None or is_gone or job.kind != kind or (job_types and job.job_type not in job_types):
        raise errors.not_found()
    return job


def polled(call: Call, job: Job) -> Job:
    """Count a poll and move the job's state as far as its work, the switches and the clock allow."""
    org = call.org
    job.polls += 1
    if job.state == "UploadComplete":
        job.state = "InProgress"
    waited = org.store.clock() - job.details.get("started_at", job.created_at)
    is_ripe = job.polls > org.switch("bulk_polls") and waited >= org.switch("bulk_seconds")
    if job.state == "InProgress" and job.details.get("is_done") and is_ripe:
        job.state = job.details.get("outcome", "JobComplete")
        job.changed_at = org.store.clock()
    save(org.store, job)
    return job


def save(store: Store, job: Job) -> None:
    """Keep a job's state and polls."""
    with store.writing() as connection:
        connection.execute(
            "UPDATE job SET state = ?, polls = ?, changed_at = ? WHERE job_id = ?",
            (job.state, job.polls, job.changed_at, job.job_id),
        )


def set_details(store: Store, job: Job) -> None:
    """Keep a job's details."""
    with store.writing() as connection:
        connection.execute(
            "UPDATE job SET details = ? WHERE job_id = ?", (json.dumps(job.details), job.job_id)
        )


def _save_work(store: Store, job: Job) -> None:
    with store.writing():
        current = find(store, job.job_id)
        if current is not None:
            set_details(store, job)


def find(store: Store, job_id: str) -> Job | None:
    """Return a job, or None."""
    return next(iter(select(store, "job_id = ?", (job_id,))), None)


def select(store: Store, where: str, values: Iterable[Any]) -> list[Job]:
    """Return jobs for a condition of our own."""
    text = " ".join(["SELECT", ", ".join(_COLUMNS), "FROM job WHERE", where])
    rows = store.read().execute(text, tuple(values)).fetchall()
    jobs = [Job(**dict(zip(_COLUMNS, row, strict=True))) for row in rows]
    for job in jobs:
        job.details = json.loads(str(job.details))
    return jobs


def delete(call: Call, job: Job) -> Answer:
    """Forget a terminal job and its files: 204. Raises API_ERROR while it isn't terminal."""
    if job.state not in TERMINAL:
        message = "Error encountered when deleting the job because the job is not terminated"
        raise errors.bad_request("API_ERROR", message)
    with call.org.store.writing() as connection:
        connection.execute("DELETE FROM job WHERE job_id = ?", (job.job_id,))
    shutil.rmtree(files(call.org.store, job.job_id), ignore_errors=True)
    return Answer(204)


def abort(call: Call, job: Job) -> Job:
    """Abort a job that isn't over. Raises INVALIDJOBSTATE."""
    if job.state in TERMINAL:
        raise errors.bad_request("INVALIDJOBSTATE", f"Aborting already {job.state} Job not allowed")
    job.state, job.changed_at = "Aborted", call.org.store.clock()
    save(call.org.store, job)
    return job


def listed(call: Call, path: str, job_types: Iterable[str]) -> Answer:
    """Answer one page of jobs, in no particular order, without those that ended more than a week ago."""
    kinds = [wanted for wanted in job_types if call.params.get("jobType", wanted) == wanted]
    since = call.org.store.clock() - KEPT_SECONDS
    where = " ".join(["created_at >= ? AND job_type IN (", ", ".join("?" * len(kinds)), ")"])
    found = select(call.org.store, where, (since, *kinds))
    if not call.org.switch("lists_all_jobs"):
        found = [job for job in found if job.created_by == call.user_id]
    # no order is promised: the Id read backwards is as good as any, and stable
    found.sort(key=lambda job: job.job_id[::-1])
    start = int(call.params.get("queryLocator", "-0").rpartition("-")[2])
    page = found[start : start + LISTED]
    is_done = start + LISTED >= len(found)
    following = call.data_url(f"{path}?queryLocator=01gSB0000000001AAA-{start + LISTED}")
    body = {
        "done": is_done,
        "records": [job.shown() for job in page],
        "nextRecordsUrl": None if is_done else following,
    }
    return Answer(200, body)


def files(store: Store, job_id: str) -> Path:
    """Return the folder of one job's files."""
    return _folder(store) / job_id


def _folder(store: Store) -> Path:
    return store.path.with_name(f"{store.path.stem}-jobs")
