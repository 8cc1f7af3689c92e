"""Ingest jobs of the org: evidence that Contacts came in by bulk (Bulk API 2.0 Developer Guide, "Get All Jobs").

A hint, not proof: loads by SOAP or REST leave no job, finished jobs vanish after seven days, and without the
permission Manage Data Integrations the list may hold our own jobs only.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from contact_sync import answers, errors, records
from contact_sync.salesforce import auth, bulk, replication

_ROUTE = "/jobs/ingest"
#: States of Bulk API 2.0 in which nothing more is saved; a classic job's stamp tells when it was closed, not done.
_FINAL = frozenset({"JobComplete", "Failed", "Aborted"})


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestJob:
    """One bulk load, of any API generation. The list names no row counts."""

    job_id: str
    sobject: str
    operation: str
    state: str
    created_by_id: str
    created_at: datetime
    #: ``V2Ingest``, ``Classic`` (Bulk 1.0 and Data Import Wizard) or ``BigObjectIngest``.
    job_type: str
    #: When its last row was saved; None while it goes on, or where that is not told.
    finished_at: datetime | None = None


def ingest_jobs(session: auth.Session) -> Iterator[IngestJob]:
    """Yield every job that Salesforce still lists, in no particular order, a thousand per call.

    Raises NotEnabledError where the org has REST but no Bulk API.
    """
    path: str | None = None
    seen: set[str] = set()
    while True:
        answer = session.call("GET", _ROUTE, path, accept=(403,))
        if answer.status_code == 403:
            bulk.refuse(answer, f"Salesforce GET {_ROUTE}")
        body = answers.json_object(answer, f"Salesforce GET {_ROUTE}")
        found = body.get("records")
        if not isinstance(found, list):
            raise errors.RetryError(f"Salesforce GET {_ROUTE} answered without records")
        yield from map(_job, found)
        path = body.get("nextRecordsUrl")
        if body.get("done") or not path:
            return
        if path in seen:
            raise errors.RetryError(f"Salesforce GET {_ROUTE} gave the same page twice")
        seen.add(path)


def contact_loads(session: auth.Session, since: datetime) -> list[IngestJob]:
    """Return the jobs that may have written Contacts since then, queries aside; none where there is no Bulk API."""
    with contextlib.suppress(bulk.NotEnabledError):
        return [
            job
            for job in ingest_jobs(session)
            if job.sobject == "Contact" and not job.operation.startswith("query") and job.created_at >= since
        ]
    return []


def _job(body: records.Json) -> IngestJob:
    is_over = body.get("jobType") == "V2Ingest" and body.get("state") in _FINAL
    stamp = body.get("systemModstamp") if is_over else None
    return IngestJob(
        job_id=str(body["id"]),
        sobject=str(body.get("object") or ""),
        operation=str(body.get("operation") or ""),
        state=str(body.get("state") or ""),
        created_by_id=str(body.get("createdById") or ""),
        created_at=replication.parse_time(str(body.get("createdDate"))),
        job_type=str(body.get("jobType") or ""),
        finished_at=replication.parse_time(str(stamp)) if stamp else None,
    )
