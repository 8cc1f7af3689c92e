"""A minimal Bulk API 1.0 with JSON batches: what older loaders and Airflow's own bulk operator speak.

Imitates "Bulk API" (Bulk API 2.0 and Bulk API Developer Guide). Its jobs appear as ``Classic`` in job lists. XML is
not imitated.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import Any

from sandbox.salesforce import compiled, errors, ingest, jobs, literals, queries, sessions, writing
from sandbox.salesforce.errors import ApiError
from sandbox.salesforce.exchange import Answer, Call, Handler, site
from sandbox.salesforce.jobs import Job

_BASE = "/services/async/{version}/job"
_QUERIES = ("query", "queryAll")
_STATES = {"Closed": "JobComplete", "Aborted": "Aborted"}


def _route(method: str, template: str) -> Callable[[Handler], Handler]:
    """Put a handler into the table behind Bulk 1.0's own log-in and error shape."""

    def added(handler: Handler) -> Handler:
        @site.add(method, _BASE + template)
        @functools.wraps(handler)
        def guarded(call: Call) -> Answer:
            try:
                return handler(_logged_in(call))
            except ApiError as exc:
                code = "InvalidSessionId" if exc.code == "INVALID_SESSION_ID" else exc.code
                return Answer(exc.status, {"exceptionCode": code, "exceptionMessage": exc.message})

        return guarded

    return added


@_route("POST", "")
def create(call: Call) -> Answer:
    """Imitates "Create a New Job"."""
    body = call.json_object()
    operation = str(body.get("operation"))
    if operation not in (*ingest.OPERATIONS, *_QUERIES):
        raise errors.bad_request("InvalidJob", f"Unsupported operation: {operation}")
    if body.get("contentType", "XML") != "JSON":
        raise errors.not_imitated(f"Bulk API 1.0 with contentType {body.get('contentType', 'XML')}")
    sobject = compiled.find_object(str(body.get("object", "")))
    details: dict[str, Any] = {"batches": [], "externalIdFieldName": body.get("externalIdFieldName")}
    job = jobs.create(
        call, "classic", "Classic", "Open", operation=operation, object=sobject.name, details=details
    )
    return Answer(201, _shown(job))


@_route("GET", "/{job_id}")
def read(call: Call) -> Answer:
    """Imitates "Get Job Details"."""
    return Answer(200, _shown(jobs.known(call, "classic")))


@_route("POST", "/{job_id}")
def change(call: Call) -> Answer:
    """Imitates "Close a Job" and "Abort a Job"."""
    job = jobs.known(call, "classic")
    state = _STATES.get(call.json_object().get("state", ""))
    if state is None or job.state != "Open":
        raise errors.bad_request("InvalidJobState", "the job's state cannot be changed so")
    job.state, job.changed_at = state, call.org.store.clock()
    jobs.save(call.org.store, job)
    return Answer(200, _shown(job))


@_route("POST", "/{job_id}/batch")
def add_batch(call: Call) -> Answer:
    """Imitates "Add a Batch to a Job": the batch is done at once and says so after a poll."""
    job = jobs.known(call, "classic")
    if job.state != "Open":
        raise errors.bad_request("InvalidJobState", "the job is not open")
    number = call.org.store.next_serial("batch")
    batch: dict[str, Any] = {
        "id": f"751{job.job_id[3:6]}{number:012d}",
        "polls": 0,
        "processed": 0,
        "failed": 0,
    }
    folder = jobs.files(call.org.store, job.job_id)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{batch['id']}.request").write_bytes(call.body)
    found = _queried(call, job) if job.operation in _QUERIES else _saved(call, job, batch)
    (folder / f"{batch['id']}.result").write_text(json.dumps(found), encoding="utf-8")
    job.details["batches"].append(batch)
    jobs.set_details(call.org.store, job)
    return Answer(201, _batch_shown(call, job, batch))


@_route("GET", "/{job_id}/batch")
def select_batches(call: Call) -> Answer:
    """Imitates "Get Information for All Batches in a Job"."""
    job = jobs.known(call, "classic")
    return Answer(200, {"batchInfo": [_batch_shown(call, job, batch) for batch in job.details["batches"]]})


@_route("GET", "/{job_id}/batch/{batch_id}")
def read_batch(call: Call) -> Answer:
    """Imitates "Get Information for a Batch"; each call is a poll."""
    job, batch = _batch(call)
    batch["polls"] += 1
    jobs.set_details(call.org.store, job)
    return Answer(200, _batch_shown(call, job, batch))


