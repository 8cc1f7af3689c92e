"""Several requests in one: ``/composite`` and sObject Collections.

Imitates "Composite" and "sObject Collections" (REST API Developer Guide).
"""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from sandbox.salesforce import compiled, errors, ids, rows, writing
from sandbox.salesforce.errors import ApiError
from sandbox.salesforce.exchange import Answer, Call, api
from sandbox.salesforce.objects import SObject

_MOST_SUBREQUESTS = 25
_MOST_EXPENSIVE = 5
_MOST_RECORDS = 200
_HALTED = "The transaction was rolled back since another operation in the same transaction failed."
_REFERENCE = re.compile(r"@\{(\w+)\.([\w.\[\]]+)\}")
_FORBIDDEN_HEADERS = ("accept", "authorization", "content-type")


class _RolledBackError(Exception):
    """A sub-request or record failed and everything is undone."""


@api.add("POST", "/composite")
def composite(call: Call) -> Answer:
    """Imitates "Composite": up to 25 sub-requests in order, one API call; each may carry headers of its own."""
    body = call.json_object()
    requests = body.get("compositeRequest")
    _check_subrequests(requests)
    assert isinstance(requests, list)
    answers: list[dict[str, Any]] = []
    is_all_or_none = bool(body.get("allOrNone", False))
    with contextlib.suppress(_RolledBackError), _together(call, is_all_or_none):
        for item in requests:
            answers.append(
                _subanswer(call, item, {answer["referenceId"]: answer["body"] for answer in answers})
            )
            if is_all_or_none and answers[-1]["httpStatusCode"] >= 400:
                raise _RolledBackError
    if is_all_or_none and answers[-1]["httpStatusCode"] >= 400:
        answers = _halted(requests, answers)
        call.changed.clear()
    return Answer(200, {"compositeResponse": answers})


@api.add("PATCH", "/composite/sobjects")
def update_collection(call: Call) -> Answer:
    """Imitates "Update Records Using sObject Collections": 200 with results in the order of the request."""

    def save(writer: writing.Writer, sobject: SObject, item: dict[str, Any]) -> str:
        record_id = rows.checked_id(sobject, str(_popped_id(item)))
        writer.update(sobject, record_id, item)
        return record_id

    return _collection(call, save)


@api.add("POST", "/composite/sobjects")
def create_collection(call: Call) -> Answer:
    """Imitates "Create Records Using sObject Collections"."""
    return _collection(call, lambda writer, sobject, item: writer.create(sobject, item))


@api.add("DELETE", "/composite/sobjects")
def delete_collection(call: Call) -> Answer:
    """Imitates "Delete Records Using sObject Collections": ``?ids=…&allOrNone=…``."""
    wanted = [part for part in call.params.get("ids", "").split(",") if part]
    records = [{"attributes": {"type": _type_of(record_id)}, "id": record_id} for record_id in wanted]
    is_all_or_none = call.params.get("allOrNone", "false") == "true"

    def save(writer: writing.Writer, sobject: SObject, item: dict[str, Any]) -> str:
        record_id = rows.checked_id(sobject, str(_popped_id(item)))
        writer.delete(sobject, record_id)
        return record_id

    return _saved(call, records, is_all_or_none, save)


@api.add("PATCH", "/composite/sobjects/{object}/{field}")
def upsert_collection(call: Call) -> Answer:
    """Imitates "Upsert Records Using sObject Collections": results say whether a record was created."""
    created: list[bool] = []
    name = call.arguments["field"]

    def save(writer: writing.Writer, sobject: SObject, item: dict[str, Any]) -> str:
        found = rows.by_external_id(call.org, sobject, name, str(item.get(name, "")))
        if len(found) > 1:
            raise ApiError(300, "DUPLICATE_EXTERNAL_ID", f"{name}: more than one record found", [name])
        if found:
            writer.update(sobject, found[0], item)
        created.append(not found)
        return found[0] if found else writer.create(sobject, item)

    answer = _collection(call, save)
    for result in answer.body:
        if result["success"]:
            result["created"] = created.pop(0)
    return answer


_Save = Callable[[writing.Writer, SObject, dict[str, Any]], str]


def _collection(call: Call, save: _Save) -> Answer:
    body = call.json_object()
    return _saved(call, body.get("records"), bool(body.get("allOrNone", False)), save)


def _saved(call: Call, records: Any, is_all_or_none: bool, save: _Save) -> Answer:
    if not isinstance(records, list) or not records:
        raise errors.bad_request("JSON_PARSER_ERROR", "records: a list is required")
    if len(records) > _MOST_RECORDS:
        message = f"Batch size ({len(records)}) exceeds the limit of {_MOST_RECORDS} records"
        raise errors.bad_request("EXCEEDED_MAX_SIZE_REQUEST", message)
    writer, results, seen = writing.Writer.of(call.org, call.user_id), [], set()
    with contextlib.suppress(_RolledBackError), _together(call, is_all_or_none):
        for item in records:
            key = item.get("id") or item.get("Id")
            is_repeated = key is not None and key in seen
            seen.add(key)
            results.append(_result(call, writer, save, item, is_repeated))
        if is_all_or_none and not all(result["success"] for result in results):
            raise _RolledBackError
    if is_all_or_none and not all(result["success"] for result in results):
        call.changed.clear()
        results = [_rolled_back(result) for result in results]
    return Answer(200, results)


