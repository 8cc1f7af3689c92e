"""The control routes: other people's changes, merges, commit lag, permissions, faults, journal, history."""

from __future__ import annotations

import httpx
import pytest

from sandbox.control import ConnectionCutError
from sandbox.salesforce.org import Org
from sandbox.salesforce.steering import NASTY_CELLS
from sandbox.salesforce.store import Store
from tests.sandbox.salesforce.asking import CONTROL, contacts, make, refusal, switch
from tests.sandbox.salesforce.conftest import Clock


def test_health_says_what_is_held(anonymous: httpx.Client, store: Store) -> None:
    store.insert_contacts([{"LastName": "One"}])
    health = anonymous.get("/_sandbox/health").json()
    assert health == {"status": "ok", "org_id": store.org_id, "contacts": 1}


def test_a_late_commit_becomes_visible_with_its_old_stamp(client: httpx.Client, clock: Clock) -> None:
    contact = make(client, Title="old")
    clock.advance(10)
    switch(client, commit_lag_seconds=30)
    assert client.patch(f"{CONTROL}/contacts/{contact}", json={"Title": "new"}).status_code == 202
    clock.advance(29)
    assert client.get(f"/sobjects/Contact/{contact}").json()["Title"] == "old"
    assert refusal(client.patch(f"/sobjects/Contact/{contact}", json={"Title": "x"})) == (
        400,
        "UNABLE_TO_LOCK_ROW",
    )
    clock.advance(1)
    found = client.get(f"/sobjects/Contact/{contact}").json()
    assert (found["Title"], found["SystemModstamp"]) == ("new", "2026-09-21T14:13:30.000+0000")


def test_a_late_creation_has_no_row_until_it_commits(client: httpx.Client, clock: Clock) -> None:
    [contact] = client.post(f"{CONTROL}/contacts?lag_seconds=5", json={"LastName": "Late"}).json()["ids"]
    assert client.get(f"/sobjects/Contact/{contact}").status_code == 404
    clock.advance(5)
    assert client.get(f"/sobjects/Contact/{contact}").json()["CreatedDate"] == "2026-09-21T14:13:20.000+0000"


def test_a_merge_leaves_a_deleted_loser_that_names_its_winner(client: httpx.Client, clock: Clock) -> None:
    winner, loser = make(client), make(client)
    clock.advance(5)
    merged = client.post(
        f"{CONTROL}/contacts/{winner}/merge", json={"losers": [loser], "fields": {"Title": "Both"}}
    )
    assert merged.json()["Title"] == "Both"
    [found] = contacts(
        client,
        "SELECT IsDeleted, MasterRecordId, SystemModstamp FROM Contact",
        f"Id = '{loser}'",
        is_all=True,
    )
    assert (found["IsDeleted"], found["MasterRecordId"]) == (True, winner)
    assert found["SystemModstamp"] == merged.json()["SystemModstamp"] == "2026-09-21T14:13:25.000+0000"


def test_a_purged_contact_is_gone_for_query_all_too(client: httpx.Client) -> None:
    contact = make(client)
    assert client.post(f"{CONTROL}/contacts/{contact}/purge").status_code == 400
    client.delete(f"{CONTROL}/contacts/{contact}")
    assert client.post(f"{CONTROL}/contacts/{contact}/purge").status_code == 204
    assert contacts(client, "SELECT Id FROM Contact", is_all=True) == []


def test_history_tells_who_changed_what(client: httpx.Client, store: Store) -> None:
    contact = make(client, Title="CTO")
    client.patch(f"/sobjects/Contact/{contact}", json={"Title": "CEO"})
    created, changed = client.get(f"{CONTROL}/contacts/{contact}/history").json()["history"]
    assert (created["action"], created["actor"]) == ("created", store.admin_user_id)
    assert (changed["action"], changed["actor"]) == ("updated", store.integration_user_id)
    assert changed["changes"] == {"Title": ["CTO", "CEO"]}


def test_a_hidden_field_is_no_field(client: httpx.Client) -> None:
    contact = make(client, Title="CTO")
    client.post(f"{CONTROL}/permissions", json={"field": "Title", "access": "none"})
    answer = client.get("/query", params={"q": "SELECT Title FROM Contact"})
    assert refusal(answer) == (400, "INVALID_FIELD")
    assert "Title" not in client.get(f"/sobjects/Contact/{contact}").json()
    assert refusal(client.patch(f"/sobjects/Contact/{contact}", json={"Title": "x"})) == (
        400,
        "INVALID_FIELD",
    )
    described = client.get("/sobjects/Contact/describe").json()
    assert "Title" not in [field["name"] for field in described["fields"]]


