"""What holds for every request: limits, headers, versions, content types, 501, state over a restart."""

from __future__ import annotations

import gzip
import json

import anyio.from_thread
import httpx
import pytest

from sandbox.salesforce.app import create_app
from sandbox.salesforce.store import Store
from tests.sandbox.salesforce.asking import make, refusal, switch
from tests.sandbox.salesforce.conftest import DATA, InProcess


def test_what_is_not_imitated_is_named(client: httpx.Client) -> None:
    answer = client.get("/analytics/reports")
    assert refusal(answer) == (501, "NOT_IMITATED")
    assert "GET /services/data/v66.0/analytics/reports" in answer.json()[0]["message"]


def test_another_method_lists_those_allowed(client: httpx.Client) -> None:
    answer = client.put("/sobjects/Contact/0035g0000000001AAA")
    assert refusal(answer) == (405, "METHOD_NOT_ALLOWED")
    assert answer.json()[0]["message"] == "HTTP Method 'PUT' not allowed. Allowed are DELETE,GET,PATCH"


@pytest.mark.parametrize(("version", "status"), [("66.0", 200), ("31.0", 200), ("30.0", 410), ("99.0", 404)])
def test_versions_live_retire_or_never_were(client: httpx.Client, version: str, status: int) -> None:
    assert client.get(f"http://org.example/services/data/v{version}/limits").status_code == status


def test_versions_are_listed_without_a_token(anonymous: httpx.Client) -> None:
    versions = {item["version"]: item["label"] for item in anonymous.get("/services/data/").json()}
    assert (versions["65.0"], versions["66.0"], versions["67.0"]) == (
        "Winter '26",
        "Spring '26",
        "Summer '26",
    )


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("simple", "api-usage=1/100000"),
        ("per_app", "api-usage=1/100000; per-app-api-usage=1/100000(appName=contact-sync)"),
        ("absent", None),
    ],
)
def test_usage_is_told_in_either_form(client: httpx.Client, form: str, expected: str | None) -> None:
    switch(client, limit_header=form)
    assert client.get("/limits").headers.get("Sforce-Limit-Info") == expected


def test_the_daily_allocation_ends(client: httpx.Client) -> None:
    switch(client, daily_api_requests=2)
    answers = [client.get("/limits") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 403]
    assert answers[2].json()[0]["errorCode"] == "REQUEST_LIMIT_EXCEEDED"
    assert answers[1].json()["DailyApiRequests"]["Remaining"] == 0


def test_a_long_uri_is_414_and_long_headers_431(client: httpx.Client) -> None:
    fields = ",".join(["Title"] * 3000)
    assert client.get("/query", params={"q": f"SELECT {fields} FROM Contact"}).status_code == 414  # noqa: S608
    assert client.get("/limits", headers={"X-Long": "x" * 17_000}).status_code == 431


def test_the_servers_date_is_told(client: httpx.Client) -> None:
    assert client.get("/limits").headers["Date"] == "Mon, 21 Sep 2026 14:13:20 GMT"


def test_another_content_type_is_refused(client: httpx.Client) -> None:
    contact = make(client)
    answer = client.patch(
        f"/sobjects/Contact/{contact}", content=b"<x/>", headers={"Content-Type": "text/xml"}
    )
    assert refusal(answer) == (415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"7"])
def test_a_body_that_is_no_object_is_refused(client: httpx.Client, body: bytes) -> None:
    answer = client.post("/sobjects/Contact", content=body, headers={"Content-Type": "application/json"})
    assert refusal(answer) == (400, "JSON_PARSER_ERROR")


def test_bodies_travel_compressed_both_ways(client: httpx.Client) -> None:
    contact = make(client)
    body = gzip.compress(json.dumps({"Title": "x"}).encode())
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    assert client.patch(f"/sobjects/Contact/{contact}", content=body, headers=headers).status_code == 204
    answer = client.get("/sobjects/Contact/describe", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.json()["name"] == "Contact"


def test_everything_survives_a_restart(
    client: httpx.Client, store: Store, portal: anyio.from_thread.BlockingPortal
) -> None:
    contact = make(client, Title="CEO")
    switch(client, limit_header="per_app")
    again = Store(store.path, clock=store.clock)
    app = create_app(again, consumer_key="the-consumer-key", consumer_secret="the-consumer-secret")
    with httpx.Client(
        transport=InProcess(app, portal), base_url="http://org.example", headers=client.headers
    ) as other:
        answer = other.get(f"{DATA}/sobjects/Contact/{contact}")
    app.state.org.close()
    again.close()
    assert answer.json()["Title"] == "CEO"
    assert "per-app" in answer.headers["Sforce-Limit-Info"]


def test_record_counts_leave_out_empty_objects(client: httpx.Client) -> None:
    make(client)
    answer = client.get("/limits/recordCount", params={"sObjects": "Contact,Account"})
    assert answer.json() == {"sObjects": [{"count": 1, "name": "Contact"}]}


def test_apex_rest_echoes(client: httpx.Client) -> None:
    answer = client.post("http://org.example/services/apexrest/orders/7?full=1", json={"a": 1}).json()
    assert (answer["method"], answer["path"], answer["params"]) == ("POST", "orders/7", {"full": "1"})
    assert answer["body"] == {"a": 1}
