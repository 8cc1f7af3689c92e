from __future__ import annotations

import time

import httpx
import pytest

from contact_sync import budget, database, errors
from contact_sync.respond_io import contacts
from contact_sync.respond_io.session import Session, token_claims
from tests.respond_io.conftest import CLAIMS, TOKEN, WORKSPACE_ID, connection


def test_the_tokens_claims_are_read() -> None:
    assert token_claims(TOKEN) == CLAIMS


@pytest.mark.parametrize("token", ["", "opaque", "a.b.c", "a.bm8.c", "a.WzFd.c"])
def test_a_token_that_says_nothing_is_no_error(token: str) -> None:
    assert token_claims(token) == {}


def test_a_refused_token_stops_and_is_not_quoted(db: database.Database, vendor: httpx.Client) -> None:
    session = Session(db, vendor, connection(vendor, "other"), workspace_id=WORKSPACE_ID, lane="extract")
    with pytest.raises(errors.StopError) as caught:
        contacts.get(session, "id:1")
    assert "UN_AUTHORIZED" not in str(caught.value)
    assert "respond.io GET /contact/{identifier} answered 401" in str(caught.value)


def test_workspaces_of_one_organization_share_the_rate(db: database.Database, vendor: httpx.Client) -> None:
    budget.penalty(db, "respond-org:70", 60)
    for workspace_id in (WORKSPACE_ID, "other"):
        session = Session(db, vendor, connection(vendor), workspace_id=WORKSPACE_ID, lane="extract")
        with pytest.raises(errors.RetryError) as caught:
            contacts.get(session, "id:1")
        assert caught.value.retry_after_seconds == pytest.approx(60, abs=5), workspace_id


def test_a_workspace_of_no_known_organization_has_its_own_rate(
    db: database.Database, vendor: httpx.Client
) -> None:
    budget.penalty(db, "respond-workspace:acme", 60)
    session = Session(db, vendor, connection(vendor, "opaque"), workspace_id=WORKSPACE_ID, lane="extract")
    with pytest.raises(errors.RetryError):
        contacts.get(session, "id:1")


def test_many_calls_stay_below_the_vendors_limit(session: Session, vendor: httpx.Client) -> None:
    for _ in range(8):
        contacts.get(session, "id:1")
    statuses = [entry["status"] for entry in vendor.get("/_sandbox/journal").json()["requests"]]
    assert 429 not in statuses


def test_a_429_closes_the_rate_for_every_worker(
    db: database.Database, session: Session, vendor: httpx.Client
) -> None:
    fault = {"status": 429, "headers": {"Retry-After": "60"}, "path": "/v2/contact/*"}
    vendor.post("/_sandbox/faults", json=fault).raise_for_status()
    with pytest.raises(errors.RetryError):
        contacts.get(session, "id:1")
    assert budget.try_slot(db, "respond-org:70", 5.0, lane="edit") == pytest.approx(60, abs=5)


def test_a_short_429_is_waited_out(session: Session, vendor: httpx.Client) -> None:
    fault = {"status": 429, "headers": {"Retry-After": "1"}, "path": "/v2/contact/*"}
    vendor.post("/_sandbox/faults", json=fault).raise_for_status()
    began = time.monotonic()
    assert contacts.get(session, "id:1") is None
    assert time.monotonic() - began >= 1.0
