"""Which records changed or went, as Salesforce's replication log knows (REST API Developer Guide, "sObject Get
Updated" and "sObject Get Deleted"). ``latest_date_covered`` is pulled back to the start of any open transaction.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from contact_sync import errors, records
from contact_sync.salesforce import auth

_UPDATED = "/sobjects/Contact/updated"
_DELETED = "/sobjects/Contact/deleted"

#: "The log does not reach back so far": too long ago, or purged early because too much was deleted.
_OUT_OF_REACH = "INVALID_REPLICATION_DATE"


class LogTooShortError(errors.RejectError):
    """The log does not cover the range: only a comparison of all Ids tells what happened in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Updated:
    """Ids that changed in the range, and the time up to which that is the whole truth."""

    salesforce_ids: tuple[records.SalesforceId, ...]
    latest_date_covered: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Deleted:
    """Ids deleted in the range with the time of deletion; what the log reaches back to and up to."""

    deleted_at: dict[records.SalesforceId, datetime]
    earliest_date_available: datetime
    latest_date_covered: datetime


def updated(session: auth.Session, start: datetime, end: datetime) -> Updated:
    """Return the Contacts created or changed from ``start`` up to ``end``: at most 30 days back, start < end.

    Raises LogTooShortError if the log does not reach so far.
    """
    body = _log(session, _UPDATED, start, end)
    return Updated(
        salesforce_ids=tuple(body["ids"]), latest_date_covered=parse_time(body["latestDateCovered"])
    )


def deleted(session: auth.Session, start: datetime, end: datetime) -> Deleted:
    """Return the Contacts deleted, merged away or purged in a range of more than a minute, at most 15 days back.

    Raises LogTooShortError if the log does not reach so far.
    """
    body = _log(session, _DELETED, start, end)
    return Deleted(
        deleted_at={
            records.SalesforceId(gone["id"]): parse_time(gone["deletedDate"])
            for gone in body["deletedRecords"]
        },
        earliest_date_available=parse_time(body["earliestDateAvailable"]),
        latest_date_covered=parse_time(body["latestDateCovered"]),
    )


def parse_time(text: str) -> datetime:
    """Salesforce's time in any of its spellings (``+0000``, ``Z``, with or without milliseconds), as UTC.

    Raises RetryError for anything else: the answer was not what it claims to be.
    """
    try:
        parsed = datetime.fromisoformat(text)
    except (TypeError, ValueError) as exc:
        raise errors.RetryError("Salesforce sent a time that is none") from exc
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


def _log(session: auth.Session, route: str, start: datetime, end: datetime) -> records.Json:
    params = {"start": _parameter(start), "end": _parameter(end)}
    try:
        body = session.get_json(route, params=params)
    except errors.RejectError as exc:
        if exc.code == _OUT_OF_REACH:
            raise LogTooShortError(exc.code, exc.detail, status=exc.status) from exc
        raise
    if "latestDateCovered" not in body or not ("ids" in body or "deletedRecords" in body):
        raise errors.RetryError(f"Salesforce GET {route} answered another shape")
    return body


def _parameter(moment: datetime) -> str:
    """Whole seconds in UTC; Salesforce cuts seconds itself."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00")
