"""The provider's hook over our session, against the stand-in over HTTPS: the client speaks nothing else."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import requests
from airflow.providers.salesforce.get_provider_info import get_provider_info
from airflow.providers.salesforce.hooks.salesforce import SalesforceHook
from requests.adapters import BaseAdapter

from contact_sync import connections, database, errors, records, tenants, transport
from contact_sync.airflow_side import hook
from contact_sync.salesforce import auth
from sandbox import places
from tests.conftest import SECRET
from tests.sandbox.test_serve import served

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> places.Places:
    return places.Places(tmp_path_factory.mktemp("sandbox"))


@pytest.fixture(scope="module")
def salesforce(place: places.Places) -> Iterator[str]:
    """The base URL of the stand-in, served over HTTPS."""
    with served(place.directory, "--https") as sandbox:
        yield sandbox.salesforce


@pytest.fixture
def session(db: database.Database, salesforce: str, place: places.Places) -> Iterator[auth.Session]:
    """Our session of the connected org."""
    known = json.loads(place.credentials.read_text())
    connection = records.SalesforceConnection(
        conn_id="salesforce_default",
        login_url=salesforce,
        consumer_key=known["consumer_key"],
        consumer_secret=known["consumer_secret"],
    )
    trust = ssl.create_default_context(cafile=str(place.authority))
    with transport.http_client(verify=trust) as http:
        opened = auth.Session(db, http, connection, org_id=None, lane="extract", secret=SECRET)
        tenants.connect_org(db, opened)
        yield opened


class Recorder(BaseAdapter):
    """Answers every request with an empty result, and remembers how long it may take."""

    def __init__(self) -> None:
        super().__init__()
        self.timeouts: list[Any] = []

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        self.timeouts.append(options["timeout"])
        answer = requests.Response()
        answer.status_code = 200
        answer._content = b'{"records": [], "done": true, "totalSize": 0}'
        answer.request = request
        return answer

    def close(self) -> None:
        """Nothing is held."""


def test_it_is_the_providers_hook(session: auth.Session) -> None:
    opened = hook.ContactSyncSalesforceHook(opened=session)
    assert isinstance(opened, SalesforceHook)
    assert (opened.conn_type, opened.conn_id) == ("salesforce", "salesforce_default")


def test_the_connection_form_is_the_providers(session: auth.Session) -> None:
    opened = hook.ContactSyncSalesforceHook(opened=session)
    assert opened.get_ui_field_behaviour() == SalesforceHook.get_ui_field_behaviour()
    form = get_provider_info()["connection-types"][0]  # type: ignore[no-untyped-call]
    assert (form["connection-type"], form["hook-class-name"]) == (
        opened.conn_type,
        f"{SalesforceHook.__module__}.SalesforceHook",
    )
    # what our log-in reads can be typed there
    assert {"consumer_key", "consumer_secret", "private_key", "domain", "instance_url"} <= set(
        form["conn-fields"]
    )


def test_the_connection_test_uses_our_log_in(
    session: auth.Session, place: places.Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(place.authority))
    opened = hook.ContactSyncSalesforceHook(opened=session)
    told = opened.test_connection()  # type: ignore[no-untyped-call]
    assert told == (True, "Connection successfully tested")


def test_a_failed_connection_test_says_what_to_do(session: auth.Session) -> None:
    session.connection = replace(session.connection, consumer_secret="not the stand-in's")
    opened = hook.ContactSyncSalesforceHook(opened=session)
    is_good, message = opened.test_connection()  # type: ignore[no-untyped-call]
    assert not is_good
    assert "Correct consumer_secret" in message


@pytest.fixture
def written(
    session: auth.Session, database_url: str, place: places.Places, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., None]:
    """Writes the connection where Airflow finds it; the process trusts the stand-in and knows the database."""
    for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, str(place.authority))
    monkeypatch.setenv(database.URL_VARIABLE, database_url)
    monkeypatch.setenv("CONTACT_SYNC_SECRET", SECRET)

    def write(conn_id: str, **extra: str) -> None:
        given = {
            "login_url": session.connection.login_url,
            "consumer_key": session.connection.consumer_key,
            "consumer_secret": session.connection.consumer_secret,
            **extra,
        }
        monkeypatch.setenv(
            connections.variable(conn_id), json.dumps({"conn_type": "salesforce", "extra": given})
        )

    return write


@pytest.mark.parametrize("conn_id", ["salesforce_default", "not_connected_yet"])
def test_a_connections_id_is_enough(written: Callable[..., None], conn_id: str) -> None:
    written(conn_id)
    opened = hook.ContactSyncSalesforceHook(conn_id)
    assert opened.test_connection() == (True, "Connection successfully tested")  # type: ignore[no-untyped-call]
    assert opened.conn.query("SELECT COUNT() FROM Contact", include_deleted=True)["totalSize"] == 60


def test_a_connection_that_is_refused_says_what_to_do(written: Callable[..., None]) -> None:
    written("salesforce_default", consumer_secret="not the stand-in's")
    is_good, message = hook.ContactSyncSalesforceHook().test_connection()  # type: ignore[no-untyped-call]
    assert not is_good
    assert "connection salesforce_default: Salesforce refused the log-in" in message
    assert "not the stand-in's" not in message


def test_a_first_refresh_token_is_not_used_up_by_a_test(written: Callable[..., None]) -> None:
    written("not_connected_yet", refresh_token="5Aep.once")
    is_good, message = hook.ContactSyncSalesforceHook("not_connected_yet").test_connection()  # type: ignore[no-untyped-call]
    assert not is_good
    assert "not connected yet: run `python -m contact_sync connect not_connected_yet`" in message


def test_its_client_reads_with_our_token(
    session: auth.Session, place: places.Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(place.authority))
    opened = hook.ContactSyncSalesforceHook(opened=session)
    found = opened.conn.query("SELECT COUNT() FROM Contact", include_deleted=True)
    assert found["totalSize"] == 60
    assert opened.conn.sf_version == auth.API_VERSION


def test_its_client_waits_for_nothing_for_ever(session: auth.Session) -> None:
    opened = hook.ContactSyncSalesforceHook(opened=session)
    recorder = Recorder()
    opened.conn.session.mount("https://", recorder)
    opened.conn.query("SELECT Id FROM Contact")
    assert recorder.timeouts == [(5, 60)]


def test_a_refused_log_in_is_our_error(session: auth.Session) -> None:
    session.connection = records.SalesforceConnection(
        conn_id="salesforce_default",
        login_url=session.connection.login_url,
        consumer_key=session.connection.consumer_key,
        consumer_secret="not the stand-in's",
    )
    with pytest.raises(
        errors.StopError, match="connection salesforce_default: Salesforce refused the log-in"
    ):
        _ = hook.ContactSyncSalesforceHook(opened=session).conn
