from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import Any

import httpx
import psycopg2
import pytest

from contact_sync import database, errors, records
from contact_sync.salesforce import auth
from tests.conftest import SECRET
from tests.salesforce.conftest import (
    CONNECTION,
    INSTANCE_URL,
    ORG_ID,
    USER_ID,
    OpenSession,
    ScriptedOrg,
    refusal,
)


def rows(database_url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg2.connect(database_url) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        found = cursor.fetchall()
    connection.close()
    return found


def run(database_url: str, statement: str) -> None:
    with psycopg2.connect(database_url) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
    connection.close()


def refuse(org: ScriptedOrg, code: str = "invalid_client", text: str = "invalid client credentials") -> None:
    org.token_answer = lambda _: httpx.Response(400, json={"error": code, "error_description": text})


def test_a_call_goes_to_the_instance_with_token_and_lane(session: auth.Session, org: ScriptedOrg) -> None:
    session.call("GET", "/limits")
    request = org.calls[0]
    assert str(request.url) == f"{INSTANCE_URL}/services/data/v66.0/limits"
    assert request.headers["Authorization"] == "Bearer token-1"
    assert request.headers["Sforce-Call-Options"] == "client=contact-sync-extract"


def test_the_token_serves_the_next_worker(open_session: OpenSession, org: ScriptedOrg) -> None:
    open_session().call("GET", "/limits")
    open_session().call("GET", "/limits")
    assert len(org.token_requests) == 1


def test_no_token_lies_open_in_the_table(session: auth.Session, database_url: str) -> None:
    session.call("GET", "/limits")
    assert "token-1" not in str(rows(database_url, "SELECT * FROM contact_sync.salesforce_token"))


def test_an_expired_session_is_renewed_once_and_replayed_with_all_headers(
    session: auth.Session, org: ScriptedOrg
) -> None:
    session.call("GET", "/limits")
    org.expire()
    stamp = "Thu, 01 Jan 2026 12:00:00 GMT"
    session.call(
        "PATCH", "/sobjects/Contact/{id}", headers={"If-Unmodified-Since": stamp}, json={"Title": "x"}
    )
    replayed = org.calls[-1]
    assert replayed.headers["If-Unmodified-Since"] == stamp
    assert replayed.headers["Authorization"] == "Bearer token-2"


def test_a_second_401_stops_without_a_login_storm(session: auth.Session, org: ScriptedOrg) -> None:
    org.answer = lambda _: refusal(401, "INVALID_SESSION_ID", "Session expired or invalid")
    with pytest.raises(errors.StopError, match="salesforce_default"):
        session.call("GET", "/limits")
    assert len(org.token_requests) == 2


def test_a_401_that_is_no_expired_session_is_not_renewed(session: auth.Session, org: ScriptedOrg) -> None:
    org.answer = lambda _: refusal(
        401, "INVALID_SESSION_ID", "This session is not valid for use with the REST API"
    )
    with pytest.raises(errors.StopError):
        session.call("GET", "/limits")
    assert len(org.token_requests) == 1


def test_many_workers_with_an_expired_session_log_in_once(
    open_session: OpenSession, org: ScriptedOrg
) -> None:
    workers = [open_session() for _ in range(4)]
    for worker in workers:
        worker.call("GET", "/limits")
    org.expire()
    before = len(org.token_requests)
    barrier = Barrier(4)

    def work(worker: auth.Session) -> None:
        barrier.wait()
        worker.call("GET", "/limits")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, workers))
    assert len(org.token_requests) == before + 1


def test_wrong_credentials_name_the_connection_and_salesforces_own_reason(
    session: auth.Session, org: ScriptedOrg
) -> None:
    refuse(org)
    with pytest.raises(errors.StopError) as caught:
        session.call("GET", "/limits")
    assert "salesforce_default" in str(caught.value)
    assert "invalid_client (invalid client credentials)" in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_after_a_refusal_other_workers_stop_at_once(open_session: OpenSession, org: ScriptedOrg) -> None:
    refuse(org)
    for _ in range(3):
        with pytest.raises(errors.StopError, match="invalid_client"):
            open_session().call("GET", "/limits")
    assert len(org.token_requests) == 1


def test_a_refusal_reaches_workers_that_hold_a_session(open_session: OpenSession, org: ScriptedOrg) -> None:
    workers = [open_session() for _ in range(4)]
    for worker in workers:
        worker.call("GET", "/limits")
    org.expire()
    refuse(org)
    before = len(org.token_requests)
    messages = set()
    for worker in workers:
        with pytest.raises(errors.StopError) as caught:
            worker.call("GET", "/limits")
        messages.add(str(caught.value))
    assert len(org.token_requests) == before + 1
    assert len(messages) == 1


