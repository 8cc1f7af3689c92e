"""Webhooks: proved by their signature, heard once, their contact in the mirror at once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from sandbox.respond.webhooks import signature
from tests.raw_sql import RawSql
from tests.sidebar.conftest import SIGNING_KEY
from tests.stages.house import WORKSPACE, House

CONTACT = {
    "id": 5,
    "firstName": "Eve",
    "lastName": None,
    "email": "eve@example.org",
    "phone": None,
    "countryCode": "DE",
    "tags": ["vip"],
    "created_at": 1767268800,
}


@pytest.fixture(autouse=True)
def there(house: House) -> House:
    return house


def event(event_id: object = "e1", event_type: str = "contact.updated", **changes: Any) -> dict[str, Any]:
    return {"event_id": event_id, "event_type": event_type, "contact": CONTACT | changes}


def send(
    client: httpx.Client,
    said: Mapping[str, Any] | bytes,
    *,
    key: str = SIGNING_KEY,
    workspace_id: str = WORKSPACE,
) -> httpx.Response:
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    headers = {"Content-Type": "application/json", "X-Webhook-Signature": signature(body, key)}
    return client.post(f"/api/v1/webhooks/{workspace_id}", content=body, headers=headers)


def test_a_signed_webhook_writes_its_contact(stranger: httpx.Client, raw: RawSql) -> None:
    assert send(stranger, event()).json() == {"outcome": "taken"}
    [row] = raw("SELECT first_name, email, country, written_by FROM respond_contact WHERE respond_id = 5")
    assert row == {
        "first_name": "Eve",
        "email": "eve@example.org",
        "country": "DE",
        "written_by": "webhook",
    }


def test_its_contact_is_matched_next(stranger: httpx.Client, house: House) -> None:
    house.person(5, email="eve@example.org")
    send(stranger, event())
    house.match()
    assert house.verdict(5) == ("email", "5")


def test_a_repeated_webhook_does_nothing(stranger: httpx.Client, raw: RawSql) -> None:
    send(stranger, event())
    answer = send(stranger, event(email="older@example.org"))
    assert answer.json() == {"outcome": "repeated"}
    assert raw.value("SELECT email FROM respond_contact WHERE respond_id = 5") == "eve@example.org"


def test_without_an_event_id_the_body_tells_a_repetition(stranger: httpx.Client) -> None:
    outcomes = [send(stranger, event(None)).json()["outcome"] for _ in range(2)]
    assert outcomes == ["taken", "repeated"]


@pytest.mark.parametrize(
    ("key", "workspace_id"), [("another key", WORKSPACE), ("", WORKSPACE), (SIGNING_KEY, "nowhere")]
)
def test_a_wrong_signature_and_an_unknown_workspace_look_the_same(
    stranger: httpx.Client, raw: RawSql, key: str, workspace_id: str
) -> None:
    answer = send(stranger, event(), key=key, workspace_id=workspace_id)
    assert (answer.status_code, answer.json()["code"]) == (401, "bad_signature")
    assert raw.value("SELECT count(*) FROM webhook_event") == 0


def test_a_webhook_without_a_signature_is_refused(stranger: httpx.Client) -> None:
    assert stranger.post(f"/api/v1/webhooks/{WORKSPACE}", json=event()).status_code == 401


def test_a_workspace_without_its_connection_hears_nothing(stranger: httpx.Client, house: House) -> None:
    house.settings(respond_conn_id="missing")
    assert send(stranger, event()).status_code == 401


def test_no_token_replaces_the_signature(client: httpx.Client) -> None:
    assert client.post(f"/api/v1/webhooks/{WORKSPACE}", json=event()).status_code == 401


@pytest.mark.parametrize(
    "changes",
    [{"id": "5"}, {"id": True}, {"id": 0}, {"id": 2**63}, {"email": 7}, {"tags": "vip"}, {"tags": [1]}],
)
def test_a_contact_of_another_shape_is_ignored(
    stranger: httpx.Client, raw: RawSql, changes: dict[str, Any]
) -> None:
    assert send(stranger, event(**changes)).json() == {"outcome": "ignored"}
    assert raw.value("SELECT count(*) FROM respond_contact WHERE written_by = 'webhook'") == 0


@pytest.mark.parametrize("missing", ["firstName", "email", "phone"])
def test_a_contact_that_is_not_whole_blanks_nothing(
    stranger: httpx.Client, house: House, missing: str
) -> None:
    house.contact(5, first_name="Eve", email="eve@example.org", phone="+4930901820")
    cut = {name: value for name, value in CONTACT.items() if name != missing}
    send(stranger, {**event(), "contact": cut})
    assert house.raw.value("SELECT email FROM respond_contact WHERE respond_id = 5") == "eve@example.org"


@pytest.mark.parametrize("event_type", ["message.received", "conversation.closed", "", "x\x00"])
def test_other_events_are_heard_and_ignored(stranger: httpx.Client, event_type: str) -> None:
    assert send(stranger, event(event_type=event_type)).json() == {"outcome": "ignored"}


def test_a_contact_that_cannot_be_stored_is_kept_in_quarantine(stranger: httpx.Client, raw: RawSql) -> None:
    answer = send(stranger, event(firstName="E\x00ve"))
    assert answer.json() == {"outcome": "quarantined"}
    assert raw.value("SELECT count(*) FROM quarantined_row WHERE reason LIKE 'webhook%%'") == 1
    assert raw.value("SELECT outcome FROM webhook_event") == "quarantined"


@pytest.mark.parametrize(("body", "status"), [(b"{", 400), (b"[" * 100_000, 400), (b"[]", 422), (b"7", 422)])
def test_a_body_that_is_no_event_is_refused(stranger: httpx.Client, body: bytes, status: int) -> None:
    assert send(stranger, body).status_code == status


def test_old_webhooks_are_forgotten(stranger: httpx.Client, raw: RawSql) -> None:
    send(stranger, event("old"))
    raw("UPDATE webhook_event SET received_at = now() - interval '8 days'")
    send(stranger, event("new"))
    assert raw.column("SELECT event_id FROM webhook_event") == ["new"]
