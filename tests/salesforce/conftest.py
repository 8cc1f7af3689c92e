"""The stand-in over a real socket; and a scripted org, where a test is about requests rather than data."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
import psycopg2
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from contact_sync import database, records, transport
from contact_sync.salesforce import auth
from sandbox.salesforce.app import create_app
from sandbox.salesforce.store import Store
from tests.conftest import SECRET
from tests.serving import served

ORG_ID = records.OrgId("00D000000000001EAA")
USER_ID = "005000000000001AAA"
INSTANCE_URL = "http://instance"
#: The log-in name of the stand-in's integration user.
INTEGRATION_USER = "integration@contact-sync.example"
DATE = "Thu, 01 Jan 2026 12:00:00 GMT"

CONNECTION = records.SalesforceConnection(
    conn_id="salesforce_default", login_url="http://login", consumer_key="key", consumer_secret="s3cret"
)


class ScriptedOrg:
    """Issues tokens and answers everything else by ``answer``; remembers every request."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self.good_tokens: set[str] = set()
        self.token_answer: Callable[[dict[str, str]], httpx.Response] = self.issue
        self.answer: Callable[[httpx.Request], httpx.Response] = lambda _: httpx.Response(200, json={})
        self.org_id: str = ORG_ID
        self._issued = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if request.url.path == "/services/oauth2/token":
            form = parse_qs(request.content.decode())
            return self.token_answer({name: values[0] for name, values in form.items()})
        if request.headers["Authorization"].removeprefix("Bearer ") not in self.good_tokens:
            return refusal(401, "INVALID_SESSION_ID", "Session expired or invalid")
        answer = self.answer(request)
        # a client measures real answers only
        answer.elapsed = timedelta(0)
        answer.headers.setdefault("Sforce-Limit-Info", "api-usage=1/100000")
        return answer

    def issue(self, form: dict[str, str], **more: Any) -> httpx.Response:
        self._issued += 1
        token = f"token-{self._issued}"
        self.good_tokens = {token}
        body = {
            "access_token": token,
            "instance_url": INSTANCE_URL,
            "id": f"http://login/id/{self.org_id}/{USER_ID}",
            "issued_at": "1767268800000",
        }
        return httpx.Response(200, json={**body, **more})

    def expire(self) -> None:
        self.good_tokens = set()

    @property
    def token_requests(self) -> list[dict[str, list[str]]]:
        return [parse_qs(r.content.decode()) for r in self.requests if r.url.path.endswith("/token")]

    @property
    def calls(self) -> list[httpx.Request]:
        return [request for request in self.requests if not request.url.path.endswith("/token")]


def refusal(status: int, code: str, text: str = "") -> httpx.Response:
    return httpx.Response(status, json=[{"errorCode": code, "message": text}])


def page(records_: list[dict[str, Any]], *, next_path: str | None = None, **more: Any) -> httpx.Response:
    body = {"totalSize": len(records_), "done": next_path is None, "records": records_, **more}
    if next_path:
        body["nextRecordsUrl"] = next_path
    return httpx.Response(200, content=json.dumps(body), headers={"Date": DATE})


@pytest.fixture
def org() -> ScriptedOrg:
    return ScriptedOrg()


def insert_org(database_url: str, org_id: str) -> None:
    """Write the org's row, as ``connect`` does."""
    with psycopg2.connect(database_url) as connection, connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO contact_sync.salesforce_org (org_id, name, conn_id) VALUES (%s, 'Acme', %s)",
            (org_id, CONNECTION.conn_id),
        )
    connection.close()


@pytest.fixture
def org_id(database_url: str) -> records.OrgId:
    """The scripted org, known to the database."""
    insert_org(database_url, ORG_ID)
    return ORG_ID


OpenSession = Callable[..., auth.Session]


@pytest.fixture
def open_session(db: database.Database, org: ScriptedOrg, org_id: records.OrgId) -> OpenSession:
    """Opens sessions on the scripted org, each like one worker."""

    def opened(
        connection: records.SalesforceConnection = CONNECTION, lane: records.Lane = "extract"
    ) -> auth.Session:
        http = httpx.Client(transport=httpx.MockTransport(org))
        return auth.Session(db, http, connection, org_id=org_id, lane=lane, secret=SECRET)

    return opened


@pytest.fixture
def session(open_session: OpenSession) -> auth.Session:
    return open_session()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """The stand-in's org."""
    opened = Store(tmp_path / "salesforce.sqlite")
    yield opened
    opened.close()


@pytest.fixture
def vendor(store: Store) -> Iterator[httpx.Client]:
    """A client whose base URL is the served stand-in's, for its control routes."""
    app = create_app(store, consumer_key="key", consumer_secret="s3cret")
    with served(app) as url, transport.http_client(url) as client:
        yield client


OpenLive = Callable[..., auth.Session]


@pytest.fixture
def open_live(db: database.Database, database_url: str, vendor: httpx.Client, store: Store) -> OpenLive:
    """Opens sessions on the served stand-in, each like one worker; keywords change the connection."""
    insert_org(database_url, store.org_id)

    def opened(lane: records.Lane = "extract", **changes: Any) -> auth.Session:
        connection = replace(CONNECTION, login_url=str(vendor.base_url).rstrip("/"), **changes)
        org = records.OrgId(store.org_id)
        return auth.Session(db, vendor, connection, org_id=org, lane=lane, secret=SECRET)

    return opened


@pytest.fixture
def live(open_live: OpenLive) -> auth.Session:
    return open_live()


@pytest.fixture(scope="session")
def key_pair() -> tuple[str, str]:
    """A server's key and the certificate's public part, as PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return private.decode(), public.decode()
