"""Every road that reads a contact again meets the tombstone: the row is counted, and nobody comes back."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from contact_sync import audits, backfill, erasure
from contact_sync.salesforce import bulk
from contact_sync.sidebar import webhooks
from contact_sync.stages import (
    extract_salesforce_contacts,
    load_salesforce_contacts,
)
from tests.raw_sql import RawSql
from tests.stages.conftest import RespondSide, SalesforceSide
from tests.stages.creating import Creating, try_to_create
from tests.stages.house import ORG, WORKSPACE, House, person_id
from tests.stages.test_extract_salesforce_contacts import mirrored, person
from tests.stages.test_reconcile_contacts import reconcile

EMAIL = "ada@example.com"


@pytest.fixture
def erased(salesforce: SalesforceSide) -> str:
    """A contact that Salesforce still shows and that was erased here, among others."""
    for number in range(5):
        person(salesforce, Email=f"p{number}@example.com")
    found = person(salesforce, Email=EMAIL, LastName="Lovelace", Title="Countess")
    salesforce.extract("first")
    erasure.erase(salesforce.db, org_id=salesforce.org_id, named=erasure.Named(salesforce_id=found))
    return found


def change(salesforce: SalesforceSide, salesforce_id: str) -> None:
    salesforce.steer("PATCH", f"/contacts/{salesforce_id}", {"Title": "Enchantress"})


def by_window(salesforce: SalesforceSide, erased: str) -> None:
    change(salesforce, erased)
    salesforce.extract("window")


def by_audit(salesforce: SalesforceSide, erased: str) -> None:
    """The stamp is of the audited minutes, and behind the watermark."""
    recent = salesforce.store.now() - 300
    with salesforce.store.writing() as connection:
        connection.execute("UPDATE Contact SET SystemModstamp = ? WHERE Id = ?", (recent, erased))
    salesforce.extract("audit")


def by_backfill(salesforce: SalesforceSide, erased: str) -> None:
    start = datetime.now(UTC) - timedelta(days=3)
    backfill.plan(salesforce.db, salesforce.org_id, start, datetime.now(UTC))
    load(salesforce)


def by_comparison(salesforce: SalesforceSide, erased: str) -> None:
    reconcile(salesforce)
    # formulas are read for everybody
    load(salesforce)


def load(salesforce: SalesforceSide) -> None:
    for lane in ("extract", "backfill"):
        salesforce.session.lane = lane
        load_salesforce_contacts.run(
            salesforce.db, salesforce.session, org_id=salesforce.org_id, run_id=f"load-{lane}"
        )
    salesforce.session.lane = "extract"


@pytest.mark.parametrize("again", [by_window, by_audit, by_backfill, by_comparison])
def test_no_road_from_salesforce_brings_an_erased_person_back(
    salesforce: SalesforceSide, raw: RawSql, erased: str, again: Callable[[SalesforceSide, str], None]
) -> None:
    again(salesforce, erased)
    assert mirrored(raw, erased) == {}
    assert raw.value("SELECT count(*) FROM salesforce_contact") == 5
    assert set(raw.column("SELECT status FROM extract_window")) == {"proven"}


def test_an_erased_row_satisfies_the_proof_and_is_counted(
    salesforce: SalesforceSide, raw: RawSql, erased: str
) -> None:
    by_window(salesforce, erased)
    [last] = raw(
        "SELECT status, rows_reported, rows_landed, rows_erased FROM extract_window ORDER BY window_id DESC LIMIT 1"
    )
    assert last == {"status": "proven", "rows_reported": 1, "rows_landed": 1, "rows_erased": 1}


def test_who_is_merged_into_an_erased_person_goes_with_them(
    salesforce: SalesforceSide, raw: RawSql, erased: str
) -> None:
    """Their double was nobody's before: the merge tells that it is the same person."""
    double = raw.value("SELECT salesforce_id FROM salesforce_contact WHERE email = 'p0@example.com'")
    house = House(salesforce.db, raw)
    shown = house.contact(1, org_id=salesforce.org_id, email="p0@example.com")
    house.materialize(salesforce.org_id)
    assert house.row(shown)["salesforce_id"] == double
    salesforce.steer("POST", f"/contacts/{erased}/merge", {"losers": [double]})
    salesforce.extract("merge")
    assert mirrored(raw, double) == {}
    house.materialize(salesforce.org_id)
    assert house.row(shown) == {}
    assert raw.value("SELECT count(*) FROM salesforce_contact") == 4
    salesforce.steer("DELETE", "/journal")
    assert salesforce.extract("quiet")["rows_late"] == 0
    asked = salesforce.steer("GET", "/journal").json()["requests"]
    # the news and the count, and Ids of what it cannot tell: nobody is asked for again
    assert sum(request["route"].endswith("/queryAll") for request in asked) <= 3
    assert "fetched" not in reconcile(salesforce)
    raw("UPDATE salesforce_org SET settled_until = now()")
    span = audits.settled_range(salesforce.db, salesforce.org_id, None, None)
    audit = audits.run(salesforce.db, salesforce.session, org_id=salesforce.org_id, span=span)
    assert audit.is_complete


