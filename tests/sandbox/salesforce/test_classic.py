"""Bulk API 1.0, as far as it is played: log-in header, states, results, refusals of its own shape."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.sandbox.salesforce.asking import contacts, switch

JOBS = "http://org.example/services/async/59.0/job"


@pytest.fixture
def bulk(client: httpx.Client) -> httpx.Client:
    """The same client with Bulk 1.0's own header."""
    client.headers["X-SFDC-Session"] = client.headers["Authorization"].removeprefix("Bearer ")
    return client


def begin(bulk: httpx.Client, operation: str, **more: str) -> str:
    answer = bulk.post(
        JOBS, json={"operation": operation, "object": "Contact", "contentType": "JSON", **more}
    )
    assert answer.status_code == 201, answer.text
    return f"{JOBS}/{answer.json()['id']}"


def test_a_batch_is_queued_then_in_progress_then_completed(bulk: httpx.Client) -> None:
    job = begin(bulk, "insert")
    batch = bulk.post(f"{job}/batch", json=[{"LastName": "One"}]).json()
    polls = [bulk.get(f"{job}/batch/{batch['id']}").json() for _ in range(2)]
    assert [batch["state"], *(poll["state"] for poll in polls)] == ["Queued", "InProgress", "Completed"]
    assert polls[1]["numberRecordsProcessed"] == 1


def test_results_keep_the_order_of_the_batch(bulk: httpx.Client) -> None:
    job = begin(bulk, "insert")
    rows: list[dict[str, Any]] = [{"LastName": "One"}, {"LastName": None}, {"LastName": "Three"}]
    batch = bulk.post(f"{job}/batch", json=rows).json()
    results = bulk.get(f"{job}/batch/{batch['id']}/result").json()
    assert [result["success"] for result in results] == [True, False, True]
    assert results[1]["errors"][0]["statusCode"] == "REQUIRED_FIELD_MISSING"
    assert bulk.get(f"{job}/batch/{batch['id']}/request").json() == rows
    assert [record["LastName"] for record in contacts(bulk, "SELECT LastName FROM Contact")] == [
        "One",
        "Three",
    ]


def test_a_query_gives_datetimes_in_milliseconds(bulk: httpx.Client) -> None:
    bulk.post("/sobjects/Contact", json={"LastName": "One"})
    job = begin(bulk, "queryAll")
    batch = bulk.post(f"{job}/batch", content=b"SELECT LastName, CreatedDate FROM Contact").json()
    result = f"{job}/batch/{batch['id']}/result"
    [found] = bulk.get(f"{result}/{bulk.get(result).json()[0]}").json()
    assert (found["LastName"], found["CreatedDate"]) == ("One", 1_790_000_000_000)


def test_a_closed_job_takes_no_batch(bulk: httpx.Client) -> None:
    job = begin(bulk, "insert")
    assert bulk.post(job, json={"state": "Closed"}).json()["state"] == "Closed"
    answer = bulk.post(f"{job}/batch", json=[])
    assert (answer.status_code, answer.json()["exceptionCode"]) == (400, "InvalidJobState")


def test_a_dead_session_has_bulk_ones_own_shape(client: httpx.Client) -> None:
    answer = client.post(JOBS, json={}, headers={"X-SFDC-Session": "nonsense"})
    assert answer.json() == {
        "exceptionCode": "InvalidSessionId",
        "exceptionMessage": "Session expired or invalid",
    }
    assert answer.status_code == 401


def test_xml_is_not_imitated(bulk: httpx.Client) -> None:
    answer = bulk.post(JOBS, json={"operation": "insert", "object": "Contact", "contentType": "XML"})
    assert answer.status_code == 501
    assert "XML" in answer.json()["exceptionMessage"]


def test_a_hard_delete_and_an_upsert_work_too(bulk: httpx.Client) -> None:
    switch(bulk, bulk_polls=0)
    upsert = begin(bulk, "upsert", externalIdFieldName="Legacy_Id__c")
    batch = bulk.post(f"{upsert}/batch", json=[{"Legacy_Id__c": "L", "LastName": "One"}]).json()
    [saved] = bulk.get(f"{upsert}/batch/{batch['id']}/result").json()
    assert saved["created"] is True
    bulk.post(f"{begin(bulk, 'hardDelete')}/batch", json=[{"Id": saved["id"]}])
    assert contacts(bulk, "SELECT Id FROM Contact", is_all=True) == []
