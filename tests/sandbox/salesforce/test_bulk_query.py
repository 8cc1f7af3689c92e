"""Bulk 2.0 query jobs: states, CSV, locators, refusals."""

from __future__ import annotations

import csv
import io
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from sandbox.salesforce.app import create_app
from sandbox.salesforce.org import Org
from sandbox.salesforce.steering import NASTY_CELLS
from sandbox.salesforce.store import Store
from tests.sandbox.salesforce.asking import CONTROL, refusal, switch
from tests.sandbox.salesforce.conftest import Clock


def create(client: httpx.Client, query: str, operation: str = "queryAll", **options: Any) -> str:
    answer = client.post("/jobs/query", json={"operation": operation, "query": query, **options})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


def complete(client: httpx.Client, org: Org, query: str, **options: Any) -> str:
    job = create(client, query, **options)
    org.bulk.settle()
    while client.get(f"/jobs/query/{job}").json()["state"] == "InProgress":
        pass
    return job


def rows(answer: httpx.Response) -> list[list[str]]:
    return list(csv.reader(io.StringIO(answer.content.decode("utf-8"), newline="")))


def test_a_job_goes_through_its_states_by_polls(client: httpx.Client, org: Org, store: Store) -> None:
    store.insert_contacts([{"LastName": "One"}])
    switch(client, bulk_polls=2)
    job = create(client, "SELECT Id FROM Contact")
    org.bulk.settle()
    polls = [client.get(f"/jobs/query/{job}").json() for _ in range(4)]
    assert [poll["state"] for poll in polls] == ["InProgress", "InProgress", "JobComplete", "JobComplete"]
    assert [poll["numberRecordsProcessed"] for poll in polls] == [0, 0, 1, 1]


def test_a_job_takes_its_seconds(client: httpx.Client, org: Org, clock: Clock) -> None:
    switch(client, bulk_polls=0, bulk_seconds=60)
    job = create(client, "SELECT Id FROM Contact")
    org.bulk.settle()
    assert client.get(f"/jobs/query/{job}").json()["state"] == "InProgress"
    assert refusal(client.get(f"/jobs/query/{job}/results")) == (400, "INVALIDJOBSTATE")
    clock.advance(60)
    assert client.get(f"/jobs/query/{job}").json()["state"] == "JobComplete"


def test_results_are_csv_in_the_order_of_the_select(client: httpx.Client, org: Org, store: Store) -> None:
    account = store.insert_accounts([{"Name": "Acme"}])[0]
    [contact] = store.insert_contacts(
        [
            {
                "LastName": "Čapek",
                "VIP__c": True,
                "AccountId": account,
                "Score__c": 2,
                "Next_Call__c": "2026-01-02",
            }
        ]
    )
    query = "SELECT Id, VIP__c, Account.Name, Name, Score__c, Next_Call__c, CreatedDate, Title FROM Contact"
    answer = client.get(f"/jobs/query/{complete(client, org, query)}/results")
    assert answer.headers["Content-Type"] == "text/csv"
    assert answer.content.decode() == (
        '"Id","VIP__c","Account.Name","Name","Score__c","Next_Call__c","CreatedDate","Title"\n'
        f'"{contact}","true","Acme","Čapek","2.0","2026-01-02","2026-09-21T14:13:20.000Z",""\n'
    )


def test_nasty_cells_come_through(client: httpx.Client, org: Org) -> None:
    client.post(f"{CONTROL}/nasty")
    job = complete(client, org, "SELECT Title FROM Contact")
    found = rows(client.get(f"/jobs/query/{job}/results"))
    assert [row[0] for row in found[1:]] == list(NASTY_CELLS.values())


def test_locators_slice_and_end_with_the_word_null(client: httpx.Client, org: Org, store: Store) -> None:
    made = store.insert_contacts({"LastName": f"Person {n}"} for n in range(25))
    job = complete(client, org, "SELECT Id FROM Contact")
    found, locator, sizes = [], "", []
    while locator != "null":
        answer = client.get(f"/jobs/query/{job}/results", params={"maxRecords": 10, "locator": locator})
        found += [row[0] for row in rows(answer)[1:]]
        sizes.append(answer.headers["Sforce-NumberOfRecords"])
        locator = answer.headers["Sforce-Locator"]
    assert found == made
    assert sizes == ["10", "10", "5"]


def test_an_empty_result_is_a_header(client: httpx.Client, org: Org) -> None:
    job = complete(client, org, "SELECT Id, Email FROM Contact")
    answer = client.get(f"/jobs/query/{job}/results")
    assert answer.text == '"Id","Email"\n'
    assert (answer.headers["Sforce-Locator"], answer.headers["Sforce-NumberOfRecords"]) == ("null", "0")


def test_delimiter_and_line_ending_are_the_callers(client: httpx.Client, org: Org, store: Store) -> None:
    store.insert_contacts([{"LastName": "One", "Title": "a;b"}])
    options = {"columnDelimiter": "SEMICOLON", "lineEnding": "CRLF"}
    job = complete(client, org, "SELECT LastName, Title FROM Contact", **options)
    assert client.get(f"/jobs/query/{job}/results").text == '"LastName";"Title"\r\n"One";"a;b"\r\n'


