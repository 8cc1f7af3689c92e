"""A house filled by hand for the stages inside Postgres; both stand-ins over a real socket for the extracting ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest

from contact_sync import database, records, tenants, transport
from contact_sync.respond_io import session as respond_session
from contact_sync.salesforce import auth
from contact_sync.stages import extract_respond_contacts, extract_salesforce_contacts
from sandbox.respond.app import create_app as create_respond
from sandbox.respond.store import Store as RespondStore
from sandbox.salesforce.app import create_app as create_salesforce
from sandbox.salesforce.store import Store as SalesforceStore
from tests.conftest import SECRET
from tests.raw_sql import RawSql
from tests.serving import served
from tests.stages.creating import Creating
from tests.stages.house import NOON, WORKSPACE, House

TOKEN = jwt.encode({"spaceId": 7, "orgId": 70, "id": 1, "iat": 1767268800}, "k" * 32, algorithm="HS256")


@dataclass(frozen=True, slots=True, kw_only=True)
class SalesforceSide:
    """A connected org on the stand-in."""

    db: database.Database
    store: SalesforceStore
    http: httpx.Client
    session: auth.Session
    org_id: str

    def extract(self, run_id: str = "run") -> dict[str, int]:
        return extract_salesforce_contacts.run(self.db, self.session, org_id=self.org_id, run_id=run_id)

    def steer(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """Call a control route of the stand-in."""
        answer = self.http.request(method, f"/_sandbox{path}", json=body)
        return answer.raise_for_status()

    def impatient(self) -> None:
        """Give up at the first failure, so that a test of a failure does not wait."""
        self.session._transport._patience = transport.Patience(retry_seconds=0.0)


@pytest.fixture
def salesforce_store(tmp_path: Path) -> Iterator[SalesforceStore]:
    opened = SalesforceStore(tmp_path / "salesforce.sqlite")
    yield opened
    opened.close()


@pytest.fixture
def salesforce_http(salesforce_store: SalesforceStore) -> Iterator[httpx.Client]:
    app = create_salesforce(salesforce_store, consumer_key="key", consumer_secret="s3cret")
    with served(app) as url, transport.http_client(url) as client:
        yield client


OpenSalesforce = Callable[..., auth.Session]


@pytest.fixture
def open_salesforce(db: database.Database, salesforce_http: httpx.Client) -> OpenSalesforce:
    """Opens sessions on the stand-in, each like one worker."""

    def opened(org_id: str | None = None, *, consumer_secret: str = "s3cret") -> auth.Session:
        connection = records.SalesforceConnection(
            conn_id="salesforce_default",
            login_url=str(salesforce_http.base_url).rstrip("/"),
            consumer_key="key",
            consumer_secret=consumer_secret,
        )
        org = records.OrgId(org_id) if org_id else None
        return auth.Session(db, salesforce_http, connection, org_id=org, lane="extract", secret=SECRET)

    return opened


@pytest.fixture
def salesforce(
    db: database.Database,
    salesforce_store: SalesforceStore,
    salesforce_http: httpx.Client,
    open_salesforce: OpenSalesforce,
    raw: RawSql,
) -> SalesforceSide:
    """A connected org, served by one workspace that shows Title and the account's name."""
    session = open_salesforce()
    org_id = tenants.connect_org(db, session, default_region="DE")
    house = House(db, raw)
    house.workspace(org_id=org_id)
    house.choose("Title", "Account.Name")
    return SalesforceSide(db=db, store=salesforce_store, http=salesforce_http, session=session, org_id=org_id)


@pytest.fixture
def house_of(salesforce: SalesforceSide, raw: RawSql) -> House:
    """The house around the connected org."""
    return House(salesforce.db, raw)


@dataclass(frozen=True, slots=True, kw_only=True)
class RespondSide:
    """A workspace on the stand-in."""

    db: database.Database
    store: RespondStore
    http: httpx.Client
    session: respond_session.Session

    def extract(self, run_id: str = "run", **options: Any) -> dict[str, int]:
        return extract_respond_contacts.run(
            self.db, self.session, workspace_id=WORKSPACE, run_id=run_id, **options
        )

    def steer(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """Call a control route of the stand-in."""
        return self.http.request(method, f"/_sandbox{path}", json=body).raise_for_status()

    def impatient(self) -> None:
        """Give up at the first failure, so that a test of a failure does not wait."""
        self.session._transport._patience = transport.Patience(retry_seconds=0.0)


@pytest.fixture
def respond_store(tmp_path: Path) -> Iterator[RespondStore]:
    opened = RespondStore(tmp_path / "respond.sqlite")
    # what the tests are about is not the list's lag, nor the pace of calls
    opened.switch({"index_lag_seconds": 0.0, "requests_per_second": 0})
    yield opened
    opened.close()


@pytest.fixture
def respond(
    db: database.Database,
    respond_store: RespondStore,
    house: House,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[RespondSide]:
    """The house's workspace on the stand-in, without pacing."""
    monkeypatch.setattr(respond_session, "CALLS_PER_SECOND", 10_000.0)
    with served(create_respond(respond_store, token=TOKEN)) as url, transport.http_client(url) as client:
        connection = records.RespondConnection(
            conn_id="respond_io_default", base_url=f"{url}/v2", token=TOKEN
        )
        session = respond_session.Session(
            db, client, connection, workspace_id=records.WorkspaceId(WORKSPACE), lane="extract"
        )
        yield RespondSide(db=db, store=respond_store, http=client, session=session)


@pytest.fixture
def creating(respond: RespondSide, house: House, raw: RawSql) -> Creating:
    """A workspace that creates contacts since noon."""
    house.settings(auto_create_since=NOON)
    house.choose("Title")
    respond.impatient()
    return Creating(respond=respond, house=house, raw=raw)
