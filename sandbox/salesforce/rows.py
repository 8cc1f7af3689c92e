"""Single records: read, create, change, delete; and what changed in a span of time.

Imitates "sObject Rows", "sObject Rows by External ID", "sObject Get Updated" and "sObject Get Deleted" (REST API
Developer Guide).
"""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import Any

from sandbox.salesforce import compiled, errors, ids, literals, queries, writing
from sandbox.salesforce.errors import ApiError
from sandbox.salesforce.exchange import Answer, Call, api
from sandbox.salesforce.objects import SObject
from sandbox.salesforce.org import Org

_LONGEST_SPAN_SECONDS = 30 * 86_400
_DELETE_LOG_SECONDS = 15 * 86_400


@api.add("GET", "/sobjects/{object}/updated")
def updated(call: Call) -> Answer:
    """Imitates "sObject Get Updated": ``latestDateCovered`` stops before the oldest transaction still open."""
    sobject = compiled.find_object(call.arguments["object"])
    start, end = _span(call)
    rows = call.org.store.read().execute(
        " ".join(
            [
                "SELECT Id FROM",
                sobject.name,
                "WHERE SystemModstamp >= ? AND SystemModstamp < ? AND IsDeleted = 0",
            ]
        ),
        (start, end),
    )
    found = _seen(call, [row[0] for row in rows])
    if len(found) > 600_000:
        raise errors.bad_request("EXCEEDED_ID_LIMIT", "too many Ids in this span")
    return Answer(200, {"ids": found, "latestDateCovered": literals.shown(_covered(call, end))})


@api.add("GET", "/sobjects/{object}/deleted")
def deleted(call: Call) -> Answer:
    """Imitates "sObject Get Deleted": the delete log, fifteen days long; it knows purged records too."""
    sobject = compiled.find_object(call.arguments["object"])
    start, end = _span(call)
    earliest = call.org.store.now() - _DELETE_LOG_SECONDS
    if start < earliest - 60:
        raise errors.bad_request(
            "INVALID_REPLICATION_DATE", "startDate is before the delete log's earliest date"
        )
    rows = call.org.store.read().execute(
        "SELECT record_id, deleted_at FROM deletion WHERE object = ? AND deleted_at >= ? AND deleted_at < ?",
        (sobject.name, start, end),
    )
    deleted_at = dict(rows.fetchall())
    seen = _seen(call, list(deleted_at))
    records = [{"id": found, "deletedDate": literals.shown(deleted_at[found])} for found in seen]
    body = {
        "deletedRecords": records,
        "earliestDateAvailable": literals.shown(earliest),
        "latestDateCovered": literals.shown(_covered(call, end)),
    }
    return Answer(200, body)


@api.add("GET", "/sobjects/{object}/{id}")
def read(call: Call) -> Answer:
    """Imitates "sObject Rows", GET: all readable fields, or those of ``fields``."""
    sobject, record_id = _target(call)
    writing.live(call.org, call.user_id, sobject, record_id)
    return Answer(200, record(call, sobject, record_id, call.params.get("fields")))


@api.add("POST", "/sobjects/{object}")
def create(call: Call) -> Answer:
    """Imitates "sObject Basic Information", POST: 201 with the new Id."""
    sobject = _writable(compiled.find_object(call.arguments["object"]))
    record_id = writing.Writer.of(call.org, call.user_id).create(
        sobject, without_attributes(call.json_object())
    )
    call.changed.append(record_id)
    location = {"Location": call.data_url(f"/sobjects/{sobject.name}/{record_id}")}
    return Answer(201, {"id": record_id, "success": True, "errors": []}, location)


@api.add("PATCH", "/sobjects/{object}/{id}")
def update(call: Call) -> Answer:
    """Imitates "sObject Rows", PATCH: 204; 412 where If-Unmodified-Since says the record has changed since."""
    sobject, record_id = _target(call)
    given = without_attributes(call.json_object())
    if any(name.lower() == "id" for name in given):
        message = "The Id field should not be specified in the sobject data."
        raise ApiError(400, "INVALID_FIELD", message, ["Id"])
    with call.org.store.writing():
        row = writing.live(call.org, call.user_id, _writable(sobject), record_id)
        _check_precondition(call, row)
        writing.Writer.of(call.org, call.user_id).update(sobject, record_id, given)
    call.changed.append(record_id)
    return Answer(204)


@api.add("DELETE", "/sobjects/{object}/{id}")
def delete(call: Call) -> Answer:
    """Imitates "sObject Rows", DELETE: into the recycle bin, 204."""
    sobject, record_id = _target(call)
    writing.Writer.of(call.org, call.user_id).delete(_writable(sobject), record_id)
    call.changed.append(record_id)
    return Answer(204)


@api.add("GET", "/sobjects/{object}/{field}/{value}")
def read_by_external_id(call: Call) -> Answer:
    """Imitates "sObject Rows by External ID", GET: 300 with the records' URLs if several have the value."""
    sobject = compiled.find_object(call.arguments["object"])
    found = by_external_id(call.org, sobject, call.arguments["field"], call.arguments["value"])
    if not found:
        raise errors.not_found()
    if len(found) > 1:
        return Answer(300, [call.data_url(f"/sobjects/{sobject.name}/{record_id}") for record_id in found])
    return Answer(200, record(call, sobject, found[0], call.params.get("fields")))


