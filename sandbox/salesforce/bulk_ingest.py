"""Bulk 2.0 ingest jobs. Imitates "Ingest Jobs" (Bulk API 2.0 and Bulk API Developer Guide)."""

from __future__ import annotations

import email.parser
import email.policy
import json
from typing import Any

from sandbox.salesforce import bulk_query, compiled, errors, ingest, jobs
from sandbox.salesforce.exchange import Answer, Call, FileSlice, api
from sandbox.salesforce.jobs import Job

_RESULTS = {
    "successfulresults": "successfulResults.csv",
    "failedresults": "failedResults.csv",
    "unprocessedrecords": "unprocessedrecords.csv",
}
_LARGEST = 150 * 1024 * 1024


@api.add("POST", "/jobs/ingest")
def create(call: Call) -> Answer:
    """Imitates "Create a Job"; a multipart body brings the data along and closes the upload."""
    content_type = call.headers.get("content-type", "")
    if not content_type.startswith("multipart/"):
        return Answer(200, _created(_create(call, call.json_object(), "Open"), call))
    parts = _parts(content_type, call.body)
    job = _create(call, json.loads(parts["job"]), "Open")
    _upload(call, job, parts["content"])
    return Answer(200, _created(_close(call, job), call))


@api.add("GET", "/jobs/ingest")
def select(call: Call) -> Answer:
    """Imitates "Get Information About All Ingest Jobs": the org's, Bulk 1.0's too, in no particular order."""
    return jobs.listed(call, "/jobs/ingest", ("V2Ingest", "Classic"))


@api.add("GET", "/jobs/ingest/{job_id}")
def read(call: Call) -> Answer:
    """Imitates "Get Job Info"; each call is a poll once the upload is complete."""
    job = jobs.known(call, "ingest")
    return Answer(200, _shown(job if job.state == "Open" else jobs.polled(call, job), call))


@api.add("PUT", "/jobs/ingest/{job_id}/batches")
def upload(call: Call) -> Answer:
    """Imitates "Upload Job Data": once, as CSV."""
    job = jobs.known(call, "ingest", "V2Ingest")
    if not call.headers.get("content-type", "text/csv").startswith("text/csv"):
        raise errors.ApiError(415, "UNSUPPORTED_MEDIA_TYPE", "Job data is uploaded as text/csv")
    _upload(call, job, call.body)
    return Answer(201)


@api.add("PATCH", "/jobs/ingest/{job_id}")
def change(call: Call) -> Answer:
    """Imitates "Close or Abort a Job"."""
    job = jobs.known(call, "ingest", "V2Ingest")
    state = call.json_object().get("state")
    if state == "Aborted":
        return Answer(200, _shown(jobs.abort(call, job), call))
    if state != "UploadComplete":
        raise errors.bad_request("INVALIDJOBSTATE", f"unknown state {state}")
    shown = _created(_close(call, job), call)
    return Answer(200, {name: value for name, value in shown.items() if name != "contentUrl"})


@api.add("DELETE", "/jobs/ingest/{job_id}")
def delete(call: Call) -> Answer:
    """Imitates "Delete a Job"."""
    return jobs.delete(call, jobs.known(call, "ingest", "V2Ingest"))


@api.add("GET", "/jobs/ingest/{job_id}/{results}")
def results(call: Call) -> Answer:
    """Imitates "Get Job Successful Record Results", "… Failed …" and "… Unprocessed …"."""
    job = jobs.known(call, "ingest", "V2Ingest")
    name = _RESULTS.get(call.arguments["results"].lower())
    path = jobs.files(call.org.store, job.job_id) / str(name)
    if name is None or job.state not in jobs.TERMINAL or not path.exists():
        raise errors.not_found()
    headers = {"content-type": call.org.switch("csv_content_type")}
    return Answer(200, FileSlice(path, 0, path.stat().st_size), headers)


