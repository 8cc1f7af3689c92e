from __future__ import annotations

import httpx
import pytest

from contact_sync import errors
from contact_sync.salesforce import auth, describe
from tests.salesforce.conftest import ScriptedOrg

TIER = {
    "name": "Loyalty_Tier__c",
    "label": "Loyalty Tier",
    "type": "picklist",
    "length": 255,
    "updateable": True,
    "calculated": False,
    "nillable": True,
    "restrictedPicklist": True,
    "picklistValues": [
        {"value": "Bronze", "active": True},
        {"value": "Old", "active": False},
        {"value": "Gold", "active": True},
    ],
}


def test_a_field_is_read_as_the_integration_user_sees_it(session: auth.Session, org: ScriptedOrg) -> None:
    org.answer = lambda _: httpx.Response(200, json={"fields": [TIER]})
    [found] = describe.contact_fields(session)
    assert (found.name, found.label, found.type, found.length) == (
        "Loyalty_Tier__c",
        "Loyalty Tier",
        "picklist",
        255,
    )
    assert (found.updateable, found.calculated, found.restricted) == (True, False, True)
    assert found.picklist == ("Bronze", "Gold")


def test_a_parent_is_described_by_its_own_route(session: auth.Session, org: ScriptedOrg) -> None:
    org.answer = lambda _: httpx.Response(200, json={"fields": []})
    assert describe.sobject_fields(session, "Account") == []
    assert org.calls[0].url.path == "/services/data/v66.0/sobjects/Account/describe"


def test_an_answer_without_fields_is_not_an_object_without_fields(
    session: auth.Session, org: ScriptedOrg
) -> None:
    org.answer = lambda _: httpx.Response(200, json={})
    with pytest.raises(errors.RetryError):
        describe.contact_fields(session)


def test_the_remaining_calls_are_read_from_the_limits(session: auth.Session, org: ScriptedOrg) -> None:
    limits = {"DailyApiRequests": {"Max": 15000, "Remaining": 14998}}
    org.answer = lambda _: httpx.Response(200, json=limits)
    assert describe.remaining_calls(session) == (14998, 15000)
