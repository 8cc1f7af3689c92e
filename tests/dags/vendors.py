"""Both vendors' stand-ins for runs of a DAG, and the connections that lead to them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jwt
import pytest

from contact_sync import connections, transport
from contact_sync.respond_io import session as respond_session
from sandbox.respond.app import create_app as create_respond
from sandbox.respond.store import Store as RespondStore
from sandbox.salesforce.app import create_app as create_salesforce
from sandbox.salesforce.store import Store as SalesforceStore
from tests.raw_sql import RawSql
from tests.serving import served
from tests.stages.house import NOON, House

TOKEN = jwt.encode({"spaceId": 7, "orgId": 70, "id": 1, "iat": 1767268800}, "k" * 32, algorithm="HS256")
KEYS = {"consumer_key": "key", "consumer_secret": "s3cret-of-the-stand-in"}
# port 9, "discard": nobody listens there
NOWHERE = "http://127.0.0.1:9"


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendors:
    """Salesforce with one contact, and an empty respond.io; both down until ``up``."""

    salesforce: SalesforceStore
    respond: RespondStore
    house: House
    raw: RawSql
    contact_id: str
    monkeypatch: pytest.MonkeyPatch = field(repr=False)

    @property
    def org_id(self) -> str:
        return self.salesforce.org_id

    @contextmanager
    def up(self) -> Iterator[None]:
        """Answer for as long as the block runs."""
        with ExitStack() as stack:
            salesforce = stack.enter_context(served(create_salesforce(self.salesforce, **KEYS)))
            respond = stack.enter_context(served(create_respond(self.respond, token=TOKEN)))
            self.connect(salesforce, respond)
            yield
        self.connect(NOWHERE, NOWHERE)

    def connect(self, salesforce: str, respond: str) -> None:
        """Write both connections, and forget the last token: it belongs to the last address."""
        extra = {**KEYS, "login_url": salesforce, "instance_url": salesforce}
        self._set("salesforce_default", {"conn_type": "salesforce", "extra": extra})
        self._set("respond_io_default", {"conn_type": "http", "host": f"{respond}/v2", "password": TOKEN})
        self.raw("DELETE FROM salesforce_token")

    def record(self, **cells: Any) -> None:
        """Mirror the contact, whose keys are the given cells."""
        given = {"last_name": "Lovelace", "payload": {"Title": "Dr"}, "created_at": NOON}
        self.raw.insert(
            "salesforce_contact",
            org_id=self.org_id,
            salesforce_id=self.contact_id,
            system_modstamp=NOON,
            read_at=NOON,
            **{**given, **cells},
        )

    def _set(self, conn_id: str, connection: dict[str, Any]) -> None:
        self.monkeypatch.setenv(connections.variable(conn_id), json.dumps(connection))


@contextmanager
def opened(directory: Path, house: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[Vendors]:
    """A connected org and workspace; calls are neither paced nor repeated for long."""
    monkeypatch.setattr(respond_session, "CALLS_PER_SECOND", 10_000.0)
    impatient = transport.Patience(retry_seconds=0.0)
    monkeypatch.setattr(transport, "Patience", lambda: impatient)
    with ExitStack() as stack:
        salesforce = SalesforceStore(directory / "salesforce.sqlite")
        stack.callback(salesforce.close)
        respond = RespondStore(directory / "respond.sqlite")
        stack.callback(respond.close)
        respond.switch({"index_lag_seconds": 0.0, "requests_per_second": 0})
        [contact_id] = salesforce.insert_contacts(
            [
                {
                    "LastName": "Lovelace",
                    "Title": "Dr",
                    "SystemModstamp": 1767268800,
                    "LastModifiedDate": 1767268800,
                }
            ]
        )
        house.org(salesforce.org_id, integration_user_id=salesforce.integration_user_id)
        house.workspace(org_id=salesforce.org_id)
        vendors = Vendors(
            salesforce=salesforce,
            respond=respond,
            house=house,
            raw=house.raw,
            contact_id=contact_id,
            monkeypatch=monkeypatch,
        )
        vendors.connect(NOWHERE, NOWHERE)
        yield vendors
