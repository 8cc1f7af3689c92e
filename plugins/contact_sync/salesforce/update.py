"""Writes of Contacts, several in one call and several calls side by side.

Conditional ones (REST API Developer Guide, "Composite" and "Conditional Request Headers"): each of up to 25
sub-requests carries ``If-Unmodified-Since``, so a record that moved since it was read is not written. Salesforce
compares whole seconds, so two writes within one second pass unnoticed; who reads must leave that margin.
Others go 200 a call ("sObject Collections"), which knows no condition: a change since the read is overwritten.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent import futures
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Literal

from contact_sync import answers, errors, records
from contact_sync.salesforce import auth

_ROUTE = "/composite"
#: Salesforce's limit of sub-requests in one call.
PER_CALL = 25
#: Salesforce's limit of records in one call of sObject Collections.
TOGETHER = 200
_COLLECTIONS_ROUTE = "/composite/sobjects"
#: Calls on their way at the same time. Salesforce counts only calls of more than 20 s against its limit of
#: concurrent ones ("API Request Limits and Allocations"); eight carry what one read brings.
SIDE_BY_SIDE = 8

#: No alert-only duplicate rule stops an agent's edit, and the integration user's recent items stay empty.
_HEADERS = {
    "Sforce-Duplicate-Rule-Header": "allowSave=true; includeRecordDetails=false; runAsCurrentUser=true",
    "Sforce-Mru": "updateMru=false",
}

#: written: saved · modified: somebody changed the record since · gone: deleted, merged away or not visible ·
#: rejected: will never be taken as it is · retry: may be taken later, and was not applied ·
#: unknown: may have been applied, read before sending again
Outcome = Literal["written", "modified", "gone", "rejected", "retry", "unknown"]

_GONE = {"ENTITY_IS_DELETED", "NOT_FOUND", "INVALID_CROSS_REFERENCE_KEY"}
#: Classes of SOAP API Developer Guide, "StatusCode"; collateral of another sub-request's failure included.
_RETRY = {
    "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    "API_TEMPORARILY_UNAVAILABLE",
    "ENTITY_IS_LOCKED",
    "INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE",
    "PROCESSING_HALTED",
    "REQUEST_LIMIT_EXCEEDED",
    "REQUEST_RUNNING_TOO_LONG",
    "SERVER_UNAVAILABLE",
    "TERRITORY_REALIGN_IN_PROGRESS",
    "TOO_MANY_APEX_REQUESTS",
    "UNABLE_TO_LOCK_ROW",
}
#: A failed trigger wraps its cause in this code's text.
_TRIGGER = "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"
_TRIGGER_WAITS = ("UNABLE_TO_LOCK_ROW", "CPU time limit", "Too many SOQL queries")


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """Fields to set on one Contact by API name (None clears), unless it moved after ``unmodified_since``."""

    salesforce_id: records.SalesforceId
    values: Mapping[str, Any]
    #: None: whatever happened to the record since it was read.
    unmodified_since: datetime | None
    #: How often a call with this write failed: each time it shares its next one with a fifth as many.
    failures: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What became of one Write. ``detail`` is Salesforce's sentence and may quote values: for rows, not for logs."""

    salesforce_id: records.SalesforceId
    outcome: Outcome
    code: str | None = None
    detail: str | None = None
    fields: tuple[str, ...] = ()


def write_contacts(session: auth.Session, writes: Sequence[Write]) -> Iterator[list[Written]]:
    """Send the writes in as few calls as may be, several side by side, each write independent of the others.

    Yields each call's results, largest calls first. A call that Salesforce refuses as a whole is halved until the
    writes are found that it refuses. A lost answer yields ``unknown`` for its whole call. After a lost answer or a
    failure no further call is begun: writes without a result were not sent.
    Raises ValueError if a record occurs twice, and as Session.call once all results that came have been yielded; a
    call that raises was certainly not applied.
    """
    ids = [write.salesforce_id for write in writes]
    if len(set(ids)) < len(ids):
        raise ValueError("a record may be written once per call: merge its fields first")
    chunks = list(_chunks(writes))
    is_over = threading.Event()
    with futures.ThreadPoolExecutor(max_workers=SIDE_BY_SIDE, thread_name_prefix="composite") as pool:
        calls = [pool.submit(_settled, session, chunk, is_over) for chunk in chunks]
        failures = []
        for call in calls:
            if (failure := call.exception()) is not None:
                failures.append(failure)
            else:
                yield call.result()
    if failures:
        raise failures[0]


def _chunks(writes: Sequence[Write]) -> Iterator[Sequence[Write]]:
    """Which writes share a call: conditional or not, and as many as none of them failed too often for."""
    kinds: dict[tuple[int, bool], list[Write]] = {}
    for write in writes:
        kinds.setdefault((_most(write), write.unmodified_since is None), []).append(write)
    # what failed comes last: nobody waits for it
    for (size, _), alike in sorted(kinds.items(), key=lambda kind: kind[0], reverse=True):
        yield from (alike[start : start + size] for start in range(0, len(alike), size))


