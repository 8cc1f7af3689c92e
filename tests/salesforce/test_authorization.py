"""A person's authorization: the question, what comes back, and the grant, against the stand-in."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import httpx
import psycopg2
import pytest
from psycopg2 import sql

from contact_sync import errors
from contact_sync.salesforce import auth, authorization, login
from sandbox.salesforce.store import Store
from tests.salesforce.conftest import CONNECTION, OpenLive, OpenSession

PUBLIC = replace(CONNECTION, consumer_secret="", is_authorized=True)


def code_of(pasted: str) -> str:
    return authorization.code_of(pasted, conn_id="salesforce_default", state="state")


@pytest.fixture
def session(open_live: OpenLive) -> auth.Session:
    """A session of an app without a secret that nobody has authorized yet."""
    return open_live(consumer_secret="", is_authorized=True)


def approved(vendor: httpx.Client, url: str) -> str:
    """What the person's browser shows in the end, after they approved."""
    answer = vendor.get(url)
    assert answer.status_code == 302
    assert vendor.get(answer.headers["Location"]).status_code == 200
    return answer.headers["Location"]


def test_the_question_holds_a_challenge_and_not_its_verifier() -> None:
    asked = authorization.question(PUBLIC)
    params = {name: values[0] for name, values in parse_qs(urlsplit(asked.url).query).items()}
    assert (params["response_type"], params["client_id"], params["code_challenge_method"]) == (
        "code",
        "key",
        "S256",
    )
    assert params["redirect_uri"] == "http://login/services/oauth2/success"
    assert params["state"] == asked.state
    assert asked.verifier not in asked.url
    assert asked.verifier not in repr(asked)


def test_the_apps_own_callback_is_used() -> None:
    asked = authorization.question(replace(PUBLIC, redirect_uri="http://localhost:1717/back"))
    assert "redirect_uri=http%3A%2F%2Flocalhost%3A1717%2Fback" in asked.url


def test_no_two_questions_are_alike() -> None:
    one, other = authorization.question(PUBLIC), authorization.question(PUBLIC)
    assert one.state != other.state
    assert one.verifier != other.verifier


@pytest.mark.parametrize(
    "pasted",
    [
        "http://login/success?code=aPrx%3D%3D&state=state",
        " http://login/success?state=state&code=aPrx%3D%3D\n",
        "aPrx%3D%3D",
        "aPrx==",
    ],
)
def test_an_address_or_its_code_is_understood(pasted: str) -> None:
    assert code_of(pasted) == "aPrx=="


@pytest.mark.parametrize(
    ("pasted", "told"),
    [
        ("http://login/success?code=aPrx&state=another", "older question"),
        ("http://login/success?code=aPrx", "older question"),
        ("http://login/success?error=access_denied&error_description=end-user+denied", "access_denied"),
        ("http://login/success", "neither"),
        ("", "neither"),
    ],
)
def test_what_does_not_answer_the_question_is_refused(pasted: str, told: str) -> None:
    with pytest.raises(errors.StopError, match=told):
        code_of(pasted)


def test_before_anybody_authorized_a_session_says_what_to_do(session: auth.Session) -> None:
    with pytest.raises(
        login.LoginRefusedError, match=r"nobody has authorized it yet.*connect salesforce_default"
    ):
        session.call("GET", "/sobjects")


def test_the_answer_is_exchanged_and_the_grant_serves_every_worker(
    session: auth.Session, open_live: OpenLive, vendor: httpx.Client, store: Store
) -> None:
    token = session.authorize(approved(vendor, session.ask_person()))
    assert (token.org_id, token.user_id) == (store.org_id, store.integration_user_id)
    vendor.post("/_sandbox/tokens/expire")
    other = open_live(consumer_secret="", is_authorized=True)
    assert other.call("GET", "/sobjects").status_code == 200


def test_the_grant_and_the_verifier_lie_in_the_database_encrypted(
    session: auth.Session, vendor: httpx.Client, database_url: str
) -> None:
    url = session.ask_person()
    asked = session._tokens.question()
    assert asked and asked.verifier not in everything(database_url, "salesforce_authorization")
    token = session.authorize(approved(vendor, url))
    assert token.refresh_token and token.refresh_token not in everything(database_url, "salesforce_token")


def everything(database_url: str, table: str) -> str:
    with psycopg2.connect(database_url) as connection, connection.cursor() as cursor:
        cursor.execute(sql.SQL("SELECT * FROM contact_sync.{}").format(sql.Identifier(table)))
        found = str(cursor.fetchall())
    connection.close()
    return found


def test_a_code_is_worth_one_grant(session: auth.Session, vendor: httpx.Client) -> None:
    answer = approved(vendor, session.ask_person())
    session.authorize(answer)
    with pytest.raises(errors.StopError, match="nobody was asked"):
        session.authorize(answer)


def test_a_newer_question_makes_an_older_answer_worthless(
    session: auth.Session, vendor: httpx.Client
) -> None:
    answer = approved(vendor, session.ask_person())
    session.ask_person()
    with pytest.raises(errors.StopError, match="older question"):
        session.authorize(answer)
    with pytest.raises(login.LoginRefusedError, match="invalid code verifier"):
        session.authorize(parse_qs(urlsplit(answer).query)["code"][0])


def test_a_failed_answer_stops_nobody_who_works(
    session: auth.Session, open_live: OpenLive, vendor: httpx.Client
) -> None:
    session.authorize(approved(vendor, session.ask_person()))
    session.ask_person()
    with pytest.raises(login.LoginRefusedError):
        session.authorize("aPrxNonsense")
    other = open_live(consumer_secret="", is_authorized=True)
    assert other.call("GET", "/sobjects").status_code == 200


def test_a_rotating_grant_is_refreshed_once_by_many_workers(
    session: auth.Session, open_live: OpenLive, vendor: httpx.Client
) -> None:
    vendor.post("/_sandbox/settings", json={"rotates_refresh_tokens": True}).raise_for_status()
    session.authorize(approved(vendor, session.ask_person()))
    for _ in range(3):
        vendor.post("/_sandbox/tokens/expire")
        assert session.call("GET", "/sobjects").status_code == 200


def test_a_connection_that_logs_in_by_itself_asks_nobody(open_session: OpenSession) -> None:
    with pytest.raises(errors.StopError, match="flow"):
        open_session().ask_person()
