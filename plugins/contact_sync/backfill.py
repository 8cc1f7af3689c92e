"""Backfills: which days of an org are read again, and whether they are proven. Reading is the loading stage's work.

A backfill reads what Salesforce holds of records whose ``SystemModstamp`` lies in a range; it never overwrites newer
rows and never moves the watermark.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from contact_sync import database, errors, tenants
from contact_sync import fields as field_rules
from contact_sync.salesforce import bulk, query

log = logging.getLogger(__name__)

_DAY = timedelta(days=1)

#: Calls of a bulk job beside those for its results: asked how much, made, some polls, deleted.
_JOB_CALLS = 8
#: Days that a plan tells one by one.
_SAMPLES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The windows of a backfill, oldest first, each ``[start, end)`` in UTC and within one day.

    ``reason`` says why there are none. ``planned`` is how many are new: the others were waiting already.
    ``contacts`` is what the mirror holds of each: about as many will be read.
    """

    org_id: str
    windows: tuple[tuple[datetime, datetime], ...]
    fields: tuple[str, ...]
    contacts: tuple[int, ...] = ()
    planned: int = 0
    reason: str | None = None

    def counts(self) -> dict[str, int]:
        """Return ``windows`` of the range, how many are newly ``planned``, the ``contacts`` that the mirror holds of
        them, and about how many API ``calls`` it costs to read them.
        """
        return {
            "windows": len(self.windows),
            "planned": self.planned,
            "contacts": sum(self.contacts),
            "calls": sum(map(_calls, self.contacts)),
        }

    def samples(self) -> list[dict[str, Any]]:
        """Return the first windows, each with ``from``, ``to``, ``contacts`` and ``calls``."""
        return [
            {"from": start, "to": end, "contacts": contacts, "calls": _calls(contacts)}
            for (start, end), contacts in list(zip(self.windows, self.contacts, strict=True))[:_SAMPLES]
        ]


def plan(
    db: database.Database,
    org_id: str,
    start: datetime,
    end: datetime,
    *,
    fields: Sequence[str] = (),
    dry_run: bool = False,
) -> Plan:
    """Plan one window per day (UTC) of ``[start, end)``, ``end`` cut at the watermark: what is newer is read anyway.

    Read are the fields in use, and ``fields`` beside them. Planning what is planned already plans nothing.
    Raises StopError if the range is empty or in the future, a name is unknown, or the first load is not proven.
    """
    known = db.one("select_org", org_id=org_id)
    if known is None or known["disconnected_at"] is not None:
        raise errors.StopError(f"org {org_id} is not connected: run `python -m contact_sync connect`")
    bounds = db.one("select_backfill_bounds", org_id=org_id)
    assert bounds is not None
    _check(start, end, bounds)
    selected = _fields(db, org_id, fields)
    reason = _nothing_to_read(start, end, bounds)
    windows = () if reason else tuple(_days(start, min(end, bounds["watermark"])))
    days = {"starts": [window[0] for window in windows], "ends": [window[1] for window in windows]}
    with db.transaction(is_undone=dry_run) as tx:
        planned = tx.execute("plan_backfill_windows", org_id=org_id, **days, fields=list(selected))
    counted = db.all("count_backfill_contacts", org_id=org_id, **days)
    log.info(
        "backfill of org %s: %d windows, %d new%s",
        org_id,
        len(windows),
        planned,
        f": {reason}" if reason else "",
    )
    return Plan(
        org_id=org_id,
        windows=windows,
        fields=selected,
        contacts=tuple(row["contacts"] for row in counted),
        planned=planned,
        reason=reason,
    )


def check_object(name: str) -> None:
    """Raise StopError if the records of ``name`` are none that we read: Contact is the only object."""
    if name.strip().lower() != "contact":
        raise errors.StopError(
            f"{name.strip()[:80]} is not supported, only Contact is: agents' chats are matched to contacts, and"
            " nothing here reads other records"
        )


def check_proven(db: database.Database, org_id: str, start: datetime, end: datetime) -> int:
    """Return how many windows of the range wait for tomorrow's quota, 0 if all are proven.

    Raises RetryError while others are not proven: another worker may be reading them.
    """
    starts = [window[0] for window in _days(start, end)]
    row = db.one("count_unproven_backfills", org_id=org_id, starts=starts, end_at=end)
    assert row is not None
    if row["unproven"] > row["deferred"]:
        raise errors.RetryError(
            f"org {org_id}: {row['unproven'] - row['deferred']} of the backfill's windows are not proven yet;"
            " another run may be reading them. If it repeats, look at extract_window.detail"
        )
    return int(row["deferred"])


def parse_time(text: str) -> datetime:
    """Read a date (its midnight, UTC) or a time (UTC if it names no zone). Raises StopError."""
    try:
        parsed = datetime.fromisoformat(text.strip())
    except ValueError:
        raise errors.StopError(
            f"{text[:40]!r} is no date: write 2026-01-31 or 2026-01-31T12:00:00Z"
        ) from None
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


def _calls(contacts: int) -> int:
    return 1 if contacts <= query.PAGE_ROWS else _JOB_CALLS + math.ceil(contacts / bulk.SET_ROWS)


def _check(start: datetime, end: datetime, bounds: database.Row) -> None:
    if start >= end:
        raise errors.StopError(
            f"the range is empty: from {start:%Y-%m-%dT%H:%MZ} is not before to {end:%Y-%m-%dT%H:%MZ}"
        )
    if start > bounds["asked_at"]:
        raise errors.StopError(f"the range is in the future: it begins {start:%Y-%m-%dT%H:%MZ}")
    if bounds["watermark"] is None:
        raise errors.StopError(
            "the org's first load is not proven yet: it reads everything, a backfill adds nothing"
        )


def _nothing_to_read(start: datetime, end: datetime, bounds: database.Row) -> str | None:
    if start >= bounds["watermark"]:
        return f"the range begins after the watermark {bounds['watermark']:%Y-%m-%dT%H:%M:%SZ}: it is read as news"
    if bounds["oldest"] is None or end <= bounds["oldest"]:
        return "the range ends before the org's first contact"
    return None


def _days(start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Cut a range at each midnight UTC."""
    while start < end:
        midnight = start.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + _DAY
        yield start, min(midnight, end)
        start = midnight


def _fields(db: database.Database, org_id: str, names: Sequence[str]) -> tuple[str, ...]:
    described = tenants.described_fields(db, org_id)
    chosen = [row["field_name"] for row in db.all("select_fields_in_use", org_id=org_id)]
    extra = [_known(name, tuple(described)) for name in names]
    return tuple(field_rules.select_list([*chosen, *extra], described))


def _known(name: str, described: Sequence[str]) -> str:
    known = field_rules.canonical_name(name, described)
    if known is None:
        nearest = ", ".join(field_rules.nearest_names(name, described)) or "none is near"
        raise errors.StopError(f"Contact has no field {name[:80]} that we may read; nearest: {nearest}")
    return known