def test_an_audit_accounts_for_erased_people(salesforce: SalesforceSide, raw: RawSql, erased: str) -> None:
    raw("UPDATE salesforce_org SET settled_until = now() + interval '1 minute'")
    span = audits.settled_range(salesforce.db, salesforce.org_id, None, None)
    audit = audits.run(salesforce.db, salesforce.session, org_id=salesforce.org_id, span=span)
    assert audit.difference == audits.Difference(missing=0, older=0, quarantined=0, erased=1, moved_on=0)
    assert audit.is_complete


def test_a_bulk_load_leaves_an_erased_person_out(
    salesforce: SalesforceSide, raw: RawSql, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extract_salesforce_contacts, "SMALL", 2)
    monkeypatch.setattr(bulk, "SET_ROWS", 2)
    found = [person(salesforce, Email=f"p{number}@example.com") for number in range(5)]
    erasure.erase(salesforce.db, org_id=salesforce.org_id, named=erasure.Named(salesforce_id=found[2]))
    salesforce.extract()
    load(salesforce)
    assert sorted(raw.column("SELECT salesforce_id FROM salesforce_contact")) == sorted({*found} - {found[2]})
    [window] = raw("SELECT status, rows_landed, rows_erased FROM extract_window")
    assert window == {"status": "proven", "rows_landed": 5, "rows_erased": 1}


def test_a_bad_row_of_an_erased_person_is_not_kept_in_quarantine(
    salesforce: SalesforceSide, raw: RawSql, erased: str
) -> None:
    salesforce.steer("PATCH", f"/contacts/{erased}", {"Title": "\x00"})
    salesforce.extract("again")
    assert raw.value("SELECT count(*) FROM quarantined_row") == 0


# respond.io


@pytest.fixture
def gone(respond: RespondSide, house: House) -> int:
    """A contact that respond.io still shows and that was erased here."""
    [found] = respond.store.insert_contacts([{"firstName": "Ada", "email": EMAIL}])
    respond.extract("first")
    named = erasure.Named(contact=(WORKSPACE, found))
    assert erasure.erase(respond.db, org_id=ORG, named=named).respond_ids == ((WORKSPACE, found),)
    return found


def contacts(raw: RawSql) -> list[int]:
    return raw.column("SELECT respond_id FROM respond_contact")


def test_no_walk_brings_an_erased_contact_back(respond: RespondSide, raw: RawSql, gone: int) -> None:
    respond.steer("PATCH", f"/contacts/{gone}", {"firstName": "Augusta"})
    respond.extract("second")
    assert contacts(raw) == []


def test_no_webhook_brings_an_erased_contact_back(respond: RespondSide, raw: RawSql, gone: int) -> None:
    contact = {"id": gone, "firstName": "Ada", "email": EMAIL, "phone": None}
    body = json.dumps({"event_type": "contact.updated", "event_id": "1", "contact": contact})
    webhooks.hear(respond.db, WORKSPACE, body.encode())
    assert contacts(raw) == []


def test_no_look_brings_an_erased_contact_back(respond: RespondSide, raw: RawSql, gone: int) -> None:
    raw.insert("respond_look", workspace_id=WORKSPACE, respond_id=gone, asked_at=datetime.now(UTC))
    respond.extract("second")
    assert contacts(raw) == []


def test_nobody_is_created_for_an_erased_person(creating: Creating) -> None:
    creating.new(1, email=EMAIL)
    creating.match()
    erasure.erase(creating.db, org_id=ORG, named=erasure.Named(salesforce_id=person_id(1)))
    # the same person under another id
    creating.new(2, email=EMAIL)
    # somebody else in the same household
    creating.new(3)
    creating.create()
    assert [contact["email"] for contact in creating.made()] == ["ada3@example.com"]
    assert creating.creation(1) == creating.creation(2) == {}


def test_a_creation_that_is_under_way_ends_without_a_trace(creating: Creating, raw: RawSql) -> None:
    creating.new(1, email=EMAIL)
    creating.fault(method="POST", path="/v2/contact/*", status=500, times=1)
    try_to_create(creating)
    assert creating.creation(1)["status"] == "creating"
    erasure.erase(creating.db, org_id=ORG, named=erasure.Named(salesforce_id=person_id(1)))
    creating.a_minute_later()
    creating.create()
    assert creating.creation(1) == {}
    assert raw.value("SELECT count(*) FROM creation_claim") == 0