def _most(write: Write) -> int:
    """With how many others a write shares its call, itself included."""
    if _holds_reference(write):
        return 1
    limit = TOGETHER if write.unmodified_since is None else PER_CALL
    return max(1, limit // int(5**write.failures))


def _holds_reference(write: Write) -> bool:
    """Salesforce would replace ``@{…}`` in a sub-request by what another one answered ("Composite", referenceId)."""
    return write.unmodified_since is not None and any(
        isinstance(value, str) and "@{" in value for value in write.values.values()
    )


def _settled(session: auth.Session, chunk: Sequence[Write], is_over: threading.Event) -> list[Written]:
    if is_over.is_set():
        return []
    try:
        return _sent(session, chunk)
    except errors.RejectError as exc:
        return [_refused(chunk[0], exc)] if len(chunk) == 1 else _halved(session, chunk, is_over)
    except errors.RetryError as exc:
        is_over.set()
        if not exc.is_ambiguous:
            raise
        return [Written(salesforce_id=write.salesforce_id, outcome="unknown") for write in chunk]
    except errors.ContactSyncError:
        is_over.set()
        raise


def _halved(session: auth.Session, chunk: Sequence[Write], is_over: threading.Event) -> list[Written]:
    middle = len(chunk) // 2
    results = _settled(session, chunk[:middle], is_over)
    try:
        return [*results, *_settled(session, chunk[middle:], is_over)]
    except errors.ContactSyncError:
        # the first half's results stand, and whoever asks again for the second half hears why
        if not results:
            raise
        return results


def _sent(session: auth.Session, chunk: Sequence[Write]) -> list[Written]:
    if _holds_reference(chunk[0]):
        return [_send_alone(session, chunk[0])]
    return _send(session, chunk) if chunk[0].unmodified_since else _send_together(session, chunk)


def _refused(write: Write, refusal: errors.RejectError) -> Written:
    """A call with this write alone was refused as a whole."""
    found = answers.VendorError(code=refusal.code, text=refusal.detail)
    outcome = _outcome(refusal.status or 400, found)
    return Written(
        salesforce_id=write.salesforce_id, outcome=outcome, code=refusal.code, detail=refusal.detail
    )


def _send_alone(session: auth.Session, write: Write) -> Written:
    """A call of its own, which replaces nothing in what it is given ("sObject Rows")."""
    request = _sub_request(write, 0)
    answer = session.call(
        "PATCH",
        "/sobjects/Contact/{id}",
        f"/sobjects/Contact/{write.salesforce_id}",
        json=request["body"],
        headers={**_HEADERS, **request["httpHeaders"]},
        accept={400, 404, 412},
    )
    try:
        body = answer.json() if answer.content else None
    except ValueError:
        body = None
    return _written(write, {"httpStatusCode": answer.status_code, "body": body})


def _send(session: auth.Session, chunk: Sequence[Write]) -> list[Written]:
    requests = [_sub_request(write, index) for index, write in enumerate(chunk)]
    body = {"allOrNone": False, "compositeRequest": requests}
    answer = session.call("POST", _ROUTE, json=body, headers=_HEADERS)
    try:
        parts = answers.json_object(answer, f"Salesforce POST {_ROUTE}").get("compositeResponse")
    except errors.RetryError as exc:
        raise errors.RetryError(str(exc), is_ambiguous=True) from exc
    if not isinstance(parts, list):
        raise errors.RetryError(f"Salesforce POST {_ROUTE} answered another shape", is_ambiguous=True)
    found = {part.get("referenceId"): part for part in parts}
    return [_written(write, found.get(_reference(index))) for index, write in enumerate(chunk)]


def _send_together(session: auth.Session, chunk: Sequence[Write]) -> list[Written]:
    """Results stand by index: a failed one may lack its id ("Update Multiple Records with Fewer Round-Trips")."""
    listed = [
        {"attributes": {"type": "Contact"}, "id": write.salesforce_id, **write.values} for write in chunk
    ]
    body = {"allOrNone": False, "records": listed}
    answer = session.call("PATCH", _COLLECTIONS_ROUTE, json=body, headers=_HEADERS)
    try:
        results = answer.json()
    except ValueError:
        results = None
    if not isinstance(results, list) or len(results) != len(chunk):
        raise errors.RetryError(
            f"Salesforce PATCH {_COLLECTIONS_ROUTE} answered another shape", is_ambiguous=True
        )
    return [_written(write, _part(result)) for write, result in zip(chunk, results, strict=True)]


def _part(result: records.Json) -> records.Json:
    """One result of sObject Collections, as a sub-request would have answered."""
    return (
        {"httpStatusCode": 204}
        if result.get("success")
        else {"httpStatusCode": 400, "body": result.get("errors")}
    )


def _sub_request(write: Write, index: int) -> records.Json:
    assert write.unmodified_since is not None
    since = format_datetime(write.unmodified_since.astimezone(UTC).replace(microsecond=0), usegmt=True)
    return {
        "method": "PATCH",
        "url": f"{auth.DATA_PATH}/sobjects/Contact/{write.salesforce_id}",
        "referenceId": _reference(index),
        "httpHeaders": {"If-Unmodified-Since": since},
        "body": dict(write.values),
    }


def _reference(index: int) -> str:
    return f"write{index}"


def _written(write: Write, part: records.Json | None) -> Written:
    if part is None:
        return Written(salesforce_id=write.salesforce_id, outcome="unknown")
    status = int(part.get("httpStatusCode") or 0)
    if 200 <= status < 300:
        return Written(salesforce_id=write.salesforce_id, outcome="written")
    found = answers.vendor_error(part.get("body"), status)
    return Written(
        salesforce_id=write.salesforce_id,
        outcome=_outcome(status, found),
        code=found.code,
        detail=found.text,
        fields=found.fields,
    )


def _outcome(status: int, found: answers.VendorError) -> Outcome:
    if status == 412:
        return "modified"
    if found.code in _GONE or status == 404:
        return "gone"
    is_trigger = found.code == _TRIGGER and any(cause in found.text for cause in _TRIGGER_WAITS)
    if found.code in _RETRY or is_trigger or status in {429, 503}:
        return "retry"
    return "unknown" if status >= 500 or status == 0 else "rejected"
