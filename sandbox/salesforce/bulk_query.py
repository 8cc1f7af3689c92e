"""Bulk 2.0 query jobs. Imitates "Query Jobs" (Bulk API 2.0 and Bulk API Developer Guide).

Results are rendered to a file before the job says JobComplete; sets of results are slices of that file.
"""

from __future__ import annotations

import base64
import binascii
import itertools
from array import array
from typing import Any, BinaryIO

from sandbox.salesforce import compiler, errors, jobs, literals, soql
from sandbox.salesforce.compiled import Column, Compiled
from sandbox.salesforce.exchange import Answer, Call, FileSlice, api
from sandbox.salesforce.jobs import Job
from sandbox.salesforce.org import Org

DELIMITERS = {
    "COMMA": ",", "TAB": "\t", "SEMICOLON": ";", "PIPE": "|", "CARET": "^", "BACKQUOTE": "`",
}  # fmt: skip
LINE_ENDINGS = {"LF": "\n", "CRLF": "\r\n"}

_ROWS_A_STEP = 5000
#: Types whose text never holds a quote.
_QUOTELESS = ("id", "reference", "boolean", "date", "datetime")
_PAGES_SHOWN = 5
_OFFSET_BYTES = 8


@api.add("POST", "/jobs/query")
def create(call: Call) -> Answer:
    """Imitates "Create a Query Job": the query is checked at once, what Bulk can't do is refused."""
    body = call.json_object()
    operation = body.get("operation")
    if operation not in ("query", "queryAll"):
        raise errors.bad_request("INVALIDJOB", f"Unsupported operation: {operation}")
    text = str(body.get("query", ""))
    found = _compiled(call.org, call.user_id, text, is_all=operation == "queryAll")
    _check_supported(found, call.org.switch("compound_refusal_code"))
    options = _options(body)
    job = jobs.create(
        call, "query", "V2Query", "UploadComplete",
        operation=operation, object=found.sobject.name, details={"query": text, **options},
    )  # fmt: skip
    call.org.bulk.start(job)
    shown = job.shown()
    del shown["jobType"]
    return Answer(200, shown)


@api.add("GET", "/jobs/query")
def select(call: Call) -> Answer:
    """Imitates "Get Information About All Query Jobs"."""
    return jobs.listed(call, "/jobs/query", ("V2Query", "Classic"))


@api.add("GET", "/jobs/query/{job_id}")
def read(call: Call) -> Answer:
    """Imitates "Get Information About a Query Job"; each call is a poll."""
    return Answer(200, _shown(jobs.polled(call, jobs.known(call, "query"))))


@api.add("PATCH", "/jobs/query/{job_id}")
def change(call: Call) -> Answer:
    """Imitates "Abort a Query Job"."""
    job = jobs.known(call, "query")
    if call.json_object().get("state") != "Aborted":
        raise errors.bad_request("INVALIDJOBSTATE", "a query job can only be aborted")
    return Answer(200, _shown(jobs.abort(call, job)))


@api.add("DELETE", "/jobs/query/{job_id}")
def delete(call: Call) -> Answer:
    """Imitates "Delete a Query Job"."""
    return jobs.delete(call, jobs.known(call, "query"))


@api.add("GET", "/jobs/query/{job_id}/results")
def results(call: Call) -> Answer:
    """Imitates "Get Results for a Query Job": CSV; the next set's locator, or the text ``null``, in a header."""
    job = _complete(call)
    total = job.details["numberRecordsProcessed"]
    start = _row_of(call.params.get("locator"), total)
    asked = call.params.get("maxRecords", str(call.org.switch("bulk_result_rows")))
    if not asked.isdecimal() or int(asked) < 1:
        raise errors.bad_request("API_ERROR", "maxRecords must be a positive number")
    end = min(start + int(asked), total)
    folder = jobs.files(call.org.store, job.job_id)
    with (folder / "offsets").open("rb") as offsets:
        places = [_offset(offsets, row) for row in (0, start, end)]
        with (folder / "results.csv").open("rb") as file:
            head = file.read(places[0])
    headers = {
        "content-type": call.org.switch("csv_content_type"),
        "Sforce-NumberOfRecords": str(end - start),
        "Sforce-Locator": "null" if end >= total else _locator(end),
    }
    return Answer(200, FileSlice(folder / "results.csv", places[1], places[2], head), headers)


@api.add("GET", "/jobs/query/{job_id}/resultPages")
def result_pages(call: Call) -> Answer:
    """Imitates "Get Parallel Results for a Query Job": up to five addresses of sets."""
    job = _complete(call)
    total, size = job.details["numberRecordsProcessed"], call.org.switch("bulk_result_rows")
    start = _row_of(call.params.get("locator"), total)
    starts = list(range(start, max(total, 1), size))
    base = call.data_url(f"/jobs/query/{job.job_id}")
    body: dict[str, Any] = {
        "resultPages": [
            {"resultUrl": f"{base}/results?locator={_locator(row)}"} for row in starts[:_PAGES_SHOWN]
        ],
        "done": len(starts) <= _PAGES_SHOWN,
    }
    if not body["done"]:
        body[call.org.switch("result_pages_key")] = (
            f"{base}/resultpages?locator={_locator(starts[_PAGES_SHOWN])}"
        )
    return Answer(200, body)


api.add("GET", "/jobs/query/{job_id}/resultpages")(result_pages)


