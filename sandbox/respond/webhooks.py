"""Signed webhooks of the respond.io stand-in, delivered in order by one thread that nobody waits for.

``X-Webhook-Signature`` is base64 of HMAC-SHA256 over the raw body, with the signing key of the endpoint.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import queue
import secrets
import threading
import time
from collections.abc import Mapping
from typing import Any

import httpx

from sandbox.respond.contact import Contact
from sandbox.respond.store import Store

EVENTS = ("contact.created", "contact.updated", "contact.tag.updated", "contact.lifecycle.updated")

#: Seconds to wait for an endpoint, and before each further attempt.
TIMEOUT_SECONDS = 5.0
RETRY_AFTER_SECONDS = (0.5, 2.0)

#: Failed deliveries in a row after which an endpoint is switched off, as the vendor does.
DISABLED_AFTER = 20

Endpoint = dict[str, Any]


class Sender:
    """Delivers events to the endpoints registered in the store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._events: queue.Queue[tuple[str, bytes] | None] = queue.Queue()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def endpoints(self) -> list[Endpoint]:
        """Return the registered endpoints with their signing keys and delivery counts."""
        return list(self._store.meta("webhooks") or [])

    def register(self, url: str, events: list[str] | None, signing_key: str | None) -> Endpoint:
        """Register an endpoint for ``events`` (default all); a signing key is made where none is given."""
        endpoints = self.endpoints()
        endpoint = {
            "webhook_id": max((item["webhook_id"] for item in endpoints), default=0) + 1,
            "url": url,
            "events": events or list(EVENTS),
            "signing_key": signing_key or secrets.token_urlsafe(24),
            "delivered": 0,
            "failed": 0,
            "failed_in_a_row": 0,
        }
        self._store.set_meta("webhooks", [*endpoints, endpoint])
        return endpoint

    def remove(self, webhook_id: int | None) -> None:
        """Forget one endpoint, or all of them."""
        left = [item for item in self.endpoints() if webhook_id not in (None, item["webhook_id"])]
        self._store.set_meta("webhooks", left)

    def emit(self, event_type: str, contact: Contact, **more: Any) -> None:
        """Queue one event for delivery; returns at once."""
        if not self.endpoints():
            return
        event = {"event_type": event_type, "event_id": secrets.token_hex(12), **more, "contact": contact}
        body = json.dumps(event, ensure_ascii=False).encode()
        if self._thread is None:
            self._thread = threading.Thread(target=self._deliver_all, name="webhooks", daemon=True)
            self._thread.start()
        for _ in range(self._store.switches.webhook_deliveries):
            self._events.put((event_type, body))

    def close(self) -> None:
        """Stop the thread; what is not delivered yet is lost, as the vendor replays nothing."""
        self._stopping.set()
        self._events.put(None)
        if self._thread is not None:
            self._thread.join(TIMEOUT_SECONDS)

    def _deliver_all(self) -> None:
        with httpx.Client(timeout=TIMEOUT_SECONDS, trust_env=False) as client:
            while (event := self._events.get()) is not None and not self._stopping.is_set():
                event_type, body = event
                for endpoint in self.endpoints():
                    if event_type in endpoint["events"] and endpoint["failed_in_a_row"] < DISABLED_AFTER:
                        self._settle(endpoint["webhook_id"], self._deliver(client, endpoint, body))

    def _deliver(self, client: httpx.Client, endpoint: Mapping[str, Any], body: bytes) -> bool:
        headers = {
            "Content-Type": "application/json",
            "X-Webhook-Signature": signature(body, endpoint["signing_key"]),
        }
        for pause in (*RETRY_AFTER_SECONDS, 0.0):
            try:
                if client.post(endpoint["url"], content=body, headers=headers).is_success:
                    return True
            except httpx.HTTPError:
                pass
            if self._stopping.wait(pause):
                return False
        return False

    def _settle(self, webhook_id: int, is_delivered: bool) -> None:
        with self._store.transaction():
            endpoints = self.endpoints()
            for item in endpoints:
                if item["webhook_id"] == webhook_id:
                    item["delivered" if is_delivered else "failed"] += 1
                    item["failed_in_a_row"] = 0 if is_delivered else item["failed_in_a_row"] + 1
                    item["last_at"] = time.time()
            self._store.set_meta("webhooks", endpoints)


def signature(body: bytes, signing_key: str) -> str:
    """Return what ``X-Webhook-Signature`` says for ``body``."""
    return base64.b64encode(hmac.new(signing_key.encode(), body, hashlib.sha256).digest()).decode()
