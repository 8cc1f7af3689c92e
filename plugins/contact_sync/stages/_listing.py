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
#: How long a run waits for the list of an org; the next one goes on with the same job.
_JOB_SECONDS = 3600.0


def fill(db: database.Database, salesforce: auth.Session, org_id: str) -> tuple[int, datetime]:
    """List all ids anew; return their number and Salesforce's clock when the list began.

    A job that an earlier try left is gone on with. Raises RetryError if it is not complete within an hour (it goes on,
    and is found again), or if fewer ids arrive than Salesforce reports: a list with holes allows no conclusion.
    """
    db.execute("delete_listing", org_id=org_id)
    job = db.one("select_listing_job", org_id=org_id)
    pages: Iterator[records.QueryPage] = iter(())
    if job is None:
        pages = query.pages(salesforce, query.select(NAMES))
        first = next(pages)
        pages = itertools.chain([first], pages)
        if first.total_size > extract_salesforce_contacts.SMALL:
            job = _begun(db, salesforce, org_id)
    if job:
        reported, listed_at = _copy_job(db, salesforce, org_id, job)
    else:
        _copy_pages(db, org_id, pages)
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


def _begun(db: database.Database, salesforce: auth.Session, org_id: str) -> database.Row | None:
    """Make the job and write it down; None where the org has no Bulk API."""
    with contextlib.suppress(bulk.NotEnabledError):
        job = bulk.create(salesforce, query.select(NAMES))
        db.execute("record_listing_job", org_id=org_id, job_id=job.job_id, begun_at=job.created_at)
        return db.one("select_listing_job", org_id=org_id)
    return None


def _copy_job(
    db: database.Database, salesforce: auth.Session, org_id: str, begun: database.Row
) -> tuple[int, datetime]:
    try:
        job = bulk.wait(salesforce, begun["job_id"], timeout_seconds=_JOB_SECONDS)
        _copy_results(db, salesforce, org_id, job)
    except (errors.RejectError, query.QueryTimeoutError):
        # it failed, was aborted or is gone: the next try makes another
        _forget(db, org_id)
        raise
    # before it is known whether the list has holes: then another is wanted, too
    _forget(db, org_id)
    bulk.delete(salesforce, job.job_id)
    return job.rows, begun["begun_at"]


def _copy_results(db: database.Database, salesforce: auth.Session, org_id: str, job: bulk.Job) -> None:
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


def _forget(db: database.Database, org_id: str) -> None:
    db.execute("record_listing_job", org_id=org_id, job_id=None, begun_at=None)
