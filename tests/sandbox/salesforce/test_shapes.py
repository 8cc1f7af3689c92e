"""Keys and types equal what real orgs answered, where recordings are at hand; the recordings are not part of this."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.sandbox.salesforce.asking import make

RECORDED = Path(__file__).resolve().parents[4] / "shared" / "fixtures"

pytestmark = pytest.mark.skipif(not RECORDED.is_dir(), reason="no recordings beside the checkout")


def recorded(name: str) -> Any:
    return json.loads((RECORDED / name).read_text(encoding="utf-8"))


def shape(value: Any) -> Any:
    """Return names and types, without values; None fits whatever it stands for."""
    if isinstance(value, dict):
        return {name: shape(item) for name, item in sorted(value.items())}
    return type(value).__name__


@pytest.mark.parametrize(("sobject", "name"), [("Contact", "contact"), ("Account", "account")])
def test_describe_has_the_recorded_keys(client: httpx.Client, sobject: str, name: str) -> None:
    ours, theirs = (
        client.get(f"/sobjects/{sobject}/describe").json(),
        recorded(f"cumulusci/{name}_describe.json"),
    )
    # three keys are younger than one of the recordings
    assert set(theirs) <= set(ours)
    assert set(ours) - set(theirs) <= {
        "associateEntityType",
        "associateParentEntity",
        "sobjectDescribeOption",
    }
    assert set(ours["fields"][0]) == set(theirs["fields"][0])
    assert set(ours["recordTypeInfos"][0]) == set(theirs["recordTypeInfos"][0])


def test_every_recorded_contact_field_is_described_alike(client: httpx.Client) -> None:
    ours = {field["name"]: field for field in client.get("/sobjects/Contact/describe").json()["fields"]}
    for field in recorded("cumulusci/contact_describe.json")["fields"]:
        expected = {name: value for name, value in field.items() if name != "picklistValues"}
        found = {name: value for name, value in ours[field["name"]].items() if name != "picklistValues"}
        assert found == expected


def test_limits_have_the_recorded_shape(client: httpx.Client) -> None:
    ours, theirs = client.get("/limits").json(), recorded("camel/limits.json")
    # the recording is older: the bulk entry got another name since
    assert set(theirs) - {"DailyBulkApiRequests"} <= set(ours)
    assert all({"Max", "Remaining"} <= set(item) for item in ours.values())


def test_a_halted_composite_looks_as_recorded(client: httpx.Client) -> None:
    url = f"/services/data/v66.0/sobjects/Contact/{make(client)}"
    bad = {"method": "PATCH", "url": url, "referenceId": "b", "body": {"Foo": 1}}
    good = {"method": "PATCH", "url": url, "referenceId": "a", "body": {"Title": "x"}}
    body = {"allOrNone": True, "compositeRequest": [good, bad]}
    ours = client.post("/composite", json=body).json()["compositeResponse"][0]
    theirs = recorded("camel/composite_response_example_failure.json")["compositeResponse"][0]
    assert shape(ours) == shape(theirs)
    assert ours["body"] == theirs["body"]


@pytest.mark.parametrize("name", ["created", "complete"])
def test_a_query_job_looks_as_documented(client: httpx.Client, name: str) -> None:
    body = {"operation": "queryAll", "query": "SELECT Id FROM Contact"}
    job = client.post("/jobs/query", json=body).json()
    if name == "complete":
        while job["state"] != "JobComplete":
            job = client.get(f"/jobs/query/{job['id']}").json()
    assert shape(job) == shape(recorded(f"docs-shapes/bulk2_query_job_{name}.json"))


def test_an_organization_record_has_the_recorded_types(client: httpx.Client) -> None:
    names = "Id, Name, OrganizationType, InstanceName, IsSandbox, CreatedDate"
    ours = client.get("/query", params={"q": f"SELECT {names} FROM Organization"}).json()["records"][0]  # noqa: S608
    theirs = recorded("cumulusci/organization_record.json")
    assert {name: type(value) for name, value in ours.items()} == {name: type(theirs[name]) for name in ours}
