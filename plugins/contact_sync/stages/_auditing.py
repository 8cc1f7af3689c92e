"""What committed late: the last minutes compared by count, and whatever an audit misses fetched by Id."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from contact_sync import database, records, tombstones
from contact_sync.salesforce import auth, query
from contact_sync.stages import _ledger, _windows

#: Rows become visible at commit, under the stamp of their save: this far back the count is compared each time.
AUDITED = timedelta(minutes=15)
#: Contacts asked for by Id in one call.
IDS_A_CALL = 200
#: A comparison lists at most so many Ids at once.
LISTED = 20_000


def compare_counts(
    db: database.Database,
    salesforce: auth.Session,
    selection: _windows.Selection,
    outcome: _windows.Outcome,
    counts: _ledger.Counts,
) -> int:
    """Compare the counts of the last minutes; only where they differ read Ids and stamps, and rows only if missing.

    Returns how many rows of the mirror changed. A contact that changed twice in these minutes, the second time late,
    leaves the counts alike until its first stamp is out of them; ``_settling`` compares stamps and misses none. To it
    is left, too, what is too slow for Salesforce or too much for one listing: ``audits_put_off`` tells.
    """
    try:
        return _compare_counts(db, salesforce, selection, outcome, counts)
    except query.QueryTimeoutError:
        counts["audits_put_off"] = 1
        return 0


def _compare_counts(
    db: database.Database,
    salesforce: auth.Session,
    selection: _windows.Selection,
    outcome: _windows.Outcome,
    counts: _ledger.Counts,
) -> int:
    since = (outcome.read_until - AUDITED).replace(microsecond=0)
    where = f"SystemModstamp >= {query.datetime_literal(since)}"
    theirs, _ = query.count(salesforce, query.select_count(where=where))
    ours = db.one("count_mirrored_since", org_id=outcome.org_id, since=since)
    if ours and ours["contacts"] == theirs:
        return 0
    if theirs > LISTED:
        # as long as a row stays in quarantine the counts differ, and all would be listed each time
        counts["audits_put_off"] = 1
        return 0
    pages = query.pages(salesforce, query.select(["Id", "SystemModstamp"], where=where))
    return fetch_unlike(db, salesforce, selection, outcome, pages)


def fetch_unlike(
    db: database.Database,
    salesforce: auth.Session,
    selection: _windows.Selection,
    outcome: _windows.Outcome,
    pages: Iterable[records.QueryPage],
) -> int:
    """Fetch what pages of Id and SystemModstamp list and the mirror lacks, or holds at an older stamp."""
    fetched = 0
    for page in pages:
        late = db.all(
            "select_late_ids",
            org_id=outcome.org_id,
            ids=[record["Id"] for record in page.records],
            stamps=[record["SystemModstamp"] for record in page.records],
        )
        with db.transaction() as tx:
            # an erased person stays away: asking again each time would only cost calls
            ids = tombstones.without_erased_ids(
                tx, org_id=outcome.org_id, ids=[row["salesforce_id"] for row in late]
            )
        fetched += fetch(db, salesforce, selection, outcome, ids)
    return fetched


def fetch_missing_winners(
    db: database.Database,
    salesforce: auth.Session,
    selection: _windows.Selection,
    outcome: _windows.Outcome,
) -> int:
    """Fetch the winners of merges that the mirror has never seen; one that is not shown is asked for daily."""
    missing = db.all("select_missing_winners", org_id=outcome.org_id, batch_size=IDS_A_CALL)
    if not missing:
        return 0
    ids = [row["salesforce_id"] for row in missing]
    fetched = fetch(db, salesforce, selection, outcome, ids)
    db.execute("remember_absent_winners", org_id=outcome.org_id, ids=ids)
    return fetched


def fetch(
    db: database.Database,
    salesforce: auth.Session,
    selection: _windows.Selection,
    outcome: _windows.Outcome,
    ids: Sequence[str],
) -> int:
    """Read contacts by Id and merge them, counted on the window that overlooked them; return how many changed."""
    merged = 0
    for start in range(0, len(ids), IDS_A_CALL):
        pages = by_ids(salesforce, selection, ids[start : start + IDS_A_CALL])
        merged += _windows.add_late(db, outcome, selection, pages)
    return merged


def by_ids(
    salesforce: auth.Session, selection: _windows.Selection, ids: Sequence[str]
) -> Iterable[records.QueryPage]:
    """Yield the pages of some contacts, deleted ones included."""
    return query.pages(salesforce, query.select(selection.names, where=f"Id IN {query.text_list(ids)}"))


def between(low: datetime, high: datetime) -> str:
    """Return the SOQL condition of a range of stamps: from ``low`` up to, without, ``high``."""
    return (
        f"SystemModstamp >= {query.datetime_literal(low)} AND SystemModstamp < {query.datetime_literal(high)}"
    )
