"""All ids of an org as Salesforce lists them now, deleted ones included, copied into ``salesforce_listing``."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from datetime import datetime

from contact_sync import database, errors, records, tombstones
from contact_sync.salesforce import auth, bulk, query
from contact_sync.stages import extract_salesforce_contacts

NAMES = ("Id", "SystemModstamp", "IsDeleted")

#: Ids per set of bulk results.
_SET_ROWS = 200_000


def fill(db: database.Database, salesforce: auth.Session, org_id: str) -> tuple[int, datetime]:
    """List all ids anew; return their number and Salesforce's clock when the list began.

    Raises RetryError if fewer arrive than Salesforce reports: from a list with holes nothing may be concluded.
    """
    db.execute("delete_listing", org_id=org_id)
    pages = query.pages(salesforce, query.select(NAMES))
    first = next(pages)
    job = _job(salesforce) if first.total_size > extract_salesforce_contacts.SMALL else None
    if job:
        reported, listed_at = _copy_job(db, salesforce, org_id, job)
    else:
        _copy_pages(db, org_id, itertools.chain([first], pages))
        reported, listed_at = first.total_size, first.server_date
    row = db.one("count_listed", org_id=org_id)
    assert row is not None
    if row["ids"] != reported:
        raise errors.RetryError(
            f"org {org_id}: Salesforce reported {reported} contacts and listed {row['ids']}; nothing was compared"
        )
    with db.transaction() as tx:
        tombstones.drop_listed(tx, org_id=org_id)
    return reported, listed_at


def _copy_pages(db: database.Database, org_id: str, pages: Iterator[records.QueryPage]) -> None:
    for page in pages:
        rows = ((org_id, *(record[name] for name in NAMES)) for record in page.records)
        with db.transaction() as tx:
            tx.copy_rows(
                "salesforce_listing", ("org_id", "salesforce_id", "system_modstamp", "is_deleted"), rows
            )


def _job(salesforce: auth.Session) -> bulk.Job | None:
    with contextlib.suppress(bulk.NotEnabledError):
        return bulk.create(salesforce, query.select(NAMES))
    return None


def _copy_job(
    db: database.Database, salesforce: auth.Session, org_id: str, begun: bulk.Job
) -> tuple[int, datetime]:
    job = bulk.wait(salesforce, begun.job_id)
    locator, is_done = None, False
    while not is_done:
        with (
            bulk.results(salesforce, job, locator=locator, max_rows=_SET_ROWS) as found,
            db.transaction() as tx,
        ):
            tx.execute("make_csv_page", names=list(NAMES))
            tx.copy_csv("csv_page", NAMES, found)
            tx.execute("insert_listed_page", org_id=org_id)
        locator, is_done = found.next_locator, found.next_locator is None
    bulk.delete(salesforce, job.job_id)
    assert begun.created_at is not None
    return job.rows, begun.created_at