@_route("GET", "/{job_id}/batch/{batch_id}/request")
def read_request(call: Call) -> Answer:
    """Imitates "Get a Batch Request"."""
    return Answer(200, _file(call, "request"), {"content-type": "application/json"})


@_route("GET", "/{job_id}/batch/{batch_id}/result")
def read_result(call: Call) -> Answer:
    """Imitates "Get Batch Results": results in the order of the batch, or the Ids of a query's result sets."""
    job, batch = _batch(call)
    if job.operation in _QUERIES:
        return Answer(200, [f"752{batch['id'][3:]}"])
    return Answer(200, _file(call, "result"), {"content-type": "application/json"})


@_route("GET", "/{job_id}/batch/{batch_id}/result/{result_id}")
def read_query_result(call: Call) -> Answer:
    """Imitates "Get Bulk Query Results"; datetimes are epoch milliseconds in Bulk 1.0's JSON."""
    return Answer(200, _file(call, "result"), {"content-type": "application/json"})


def _logged_in(call: Call) -> Call:
    from dataclasses import replace

    session = call.headers.get("x-sfdc-session", "")
    user_id = sessions.user_of(call.org, f"Bearer {session}")
    call.org.count_call()
    return replace(call, user_id=user_id, version=call.arguments["version"])


def _saved(call: Call, job: Job, batch: dict[str, Any]) -> list[dict[str, Any]]:
    writer = writing.Writer.of(call.org, call.user_id)
    sobject = compiled.find_object(job.object)
    saver = ingest.Saver(writer, sobject, job.operation, job.details["externalIdFieldName"])
    results = [_result(saver, item) for item in call.json()]
    batch["processed"] = len(results)
    batch["failed"] = sum(not result["success"] for result in results)
    call.changed.extend(result["id"] for result in results if result["success"])
    return results


def _result(saver: ingest.Saver, item: dict[str, Any]) -> dict[str, Any]:
    try:
        record_id, is_created = saver.save(
            {name: value for name, value in item.items() if name != "attributes"}
        )
    except ApiError as exc:
        error = exc.result() | {"extendedErrorDetails": None}
        return {"success": False, "created": False, "id": None, "errors": [error]}
    return {"success": True, "created": is_created, "id": record_id, "errors": []}


def _queried(call: Call, job: Job) -> list[dict[str, Any]]:
    found = queries.compiled_for(call, call.body.decode("utf-8"), is_all=job.operation == "queryAll")
    moments = [column.parts[0] for column in found.columns if column.field.type == "datetime"]
    rows = (
        call.org.store.read()
        .execute(f"{found.text(queries.selected(found))} {found.bounds()}", found.parameters)
        .fetchall()
    )
    records = queries.records(call, found, rows)
    for record in records:
        for name in moments:
            if isinstance(record[name], str):
                record[name] = literals.moment(record[name]) * 1000
    return records


def _batch(call: Call) -> tuple[Job, dict[str, Any]]:
    job = jobs.known(call, "classic")
    for batch in job.details["batches"]:
        if batch["id"] == call.arguments["batch_id"]:
            return job, batch
    raise errors.bad_request("InvalidBatch", "there is no such batch")


def _file(call: Call, kind: str) -> bytes:
    job, batch = _batch(call)
    return (jobs.files(call.org.store, job.job_id) / f"{batch['id']}.{kind}").read_bytes()


def _shown(job: Job) -> dict[str, Any]:
    batches = job.details["batches"]
    state = {"JobComplete": "Closed"}.get(job.state, job.state)
    counts = {"Total": len(batches), "Completed": len(batches), "Failed": 0, "InProgress": 0, "Queued": 0}
    shown = {name: value for name, value in job.shown().items() if name not in ("jobType", "lineEnding")}
    del shown["columnDelimiter"]
    return shown | {
        "state": state,
        "contentType": "JSON",
        "numberRecordsProcessed": sum(batch["processed"] for batch in batches),
        "numberRecordsFailed": sum(batch["failed"] for batch in batches),
        "numberRetries": 0,
        **{f"numberBatches{name}": count for name, count in counts.items()},
    }


def _batch_shown(call: Call, job: Job, batch: dict[str, Any]) -> dict[str, Any]:
    is_done = batch["polls"] > call.org.switch("bulk_polls")
    return {
        "id": batch["id"],
        "jobId": job.job_id,
        "state": "Completed" if is_done else "InProgress" if batch["polls"] else "Queued",
        "stateMessage": None,
        "createdDate": literals.shown(job.created_at),
        "systemModstamp": literals.shown(job.changed_at),
        "numberRecordsProcessed": batch["processed"] if is_done else 0,
        "numberRecordsFailed": batch["failed"] if is_done else 0,
    }
