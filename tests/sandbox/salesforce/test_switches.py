"""Where sources disagree about the vendor, either side can be played; and every switch is documented."""

from __future__ import annotations

from email.utils import formatdate
from pathlib import Path

import httpx
import pytest

from sandbox.salesforce import exchange, objects
from sandbox.salesforce.org import Org
from sandbox.salesforce.switches import SWITCHES
from tests.sandbox.salesforce.asking import CONTROL, make, refusal, switch
from tests.sandbox.salesforce.conftest import Clock

GUIDE = "docs/salesforce-stand-in.md"


def results(client: httpx.Client, org: Org, soql: str) -> httpx.Response:
    job = client.post("/jobs/query", json={"operation": "query", "query": soql}).json()["id"]
    org.bulk.settle()
    while client.get(f"/jobs/query/{job}").json()["state"] != "JobComplete":
        pass
    return client.get(f"/jobs/query/{job}/results")


def test_csv_datetimes_end_either_way(client: httpx.Client, org: Org) -> None:
    make(client)
    switch(client, csv_datetimes_end_in="+0000")
    assert "2026-09-21T14:13:20.000+0000" in results(client, org, "SELECT CreatedDate FROM Contact").text


def test_csv_may_name_its_charset(client: httpx.Client, org: Org) -> None:
    switch(client, csv_content_type="text/csv; charset=UTF-8")
    assert results(client, org, "SELECT Id FROM Contact").headers["Content-Type"] == "text/csv; charset=UTF-8"


@pytest.mark.parametrize("code", ["API_ERROR", "FUNCTIONALITY_NOT_ENABLED", "INVALID_FIELD"])
def test_compound_fields_are_refused_by_any_of_three_codes(client: httpx.Client, code: str) -> None:
    switch(client, compound_refusal_code=code)
    body = {"operation": "query", "query": "SELECT MailingAddress FROM Contact"}
    assert refusal(client.post("/jobs/query", json=body)) == (400, code)


def test_the_precondition_compares_either_stamp(client: httpx.Client, org: Org, clock: Clock) -> None:
    contact = make(client)
    # something inside Salesforce touched the record, no user did
    org.store.update_columns(objects.CONTACT, contact, {"SystemModstamp": int(clock()) + 50})
    since = {"If-Unmodified-Since": formatdate(clock() + 10, usegmt=True)}
    assert client.patch(f"/sobjects/Contact/{contact}", json={}, headers=since).status_code == 204
    org.store.update_columns(objects.CONTACT, contact, {"SystemModstamp": int(clock()) + 50})
    switch(client, precondition_compares="SystemModstamp")
    assert client.patch(f"/sobjects/Contact/{contact}", json={}, headers=since).status_code == 412


def test_a_failed_precondition_may_be_silent(client: httpx.Client, clock: Clock) -> None:
    contact = make(client)
    switch(client, precondition_has_body=False)
    late = {"If-Unmodified-Since": formatdate(clock() - 10, usegmt=True)}
    answer = client.patch(f"/sobjects/Contact/{contact}", json={"Title": "x"}, headers=late)
    assert (answer.status_code, answer.content) == (412, b"")


def test_failed_rows_of_an_update_may_carry_their_id(client: httpx.Client, org: Org) -> None:
    contact = make(client)
    switch(client, failed_rows_have_ids=True)
    job = client.post("/jobs/ingest", json={"object": "Contact", "operation": "update"}).json()["id"]
    text = f"Id,Email\n{contact},bad\n".encode()
    client.put(f"/jobs/ingest/{job}/batches", content=text, headers={"Content-Type": "text/csv"})
    client.patch(f"/jobs/ingest/{job}", json={"state": "UploadComplete"})
    org.bulk.settle()
    while client.get(f"/jobs/ingest/{job}").json()["state"] != "JobComplete":
        pass
    assert client.get(f"/jobs/ingest/{job}/failedResults/").text.splitlines()[1].startswith(f'"{contact}"')


def test_lists_may_show_own_jobs_only(client: httpx.Client) -> None:
    client.post(f"{CONTROL}/imports", json={"contacts": [{"LastName": "x"}]})
    assert len(client.get("/jobs/ingest").json()["records"]) == 1
    switch(client, lists_all_jobs=False)
    assert client.get("/jobs/ingest").json()["records"] == []


def test_switches_can_be_put_back(client: httpx.Client) -> None:
    switch(client, largest_page=3, bulk_outcome={"state": "Failed"})
    assert client.delete(f"{CONTROL}/settings").json() == SWITCHES


def test_every_switch_is_in_the_guide(repository: Path) -> None:
    text = (repository / GUIDE).read_text(encoding="utf-8")
    assert [name for name in SWITCHES if f"`{name}`" not in text] == []


def test_every_control_route_is_in_the_guide(repository: Path) -> None:
    text = (repository / GUIDE).read_text(encoding="utf-8")
    missing = [route.template for route in exchange.control if f"{route.method} {route.template}" not in text]
    assert missing == []