def _create(call: Call, body: dict[str, Any], state: str) -> Job:
    operation = body.get("operation")
    if operation not in ingest.OPERATIONS:
        raise errors.bad_request("INVALIDJOB", f"Unsupported operation: {operation}")
    sobject = compiled.find_object(str(body.get("object", "")))
    if not sobject.is_writable:
        raise errors.not_imitated(f"ingest jobs for {sobject.name}")
    if operation == "upsert" and not body.get("externalIdFieldName"):
        raise errors.bad_request(
            "INVALIDJOB", "External ID was blank for Contact. An External ID must be specified"
        )
    details: dict[str, Any] = {
        "columnDelimiter": body.get("columnDelimiter") or "COMMA", "lineEnding": body.get("lineEnding") or "LF",
        "externalIdFieldName": body.get("externalIdFieldName"),
    }  # fmt: skip
    if details["columnDelimiter"] not in bulk_query.DELIMITERS or body.get("contentType", "CSV") != "CSV":
        raise errors.bad_request("INVALIDJOB", "unknown contentType or columnDelimiter")
    return jobs.create(
        call, "ingest", "V2Ingest", state, operation=operation, object=sobject.name, details=details
    )


def _upload(call: Call, job: Job, content: bytes) -> None:
    folder = jobs.files(call.org.store, job.job_id)
    if job.state != "Open" or (folder / "upload.csv").exists():
        message = f"ClientInputError : Found multiple contents for job: <{job.job_id}>"
        raise errors.bad_request("INVALIDJOBSTATE", message)
    if len(content) > _LARGEST:
        raise errors.ApiError(413, "REQUEST_ENTITY_TOO_LARGE", "The upload is too large")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "upload.csv").write_bytes(content)


def _close(call: Call, job: Job) -> Job:
    if job.state != "Open":
        raise errors.bad_request("INVALIDJOBSTATE", f"Closing already {job.state} Job not allowed")
    if not (jobs.files(call.org.store, job.job_id) / "upload.csv").exists():
        raise errors.bad_request("INVALIDJOBSTATE", "Job data was not uploaded")
    job.state, job.changed_at = "UploadComplete", call.org.store.clock()
    job.details["started_at"] = job.changed_at
    jobs.save(call.org.store, job)
    jobs.set_details(call.org.store, job)
    call.org.bulk.start(job)
    return job


def _created(job: Job, call: Call) -> dict[str, Any]:
    shown = job.shown()
    del shown["jobType"]
    return shown | {"contentUrl": _content_url(job, call)}


def _content_url(job: Job, call: Call) -> str:
    return f"services/data/v{call.version}/jobs/ingest/{job.job_id}/batches"


def _shown(job: Job, call: Call) -> dict[str, Any]:
    is_over, shown = job.state in jobs.TERMINAL, job.shown()
    if job.state == "Open":
        shown["contentUrl"] = _content_url(job, call)
    if job.state == "Failed":
        shown["errorMessage"] = job.details.get("errorMessage", "")
    spent = job.details.get("totalProcessingTime", 0) if is_over else 0
    return shown | {
        "numberRecordsProcessed": job.details.get("numberRecordsProcessed", 0) if is_over else 0,
        "numberRecordsFailed": job.details.get("numberRecordsFailed", 0) if is_over else 0,
        "retries": 0,
        "totalProcessingTime": spent,
        "apiActiveProcessingTime": spent,
        "apexProcessingTime": 0,
    }


def _parts(content_type: str, body: bytes) -> dict[str, bytes]:
    """Return the two parts of a multipart creation by name. Raises INVALIDJOB if one is missing."""
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + body)
    parts: dict[str, bytes] = {}
    for part in message.iter_parts() if message.is_multipart() else ():
        name = str(part.get_param("name", "", "content-disposition"))
        parts[name] = part.get_payload(decode=True) or b""  # type: ignore[assignment]
    if not {"job", "content"} <= set(parts):
        raise errors.bad_request("INVALIDJOB", "a multipart job has the parts job and content")
    return parts
