from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx
import psycopg2
import pytest

from contact_sync import database, errors, records
from contact_sync.salesforce import auth, login
from sandbox.salesforce import sessions
from sandbox.salesforce.org import Org
from sandbox.salesforce.store import Store
from tests.conftest import SECRET
from tests.salesforce.conftest import CONNECTION, INTEGRATION_USER, OpenLive, OpenSession, ScriptedOrg


def seeded(**changes: Any) -> records.SalesforceConnection:
    return replace(CONNECTION, **changes)


def test_client_credentials_log_in(live: auth.Session, store: Store) -> None:
    token = live.login()
    assert (token.org_id, token.user_id) == (store.org_id, store.integration_user_id)


def test_a_signed_assertion_logs_in(
    open_live: OpenLive, vendor: httpx.Client, store: Store, key_pair: tuple[str, str]
) -> None:
    private, public = key_pair
    vendor.post("/_sandbox/settings", json={"jwt_certificate": public}).raise_for_status()
    session = open_live(private_key=private, username=INTEGRATION_USER, consumer_secret="")
    assert session.login().user_id == store.integration_user_id


def test_a_key_that_is_none_stops_without_showing_it(open_session: OpenSession) -> None:
    session = open_session(seeded(private_key="s3cret key", username="ada"))
    with pytest.raises(errors.StopError) as caught:
        session.login()
    assert "PEM" in str(caught.value)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("code", ["invalid_grant", "invalid_client_id", "invalid_app_access"])
def test_every_refusal_of_the_token_endpoint_needs_a_person(
    open_session: OpenSession, org: ScriptedOrg, code: str
) -> None:
    org.token_answer = lambda _: httpx.Response(403, json={"error": code, "error_description": "why"})
    with pytest.raises(login.LoginRefusedError) as caught:
        open_session().login()
    assert caught.value.code == code


def test_a_token_answer_in_html_is_not_a_refusal(open_session: OpenSession, org: ScriptedOrg) -> None:
    org.token_answer = lambda _: httpx.Response(200, text="<html>maintenance</html>")
    with pytest.raises(errors.RetryError):
        open_session().login()


def test_the_connections_refresh_token_only_seeds_the_first_one(
    open_session: OpenSession, org: ScriptedOrg
) -> None:
    org.token_answer = lambda form: org.issue(form, refresh_token=f"after {form['refresh_token']}")
    for _ in range(3):
        open_session(seeded(refresh_token="seed")).login()
    used = [form["refresh_token"][0] for form in org.token_requests]
    assert used == ["seed", "after seed", "after after seed"]


def test_a_rotated_refresh_token_is_stored_before_the_new_token_is_used(
    open_session: OpenSession, org: ScriptedOrg, database_url: str
) -> None:
    stored: list[Any] = []

    def look(_: httpx.Request) -> httpx.Response:
        with psycopg2.connect(database_url) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT refresh_token_enc FROM contact_sync.salesforce_token")
            stored.append(cursor.fetchone()[0])  # type: ignore[index]
        connection.close()
        return httpx.Response(200, json={})

    org.answer = look
    org.token_answer = lambda form: org.issue(form, refresh_token="rotated")
    open_session(seeded(refresh_token="seed")).call("GET", "/limits")
    assert stored[0] is not None


def test_a_refresh_token_that_does_not_rotate_is_kept(open_session: OpenSession, org: ScriptedOrg) -> None:
    for _ in range(2):
        open_session(seeded(refresh_token="seed")).login()
    assert [form["refresh_token"] for form in org.token_requests] == [["seed"], ["seed"]]


def test_a_connection_with_a_new_refresh_token_starts_a_new_line(
    open_session: OpenSession, org: ScriptedOrg
) -> None:
    org.token_answer = lambda form: org.issue(form, refresh_token="rotated")
    for seed in ("seed", "renewed", "renewed"):
        open_session(seeded(refresh_token=seed)).login()
    used = [form["refresh_token"][0] for form in org.token_requests]
    assert used == ["seed", "renewed", "rotated"]


def test_connecting_again_never_sends_a_used_refresh_token(
    db: database.Database, open_session: OpenSession, org: ScriptedOrg
) -> None:
    org.token_answer = lambda form: org.issue(form, refresh_token="rotated")
    open_session(seeded(refresh_token="seed")).login()
    http = httpx.Client(transport=httpx.MockTransport(org))
    again = auth.Session(db, http, seeded(refresh_token="seed"), org_id=None, lane="extract", secret=SECRET)
    again.login()
    assert org.token_requests[-1]["refresh_token"] == ["rotated"]


def test_another_flow_leaves_no_refresh_token_behind_for_itself(
    open_session: OpenSession, org: ScriptedOrg
) -> None:
    org.token_answer = lambda form: org.issue(form, refresh_token="rotated")
    open_session(seeded(refresh_token="seed")).login()
    open_session().login()
    assert org.token_requests[-1]["grant_type"] == ["client_credentials"]


def test_rotation_holds_over_many_expiries(open_live: OpenLive, vendor: httpx.Client, store: Store) -> None:
    vendor.post("/_sandbox/settings", json={"rotates_refresh_tokens": True}).raise_for_status()
    seed = sessions.issue_refresh(Org(store, "key", "s3cret"), store.integration_user_id)
    for _ in range(3):
        open_live(refresh_token=seed).login()


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("003D000000QV9n2", "003D000000QV9n2IAD"),
        ("001000000000001", "001000000000001AAA"),
        ("00D000000000001EAA", "00D000000000001EAA"),
    ],
)
def test_ids_get_their_case_safe_form(short: str, long: str) -> None:
    assert login.eighteen(short) == long