def test_other_credentials_are_tried_at_once(open_session: OpenSession, org: ScriptedOrg) -> None:
    refuse(org)
    with pytest.raises(errors.StopError):
        open_session().call("GET", "/limits")
    org.token_answer = org.issue
    corrected = replace(CONNECTION, consumer_secret="c0rrect")
    assert open_session(corrected).call("GET", "/limits").status_code == 200
    assert open_session(corrected).call("GET", "/limits").status_code == 200


def test_after_a_quarter_of_an_hour_one_worker_tries_for_all(
    open_session: OpenSession, org: ScriptedOrg, database_url: str
) -> None:
    refuse(org)
    for _ in range(2):
        with pytest.raises(errors.StopError):
            open_session().call("GET", "/limits")
    run(database_url, "UPDATE contact_sync.salesforce_token SET rejected_at = now() - interval '15 minutes'")
    for _ in range(2):
        with pytest.raises(errors.StopError):
            open_session().call("GET", "/limits")
    assert len(org.token_requests) == 2


def test_a_new_token_that_is_refused_stops_everybody(open_session: OpenSession, org: ScriptedOrg) -> None:
    org.answer = lambda _: refusal(401, "INVALID_SESSION_ID", "Session expired or invalid")
    for _ in range(3):
        with pytest.raises(errors.StopError, match="INVALID_SESSION_ID to a new token"):
            open_session().call("GET", "/limits")
    assert (len(org.token_requests), len(org.calls)) == (2, 2)


def test_a_person_who_asks_is_not_stopped_by_an_earlier_refusal(
    open_session: OpenSession, org: ScriptedOrg
) -> None:
    refuse(org)
    with pytest.raises(errors.StopError):
        open_session().call("GET", "/limits")
    org.token_answer = org.issue
    open_session().login()
    assert open_session().call("GET", "/limits").status_code == 200


def test_a_busy_token_endpoint_is_no_refusal(
    session: auth.Session, org: ScriptedOrg, database_url: str
) -> None:
    org.token_answer = lambda _: httpx.Response(429, headers={"Retry-After": "600"})
    with pytest.raises(errors.RetryError):
        session.call("GET", "/limits")
    assert (
        rows(database_url, "SELECT 1 FROM contact_sync.salesforce_token WHERE rejected_at IS NOT NULL") == []
    )


def test_the_login_says_who_and_where_we_are(session: auth.Session) -> None:
    token = session.login()
    assert (token.org_id, token.user_id, token.instance_url) == (ORG_ID, USER_ID, INSTANCE_URL)


def test_a_connection_that_now_leads_to_another_org_stops(session: auth.Session, org: ScriptedOrg) -> None:
    org.org_id = "00D000000000002EAA"
    with pytest.raises(errors.StopError, match="serves org 00D000000000001EAA"):
        session.call("GET", "/limits")
    assert org.calls == []


def test_a_first_connect_needs_no_org_and_keeps_its_token(
    db: database.Database, org: ScriptedOrg, org_id: records.OrgId, open_session: OpenSession
) -> None:
    http = httpx.Client(transport=httpx.MockTransport(org))
    first = auth.Session(db, http, CONNECTION, org_id=None, lane="extract", secret=SECRET)
    first.login()
    first.bind(org_id)
    open_session().call("GET", "/limits")
    assert len(org.token_requests) == 1


def test_every_call_is_counted_in_its_lane(open_session: OpenSession, database_url: str) -> None:
    open_session(lane="extract").call("GET", "/limits")
    open_session(lane="backfill").call("GET", "/limits")
    counted = dict(rows(database_url, "SELECT lane, calls FROM contact_sync.api_usage"))
    assert counted == {"extract": 2, "backfill": 1}  # the first one logged in


def test_a_changed_secret_means_a_new_login(
    db: database.Database, org: ScriptedOrg, org_id: records.OrgId, session: auth.Session
) -> None:
    session.call("GET", "/limits")
    http = httpx.Client(transport=httpx.MockTransport(org))
    other = auth.Session(db, http, CONNECTION, org_id=org_id, lane="extract", secret="another secret")
    other.call("GET", "/limits")
    assert len(org.token_requests) == 2


def test_a_stream_renews_an_expired_session_too(session: auth.Session, org: ScriptedOrg) -> None:
    session.call("GET", "/limits")
    org.expire()
    org.answer = lambda _: httpx.Response(200, text="Id\n1\n")
    with session.stream("GET", "/jobs/query/{id}/results") as answer:
        assert b"".join(answer.iter_bytes()) == b"Id\n1\n"
