"""simple-salesforce, which nobody here wrote, works against the stand-in over HTTPS."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from fastapi import FastAPI
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import SalesforceAuthenticationFailed, SalesforceMalformedRequest

from sandbox.salesforce import sessions
from sandbox.salesforce.org import Org
from sandbox.salesforce.store import Store
from tests.sandbox.salesforce import https, routing
from tests.sandbox.salesforce.conftest import KEY, SECRET, Clock

VERSION = "66.0"


@pytest.fixture
def served(app: FastAPI, tmp_path: Path) -> Iterator[https.Served]:
    """The stand-in over HTTPS."""
    with https.served(app, tmp_path) as found:
        yield found


@pytest.fixture
def session(served: https.Served) -> Iterator[requests.Session]:
    """A session that ends up at the stand-in; closed before the server, which would wait for it."""
    with routing.session(served.port, str(served.authority)) as opened:
        yield opened


@pytest.fixture
def salesforce(session: requests.Session) -> Any:
    """A client logged in by client credentials."""
    return Salesforce(
        consumer_key=KEY, consumer_secret=SECRET, domain="acme.my", session=session, version=VERSION
    )


def test_client_credentials_log_in_to_my_domain(salesforce: Any) -> None:
    assert salesforce.sf_instance == "acme.my.salesforce.com"
    assert salesforce.limits()["DailyApiRequests"]["Max"] == 100_000


def test_a_wrong_secret_fails_with_the_servers_reason(session: requests.Session) -> None:
    with pytest.raises(SalesforceAuthenticationFailed, match="invalid client credentials"):
        Salesforce(consumer_key=KEY, consumer_secret="wrong", domain="acme.my", session=session)


def test_a_jwt_logs_in(session: requests.Session, org: Org, clock: Clock) -> None:
    clock.seconds = time.time()
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    org.set_switches(
        {"jwt_certificate": key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()}
    )
    client = Salesforce(
        username="integration@contact-sync.example", consumer_key=KEY, privatekey=pem.decode(),
        session=session,
    )  # fmt: skip
    assert client.describe() is not None


def test_query_all_reads_every_page(salesforce: Any, store: Store) -> None:
    made = store.insert_contacts({"LastName": f"Person {n}"} for n in range(2500))
    found = salesforce.query_all("SELECT Id, Account.Name FROM Contact ORDER BY Id")
    assert (found["totalSize"], found["done"]) == (2500, True)
    assert [record["Id"] for record in found["records"]] == made


def test_query_all_iter_reads_lazily(salesforce: Any, store: Store) -> None:
    store.insert_contacts({"LastName": f"Person {n}"} for n in range(2001))
    assert sum(1 for _ in salesforce.query_all_iter("SELECT Id FROM Contact")) == 2001


def test_records_are_created_read_changed_and_deleted(salesforce: Any) -> None:
    created = salesforce.Contact.create({"LastName": "Ōe", "Email": "oe@example.com"})
    contact = created["id"]
    assert salesforce.Contact.update(contact, {"Title": "Author"}) == 204
    assert salesforce.Contact.get(contact)["Title"] == "Author"
    assert salesforce.Contact.upsert("Legacy_Id__c/L-1", {"LastName": "Abe"}) == 201
    assert salesforce.Contact.get_by_custom_id("Legacy_Id__c", "L-1")["LastName"] == "Abe"
    assert salesforce.Contact.delete(contact) == 204
    with pytest.raises(SalesforceMalformedRequest, match="INVALID_FIELD"):
        salesforce.Contact.create({"LastName": "x", "Foo": 1})


def test_describe_and_metadata(salesforce: Any) -> None:
    assert len(salesforce.Contact.describe()["fields"]) > 59
    assert salesforce.Account.metadata()["objectDescribe"]["name"] == "Account"
    assert [item["name"] for item in salesforce.describe()["sobjects"]][:2] == ["Contact", "Account"]


def test_updated_and_deleted(salesforce: Any, clock: Clock) -> None:
    contact = salesforce.Contact.create({"LastName": "x"})["id"]
    start = datetime.fromtimestamp(clock(), UTC) - timedelta(hours=1)
    end = start + timedelta(hours=2)
    assert salesforce.Contact.updated(start, end)["ids"] == [contact]
    salesforce.Contact.delete(contact)
    assert salesforce.Contact.deleted(start, end)["deletedRecords"][0]["id"] == contact


def test_composite_through_the_generic_call(salesforce: Any) -> None:
    contact = salesforce.Contact.create({"LastName": "x"})["id"]
    url = f"/services/data/v{VERSION}/sobjects/Contact/{contact}"
    body = {"compositeRequest": [{"method": "PATCH", "url": url, "referenceId": "a", "body": {"Title": "y"}}]}
    answer = salesforce.restful("composite", method="POST", json=body)
    assert answer["compositeResponse"][0]["httpStatusCode"] == 204


def test_a_dead_session_is_renewed(salesforce: Any, org: Org) -> None:
    sessions.end(org)
    assert salesforce.query("SELECT COUNT() FROM Contact")["totalSize"] == 0


def test_bulk2_query_downloads_everything(salesforce: Any, store: Store, org: Org) -> None:
    made = store.insert_contacts({"LastName": f"Zoë {n}"} for n in range(30))
    org.set_switches({"bulk_polls": 0})
    pages = list(salesforce.bulk2.Contact.query("SELECT Id, LastName FROM Contact", max_records=20, wait=0.1))
    found = [row for page in pages for row in list(csv.reader(io.StringIO(page)))[1:]]
    assert [row[0] for row in found] == made
    assert found[0][1] == "Zoë 0"


def test_bulk2_inserts_updates_upserts_and_deletes(salesforce: Any, org: Org) -> None:
    org.set_switches({"bulk_polls": 0})
    contacts = salesforce.bulk2.Contact
    [inserted] = contacts.insert(records=[{"LastName": "One"}, {"LastName": "Two"}], wait=0.1)
    assert (inserted["numberRecordsProcessed"], inserted["numberRecordsFailed"]) == (2, 0)
    saved = contacts.get_successful_records(inserted["job_id"])
    ids = [row["sf__Id"] for row in csv.DictReader(io.StringIO(saved))]
    [updated] = contacts.update(
        records=[{"Id": ids[0], "Title": "CEO"}, {"Id": ids[1], "Title": "x" * 200}], wait=1
    )
    assert updated["numberRecordsFailed"] == 1
    assert "STRING_TOO_LONG" in contacts.get_failed_records(updated["job_id"])
    [upserted] = contacts.upsert(
        records=[{"Legacy_Id__c": "L", "LastName": "Three"}], external_id_field="Legacy_Id__c", wait=1
    )
    [deleted] = contacts.delete(records=[{"Id": contact} for contact in ids], wait=0.1)
    assert (upserted["numberRecordsFailed"], deleted["numberRecordsFailed"]) == (0, 0)
    assert salesforce.query("SELECT COUNT() FROM Contact")["totalSize"] == 1


def test_bulk1_inserts_and_queries(salesforce: Any, org: Org) -> None:
    org.set_switches({"bulk_polls": 0})
    results = salesforce.bulk.Contact.insert([{"LastName": "One"}, {"LastName": ""}], batch_size=10)
    assert [result["success"] for result in results] == [True, False]
    found = salesforce.bulk.Contact.query("SELECT Id, LastName, CreatedDate FROM Contact")
    assert [record["LastName"] for record in found] == ["One"]
    assert found[0]["CreatedDate"] == 1_790_000_000_000


def test_apex_rest(salesforce: Any) -> None:
    assert salesforce.apexecute("hello/world", method="POST", data={"a": 1})["body"] == {"a": 1}
