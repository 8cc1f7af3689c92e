"""Bulk 2.0 ingest jobs: upload, rules, three results, lists."""

from __future__ import annotations

import csv
import io

import httpx
import pytest

from sandbox.salesforce.org import Org
from tests.sandbox.salesforce.asking import contacts, make, refusal, switch
from tests.sandbox.salesforce.conftest import Clock

CSV = {"Content-Type": "text/csv"}


def begin(client: httpx.Client, operation: str, text: str, **options: str) -> str:
    answer = client.post(
        "/jobs/ingest", json={"object": "Contact", "operation": operation, "lineEnding": "LF", **options}
    )
    assert answer.status_code == 200, answer.text
    job = answer.json()
    assert job["contentUrl"] == f"services/data/v66.0/jobs/ingest/{job['id']}/batches"
    assert (
        client.put(f"http://org.example/{job['contentUrl']}", content=text.encode(), headers=CSV).status_code
        == 201
    )
    return str(job["id"])


def finish(client: httpx.Client, org: Org, job: str) -> dict[str, object]:
    closed = client.patch(f"/jobs/ingest/{job}", json={"state": "UploadComplete"})
    assert (closed.status_code, closed.json()["state"]) == (200, "UploadComplete")
    org.bulk.settle()
    client.get(f"/jobs/ingest/{job}")
    found: dict[str, object] = client.get(f"/jobs/ingest/{job}").json()
    return found


def ingest(
    client: httpx.Client, org: Org, operation: str, text: str, **options: str
) -> tuple[str, dict[str, object]]:
    job = begin(client, operation, text, **options)
    return job, finish(client, org, job)


def result(client: httpx.Client, job: str, kind: str) -> list[list[str]]:
    text = client.get(f"/jobs/ingest/{job}/{kind}/").content.decode()
    return list(csv.reader(io.StringIO(text, newline="")))


def test_an_insert_creates_and_tells_what_failed(client: httpx.Client, org: Org) -> None:
    text = 'LastName,Title,Email\nCafé,"two\nlines",\n,Nobody,\nThree,,bad\n'
    job, told = ingest(client, org, "insert", text)
    assert (told["state"], told["numberRecordsProcessed"], told["numberRecordsFailed"]) == (
        "JobComplete",
        3,
        2,
    )
    [header, saved] = result(client, job, "successfulResults")
    assert header == ["sf__Id", "sf__Created", "LastName", "Title", "Email"]
    assert saved[1:] == ["true", "Café", "two\nlines", ""]
    errors = {row[4] or row[2]: row[1] for row in result(client, job, "failedResults")[1:]}
    assert errors["bad"].startswith("INVALID_EMAIL_ADDRESS:Email: invalid email address: bad:Email --")
    assert "REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --" in errors.values()
    assert [row["LastName"] for row in contacts(client, "SELECT LastName FROM Contact")] == ["Café"]


def test_an_empty_cell_leaves_and_a_marked_one_clears(client: httpx.Client, org: Org) -> None:
    contact = make(client, Title="CEO", Phone="1", VIP__c=True)
    ingest(client, org, "update", f"Id,Title,Phone,VIP__c\n{contact},,#N/A,false\n")
    found = client.get(f"/sobjects/Contact/{contact}").json()
    assert (found["Title"], found["Phone"], found["VIP__c"]) == ("CEO", None, False)


def test_an_upsert_finds_by_its_external_id(client: httpx.Client, org: Org) -> None:
    contact = make(client, Legacy_Id__c="L-1")
    text = "Legacy_Id__c,LastName\nL-1,Changed\nL-2,Created\n"
    job, _ = ingest(client, org, "upsert", text, externalIdFieldName="Legacy_Id__c")
    created = {row[2]: row[1] for row in result(client, job, "successfulResults")[1:]}
    assert created == {"L-1": "false", "L-2": "true"}
    assert client.get(f"/sobjects/Contact/{contact}").json()["LastName"] == "Changed"


def test_a_delete_takes_ids_only(client: httpx.Client, org: Org) -> None:
    contact = make(client)
    _, refused = ingest(client, org, "delete", f"Id,Title\n{contact},x\n")
    _, told = ingest(client, org, "delete", f"Id\n{contact}\n")
    assert (refused["state"], told["state"]) == ("Failed", "JobComplete")
    assert contacts(client, "SELECT Id FROM Contact") == []


def test_a_hard_delete_leaves_nothing(client: httpx.Client, org: Org) -> None:
    ingest(client, org, "hardDelete", f"Id\n{make(client)}\n")
    assert contacts(client, "SELECT Id FROM Contact", is_all=True) == []


