"""The describe on a scripted org: shapes and requests; what becomes of it is in tests/test_tenants.py."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from contact_sync import errors, records
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


ACCOUNT_ID = {"name": "AccountId", "type": "reference"}
WEDNESDAY = "Wed, 07 Jan 2026 08:00:00 GMT"
MONDAY, TUESDAY = "Mon, 05 Jan 2026 08:00:00 GMT", "Tue, 06 Jan 2026 08:00:00 GMT"


def answer(org: ScriptedOrg, **fields: list[dict[str, Any]]) -> None:
    """Let the org describe objects so, changed on Monday; an object not named did not change since it was asked for."""

    def described(request: httpx.Request) -> httpx.Response:
        sobject = request.url.path.split("/")[-2]
        if sobject not in fields and "If-Modified-Since" in request.headers:
            return httpx.Response(304, headers={"Date": WEDNESDAY})
        headers = {"Last-Modified": MONDAY, "Date": WEDNESDAY}
        return httpx.Response(200, json={"fields": fields.get(sobject, [])}, headers=headers)

    org.answer = described


def test_a_field_is_read_as_the_integration_user_sees_it(session: auth.Session, org: ScriptedOrg) -> None:
    answer(org, Contact=[TIER])
    [found] = describe.description(session).fields
    assert (found.name, found.label, found.type, found.length) == (
        "Loyalty_Tier__c",
        "Loyalty Tier",
        "picklist",
        255,
    )
    assert (found.updateable, found.calculated, found.restricted) == (True, False, True)
    assert found.picklist == ("Bronze", "Gold")


def test_a_parents_fields_are_shown_under_its_name_and_never_edited(
    session: auth.Session, org: ScriptedOrg
) -> None:
    answer(org, Contact=[ACCOUNT_ID], Account=[{"name": "Name", "updateable": True}])
    found = {field.name: field for field in describe.description(session).fields}
    assert list(found) == ["AccountId", "Account.Name"]
    assert found["Account.Name"].updateable is False


def test_a_parent_is_asked_for_only_where_its_reference_can_be_read(
    session: auth.Session, org: ScriptedOrg
) -> None:
    answer(org, Contact=[TIER])
    describe.description(session)
    assert [request.url.path for request in org.calls] == ["/services/data/v66.0/sobjects/Contact/describe"]


def test_an_answer_without_fields_is_not_an_object_without_fields(
    session: auth.Session, org: ScriptedOrg
) -> None:
    org.answer = lambda _: httpx.Response(200, json={})
    with pytest.raises(errors.RetryError):
        describe.description(session)


def test_the_first_time_everything_is_asked_for(session: auth.Session, org: ScriptedOrg) -> None:
    answer(org, Contact=[ACCOUNT_ID])
    assert describe.description(session).versions == {"Contact": MONDAY, "Account": MONDAY}
    assert not any("If-Modified-Since" in request.headers for request in org.calls)


def test_an_unchanged_object_keeps_what_is_remembered_of_it(session: auth.Session, org: ScriptedOrg) -> None:
    answer(org, Account=[{"name": "Name", "label": "New label"}])
    remembered = {
        name: records.SalesforceField(name=name, label="Old label", type="string")
        for name in ("AccountId", "Account.Name", "Account.Site")
    }
    found = describe.description(session, remembered, {"Contact": TUESDAY})
    assert [(field.name, field.label) for field in found.fields] == [
        ("AccountId", "Old label"),
        ("Account.Name", "New label"),
    ]
    assert org.calls[0].headers["If-Modified-Since"] == TUESDAY
    assert found.versions == {"Contact": TUESDAY, "Account": MONDAY}


def test_a_change_of_this_second_is_no_version_to_go_by(session: auth.Session, org: ScriptedOrg) -> None:
    headers = {"Last-Modified": MONDAY, "Date": "Mon, 05 Jan 2026 08:00:01 GMT"}
    org.answer = lambda _: httpx.Response(200, json={"fields": [TIER]}, headers=headers)
    assert describe.description(session).versions == {}
