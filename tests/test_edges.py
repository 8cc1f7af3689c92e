"""Opening the edges: the right connection for the right tenant, and everything closed at the end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from contact_sync import database, edges, errors
from tests.conftest import SECRET
from tests.raw_sql import RawSql

ORG = "00D000000000001EAA"
CONNECTIONS: Mapping[str, Mapping[str, Any]] = {
    "acme_org": {
        "conn_type": "salesforce",
        "extra": {
            "consumer_key": "key",
            "consumer_secret": "s3cret",
            "login_url": "http://127.0.0.1:1",
            "instance_url": "http://127.0.0.1:1",
        },
    },
    "acme_respond": {"conn_type": "http", "host": "http://127.0.0.1:1/v2", "password": "token"},
}


def lookup(conn_id: str) -> Mapping[str, Any]:
    return CONNECTIONS[conn_id]


@pytest.fixture
def environment(database_url: str) -> dict[str, str]:
    """A database with one org and one workspace, each under a connection of its own."""
    raw = RawSql(database_url)
    raw.insert("salesforce_org", org_id=ORG, name="Acme", conn_id="acme_org")
    raw.insert("workspace", workspace_id="acme", name="Acme", respond_conn_id="acme_respond", org_id=ORG)
    raw.close()
    return {database.URL_VARIABLE: database_url, edges.SECRET_VARIABLE: SECRET}


def test_an_orgs_session_uses_its_own_connection_and_lane(environment: dict[str, str]) -> None:
    with edges.opened(lookup, environment=environment) as found:
        session = found.salesforce_of(ORG, lane="backfill")
    assert (session.connection.conn_id, session.org_id, session.lane) == ("acme_org", ORG, "backfill")


def test_a_workspaces_session_uses_its_own_connection(environment: dict[str, str]) -> None:
    with edges.opened(lookup, environment=environment) as found:
        session = found.respond_of("acme", lane="create")
    assert (session.connection.conn_id, session.workspace_id, session.lane) == (
        "acme_respond",
        "acme",
        "create",
    )


def test_an_unknown_tenant_is_told_how_to_be_made(environment: dict[str, str]) -> None:
    with edges.opened(lookup, environment=environment) as found:
        with pytest.raises(errors.StopError, match="contact_sync connect"):
            found.salesforce_of("00D000000000009EAA", lane="extract")
        with pytest.raises(errors.StopError, match="workspace set nobody"):
            found.respond_of("nobody", lane="extract")


def test_the_variable_wins_over_the_connection(environment: dict[str, str]) -> None:
    def never() -> str:
        raise AssertionError("asked although the variable names the database")

    with edges.opened(lookup, url=never, environment=environment) as found:
        assert len(found.db.all("select_orgs")) == 1


def test_without_the_variable_the_connection_is_asked(environment: dict[str, str]) -> None:
    url = environment.pop(database.URL_VARIABLE)
    with edges.opened(lookup, url=lambda: url, environment=environment) as found:
        assert len(found.db.all("select_orgs")) == 1


def test_without_either_a_person_is_told_what_to_set() -> None:
    with pytest.raises(errors.StopError, match=database.URL_VARIABLE), edges.opened(lookup, environment={}):
        pass


def test_without_a_secret_no_session_is_opened(environment: dict[str, str]) -> None:
    del environment[edges.SECRET_VARIABLE]
    with (
        edges.opened(lookup, environment=environment) as found,
        pytest.raises(errors.StopError, match=edges.SECRET_VARIABLE),
    ):
        found.salesforce_of(ORG, lane="extract")


def test_everything_is_closed_at_the_end(environment: dict[str, str]) -> None:
    raw = RawSql(environment[database.URL_VARIABLE])
    sessions = "SELECT pid FROM pg_stat_activity WHERE application_name = 'contact-sync'"
    before = set(raw.column(sessions))
    with edges.opened(lookup, environment=environment) as found:
        found.db.all("select_orgs")
        assert set(raw.column(sessions)) - before
    # a backend takes a moment to notice that its client left
    for _ in range(100):
        left = set(raw.column(sessions)) - before
        if not left:
            break
        raw("SELECT pg_sleep(0.05)")
    raw.close()
    assert not left
