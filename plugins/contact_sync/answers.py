"""Reads what a vendor answered: the error it names, the wait it asks for, its clock and its JSON. No network.

The status table is Salesforce's "Status Codes and Error Responses" (REST API Developer Guide) and
respond.io's "API Documentation" (errors and rate limits), in one place.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from contact_sync import errors, records

#: The call was not taken now and may be later. 406 without a body is Salesforce's edge, seen in the wild;
#: 420 is its routing page; 449 is respond.io's "in queue".
_RETRY = {406, 408, 420, 425, 429, 449}
#: Of these, the ones that say plainly that nothing was done, so that a write may be repeated.
_NOT_APPLIED = {420, 425, 429, 449}
#: Somebody must change credentials, rights, the address (3xx) or our API version (410).
_STOP = {401, 403, 410}
#: Salesforce's exception codes that are waits, whatever the status (SOAP API Developer Guide, ExceptionCode).
_WAIT_CODES = {
    "API_TEMPORARILY_UNAVAILABLE",
    "INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE",
    "REQUEST_RUNNING_TOO_LONG",
    "SERVER_UNAVAILABLE",
    "TOO_MANY_APEX_REQUESTS",
    "TXN_SECURITY_METERING_ERROR",
    "UNABLE_TO_LOCK_ROW",
}
#: What the org or the user lacks, by Salesforce's exception codes (SOAP API Developer Guide, ExceptionCode), and what
#: to do about it. A person must act, whatever the status.
_LACKING = {
    "API_CURRENTLY_DISABLED": "Salesforce has switched API access off for this org; its administrator must ask"
    " Salesforce Support why, then run again",
    "API_DISABLED_FOR_ORG": "The connection has no API access: the org's edition lacks it (Enterprise, Unlimited,"
    " Performance and Developer have it), or the integration user lacks the permission API Enabled. Get one or the"
    " other, then run again",
    "INVALID_OPERATION_WITH_EXPIRED_PASSWORD": "The integration user's password has expired: log in once as that user"
    " and change it, or let it never expire by a permission set, then run again",
    "ORG_LOCKED": "Salesforce has locked this org: its administrator must ask Salesforce Support, then run again",
    "PASSWORD_LOCKOUT": "The integration user is locked out: unlock it in Setup, Users, then run again",
}
#: A query too slow for its range is too slow the next time: never repeated as it is, whatever the status.
_TOO_SLOW = "QUERY_TIMEOUT"


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorError:
    """The error a body names. ``text`` is the vendor's sentence and may quote values: never log it."""

    code: str
    text: str
    fields: tuple[str, ...] = ()


def vendor_error(body: object, status: int) -> VendorError:
    """Read any of the shapes in use: Salesforce's list, the token endpoint's object, respond.io's object.

    An HTML, empty or foreign body gives the code ``HTTP_<status>`` and no text.
    """
    first = body[0] if isinstance(body, list) and body else body
    if not isinstance(first, dict):
        return VendorError(code=f"HTTP_{status}", text="")
    code = first.get("errorCode") or first.get("statusCode") or first.get("error") or first.get("code")
    text = first.get("message") or first.get("error_description") or ""
    fields = first.get("fields")
    return VendorError(
        code=str(code or f"HTTP_{status}"),
        text=str(text),
        fields=tuple(str(name) for name in fields) if isinstance(fields, list) else (),
    )


def read_error(answer: httpx.Response) -> VendorError:
    """``vendor_error`` of an answer whose body was read."""
    try:
        body = answer.json()
    except ValueError:
        body = None
    return vendor_error(body, answer.status_code)


def error(answer: httpx.Response, call: str, *, is_idempotent: bool) -> errors.ContactSyncError:
    """Return the error that says what to do about an answer. ``call`` names it as messages do."""
    found = read_error(answer)
    status = answer.status_code
    said = f"{call} answered {status}" + ("" if found.code == f"HTTP_{status}" else f" {found.code}")
    if found.code == _TOO_SLOW:
        return errors.RejectError(found.code, found.text, status=status)
    if found.code in _LACKING:
        return errors.StopError(f"{said}. {_LACKING[found.code]}")
    if found.code == "REQUEST_LIMIT_EXCEEDED":
        return _limit(found, said)
    if status in _RETRY or status >= 500 or found.code in _WAIT_CODES:
        return _retry(answer, said, is_ambiguous=_may_be_applied(status, found.code, is_idempotent))
    if status in _STOP or status < 400:
        return errors.StopError(f"{said}. {_advice(status)}")
    return errors.RejectError(found.code, found.text or said, status=status)


def _limit(found: VendorError, said: str) -> errors.ContactSyncError:
    """One code says both: the day's allowance is used up, or too many long calls run. The text differs."""
    if "concurrent" in found.text.lower():
        return errors.RetryError(f"{said} (too many long calls at once). The next run tries again")
    return errors.QuotaError(
        f"{said}: the org's API allowance is used up. The run is deferred and resumes later"
    )


def _may_be_applied(status: int, code: str, is_idempotent: bool) -> bool:
    return not (is_idempotent or status in _NOT_APPLIED or code in _WAIT_CODES)


def _retry(answer: httpx.Response, said: str, *, is_ambiguous: bool) -> errors.RetryError:
    outcome = ". It may have been applied, look before sending again" if is_ambiguous else ""
    return errors.RetryError(
        f"{said}{outcome}. The next run tries again",
        retry_after_seconds=retry_after(answer.headers.get("Retry-After")),
        is_ambiguous=is_ambiguous,
    )


def _advice(status: int) -> str:
    if status == 410:
        return "This API version is retired: upgrade contact-sync"
    if status < 400:
        return "Calls are redirected elsewhere: correct the address in the connection"
    return "Check the connection's credentials and what they may do, then run again"


def retry_after(value: str | None, now: datetime | None = None) -> float | None:
    """Seconds asked for, in either form of RFC 9110 §10.2.3; None if absent or unreadable."""
    if not value:
        return None
    if value.strip().isdigit():
        return float(value)
    date = http_date(value)
    return None if date is None else max(0.0, (date - (now or datetime.now(UTC))).total_seconds())


def http_date(value: str | None) -> datetime | None:
    """An RFC 9110 date, such as the ``Date`` header, as aware UTC; None if absent or unreadable."""
    try:
        parsed = parsedate_to_datetime(value or "")
    except ValueError:
        return None
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


def json_object(answer: httpx.Response, call: str) -> records.Json:
    """Return the answer's JSON object. Raises RetryError if it is anything else: cut, or a page of HTML."""
    try:
        body = answer.json()
    except ValueError as exc:
        raise errors.RetryError(f"{call} answered {answer.status_code} without readable JSON") from exc
    if not isinstance(body, dict):
        raise errors.RetryError(f"{call} answered {answer.status_code} with JSON of another shape")
    return body
