"""Describe: shape, permissions, 304."""

from __future__ import annotations

import httpx

from tests.sandbox.salesforce.asking import CONTROL, switch

FIELD_TYPES = {
    "Loyalty_Tier__c": "picklist", "Interests__c": "multipicklist", "Score__c": "double", "Annual_Value__c": "currency",
    "VIP__c": "boolean", "Next_Call__c": "date", "Last_Seen__c": "datetime", "Work_Email__c": "email",
    "WhatsApp__c": "phone", "Full_Title__c": "string", "Website__c": "url", "Notes__c": "textarea", "Email": "email",
    "Fax": "phone", "MailingAddress": "address", "AccountId": "reference", "Id": "id",
}  # fmt: skip


def fields(client: httpx.Client) -> dict[str, dict[str, object]]:
    return {field["name"]: field for field in client.get("/sobjects/Contact/describe").json()["fields"]}


def test_every_type_a_sidebar_meets_is_there(client: httpx.Client) -> None:
    found = fields(client)
    assert {name: found[name]["type"] for name in FIELD_TYPES} == FIELD_TYPES


def test_a_formula_is_calculated_and_nobody_writes_it(client: httpx.Client) -> None:
    formula = fields(client)["Full_Title__c"]
    assert (formula["calculated"], formula["updateable"], formula["createable"]) == (True, False, False)


def test_a_restricted_picklist_names_its_values(client: httpx.Client) -> None:
    tier = fields(client)["Loyalty_Tier__c"]
    assert tier["restrictedPicklist"] is True
    values = tier["picklistValues"]
    assert isinstance(values, list)
    assert [value["value"] for value in values] == ["Bronze", "Silver", "Gold"]


def test_nothing_changed_is_304_until_a_permission_changes(client: httpx.Client) -> None:
    told = client.get("/sobjects/Contact/describe").headers["Last-Modified"]
    since = {"If-Modified-Since": told}
    again = client.get("/sobjects/Contact/describe", headers=since)
    assert (again.status_code, again.content) == (304, b"")
    client.post(f"{CONTROL}/permissions", json={"field": "Title", "access": "none"})
    assert client.get("/sobjects/Contact/describe", headers=since).status_code == 200
    switch(client, describe_notices_permissions=False)
    assert client.get("/sobjects/Contact/describe", headers=since).status_code == 304


def test_the_global_describe_lists_the_objects(client: httpx.Client) -> None:
    found = client.get("/sobjects").json()
    assert (found["encoding"], found["maxBatchSize"]) == ("UTF-8", 200)
    assert [item["name"] for item in found["sobjects"]] == ["Contact", "Account", "User", "Organization"]


def test_describe_of_an_unknown_object_is_refused(client: httpx.Client) -> None:
    assert client.get("/sobjects/Foo__c/describe").json()[0]["errorCode"] == "INVALID_TYPE"
