"""Several requests in one call, and collections."""

from __future__ import annotations

import time
from email.utils import formatdate
from typing import Any

import httpx

from tests.sandbox.salesforce.asking import CONTROL, make, refusal, switch
from tests.sandbox.salesforce.conftest import DATA, Clock


def patch(contact: str, title: str, reference: str, **headers: str) -> dict[str, Any]:
    url = f"{DATA}/sobjects/Contact/{contact}"
    item = {"method": "PATCH", "url": url, "referenceId": reference, "body": {"Title": title}}
    return item | ({"httpHeaders": headers} if headers else {})


def composite(client: httpx.Client, *requests: dict[str, Any], **options: Any) -> list[dict[str, Any]]:
    answer = client.post("/composite", json={"compositeRequest": list(requests), **options})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["compositeResponse"]
    return found


def title(client: httpx.Client, contact: str) -> object:
    return client.get(f"/sobjects/Contact/{contact}").json()["Title"]


def test_each_sub_request_has_its_own_precondition(client: httpx.Client, clock: Clock) -> None:
    contact, other = make(client, Title="a"), make(client, Title="a")
    late = {"If-Unmodified-Since": formatdate(clock() - 5, usegmt=True)}
    fine = {"If-Unmodified-Since": formatdate(clock(), usegmt=True)}
    answers = composite(client, patch(contact, "b", "one", **late), patch(other, "b", "two", **fine))
    assert [(item["referenceId"], item["httpStatusCode"]) for item in answers] == [("one", 412), ("two", 204)]
    assert (title(client, contact), title(client, other)) == ("a", "b")
    assert answers[1] == {"body": None, "httpHeaders": {}, "httpStatusCode": 204, "referenceId": "two"}


def test_a_later_sub_request_may_refer_to_an_earlier_answer(client: httpx.Client) -> None:
    create = {
        "method": "POST",
        "url": f"{DATA}/sobjects/Contact",
        "referenceId": "new",
        "body": {"LastName": "N"},
    }
    read = {
        "method": "GET",
        "url": f"{DATA}/sobjects/Contact/@{{new.id}}?fields=LastName",
        "referenceId": "read",
    }
    answers = composite(client, create, read)
    assert answers[0]["httpStatusCode"] == 201
    assert answers[0]["httpHeaders"]["Location"].endswith(answers[0]["body"]["id"])
    assert answers[1]["body"]["LastName"] == "N"


def test_all_or_none_takes_everything_back(client: httpx.Client) -> None:
    contact, other = make(client, Title="a"), make(client, Title="a")
    answers = composite(client, patch(contact, "b", "one"), patch(other, "x" * 200, "two"), allOrNone=True)
    assert [item["body"][0]["errorCode"] for item in answers] == ["PROCESSING_HALTED", "STRING_TOO_LONG"]
    assert title(client, contact) == "a"


def test_one_call_is_counted_once(client: httpx.Client) -> None:
    contact = make(client)
    before = client.get("/limits").json()["DailyApiRequests"]["Remaining"]
    composite(client, *(patch(contact, "x", f"r{n}") for n in range(5)))
    assert client.get("/limits").json()["DailyApiRequests"]["Remaining"] == before - 2


def test_a_sub_request_costs_its_milliseconds(client: httpx.Client) -> None:
    contact = make(client)
    switch(client, composite_milliseconds=20)
    started = time.perf_counter()
    composite(client, *(patch(contact, "x", f"r{n}") for n in range(5)))
    assert time.perf_counter() - started >= 0.1


def test_limits_of_a_composite_request(client: httpx.Client) -> None:
    contact = make(client)
    many = [patch(contact, "x", f"r{n}") for n in range(26)]
    query = {"method": "GET", "url": f"{DATA}/query?q=SELECT+Id+FROM+Contact", "referenceId": "q"}
    assert client.post("/composite", json={"compositeRequest": many}).status_code == 400
    assert client.post("/composite", json={"compositeRequest": [query] * 6}).status_code == 400
    assert composite(client, *[query] * 5)[4]["body"]["totalSize"] == 1


def test_a_sub_request_that_is_not_imitated_says_so(client: httpx.Client) -> None:
    [answer] = composite(client, {"method": "GET", "url": f"{DATA}/search?q=x", "referenceId": "s"})
    assert answer["httpStatusCode"] == 501


def record(contact: str, **fields: Any) -> dict[str, Any]:
    return {"attributes": {"type": "Contact"}, "id": contact, **fields}


def test_a_collection_answers_in_order_and_failures_may_lack_their_id(client: httpx.Client) -> None:
    contact, other = make(client), make(client)
    records = [record(contact, Title="x" * 200), record(other, Title="b")]
    answer = client.patch("/composite/sobjects", json={"allOrNone": False, "records": records})
    assert answer.status_code == 200
    failed, saved = answer.json()
    assert saved == {"id": other, "success": True, "errors": []}
    assert failed["errors"][0]["statusCode"] == "STRING_TOO_LONG"
    assert failed["errors"][0]["fields"] == ["Title"]
    assert "id" not in failed


def test_a_collection_all_or_none_rolls_back(client: httpx.Client) -> None:
    contact, other = make(client, Title="a"), make(client, Title="a")
    records = [record(contact, Title="b"), record(other, Foo=1)]
    answer = client.patch("/composite/sobjects", json={"allOrNone": True, "records": records}).json()
    codes = [item["errors"][0]["statusCode"] for item in answer]
    assert codes == ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "INVALID_FIELD"]
    assert title(client, contact) == "a"


def test_the_same_id_twice_in_a_collection_fails_once(client: httpx.Client) -> None:
    contact = make(client)
    answer = client.patch(
        "/composite/sobjects", json={"records": [record(contact, Title="a"), record(contact, Title="b")]}
    )
    assert [item["success"] for item in answer.json()] == [True, False]
    assert title(client, contact) == "a"


def test_collections_hold_two_hundred(client: httpx.Client) -> None:
    records = [record("0035g0000000001AAA")] * 201
    assert client.patch("/composite/sobjects", json={"records": records}).status_code == 400


def test_collections_create_upsert_and_delete(client: httpx.Client) -> None:
    item = {"attributes": {"type": "Contact"}, "LastName": "N", "Legacy_Id__c": "L-9"}
    [created] = client.post("/composite/sobjects", json={"records": [item]}).json()
    [upserted] = client.patch("/composite/sobjects/Contact/Legacy_Id__c", json={"records": [item]}).json()
    assert (upserted["id"], upserted["created"]) == (created["id"], False)
    [deleted] = client.delete("/composite/sobjects", params={"ids": created["id"]}).json()
    assert deleted["success"] is True
    assert refusal(client.get(f"/sobjects/Contact/{created['id']}")) == (404, "ENTITY_IS_DELETED")


def test_what_a_collection_changed_is_in_the_journal(client: httpx.Client) -> None:
    contact, other = make(client), make(client)
    client.delete(f"{CONTROL}/journal")
    client.patch("/composite/sobjects", json={"records": [record(contact, Title="a"), record(other, Foo=1)]})
    [seen] = client.get(f"{CONTROL}/journal").json()["requests"]
    assert seen["changed"] == [contact]
