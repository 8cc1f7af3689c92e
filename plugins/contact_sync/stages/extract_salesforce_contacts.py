"""Extract Salesforce contacts in windows that prove themselves complete, and audit what committed late."""

from __future__ import annotations

from datetime import timedelta

from contact_sync import database, errors, fields, tenants
from contact_sync.salesforce import auth, query
from contact_sync.stages import _auditing, _ledger, _selecting, _settling, _small_windows, _windows

STAGE = "extract_salesforce_contacts"

#: The next window begins this far before the last one's end: clocks of app servers differ by seconds.
MARGIN = timedelta(seconds=10)
#: Rows that REST reads at once; what is more is planned and read by Bulk (Bulk API 2.0 Developer Guide, "When to Use").
SMALL = query.PAGE_ROWS


def run(db: database.Database, salesforce: auth.Session, *, org_id: str, run_id: str) -> dict[str, int]:
    """Read what changed in one org since the watermark into the mirror; refill newly chosen fields.

    Returns counts: ``rows_landed``, ``rows_merged`` (rows of the mirror that changed), ``rows_quarantined``,
    ``rows_late``, ``rows_purged``, ``rows_refilled``, ``fields_changed``; ``planned`` if a big window was
    left to the load, ``waiting`` while it is not read yet; ``audits_put_off`` and ``logs_refused`` if Salesforce was
    too slow for an audit, or gives no log of deletions.
    Raises RetryError if Salesforce does not answer or a window stays short (the watermark stays), StopError if it
    refuses us.
    """
    with (
        db.advisory_lock(f"extract:{org_id}") as is_held,
        _ledger.recorded(db, run_id=run_id, stage=STAGE, scope=org_id) as counts,
    ):
        if is_held:
            _extract(db, salesforce, org_id, counts)
            # not before: an org that failed is due again at once, so that the next run is not green for doing nothing
            db.execute("touch_org_polled", org_id=org_id)
    return counts


def _extract(db: database.Database, salesforce: auth.Session, org_id: str, counts: _ledger.Counts) -> None:
    db.execute("fail_abandoned_windows", org_id=org_id)
    db.execute("delete_abandoned_landing", org_id=org_id)
    due = db.one("is_describe_due", org_id=org_id)
    if due and due["is_due"]:
        described = tenants.refresh_fields(db, salesforce, org_id=org_id, is_full=due["is_full"])
        counts["fields_changed"] = described["changed"]
    selection = _selecting.in_use(db, org_id)
    try:
        outcome = _read_news(db, salesforce, org_id, selection, counts)
    except errors.RejectError as error:
        if error.code != "INVALID_FIELD":
            raise
        # a permission was lost or a field deleted since the last describe
        counts["fields_changed"] = tenants.refresh_fields(db, salesforce, org_id=org_id)["changed"]
        selection = _selecting.in_use(db, org_id)
        outcome = _read_news(db, salesforce, org_id, selection, counts)
    if outcome is None:
        return
    counts |= {
        "rows_landed": outcome.landed,
        "rows_merged": outcome.merged,
        "rows_quarantined": outcome.quarantined,
    }
    counts["rows_late"] = _auditing.fetch_missing_winners(db, salesforce, selection, outcome)
    if outcome.kind != "initial":
        counts["rows_late"] += _auditing.compare_counts(db, salesforce, selection, outcome, counts)
    _refill(db, salesforce, org_id, selection, counts)
    # last: what the logs refuse must not keep news from the mirror
    _settling.read_logs(db, salesforce, selection, outcome, counts)


def _read_news(
    db: database.Database,
    salesforce: auth.Session,
    org_id: str,
    selection: _windows.Selection,
    counts: _ledger.Counts,
) -> _windows.Outcome | None:
    """Read what is new; None if that is so much that it is left to the loading DAG, or was left to it before."""
    big = db.one("has_big_news", org_id=org_id)
    if big and big["is_open"]:
        counts["waiting"] = 1
        return None
    row = db.one("select_watermark", org_id=org_id)
    watermark = row["read_until"] if row else None
    read_from = watermark - MARGIN if watermark else None
    kind = "incremental" if watermark else "initial"
    window = _windows.begin(db, org_id=org_id, kind=kind, read_from=read_from, selection=selection)
    outcome = _small_windows.read(db, salesforce, window, most=SMALL)
    if outcome is None:
        counts["planned"] = 1
    return outcome


def _refill(
    db: database.Database,
    salesforce: auth.Session,
    org_id: str,
    selection: _windows.Selection,
    counts: _ledger.Counts,
) -> None:
    """Read everybody once more if a field was chosen after the first load.

    All fields in use are read, not the new ones alone: a contact that committed late would get its stamp from this
    reading, and no audit would miss its other fields.
    """
    counts["rows_refilled"] = 0
    wanted = [name for name in selection.names if name not in fields.SYSTEM_FIELDS]
    unfilled = [row["field_name"] for row in db.all("select_unfilled_fields", org_id=org_id, fields=wanted)]
    big = db.one("has_big_refill", org_id=org_id)
    if not unfilled or (big and big["is_open"]):
        return
    window = _windows.begin(db, org_id=org_id, kind="refill", read_from=None, selection=selection)
    outcome = _small_windows.read(db, salesforce, window, most=SMALL)
    counts |= {"rows_refilled": outcome.merged} if outcome else {"planned": 1}
