"""What an ingest job does with its rows: insert, update, upsert, delete, hardDelete; results in CSV.

Rows go through the same rules as any other save. The result files do not keep the order of the upload.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.salesforce import bulk_query, compiled, errors, jobs, rows, writing
from sandbox.salesforce.errors import ApiError
from sandbox.salesforce.jobs import Job
from sandbox.salesforce.objects import SObject
from sandbox.salesforce.org import Org

OPERATIONS = ("insert", "update", "upsert", "delete", "hardDelete")

_CHUNK = 200
_NULL = "#N/A"


@dataclass(frozen=True, slots=True)
class Saved:
    """What became of one row."""

    cells: list[str]
    record_id: str = ""
    is_created: bool = False
    error: ApiError | None = None


@dataclass(frozen=True, slots=True)
class Saver:
    """Saves rows of one operation; ``external_id`` names upsert's field, ``is_text`` says that values come from CSV."""

    writer: writing.Writer
    sobject: SObject
    operation: str
    external_id: str | None = None

    def save(self, given: Mapping[str, Any]) -> tuple[str, bool]:
        """Save one row; return its Id and whether it was created. Raises ApiError."""
        values = dict(given)
        if self.operation == "insert":
            return self.writer.create(self.sobject, values), True
        if self.operation == "upsert":
            return self._upsert(values)
        record_id = rows.checked_id(self.sobject, str(_popped(values, "Id") or ""))
        if self.operation == "update":
            self.writer.update(self.sobject, record_id, values)
        else:
            self.writer.delete(self.sobject, record_id)
            if self.operation == "hardDelete":
                self.writer.purge(self.sobject, record_id)
        return record_id, False

    def _upsert(self, values: dict[str, Any]) -> tuple[str, bool]:
        name = self.external_id or "Id"
        if name.lower() == "id":
            given = _popped(values, "Id")
            if given:
                record_id = rows.checked_id(self.sobject, str(given))
                self.writer.update(self.sobject, record_id, values)
                return record_id, False
            return self.writer.create(self.sobject, values), True
        value = next((given for key, given in values.items() if key.lower() == name.lower()), "")
        found = rows.by_external_id(self.writer.org, self.sobject, name, str(value))
        if len(found) > 1:
            raise errors.bad_request("DUPLICATE_EXTERNAL_ID", f"{name}: more than one record found")
        if found:
            self.writer.update(self.sobject, found[0], values)
            return found[0], False
        return self.writer.create(self.sobject, values), True


@dataclass(slots=True)
class _Outcome:
    header: list[str]
    saved: list[Saved] = field(default_factory=list)
    unprocessed: list[list[str]] = field(default_factory=list)

    @property
    def failed(self) -> list[Saved]:
        return [item for item in self.saved if item.error is not None]


def run(org: Org, job: Job) -> None:
    """Do a job's rows and write its three result files."""
    text = (jobs.files(org.store, job.job_id) / "upload.csv").read_bytes().decode("utf-8-sig")
    job.details |= {"numberRecordsProcessed": 0, "numberRecordsFailed": 0}
    delimiter = bulk_query.DELIMITERS[job.details["columnDelimiter"]]
    parsed = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    csv.field_size_limit(1 << 20)
    header = next(parsed, [])
    outcome = _Outcome(header)
    problem = _problem(job, text, header)
    if problem:
        job.details |= {"outcome": "Failed", "errorMessage": problem}
        outcome.unprocessed = list(parsed)
    else:
        _save_all(org, job, outcome, parsed)
    job.details["numberRecordsProcessed"] = len(outcome.saved)
    job.details["numberRecordsFailed"] = len(outcome.failed)
    _write_results(org, job, outcome, delimiter)


def _save_all(org: Org, job: Job, outcome: _Outcome, lines: Iterable[list[str]]) -> None:
    sobject = compiled.find_object(job.object)
    writer = writing.Writer.of(org, job.created_by, is_text=True)
    saver = Saver(writer, sobject, job.operation, job.details.get("externalIdFieldName"))
    for chunk in _chunks(lines):
        current = jobs.find(org.store, job.job_id)
        if org.bulk.stopping.is_set() or current is None or current.state == "Aborted":
            outcome.unprocessed += chunk
            continue
        with org.store.writing():
            # the order of results is nobody's promise
            outcome.saved[:0] = [_saved(saver, outcome.header, cells) for cells in chunk]


def _saved(saver: Saver, header: list[str], cells: list[str]) -> Saved:
    try:
        if len(cells) != len(header):
            raise errors.bad_request("INVALID_CSV", "the row has another number of columns than the header")
        given = {
            name: None if cell == _NULL else cell for name, cell in zip(header, cells, strict=True) if cell
        }
        record_id, is_created = saver.save(given)
    except ApiError as exc:
        return Saved(cells, error=exc)
    return Saved(cells, record_id, is_created)


def _problem(job: Job, text: str, header: list[str]) -> str | None:
    """Return why a whole upload is refused, as the vendor words it."""
    ending = job.details["lineEnding"]
    if ("\r\n" in text) != (ending == "CRLF") and "\n" in text:
        return (
            f"ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is {ending}"
        )
    if not header:
        return "InvalidBatch : Unable to read the header row"
    sobject = compiled.find_object(job.object)
    unknown = [name for name in header if sobject.field(name) is None]
    if unknown:
        return f"InvalidBatch : Field name not found : {unknown[0]}"
    if job.operation in ("delete", "hardDelete") and [name.lower() for name in header] != ["id"]:
        return "InvalidBatch : Records for delete may only contain the Id column"
    return None


def _write_results(org: Org, job: Job, outcome: _Outcome, delimiter: str) -> None:
    folder = jobs.files(org.store, job.job_id)
    header = delimiter.join(outcome.header)
    good = [item for item in outcome.saved if item.error is None]
    _write(
        folder / "successfulResults.csv",
        f'"sf__Id"{delimiter}"sf__Created"{delimiter}{header}',
        ([item.record_id, str(item.is_created).lower(), *item.cells] for item in good),
        delimiter,
    )
    _write(
        folder / "failedResults.csv",
        f'"sf__Id"{delimiter}"sf__Error"{delimiter}{header}',
        ([_failed_id(org, outcome, item), _error_text(item.error), *item.cells] for item in outcome.failed),
        delimiter,
    )
    _write(folder / "unprocessedrecords.csv", header, outcome.unprocessed, delimiter)


def _write(path: Any, header: str, lines: Iterable[list[str]], delimiter: str) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(f"{header}\n")
        csv.writer(file, delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(lines)


def _failed_id(org: Org, outcome: _Outcome, item: Saved) -> str:
    names = [name.lower() for name in outcome.header]
    has_id = org.switch("failed_rows_have_ids") and "id" in names and len(item.cells) == len(names)
    return item.cells[names.index("id")] if has_id else ""


def _error_text(error: ApiError | None) -> str:
    assert error is not None
    fields = ",".join(error.fields or ())
    return f"{error.code}:{error.message}:{fields} --" if fields else f"{error.code}:{error.message}:--"


def _chunks(lines: Iterable[list[str]]) -> Iterator[list[list[str]]]:
    chunk: list[list[str]] = []
    for line in lines:
        chunk.append(line)
        if len(chunk) == _CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _popped(values: dict[str, Any], name: str) -> Any:
    return next((values.pop(key) for key in list(values) if key.lower() == name.lower()), None)