def test_a_read_only_field_cannot_be_written(client: httpx.Client) -> None:
    contact = make(client)
    client.post(f"{CONTROL}/permissions", json={"field": "Title", "access": "read"})
    answer = client.patch(f"/sobjects/Contact/{contact}", json={"Title": "x"})
    assert refusal(answer) == (400, "INVALID_FIELD_FOR_INSERT_UPDATE")
    described = {field["name"]: field for field in client.get("/sobjects/Contact/describe").json()["fields"]}
    assert described["Title"]["updateable"] is False


def test_nasty_cells_survive_the_way_through_rest(client: httpx.Client) -> None:
    client.post(f"{CONTROL}/nasty")
    found = contacts(client, "SELECT Title FROM Contact ORDER BY Id")
    assert [row["Title"] for row in found] == list(NASTY_CELLS.values())


def test_an_unknown_switch_is_named(client: httpx.Client) -> None:
    answer = client.post(f"{CONTROL}/settings", json={"gravity": 0})
    assert answer.status_code == 400
    assert "gravity" in answer.text


def test_the_journal_tells_route_lane_and_what_changed(client: httpx.Client) -> None:
    contact = make(client)
    client.delete(f"{CONTROL}/journal")
    lane = {"Sforce-Call-Options": "client=contact-sync-edit"}
    client.patch(f"/sobjects/Contact/{contact}", json={"Title": "x"}, headers=lane)
    [seen] = client.get(f"{CONTROL}/journal").json()["requests"]
    assert seen["route"] == "/services/data/v{version}/sobjects/{object}/{id}"
    assert (seen["method"], seen["lane"], seen["status"], seen["changed"]) == (
        "PATCH",
        "edit",
        204,
        [contact],
    )


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ({"status": 500, "body": [{"errorCode": "UNKNOWN_EXCEPTION", "message": "x"}]}, 500),
        ({"status": 503, "body": "<html>down</html>"}, 503),
        ({"status": 406}, 406),
        ({"status": 420, "body": "<html>We are setting things up</html>"}, 420),
        ({"effects": {"expire_token": True}}, 401),
        ({"effects": {"exhaust_quota": True}}, 403),
        ({"effects": {"settings": {"api_enabled": False}}}, 403),
    ],
)
def test_a_fault_fires_once_and_counts(client: httpx.Client, fault: dict[str, object], status: int) -> None:
    client.post(f"{CONTROL}/faults", json={"path": "*/limits", **fault}).raise_for_status()
    assert client.get("/limits").status_code == status
    [entry] = client.get(f"{CONTROL}/faults").json()["faults"]
    assert (entry["fired"], entry["state"]) == (1, "spent")


def test_a_fault_may_apply_the_write_and_lose_the_answer(client: httpx.Client) -> None:
    contact = make(client)
    client.post(f"{CONTROL}/faults", json={"method": "PATCH", "status": 502, "apply": True})
    assert client.patch(f"/sobjects/Contact/{contact}", json={"Title": "x"}).status_code == 502
    assert client.get(f"/sobjects/Contact/{contact}").json()["Title"] == "x"


def test_a_fault_locks_the_record_it_waited_for(client: httpx.Client) -> None:
    contact = make(client)
    lock = {"record_id": contact, "method": "PATCH", "effects": {"lock_record": {"id": contact, "times": 1}}}
    client.post(f"{CONTROL}/faults", json=lock)
    codes = [client.patch(f"/sobjects/Contact/{contact}", json={"Title": "x"}).status_code for _ in range(2)]
    assert codes == [400, 204]


def test_an_org_that_moves_tells_its_new_instance_at_login(client: httpx.Client) -> None:
    client.post(
        f"{CONTROL}/faults", json={"path": "*/limits", "effects": {"instance_url": "http://moved.example"}}
    )
    client.get("/limits")
    form = {
        "grant_type": "client_credentials",
        "client_id": "the-consumer-key",
        "client_secret": "the-consumer-secret",
    }
    told = client.post("http://org.example/services/oauth2/token", data=form).json()
    assert told["instance_url"] == "http://moved.example"


