"""Bulk jobs against the stand-in, over a real socket."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from contact_sync import errors
from contact_sync.salesforce import auth, bulk, jobs, query
from sandbox.salesforce.store import Store


def completed(session: auth.Session, soql: str) -> bulk.Job:
    return bulk.wait(session, bulk.create(session, soql).job_id, sleep=lambda _: None)


def text(
    session: auth.Session, job: bulk.Job, locator: str | None = None, max_rows: int | None = None
) -> str:
    with bulk.results(session, job, locator=locator, max_rows=max_rows) as found:
        return b"".join(iter(lambda: found.read(8192), b"")).decode()


def ids(csv_text: str) -> list[str]:
    return [row["Id"] for row in csv.DictReader(io.StringIO(csv_text))]


def test_every_contact_comes_once_over_many_sets(live: auth.Session, store: Store) -> None:
    made = store.insert_contacts({"LastName": f"Person {i}"} for i in range(25))
    job = completed(live, query.select(["Id"]))
    found: list[str] = []
    locator: str | None = None
    while True:
        with bulk.results(live, job, locator=locator, max_rows=10) as part:
            found += ids(part.read().decode())
            locator = part.next_locator
        if locator is None:
            break
    assert job.rows == 25
    assert sorted(found) == sorted(made)


def test_a_set_can_be_fetched_again(live: auth.Session, store: Store) -> None:
    store.insert_contacts({"LastName": f"Person {i}"} for i in range(25))
    job = completed(live, query.select(["Id"]))
    with bulk.results(live, job, max_rows=10) as part:
        locator = part.next_locator
    assert text(live, job, locator, 10) == text(live, job, locator, 10)


def test_deleted_contacts_are_in_the_results(live: auth.Session, store: Store, vendor: httpx.Client) -> None:
    [salesforce_id] = store.insert_contacts([{"LastName": "Ada"}])
    vendor.delete(f"/_sandbox/contacts/{salesforce_id}").raise_for_status()
    assert ids(text(live, completed(live, query.select(["Id"])))) == [salesforce_id]


def test_results_cut_off_are_asked_for_again(live: auth.Session, store: Store, vendor: httpx.Client) -> None:
    store.insert_contacts({"LastName": f"Person {i}"} for i in range(25))
    job = completed(live, query.select(["Id"]))
    fault = {"path": "*/results", "cut_after_bytes": 100}
    vendor.post("/_sandbox/faults", json=fault).raise_for_status()
    with pytest.raises(errors.RetryError):
        text(live, job)
    assert len(ids(text(live, job))) == 25


def test_a_session_that_expires_between_sets_goes_on(
    live: auth.Session, store: Store, vendor: httpx.Client
) -> None:
    store.insert_contacts([{"LastName": "Ada"}])
    job = completed(live, query.select(["Id"]))
    fault = {"path": "*/results", "effects": {"expire_token": True}}
    vendor.post("/_sandbox/faults", json=fault).raise_for_status()
    assert len(ids(text(live, job))) == 1


def test_a_compound_field_is_refused_at_the_door(live: auth.Session) -> None:
    with pytest.raises(errors.RejectError):
        bulk.create(live, query.select(["Id", "MailingAddress"]))


def test_a_deleted_job_is_not_found(live: auth.Session, store: Store) -> None:
    job = completed(live, query.select(["Id"]))
    bulk.delete(live, job.job_id)
    bulk.delete(live, job.job_id)
    with pytest.raises(errors.RejectError) as caught:
        bulk.read(live, job.job_id)
    assert caught.value.code == "NOT_FOUND"


def test_somebodys_bulk_load_is_seen(live: auth.Session) -> None:
    body = {"object": "Contact", "operation": "insert", "contentType": "CSV", "lineEnding": "LF"}
    live.call("POST", "/jobs/ingest", json=body).raise_for_status()
    found = jobs.contact_loads(live, datetime.now(UTC) - timedelta(hours=1))
    assert [(job.operation, job.job_type) for job in found] == [("insert", "V2Ingest")]