def test_a_wrong_line_ending_fails_the_job_and_writes_nothing(client: httpx.Client, org: Org) -> None:
    job, told = ingest(client, org, "insert", "LastName\r\nOne\r\n")
    expected = "ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is LF"
    assert (told["state"], told["errorMessage"]) == ("Failed", expected)
    assert result(client, job, "unprocessedrecords") == [["LastName"], ["One"]]
    assert contacts(client, "SELECT Id FROM Contact") == []


def test_an_unknown_column_fails_the_job(client: httpx.Client, org: Org) -> None:
    _, told = ingest(client, org, "insert", "LastName,Foo\nOne,1\n")
    assert told["errorMessage"] == "InvalidBatch : Field name not found : Foo"


def test_nothing_failed_is_a_header_alone(client: httpx.Client, org: Org) -> None:
    job, _ = ingest(client, org, "insert", "LastName\nOne\n")
    assert client.get(f"/jobs/ingest/{job}/failedResults/").text == '"sf__Id","sf__Error",LastName\n'


def test_results_do_not_keep_the_order_of_the_upload(client: httpx.Client, org: Org) -> None:
    names = [f"Person {n}" for n in range(450)]
    job, _ = ingest(client, org, "insert", "\n".join(["LastName", *names, ""]))
    found = [row[2] for row in result(client, job, "successfulResults")[1:]]
    assert found != names
    assert sorted(found) == sorted(names)


def test_data_is_uploaded_once(client: httpx.Client) -> None:
    job = begin(client, "insert", "LastName\nOne\n")
    answer = client.put(f"/jobs/ingest/{job}/batches", content=b"LastName\nTwo\n", headers=CSV)
    assert refusal(answer) == (400, "INVALIDJOBSTATE")


def test_a_multipart_creation_does_it_in_one_call(client: httpx.Client, org: Org) -> None:
    parts = {
        "job": (
            None,
            '{"object":"Contact","operation":"insert","contentType":"CSV","lineEnding":"LF"}',
            "application/json",
        ),
        "content": ("content", "LastName\nOne\n", "text/csv"),
    }
    told = client.post("/jobs/ingest", files=parts).json()
    org.bulk.settle()
    assert told["state"] == "UploadComplete"
    assert len(contacts(client, "SELECT Id FROM Contact")) == 1


def test_an_aborted_job_does_nothing(client: httpx.Client) -> None:
    job = begin(client, "insert", "LastName\nOne\n")
    assert client.patch(f"/jobs/ingest/{job}", json={"state": "Aborted"}).json()["state"] == "Aborted"
    assert refusal(client.patch(f"/jobs/ingest/{job}", json={"state": "UploadComplete"})) == (
        400,
        "INVALIDJOBSTATE",
    )
    assert contacts(client, "SELECT Id FROM Contact") == []


def test_an_import_may_commit_late(client: httpx.Client, org: Org, clock: Clock) -> None:
    switch(client, commit_lag_seconds=60)
    ingest(client, org, "insert", "LastName\nOne\n")
    assert contacts(client, "SELECT Id FROM Contact") == []
    clock.advance(60)
    [found] = contacts(client, "SELECT CreatedDate FROM Contact")
    assert found["CreatedDate"] == "2026-09-21T14:13:20.000+0000"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"object": "Contact", "operation": "explode"}, "INVALIDJOB"),
        ({"object": "Foo", "operation": "insert"}, "INVALID_TYPE"),
        ({"object": "Contact", "operation": "upsert"}, "INVALIDJOB"),
        ({"object": "Contact", "operation": "insert", "columnDelimiter": "DASH"}, "INVALIDJOB"),
    ],
)
def test_a_job_that_cannot_be_is_refused(client: httpx.Client, body: dict[str, str], code: str) -> None:
    assert refusal(client.post("/jobs/ingest", json=body)) == (400, code)


def test_the_list_shows_both_kinds_without_counts(client: httpx.Client, org: Org) -> None:
    ingest(client, org, "insert", "LastName\nOne\n")
    session = client.headers["Authorization"].removeprefix("Bearer ")
    classic = {"object": "Contact", "operation": "insert", "contentType": "JSON"}
    made = client.post(
        "http://org.example/services/async/59.0/job", json=classic, headers={"X-SFDC-Session": session}
    )
    assert made.status_code == 201
    told = client.get("/jobs/ingest").json()
    assert (told["done"], told["nextRecordsUrl"]) == (True, None)
    assert {job["jobType"] for job in told["records"]} == {"V2Ingest", "Classic"}
    assert all("numberRecordsProcessed" not in job for job in told["records"])
    only = client.get("/jobs/ingest", params={"jobType": "Classic"}).json()["records"]
    assert [job["jobType"] for job in only] == ["Classic"]