@pytest.mark.parametrize(
    ("job_type", "listed"), [("Classic", ["Classic"]), ("V2Ingest", ["V2Ingest"]), (None, [])]
)
def test_an_import_leaves_its_job_or_none(
    client: httpx.Client, store: Store, job_type: str | None, listed: list[str]
) -> None:
    body = {"contacts": [{"LastName": f"Person {n}"} for n in range(30)], "job_type": job_type}
    told = client.post(f"{CONTROL}/imports", json=body).json()
    records = client.get("/jobs/ingest").json()["records"]
    assert [(job["jobType"], job["createdById"]) for job in records] == [
        (kind, store.admin_user_id) for kind in listed
    ]
    found = contacts(client, "SELECT Id, CreatedById FROM Contact")
    assert [record["Id"] for record in found] == told["ids"]
    assert {record["CreatedById"] for record in found} == {store.admin_user_id}


def test_a_token_for_somebody_else_acts_in_their_name(client: httpx.Client, store: Store) -> None:
    told = client.post(f"{CONTROL}/tokens", json={"user_id": store.admin_user_id}).json()
    headers = {"Authorization": f"Bearer {told['access_token']}"}
    contact = client.post("/sobjects/Contact", json={"LastName": "x"}, headers=headers).json()["id"]
    assert client.get(f"/sobjects/Contact/{contact}").json()["CreatedById"] == store.admin_user_id


def test_a_fault_cuts_a_bulk_result_in_the_middle(client: httpx.Client, org: Org, store: Store) -> None:
    store.insert_contacts({"LastName": f"Person {n}"} for n in range(50))
    job = client.post("/jobs/query", json={"operation": "query", "query": "SELECT Id FROM Contact"}).json()[
        "id"
    ]
    org.bulk.settle()
    while client.get(f"/jobs/query/{job}").json()["state"] != "JobComplete":
        pass
    client.post(f"{CONTROL}/faults", json={"path": "*/results", "cut_after_bytes": 100})
    with pytest.raises(ConnectionCutError):
        client.get(f"/jobs/query/{job}/results")
    assert client.get(f"/jobs/query/{job}/results").headers["Sforce-NumberOfRecords"] == "50"
    [seen] = [entry for entry in client.get(f"{CONTROL}/journal").json()["requests"] if entry["is_faulted"]]
    assert seen["status"] == 0


def test_a_fault_may_delay_the_answer_after_the_write(client: httpx.Client) -> None:
    contact = make(client)
    client.post(f"{CONTROL}/faults", json={"method": "PATCH", "delay_after_seconds": 0.05})
    client.patch(f"/sobjects/Contact/{contact}", json={"Title": "x"})
    [seen] = [entry for entry in client.get(f"{CONTROL}/journal").json()["requests"] if entry["is_faulted"]]
    assert seen["latency_ms"] >= 50
    assert seen["changed"] == [contact]


def test_a_lane_is_what_a_fault_may_wait_for(client: httpx.Client) -> None:
    client.post(f"{CONTROL}/faults", json={"lane": "backfill", "status": 503, "times": None})
    backfill = {"Sforce-Call-Options": "client=contact-sync-backfill"}
    edit = {"Sforce-Call-Options": "client=contact-sync-edit"}
    statuses = [client.get("/limits", headers=headers).status_code for headers in (backfill, edit, backfill)]
    assert statuses == [503, 200, 503]


def test_a_hidden_contact_is_neither_found_nor_deleted(client: httpx.Client) -> None:
    contact, other = make(client), make(client)
    client.post(f"{CONTROL}/contacts/{contact}/hide")
    assert [row["Id"] for row in contacts(client, "SELECT Id FROM Contact", is_all=True)] == [other]
    assert refusal(client.get(f"/sobjects/Contact/{contact}")) == (404, "NOT_FOUND")
    assert refusal(client.patch(f"/sobjects/Contact/{contact}", json={"Title": "x"})) == (404, "NOT_FOUND")
    span = {"start": "2026-09-21T14:00:00Z", "end": "2026-09-21T15:00:00Z"}
    assert client.get("/sobjects/Contact/updated", params=span).json()["ids"] == [other]
    assert client.get("/sobjects/Contact/deleted", params=span).json()["deletedRecords"] == []
    assert client.get(f"{CONTROL}/contacts/{contact}").status_code == 200
    client.post(f"{CONTROL}/contacts/{contact}/show")
    assert client.get(f"/sobjects/Contact/{contact}").status_code == 200


def test_a_touch_moves_the_system_stamp_alone(client: httpx.Client, clock: Clock) -> None:
    contact = make(client)
    clock.advance(60)
    touched = client.post(f"{CONTROL}/contacts/{contact}/touch").json()
    assert touched["SystemModstamp"] == "2026-09-21T14:14:20.000+0000"
    assert touched["LastModifiedDate"] == "2026-09-21T14:13:20.000+0000"
