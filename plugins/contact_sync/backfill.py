"""Backfills: which days of an org are read again, and whether they are proven. Reading is the loading stage's work.

A backfill reads what Salesforce holds of records whose ``SystemModstamp`` lies in a range; it never overwrites newer
rows and never moves the watermark.
"""

from __future__ import annotations

import dataclasses
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

    ``reason`` says why there are none. ``planned`` is how many are new: the others wait already, or are proven.
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

    def bounds(self) -> dict[str, list[datetime]]:
        """Return where the windows start and end, in their order: parameters of the statements."""
        return {
            "starts": [start for start, _ in self.windows],
            "ends": [end for _, end in self.windows],
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
    """Plan one org as ``plan_all`` does."""
    return plan_all(db, [org_id], start, end, fields=fields, dry_run=dry_run)[0]


def plan_all(
    db: database.Database,
    org_ids: Sequence[str],
    start: datetime,
    end: datetime,
    *,
    fields: Sequence[str] = (),
    dry_run: bool = False,
) -> list[Plan]:
    """Plan one window per day (UTC) of ``[start, end)``, ``end`` cut at the watermark: what is newer is read anyway.

    Read are the fields in use, and ``fields`` beside them. What is planned already is not planned again; nor is what
    is proven, as long as a day of any of the orgs is not: the same wish means the rest then, and all of it afterwards.
    Raises StopError if the range is empty or in the future, a name is unknown, or a first load is not proven.
    """
    wishes = [_wish(db, org_id, start, end, fields) for org_id in org_ids]
    is_rest = any(_is_unfinished(db, wish) for wish in wishes)
    return [_planned(db, wish, is_rest=is_rest, dry_run=dry_run) for wish in wishes]


def _wish(db: database.Database, org_id: str, start: datetime, end: datetime, fields: Sequence[str]) -> Plan:
    """Return what an org's plan covers, before anything is planned."""
    known = db.one("select_org", org_id=org_id)
    if known is None or known["disconnected_at"] is not None:
        raise errors.StopError(f"org {org_id} is not connected: run `python -m contact_sync connect`")
    bounds = db.one("select_backfill_bounds", org_id=org_id)
    assert bounds is not None
    _check(start, end, bounds)
    selected = _fields(db, org_id, fields)
    reason = _nothing_to_read(start, end, bounds)
    windows = () if reason else tuple(_days(start, min(end, bounds["watermark"])))
    return Plan(org_id=org_id, windows=windows, fields=selected, reason=reason)


def _is_unfinished(db: database.Database, wish: Plan) -> bool:
    row = db.one("is_backfill_unfinished", org_id=wish.org_id, **wish.bounds(), fields=list(wish.fields))
    return row is not None and bool(row["is_unfinished"])


def _planned(db: database.Database, wish: Plan, *, is_rest: bool, dry_run: bool) -> Plan:
    with db.transaction(is_undone=dry_run) as tx:
        planned = tx.execute(
            "plan_backfill_windows",
            org_id=wish.org_id,
            **wish.bounds(),
            fields=list(wish.fields),
            is_rest=is_rest,
        )
    counted = db.all("count_backfill_contacts", org_id=wish.org_id, **wish.bounds())
    log.info(
        "backfill of org %s: %d windows, %d new%s",
        wish.org_id,
        len(wish.windows),
        planned,
        f": {wish.reason}" if wish.reason else "",
    )
    return dataclasses.replace(wish, contacts=tuple(row["contacts"] for row in counted), planned=planned)


def check_object(name: str) -> None:
    """Raise StopError if the records of ``name`` are none that we read: Contact is the only object."""
    if name.strip().lower() != "contact":
        raise errors.StopError(
            f"{name.strip()[:80]} is not supported, only Contact is: agents' chats are matched to contacts, and"
            " nothing here reads other records"
        )


def check_proven(db: database.Database, org_id: str, start: datetime, end: datetime) -> int:
    """Return how many windows of the range wait for tomorrow's quota, 0 if all are proven.

    Raises StopError if one failed: waiting does not help, planning does. Raises RetryError while others are not proven:
    another worker may be reading them.
    """
    starts = [window[0] for window in _days(start, end)]
    row = db.one("count_unproven_backfills", org_id=org_id, starts=starts, end_at=end)
    assert row is not None
    if row["failed"]:
        raise errors.StopError(
            f"org {org_id}: {row['failed']} of the backfill's windows failed: {row['detail']}. The same backfill"
            " planned once more (plan_backfill cleared, or the same command) reads what is not proven"
        )
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
