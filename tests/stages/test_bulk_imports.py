"""Loads of 5,000 contacts by each of Salesforce's ways, beside 50 that the same person typed."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from contact_sync.salesforce import auth
from contact_sync.stages import create_contacts, judge_bulk_imports, load_salesforce_contacts
from tests.stages.conftest import SalesforceSide
from tests.stages.house import WORKSPACE, House

LOADED, TYPED = 5_000, 50
DATA = f"/services/data/v{auth.API_VERSION}"
ASYNC = f"/services/async/{auth.API_VERSION}/job"

Load = Callable[[httpx.Client, list[dict[str, str]]], None]


def by_bulk_2(client: httpx.Client, contacts: list[dict[str, str]]) -> None:
    text = io.StringIO()
    table = csv.DictWriter(text, contacts[0].keys(), lineterminator="\n")
    table.writeheader()
    table.writerows(contacts)
    job = client.post(f"{DATA}/jobs/ingest", json={"object": "Contact", "operation": "insert"}).json()
    path = f"{DATA}/jobs/ingest/{job['id']}"
    client.put(f"{path}/batches", content=text.getvalue(), headers={"Content-Type": "text/csv"})
    client.patch(path, json={"state": "UploadComplete"}).raise_for_status()
    while client.get(path).json()["state"] != "JobComplete":
        time.sleep(0.01)


def by_classic(client: httpx.Client, contacts: list[dict[str, str]]) -> None:
    headers = {"X-SFDC-Session": client.headers["Authorization"].removeprefix("Bearer ")}
    wish = {"object": "Contact", "operation": "insert", "contentType": "JSON"}
    job = client.post(ASYNC, json=wish, headers=headers).raise_for_status().json()
    client.post(f"{ASYNC}/{job['id']}/batch", json=contacts, headers=headers).raise_for_status()
    client.post(f"{ASYNC}/{job['id']}", json={"state": "Closed"}, headers=headers).raise_for_status()


def by_rest(client: httpx.Client, contacts: list[dict[str, str]]) -> None:
    for start in range(0, len(contacts), 200):
        part = [{"attributes": {"type": "Contact"}, **contact} for contact in contacts[start : start + 200]]
        answer = client.post(f"{DATA}/composite/sobjects", json={"allOrNone": False, "records": part})
        assert all(result["success"] for result in answer.raise_for_status().json())


def people(number: int, prefix: str) -> list[dict[str, str]]:
    return [
        {"FirstName": "Ada", "LastName": f"{prefix} {n}", "Email": f"{prefix}.{n}@example.com"}
        for n in range(number)
    ]


def typed_over_an_hour(side: SalesforceSide, by: str) -> None:
    """One every 72 seconds, the last two minutes ago."""
    last = datetime.now(UTC) - timedelta(minutes=2)
    stamps = [int((last - timedelta(seconds=72 * n)).timestamp()) for n in range(TYPED)]
    side.store.insert_contacts(
        {**person, "CreatedById": by, "CreatedDate": at, "SystemModstamp": at, "LastModifiedDate": at}
        for person, at in zip(people(TYPED, "typed"), stamps, strict=True)
    )


@pytest.mark.slow
@pytest.mark.parametrize("load", [by_bulk_2, by_classic, by_rest])
def test_a_load_is_recognized_before_anybody_is_created(
    salesforce: SalesforceSide, house_of: House, load: Load
) -> None:
    loader: str = salesforce.store.admin_user_id
    house_of.settings(auto_create_since=datetime.now(UTC) - timedelta(hours=2))
    typed_over_an_hour(salesforce, loader)
    token: dict[str, Any] = salesforce.steer("POST", "/tokens", {"user_id": loader}).json()
    headers = {"Authorization": f"Bearer {token['access_token']}"}
    with httpx.Client(base_url=salesforce.http.base_url, headers=headers, timeout=60) as client:
        load(client, people(LOADED, "loaded"))
    salesforce.extract("extract")
    load_salesforce_contacts.run(salesforce.db, salesforce.session, org_id=salesforce.org_id, run_id="load")
    house_of.match(salesforce.org_id)
    judge_bulk_imports.run(
        salesforce.db, salesforce.session, org_id=salesforce.org_id, run_id="judge", settle_seconds=-30.0
    )
    verdicts = house_of.raw(
        "SELECT split_part(email, '.', 1) AS how, is_bulk_import, count(*) AS contacts"
        " FROM salesforce_contact GROUP BY 1, 2 ORDER BY 1, 2"
    )
    assert [tuple(row.values()) for row in verdicts] == [("loaded", True, LOADED), ("typed", False, TYPED)]
    counts, _ = create_contacts.foresee(salesforce.db, workspace_id=WORKSPACE)
    assert (counts["planned"], counts["skipped_bulk_import"]) == (TYPED, LOADED)
