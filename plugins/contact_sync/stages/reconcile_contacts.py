"""Reconcile: compare all ids of an org with the mirror, both ways, and give each difference what it deserves."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from contact_sync import database, errors, records, tenants
from contact_sync.salesforce import auth, replication
from contact_sync.stages import (
    _auditing,
    _ledger,
    _listing,
    _selecting,
    _windows,
    extract_salesforce_contacts,
)

STAGE = "reconcile_contacts"

#: How far back the log of deletions is asked; Salesforce keeps it for 15 days.
LOGGED = timedelta(days=14)
_DAY = timedelta(days=1)
#: Quarantined rows that are tried again in a day.
_RETRIED = 1_000


def run(db: database.Database, salesforce: auth.Session, *, org_id: str, run_id: str) -> dict[str, int]:
    """Compare, fetch what is missing here, mark what is missing there, plan the reading of formulas, count matches.

    Returns counts: ``ids`` listed, ``fetched`` rows that changed the mirror, ``quarantined``, ``purged``,
    ``not_visible``, ``planned`` big windows, ``match_days``.
    Raises RetryError if Salesforce does not answer or the list has holes (nothing is concluded from it), StopError
    if it refuses us.
    """
    with (
        db.advisory_lock(f"reconcile:{org_id}") as is_held,
        _ledger.recorded(db, run_id=run_id, stage=STAGE, scope=org_id) as counts,
    ):
        if is_held:
            _reconcile(db, salesforce, org_id, counts)
    return counts


def _reconcile(db: database.Database, salesforce: auth.Session, org_id: str, counts: _ledger.Counts) -> None:
    counts["match_days"] = db.execute("upsert_match_days", org_id=org_id)
    row = db.one("select_watermark", org_id=org_id)
    if row is None or row["read_until"] is None:
        # the first load is still to come, and brings everything
        return
    db.execute("fail_abandoned_comparisons", org_id=org_id)
    counts["ids"], listed_at = _listing.fill(db, salesforce, org_id)
    _fetch(db, salesforce, org_id, counts)
    counts |= _mark_absent(db, salesforce, org_id, listed_at)
    db.execute("delete_listing", org_id=org_id)
    counts["planned"] = counts.get("planned", 0) + _plan_formulas(db, org_id)


def _fetch(db: database.Database, salesforce: auth.Session, org_id: str, counts: _ledger.Counts) -> None:
    most = extract_salesforce_contacts.SMALL
    unlike = db.all("select_unlike_ids", org_id=org_id, batch_size=most + 1)
    selection = _selecting.in_use(db, org_id)
    if len(unlike) > most:
        counts["planned"] = _plan(db, org_id, "reconcile", selection.names, unlike[0]["system_modstamp"])
        return
    tried = db.all("select_quarantined_ids", org_id=org_id, batch_size=_RETRIED)
    ids = [row["salesforce_id"] for row in (*unlike, *tried)]
    if not ids:
        return
    window = _windows.begin(db, org_id=org_id, kind="reconcile", read_from=None, selection=selection)
    with _windows.ended_by_errors(db, window):
        outcome = _windows.fill(db, window, _pages(salesforce, selection, ids))
    if not outcome.is_proven:
        raise _windows.short(db, outcome)
    counts |= {"fetched": outcome.merged, "quarantined": outcome.quarantined}


def _pages(
    salesforce: auth.Session, selection: _windows.Selection, ids: Sequence[str]
) -> Iterator[records.QueryPage]:
    """Yield the pages of several queries as if they were one: each reports what was asked for so far."""
    total = 0
    for start in range(0, len(ids), _auditing.IDS_A_CALL):
        before = total
        for page in _auditing.by_ids(salesforce, selection, ids[start : start + _auditing.IDS_A_CALL]):
            total = before + page.total_size
            yield dataclasses.replace(page, total_size=total)


def _mark_absent(
    db: database.Database, salesforce: auth.Session, org_id: str, listed_at: datetime
) -> dict[str, int]:
    """An earlier IsDeleted proves a purge, or the log of deletions; what neither knows is not visible."""
    purged = db.execute("mark_purged", org_id=org_id, listed_at=listed_at)
    end = listed_at
    # the log is asked for a day at a time, and no further than somebody is missing
    while end > listed_at - LOGGED and _is_anybody_missing(db, org_id, listed_at):
        ids = _deleted_ids(salesforce, end - _DAY, end)
        purged += db.execute("mark_logged_purges", org_id=org_id, listed_at=listed_at, deleted_ids=ids)
        end -= _DAY
    hidden = db.execute("mark_not_visible", org_id=org_id, listed_at=listed_at)
    return {"purged": purged, "not_visible": hidden}


def _is_anybody_missing(db: database.Database, org_id: str, listed_at: datetime) -> bool:
    row = db.one("has_unexplained_absence", org_id=org_id, listed_at=listed_at)
    return row is not None and bool(row["is_anybody_missing"])


def _deleted_ids(salesforce: auth.Session, start: datetime, end: datetime) -> list[str]:
    try:
        return list(replication.deleted(salesforce, start, end).deleted_at)
    except errors.RejectError:
        # too much was deleted, or the log is shorter: who is not known as deleted stays "not visible"
        return []


def _plan_formulas(db: database.Database, org_id: str) -> int:
    """Formula and parent fields change without the contact's stamp: those in use are read for everybody."""
    described = tenants.described_fields(db, org_id)
    names = _selecting.in_use(db, org_id).names
    is_needed = any("." in name or (name in described and described[name].calculated) for name in names)
    # all fields, not the formulas alone: a contact that committed late would get its new stamp without its news
    return _plan(db, org_id, "formula", names, None) if is_needed else 0


def _plan(
    db: database.Database, org_id: str, kind: str, names: Sequence[str], read_from: datetime | None
) -> int:
    return db.execute(
        "plan_full_window", org_id=org_id, kind=kind, read_from=read_from, fields=list(dict.fromkeys(names))
    )
