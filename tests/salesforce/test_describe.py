"""The describe on a scripted org: shapes and requests; what becomes of it is in tests/test_tenants.py."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from contact_sync import errors, fields, records
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


def reference(relationship: str, *objects: str) -> dict[str, Any]:
    return {
        "name": f"{relationship}Id",
        "type": "reference",
        "relationshipName": relationship,
        "referenceTo": list(objects),
    }


ACCOUNT_ID = reference("Account", "Account")
WEDNESDAY = "Wed, 07 Jan 2026 08:00:00 GMT"
MONDAY, TUESDAY = "Mon, 05 Jan 2026 08:00:00 GMT", "Tue, 06 Jan 2026 08:00:00 GMT"


def answer(org: ScriptedOrg, **objects: list[dict[str, Any]]) -> None:
    """Let the org describe objects so, changed on Monday; an object not named did not change since it was asked for."""

    def described(request: httpx.Request) -> httpx.Response:
        sobject = request.url.path.split("/")[-2]
        if sobject not in objects and "If-Modified-Since" in request.headers:
            return httpx.Response(304, headers={"Date": WEDNESDAY})
        headers = {"Last-Modified": MONDAY, "Date": WEDNESDAY}
        return httpx.Response(200, json={"fields": objects.get(sobject, [])}, headers=headers)

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


def test_parents_are_described_as_far_as_they_are_shown(session: auth.Session, org: ScriptedOrg) -> None:
    answer(
        org,
        Contact=[
            TIER,
            reference("Owner", "User"),
            reference("ReportsTo", "Contact"),
            reference("CreatedBy", "User"),
        ],
        User=[{"name": "Name"}, reference("Manager", "User")],
    )
    found = describe.description(session, parents=["Owner", "ReportsTo"])
    names = [field.name for field in found.fields]
    assert {"Owner.Name", "Owner.ManagerId", "ReportsTo.Loyalty_Tier__c"} <= set(names)
    assert not any(name.startswith("CreatedBy.") for name in names)
    assert [request.url.path.split("/")[-2] for request in org.calls] == ["Contact", "User"]
    assert fields.parents(found.fields).keys() == {"Owner", "ReportsTo", "CreatedBy"}


def test_a_new_relationship_to_an_unchanged_object_is_told_whole(
    session: auth.Session, org: ScriptedOrg
) -> None:
    answer(org, Contact=[reference("Owner", "User"), reference("CreatedBy", "User")], User=[{"name": "Name"}])
    first = {field.name: field for field in describe.description(session, parents=["Owner"]).fields}
    versions = {"Contact": MONDAY, "User": MONDAY}
    found = describe.description(session, first, versions, ["Owner", "CreatedBy"])
    assert {"Owner.Name", "CreatedBy.Name"} <= {field.name for field in found.fields}
    assert "If-Modified-Since" not in org.calls[-1].headers


def test_a_reference_to_several_objects_shows_what_these_have_in_common(
    session: auth.Session, org: ScriptedOrg
) -> None:
    answer(org, Contact=[reference("Owner", "Group", "User")], Name=[{"name": "Alias"}])
    found = describe.description(session, parents=["Owner"])
    assert [field.name for field in found.fields] == ["OwnerId", "Owner.Alias"]


def test_a_parent_that_may_not_be_described_has_no_fields(session: auth.Session, org: ScriptedOrg) -> None:
    answer(org, Contact=[reference("Owner", "User")])
    described = org.answer

    def refused(request: httpx.Request) -> httpx.Response:
        if "/User/" in request.url.path:
            return httpx.Response(404, json=[{"errorCode": "NOT_FOUND", "message": "no"}])
        return described(request)

    org.answer = refused
    assert [field.name for field in describe.description(session, parents=["Owner"]).fields] == ["OwnerId"]


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
        for name in ("Account.Name", "Account.Site")
    }
    remembered |= {
        "AccountId": records.SalesforceField(
            name="AccountId",
            label="Old label",
            type="reference",
            relationship="Account",
            refers_to=("Account",),
        )
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