@api.add("PATCH", "/sobjects/{object}/{field}/{value}")
def upsert(call: Call) -> Answer:
    """Imitates "sObject Rows by External ID", PATCH: change the one that has the value, else create it."""
    sobject = _writable(compiled.find_object(call.arguments["object"]))
    name, value = call.arguments["field"], call.arguments["value"]
    found = by_external_id(call.org, sobject, name, value)
    if len(found) > 1:
        return Answer(300, [call.data_url(f"/sobjects/{sobject.name}/{record_id}") for record_id in found])
    given = without_attributes(call.json_object())
    writer = writing.Writer.of(call.org, call.user_id)
    if found:
        writer.update(sobject, found[0], given)
    record_id = found[0] if found else writer.create(sobject, given | {name: value})
    call.changed.append(record_id)
    body = {"id": record_id, "success": True, "errors": [], "created": not found}
    return Answer(200 if found else 201, body)


def record(call: Call, sobject: SObject, record_id: str, names: str | None = None) -> dict[str, Any]:
    """Return one record as REST shows it, deleted or not."""
    visibility = call.org.visibility(call.user_id)
    every = ",".join(field.name for field in sobject.fields if visibility.sees(sobject, field))
    text = f"SELECT {names or every} FROM {sobject.name} WHERE Id = '{record_id}'"  # noqa: S608 - SOQL, parsed
    found = queries.compiled_for(call, text, is_all=True)
    rows = call.org.store.read().execute(found.text(queries.selected(found)), found.parameters).fetchall()
    return queries.records(call, found, rows)[0]


def by_external_id(org: Org, sobject: SObject, name: str, value: str) -> list[str]:
    """Return the live records whose external-id field has a value. Raises NOT_FOUND for another kind of field."""
    field = sobject.field(name)
    if field is None or not field.is_external_id:
        raise errors.not_found(f"Provided external ID field does not exist or is not accessible: {name}")
    text = " ".join(
        ["SELECT Id FROM", sobject.name, "WHERE", field.name, "= ? COLLATE NOCASE AND IsDeleted = 0"]
    )
    return [row[0] for row in org.store.read().execute(text, (value,))]


def without_attributes(given: dict[str, Any]) -> dict[str, Any]:
    """Return a record's fields without the ``attributes`` that clients may send along."""
    return {name: value for name, value in given.items() if name != "attributes"}


def checked_id(sobject: SObject, text: str) -> str:
    """Return an 18-character Id of this object. Raises NOT_FOUND for no Id at all, MALFORMED_ID for another's."""
    found = ids.full_id(text)
    if found is None:
        raise errors.not_found(f"Provided external ID field does not exist or is not accessible: {text}")
    if not found.startswith(sobject.prefix):
        raise ApiError(400, "MALFORMED_ID", f"{sobject.name} ID: id value of incorrect type: {text}", ["Id"])
    return found


def _seen(call: Call, record_ids: list[str]) -> list[str]:
    """Return those of the records that sharing lets the user see."""
    if not call.org.hides_from(call.user_id):
        return record_ids
    return [found for found in record_ids if not call.org.is_hidden(call.user_id, found)]


def _target(call: Call) -> tuple[SObject, str]:
    sobject = compiled.find_object(call.arguments["object"])
    return sobject, checked_id(sobject, call.arguments["id"])


def _writable(sobject: SObject) -> SObject:
    if not sobject.is_writable:
        raise errors.not_imitated(f"writing {sobject.name} records")
    return sobject


def _check_precondition(call: Call, row: dict[str, Any]) -> None:
    given = call.headers.get("if-unmodified-since")
    if given is None:
        return
    try:
        since = parsedate_to_datetime(given).timestamp()
    except ValueError as exc:
        raise errors.bad_request("INVALID_HEADER", "If-Unmodified-Since is not an HTTP date") from exc
    if row[call.org.switch("precondition_compares")] > since:
        code = "ENTITY_FAILED_IFLASTMODIFIED_ON_UPDATE"
        message = "the entity has been modified since the given date"
        raise ApiError(412, code, message, has_body=call.org.switch("precondition_has_body"))


def _span(call: Call) -> tuple[int, int]:
    """Return ``start`` and ``end`` with their seconds cut, as Salesforce reads them."""
    try:
        start, end = (literals.moment(call.params[name]) // 60 * 60 for name in ("start", "end"))
    except KeyError as exc:
        raise errors.bad_request("MISSING_ARGUMENT", f"{exc.args[0]} is required") from exc
    except ValueError as exc:
        raise errors.bad_request(
            "INVALID_REPLICATION_DATE", "start and end are ISO 8601 dates with offset"
        ) from exc
    if start >= end:
        raise errors.bad_request("INVALID_REPLICATION_DATE", "startDate must be before endDate")
    if start < call.org.store.now() - _LONGEST_SPAN_SECONDS - 60:
        raise errors.bad_request("INVALID_REPLICATION_DATE", "startDate cannot be more than 30 days ago")
    return start, end


def _covered(call: Call, end: int) -> int:
    oldest = writing.oldest_open_transaction(call.org)
    return min(moment for moment in (end, call.org.store.now(), oldest) if moment is not None)