def test_result_pages_name_five_sets_and_go_on(client: httpx.Client, org: Org, store: Store) -> None:
    made = store.insert_contacts({"LastName": f"Person {n}"} for n in range(13))
    switch(client, bulk_result_rows=2)
    job = complete(client, org, "SELECT Id FROM Contact")
    pages, url, found = [], f"/services/data/v66.0/jobs/query/{job}/resultPages", []
    while url:
        pages.append(client.get(f"http://org.example{url}").json())
        url = pages[-1].get("nextRecordsUrl", "")
    for page in pages:
        for item in page["resultPages"]:
            found += [row[0] for row in rows(client.get(f"http://org.example{item['resultUrl']}"))[1:]]
    assert [len(page["resultPages"]) for page in pages] == [5, 2]
    assert [page["done"] for page in pages] == [False, True]
    assert found == made


def test_another_api_version_is_a_conflict(client: httpx.Client, org: Org) -> None:
    job = complete(client, org, "SELECT Id FROM Contact")
    assert client.get(f"http://org.example/services/data/v65.0/jobs/query/{job}/results").status_code == 409


def test_a_wrong_locator_is_refused(client: httpx.Client, org: Org) -> None:
    job = complete(client, org, "SELECT Id FROM Contact")
    answer = client.get(f"/jobs/query/{job}/results", params={"locator": "nonsense"})
    assert refusal(answer) == (400, "INVALID_QUERY_LOCATOR")


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELECT MailingAddress FROM Contact", "Selecting compound data not supported in Bulk Query"),
        ("SELECT COUNT() FROM Contact", "Aggregate"),
        ("SELECT Id FROM Contact OFFSET 5", "OFFSET"),
        ("SELECT Foo FROM Contact", "No such column 'Foo'"),
    ],
)
def test_what_bulk_cannot_do_is_refused_at_once(client: httpx.Client, query: str, message: str) -> None:
    answer = client.post("/jobs/query", json={"operation": "query", "query": query})
    assert answer.status_code == 400
    assert message in answer.json()[0]["message"]


def test_name_is_a_plain_field_for_bulk(client: httpx.Client, org: Org, store: Store) -> None:
    store.insert_contacts([{"FirstName": "Ada", "LastName": "Lovelace"}])
    job = complete(client, org, "SELECT Name FROM Contact")
    assert rows(client.get(f"/jobs/query/{job}/results"))[1] == ["Ada Lovelace"]


def test_only_a_terminal_job_can_be_deleted_and_then_it_is_gone(client: httpx.Client, org: Org) -> None:
    job = create(client, "SELECT Id FROM Contact")
    answer = client.delete(f"/jobs/query/{job}")
    assert refusal(answer) == (400, "API_ERROR")
    assert client.patch(f"/jobs/query/{job}", json={"state": "Aborted"}).json()["state"] == "Aborted"
    org.bulk.settle()
    assert client.get(f"/jobs/query/{job}").json()["state"] == "Aborted"
    assert client.delete(f"/jobs/query/{job}").status_code == 204
    assert refusal(client.get(f"/jobs/query/{job}")) == (404, "NOT_FOUND")


def test_a_terminal_job_cannot_be_aborted(client: httpx.Client, org: Org) -> None:
    job = complete(client, org, "SELECT Id FROM Contact")
    assert refusal(client.patch(f"/jobs/query/{job}", json={"state": "Aborted"})) == (400, "INVALIDJOBSTATE")


def test_results_are_kept_for_seven_days(client: httpx.Client, org: Org, clock: Clock) -> None:
    job = complete(client, org, "SELECT Id FROM Contact")
    switch(client, session_seconds=10**9)
    clock.advance(7 * 86_400 + 1)
    assert refusal(client.get(f"/jobs/query/{job}/results")) == (404, "NOT_FOUND")


def test_results_are_compressed_for_exactly_gzip(client: httpx.Client, org: Org, store: Store) -> None:
    store.insert_contacts([{"LastName": "One"}])
    job = complete(client, org, "SELECT LastName FROM Contact")
    url = f"/jobs/query/{job}/results"
    plain = client.get(url, headers={"Accept-Encoding": "gzip, deflate"})
    packed = client.get(url, headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.text == plain.text


def test_a_job_survives_a_restart_of_the_server(client: httpx.Client, app: FastAPI, store: Store) -> None:
    org: Org = app.state.org
    org.bulk.close()
    org.bulk.stopping.clear()
    with pytest.raises(RuntimeError):
        create(client, "SELECT Id FROM Contact")
    restarted: Org = create_app(store, consumer_key="k", consumer_secret="s").state.org
    restarted.bulk.settle()
    [job] = client.get("/jobs/query").json()["records"]
    for _ in range(2):
        found = client.get(f"/jobs/query/{job['id']}").json()
    restarted.close()
    assert found["state"] == "JobComplete"


@pytest.mark.parametrize("state", ["Failed", "Aborted"])
def test_a_job_may_end_badly(client: httpx.Client, org: Org, state: str) -> None:
    switch(client, bulk_outcome={"state": state, "errorMessage": "QUERY_TIMEOUT: too long"})
    job = complete(client, org, "SELECT Id FROM Contact")
    told = client.get(f"/jobs/query/{job}").json()
    assert told["state"] == state
    assert told.get("errorMessage") == ("QUERY_TIMEOUT: too long" if state == "Failed" else None)
