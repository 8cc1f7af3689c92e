"""Signed webhooks, received by a real endpoint."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import queue
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from sandbox.respond import webhooks
from sandbox.respond.contact import new_contact
from sandbox.respond.store import Store
from sandbox.respond.webhooks import Sender
from tests.sandbox.respond.conftest import Workspace

KEY = "the signing key"


@dataclass
class Endpoint:
    """An HTTP server that keeps what it gets; ``statuses`` are its next answers, then 200."""

    url: str = ""
    received: queue.Queue[tuple[str, bytes]] = field(default_factory=queue.Queue)
    statuses: list[int] = field(default_factory=list)

    def next(self) -> dict[str, Any]:
        """Return the next event; its signature must be right."""
        signature, body = self.received.get(timeout=60)
        expected = hmac.new(KEY.encode(), body, hashlib.sha256).digest()
        assert base64.b64decode(signature) == expected
        event: dict[str, Any] = json.loads(body)
        return event


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    """A running endpoint."""
    endpoint = Endpoint()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            endpoint.received.put((self.headers["X-Webhook-Signature"], body))
            self.send_response(endpoint.statuses.pop(0) if endpoint.statuses else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        endpoint.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield endpoint
        server.shutdown()
        thread.join()


@pytest.fixture
def sender(store: Store) -> Iterator[Sender]:
    """What delivers the webhooks of ``store``."""
    with closing(Sender(store)) as sender:
        yield sender


def test_each_change_is_told_in_order(workspace: Workspace, endpoint: Endpoint) -> None:
    client = workspace.client
    client.post("/_sandbox/webhooks", json={"url": endpoint.url, "signing_key": KEY})
    client.post("/v2/contact/email:ana@example.com", json={"firstName": "Ana"})
    client.put("/v2/contact/email:ana@example.com", json={"lastName": "Lopes"})
    client.post("/v2/contact/email:ana@example.com/tag", json=["a", "b"])
    client.post("/v2/contact/email:ana@example.com/tag", json=["a"])
    client.request("DELETE", "/v2/contact/email:ana@example.com/tag", json=["b"])
    events = [endpoint.next() for _ in range(5)]
    assert [(event["event_type"], event.get("tag"), event.get("action")) for event in events] == [
        ("contact.created", None, None),
        ("contact.updated", None, None),
        ("contact.tag.updated", "a", "add"),
        ("contact.tag.updated", "b", "add"),
        ("contact.tag.updated", "b", "remove"),
    ]
    assert events[-1]["contact"]["tags"] == ["a"]
    assert len({event["event_id"] for event in events}) == 5


def test_an_endpoint_gets_only_the_events_it_asked_for(sender: Sender, endpoint: Endpoint) -> None:
    sender.register(endpoint.url, ["contact.updated"], KEY)
    sender.emit("contact.created", new_contact(1, 0))
    sender.emit("contact.updated", new_contact(2, 0))
    assert endpoint.next()["contact"]["id"] == 2


def test_a_refused_delivery_is_tried_again(
    sender: Sender, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "RETRY_AFTER_SECONDS", (0.0, 0.0))
    endpoint.statuses += [500, 503]
    sender.register(endpoint.url, None, KEY)
    sender.emit("contact.created", new_contact(1, 0))
    assert len({endpoint.next()["event_id"] for _ in range(3)}) == 1


def test_an_event_can_be_delivered_twice(sender: Sender, store: Store, endpoint: Endpoint) -> None:
    store.switch({"webhook_deliveries": 2})
    sender.register(endpoint.url, None, KEY)
    sender.emit("contact.created", new_contact(1, 0))
    assert endpoint.next() == endpoint.next()


def test_a_key_is_made_where_none_is_given(sender: Sender) -> None:
    first, second = (sender.register("http://127.0.0.1:9/", None, None) for _ in range(2))
    assert first["signing_key"] != second["signing_key"]
    sender.remove(first["webhook_id"])
    assert [item["webhook_id"] for item in sender.endpoints()] == [second["webhook_id"]]