def _result(
    call: Call, writer: writing.Writer, save: _Save, item: dict[str, Any], is_repeated: bool
) -> dict[str, Any]:
    try:
        if is_repeated:
            raise errors.bad_request("DUPLICATE_VALUE", "duplicate id specified")
        sobject = compiled.find_object(str(item.get("attributes", {}).get("type", "")))
        record_id = save(writer, sobject, rows.without_attributes(item))
    except ApiError as exc:
        failed: dict[str, Any] = {"success": False, "errors": [exc.result()]}
        given = item.get("id") or item.get("Id")
        return failed if call.org.switch("failed_results_lack_id") or not given else {"id": given, **failed}
    call.changed.append(record_id)
    return {"id": record_id, "success": True, "errors": []}


def _rolled_back(result: dict[str, Any]) -> dict[str, Any]:
    if not result["success"]:
        return result
    error = {
        "statusCode": "ALL_OR_NONE_OPERATION_ROLLED_BACK",
        "message": "Record rolled back because not all records were valid and the request was using AllOrNone header",
        "fields": [],
    }
    return {"success": False, "errors": [error]}


@contextlib.contextmanager
def _together(call: Call, is_all_or_none: bool) -> Any:
    if not is_all_or_none:
        yield
        return
    with call.org.store.writing():
        yield


def _check_subrequests(requests: Any) -> None:
    if not isinstance(requests, list) or not requests:
        raise errors.bad_request("JSON_PARSER_ERROR", "compositeRequest: a list is required")
    if len(requests) > _MOST_SUBREQUESTS:
        message = f"A composite request may hold {_MOST_SUBREQUESTS} sub-requests, not {len(requests)}"
        raise errors.bad_request("PROCESSING_HALTED", message)
    expensive = [
        item for item in requests if re.search(r"/query|/composite/sobjects", str(item.get("url", "")))
    ]
    if len(expensive) > _MOST_EXPENSIVE:
        message = f"A composite request may hold {_MOST_EXPENSIVE} query and sObject Collections operations"
        raise errors.bad_request("PROCESSING_HALTED", message)


def _subanswer(call: Call, item: Mapping[str, Any], earlier: Mapping[str, Any]) -> dict[str, Any]:
    """Play one sub-request; it costs a few milliseconds at least, as it would at the vendor's."""
    started = time.perf_counter()
    answer = _dispatched(call, item, earlier)
    left = call.org.switch("composite_milliseconds") / 1000 - (time.perf_counter() - started)
    time.sleep(max(left, 0))
    return {
        "body": answer.body,
        "httpHeaders": {name: value for name, value in answer.headers.items() if name == "Location"},
        "httpStatusCode": answer.status,
        "referenceId": item.get("referenceId"),
    }


def _dispatched(call: Call, item: Mapping[str, Any], earlier: Mapping[str, Any]) -> Answer:
    try:
        url = urlsplit(_resolved(str(item.get("url", "")), earlier))
        hit = re.fullmatch(r"/services/data/v(\d+\.\d)(/.*)", url.path)
        if hit is None:
            raise errors.bad_request(
                "INVALID_URL", "the url of a sub-request starts with /services/data/vXX.X/"
            )
        headers = {name.lower(): str(value) for name, value in (item.get("httpHeaders") or {}).items()}
        if any(name in headers for name in _FORBIDDEN_HEADERS):
            raise errors.bad_request(
                "INVALID_HEADER", "a sub-request may not set Accept, Authorization, Content-Type"
            )
        method = str(item.get("method", "GET"))
        found = api.find(method, hit[2])
        if found is None or hit[2].rstrip("/") == "/composite":
            raise errors.not_imitated(f"{method} {url.path} in a composite request")
        route, arguments = found
        body = _resolved(json.dumps(item["body"]), earlier).encode() if "body" in item else b""
        params = dict(parse_qsl(url.query, keep_blank_values=True))
        sub = replace(
            call, method=method, path=url.path, params=params, headers=headers, body=body, arguments=arguments
        )
        return route.handler(sub)
    except ApiError as exc:
        return Answer(exc.status, exc.body())


def _resolved(text: str, earlier: Mapping[str, Any]) -> str:
    """Put in what earlier sub-requests answered: ``@{referenceId.path}``."""

    def found(hit: re.Match[str]) -> str:
        value: Any = earlier.get(hit[1])
        for part in re.findall(r"\w+", hit[2]):
            try:
                value = value[int(part)] if part.isdecimal() else value[part]
            except (KeyError, IndexError, TypeError) as exc:
                message = f"Invalid reference specified. No value for {hit[2]} found in {hit[1]}"
                raise errors.bad_request("PROCESSING_HALTED", message) from exc
        return str(value)

    return _REFERENCE.sub(found, text)


def _halted(requests: list[dict[str, Any]], answers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the answers after a rollback: the culprit's own error, PROCESSING_HALTED for all others."""
    culprit = len(answers) - 1
    halted = [{"errorCode": "PROCESSING_HALTED", "message": _HALTED}]
    return [
        answers[place]
        if place == culprit
        else {
            "body": halted,
            "httpHeaders": {},
            "httpStatusCode": 400,
            "referenceId": item.get("referenceId"),
        }
        for place, item in enumerate(requests)
    ]


def _popped_id(item: dict[str, Any]) -> Any:
    for name in ("id", "Id"):
        if name in item:
            return item.pop(name)
    raise ApiError(400, "MISSING_ARGUMENT", "Id not specified in an update call", [])


def _type_of(record_id: str) -> str:
    return next((name for name, prefix in ids.PREFIXES.items() if record_id.startswith(prefix)), "Contact")