def render(org: Org, job: Job) -> None:
    """Write a job's results and the byte offset of each row, ``offsets[n]`` being where row n begins."""
    found = _compiled(org, job.created_by, job.details["query"], is_all=job.operation == "queryAll")
    folder = jobs.files(org.store, job.job_id)
    folder.mkdir(parents=True, exist_ok=True)
    delimiter, ending = DELIMITERS[job.details["columnDelimiter"]], LINE_ENDINGS[job.details["lineEnding"]]
    header = delimiter.join(f'"{".".join(column.parts)}"' for column in found.columns) + ending
    datetime_ending = f".000{org.switch('csv_datetimes_end_in')}"
    line = _line(found, datetime_ending, delimiter, ending, has_nul=org.store.holds_nul)
    text = found.text(f"CAST({line} AS BLOB)", found.bounds())
    with (folder / "results.csv").open("wb") as file, (folder / "offsets").open("wb") as offsets:
        file.write(header.encode())
        rows = org.store.read().execute(text, found.parameters)
        job.details["numberRecordsProcessed"] = _write(org, rows, len(header.encode()), file, offsets)
    most = org.switch("bulk_timeout_rows")
    if most is not None and job.details["numberRecordsProcessed"] > most:
        raise errors.bad_request("QUERY_TIMEOUT", "Your query request was running for too long.")


def _write(org: Org, rows: Any, position: int, file: BinaryIO, offsets: BinaryIO) -> int:
    count = 0
    while lines := [row[0] for row in rows.fetchmany(_ROWS_A_STEP)]:
        places = array("Q", itertools.accumulate(map(len, lines), initial=position))
        position = places.pop()
        file.write(b"".join(lines))
        offsets.write(places.tobytes())
        count += len(lines)
        if org.bulk.stopping.is_set():
            break
    # where the last row ends
    offsets.write(array("Q", [position]).tobytes())
    return count


def _line(found: Compiled, datetime_ending: str, delimiter: str, ending: str, *, has_nul: bool) -> str:
    """Return SQL of a row's line: nothing and empty look alike, inner quotes are doubled."""
    cells = [_cell(found, column, datetime_ending) for column in found.columns]
    if not has_nul:
        form = delimiter.join(
            '"%s"' if column.field.type in _QUOTELESS else '"%w"' for column in found.columns
        )
        return f"printf('{form}{ending}', {', '.join(cells)})"
    # slower, and printf ends a text at its first NUL
    quoted = (f"""'"' || replace({cell}, '"', '""') || '"'""" for cell in cells)
    return f" || '{delimiter}' || ".join(quoted) + f" || '{ending}'"


def _cell(found: Compiled, column: Column, datetime_ending: str) -> str:
    """Return SQL of a cell's text."""
    sql = found.expressions[column.place].replace(literals.DATETIME_ENDING, datetime_ending)
    if column.field.type == "boolean":
        sql = f"CASE {sql} WHEN 1 THEN 'true' WHEN 0 THEN 'false' END"
    return f"coalesce({sql}, '')"


def _compiled(org: Org, user_id: str, text: str, *, is_all: bool) -> Compiled:
    return compiler.compile_query(
        soql.parse(text), org.visibility(user_id), is_all=is_all, now=org.store.clock()
    )


def _check_supported(found: Compiled, compound_code: str) -> None:
    """Refuse what "SOQL Considerations" says Bulk 2.0 doesn't do."""
    if found.aggregates:
        raise errors.bad_request("API_ERROR", "Aggregate Relationships not supported in Bulk Query")
    if any(column.field.type == "address" for column in found.columns):
        raise errors.bad_request(compound_code, "Selecting compound data not supported in Bulk Query")
    if found.query.offset is not None:
        raise errors.bad_request("API_ERROR", "OFFSET not supported in Bulk Query")


def _options(body: dict[str, Any]) -> dict[str, str]:
    options = {
        "columnDelimiter": body.get("columnDelimiter") or "COMMA",
        "lineEnding": body.get("lineEnding") or "LF",
    }
    content_type = body.get("contentType", "CSV")
    is_known = options["columnDelimiter"] in DELIMITERS and options["lineEnding"] in LINE_ENDINGS
    if content_type != "CSV" or not is_known:
        raise errors.bad_request("INVALIDJOB", "unknown contentType, columnDelimiter or lineEnding")
    return options


def _shown(job: Job) -> dict[str, Any]:
    is_over = job.state in jobs.TERMINAL
    shown = job.shown() | {
        "numberRecordsProcessed": job.details.get("numberRecordsProcessed", 0) if is_over else 0,
        "retries": 0,
        "totalProcessingTime": job.details.get("totalProcessingTime", 0) if is_over else 0,
        "isPkChunkingSupported": True,
    }
    if job.state == "Failed":
        shown["errorMessage"] = job.details.get("errorMessage", "")
    return shown


def _complete(call: Call) -> Job:
    job = jobs.known(call, "query")
    if job.api_version != call.version:
        message = f"The job was created with API version {job.api_version}; use the same to get its results"
        raise errors.ApiError(409, "API_ERROR", message)
    if job.state != "JobComplete":
        raise errors.bad_request("INVALIDJOBSTATE", f"The job is {job.state}, its results cannot be read")
    return job


def _locator(row: int) -> str:
    return base64.urlsafe_b64encode(f"row{row}".encode()).decode().rstrip("=")


def _row_of(locator: str | None, total: int) -> int:
    if not locator:
        return 0
    try:
        text = base64.urlsafe_b64decode(locator + "=" * (-len(locator) % 4)).decode()
        row = int(text.removeprefix("row"))
    except (binascii.Error, ValueError) as exc:
        raise errors.bad_request("INVALID_QUERY_LOCATOR", "invalid query locator") from exc
    if not 0 <= row <= total or not text.startswith("row"):
        raise errors.bad_request("INVALID_QUERY_LOCATOR", "invalid query locator")
    return row


def _offset(offsets: BinaryIO, row: int) -> int:
    offsets.seek(row * _OFFSET_BYTES)
    return array("Q", offsets.read(_OFFSET_BYTES))[0]
