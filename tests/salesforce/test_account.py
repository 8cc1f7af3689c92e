from __future__ import annotations

import httpx
import pytest

from contact_sync.salesforce import account, auth
from sandbox.salesforce.store import Store
from tests.salesforce.conftest import ScriptedOrg, refusal


def test_org_and_user_are_named(live: auth.Session, store: Store, vendor: httpx.Client) -> None:
    assert account.org_name(live) == "Contact Sync Sandbox"
    assert account.user_name(live, store.integration_user_id) == "integration@contact-sync.example"


def test_a_user_who_may_not_read_users_stays_unnamed(session: auth.Session, org: ScriptedOrg) -> None:
    org.answer = lambda _: refusal(400, "INVALID_TYPE", "sObject type 'User' is not supported")
    assert account.user_name(session, "005000000000001AAA") is None


def test_nobody_is_not_asked_for(session: auth.Session, org: ScriptedOrg) -> None:
    assert account.user_name(session, None) is None
    assert org.requests == []


def test_about_how_many_contacts_an_org_holds(live: auth.Session, store: Store, vendor: httpx.Client) -> None:
    # an empty object is left out of the answer
    assert account.approximate_contacts(live) is None
    store.insert_contacts({"LastName": f"Person {number}"} for number in range(3))
    assert account.approximate_contacts(live) == 3


@pytest.mark.parametrize(
    "answer",
    [
        refusal(403, "FORBIDDEN", "You don't have access to this resource"),
        refusal(404, "NOT_FOUND", "The requested resource does not exist"),
        refusal(400, "INVALID_TYPE", "sObject type is not supported"),
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json={"sObjects": [{"name": "Contact"}]}),
        httpx.Response(200, json={"sObjects": [{"name": "Contact", "count": "many"}]}),
        httpx.Response(200, json={}),
    ],
)
def test_an_org_need_not_tell_its_size(
    session: auth.Session, org: ScriptedOrg, answer: httpx.Response
) -> None:
    org.answer = lambda _: answer
    assert account.approximate_contacts(session) is None
