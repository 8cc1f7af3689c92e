"""The Contact API: get, create, update, create_or_update, delete, merge, list, tags, lifecycle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.sandbox.respond.conftest import Workspace

Ids = Callable[..., list[int]]


@pytest.mark.parametrize(
    "path", ["phone:+6012345678", "phone:%2B6012345678", "phone%3A%2B6012345678", "phone:6012345678"]
)
def test_a_phone_is_found_however_the_path_is_encoded(workspace: Workspace, path: str) -> None:
    contact_id = workspace.make(phone="+6012345678")
    assert workspace.client.get(f"/v2/contact/{path}").json()["id"] == contact_id


def test_get_answers_the_bare_contact_with_every_field(workspace: Workspace) -> None:
    contact_id = workspace.make(email="ana@example.com", created_at=1_700_000_000)
    answer = workspace.client.get("/v2/contact/email:ana@example.com").json()
    assert answer == {
        "id": contact_id, "firstName": "Ana", "lastName": None, "phone": None, "email": "ana@example.com",
        "language": None, "profilePic": None, "countryCode": None, "custom_fields": None, "status": "closed",
        "tags": [], "assignee": None, "lifecycle": None, "isBlocked": False, "created_at": 1_700_000_000,
    }  # fmt: skip


@pytest.mark.parametrize("identifier", ["id:x", "email:ana", "fax:1", "phone:abc", "7"])
def test_a_malformed_identifier_is_400(workspace: Workspace, identifier: str) -> None:
    assert workspace.client.get(f"/v2/contact/{identifier}").status_code == 400


def test_an_unknown_contact_is_404_with_the_vendors_words(workspace: Workspace) -> None:
    answer = workspace.client.get("/v2/contact/id:12")
    assert (answer.status_code, answer.json()) == (404, {"code": 404, "message": "Contact not found"})


def test_of_several_contacts_with_one_email_the_first_is_found(workspace: Workspace) -> None:
    first = workspace.make(email="ana@example.com")
    workspace.make(email="ana@example.com")
    assert workspace.client.get("/v2/contact/email:ANA@example.com").json()["id"] == first


def test_email_lookup_can_be_made_exact(workspace: Workspace) -> None:
    workspace.make(email="Ana@example.com")
    workspace.store.switch({"email_lookup": "exact"})
    assert workspace.client.get("/v2/contact/email:ana@example.com").status_code == 404


def test_create_answers_without_an_id_and_get_sees_it_at_once(workspace: Workspace) -> None:
    workspace.store.switch({"index_lag_seconds": 30})
    answer = workspace.client.post("/v2/contact/phone:+6012345678", json={"firstName": "Ana"})
    assert answer.json() == {"code": 200, "message": "Contact added successfully!"}
    assert workspace.client.get("/v2/contact/phone:+6012345678").json()["phone"] == "+6012345678"


def test_create_can_say_its_code_as_a_string(workspace: Workspace) -> None:
    workspace.store.switch({"code_as": "string"})
    assert workspace.client.post("/v2/contact/phone:+601", json={"firstName": "Ana"}).json()["code"] == "200"


@pytest.mark.parametrize("status", [409, 400])
def test_creating_an_existing_contact_is_refused(workspace: Workspace, status: int) -> None:
    workspace.make(phone="+6012345678")
    workspace.store.switch({"create_existing": status})
    answer = workspace.client.post("/v2/contact/phone:+6012345678", json={"firstName": "Ana"})
    assert answer.status_code == answer.json()["code"] == status
    assert workspace.store.count() == 1


@pytest.mark.parametrize(
    "body",
    [
        {}, {"firstName": ""}, {"firstName": "Ana", "phone": "0123"}, {"firstName": "Ana", "language": "english"},
        {"firstName": "Ana", "countryCode": "de"}, {"firstName": "Ana", "tags": ["vip"]}, [], "Ana",
    ],
)  # fmt: skip
def test_create_refuses_a_body_that_does_not_validate(workspace: Workspace, body: Any) -> None:
    assert workspace.client.post("/v2/contact/email:ana@example.com", json=body).status_code == 400
    assert workspace.store.count() == 0


def test_create_takes_no_id(workspace: Workspace) -> None:
    assert workspace.client.post("/v2/contact/id:7", json={"firstName": "Ana"}).status_code == 400


def test_one_unknown_custom_field_refuses_the_whole_write(workspace: Workspace) -> None:
    contact_id = workspace.make()
    body = {
        "lastName": "Lopes",
        "custom_fields": [{"name": "Company", "value": "x"}, {"name": "Nope", "value": "x"}],
    }
    answer = workspace.client.put(f"/v2/contact/id:{contact_id}", json=body)
    assert answer.status_code == 400
    assert "not found in the workspace" in answer.json()["message"]
    assert workspace.store.get(contact_id)["lastName"] is None  # type: ignore[index]


def test_update_changes_only_what_the_body_names(workspace: Workspace) -> None:
    contact_id = workspace.make(email="ana@example.com", lastName="Old")
    answer = workspace.client.put(f"/v2/contact/id:{contact_id}", json={"lastName": "New"})
    assert answer.json() == {"contactId": contact_id}
    held = workspace.store.get(contact_id)
    assert held is not None
    assert (held["firstName"], held["lastName"], held["email"]) == ("Ana", "New", "ana@example.com")


def test_null_clears_a_field(workspace: Workspace) -> None:
    contact_id = workspace.make(email="ana@example.com")
    workspace.client.put(f"/v2/contact/id:{contact_id}", json={"email": None})
    assert workspace.client.get("/v2/contact/email:ana@example.com").status_code == 404


@pytest.mark.parametrize("name", ["Plan", "plan", "PLAN"])
def test_a_custom_field_goes_by_name_or_slug(workspace: Workspace, name: str) -> None:
    contact_id = workspace.make()
    body = {"custom_fields": [{"name": name, "value": "Growth"}]}
    workspace.client.put(f"/v2/contact/id:{contact_id}", json=body)
    assert workspace.store.get(contact_id)["custom_fields"] == [{"name": "Plan", "value": "Growth"}]  # type: ignore[index]


@pytest.mark.parametrize(
    ("name", "value"), [("Plan", "Gold"), ("Score", "12"), ("Renewal", "1.2.2027"), ("Newsletter", "yes")]
)
def test_a_custom_field_refuses_a_value_of_another_type(workspace: Workspace, name: str, value: Any) -> None:
    contact_id = workspace.make()
    body = {"custom_fields": [{"name": name, "value": value}]}
    assert workspace.client.put(f"/v2/contact/id:{contact_id}", json=body).status_code == 400


def test_create_or_update_makes_a_new_contact_and_names_it(workspace: Workspace) -> None:
    answer = workspace.client.post(
        "/v2/contact/create_or_update/email:ana@example.com", json={"firstName": "Ana"}
    )
    assert workspace.store.get(answer.json()["contactId"])["email"] == "ana@example.com"  # type: ignore[index]


def test_create_or_update_can_keep_the_new_id_to_itself(workspace: Workspace) -> None:
    workspace.store.switch({"create_or_update_names_new": False})
    answer = workspace.client.post("/v2/contact/create_or_update/email:ana@example.com", json={})
    assert "contactId" not in answer.json()


@pytest.mark.parametrize(("overwrites", "name"), [(True, "Maria"), (False, "Ana")])
def test_create_or_update_overwrites_names_or_not(workspace: Workspace, overwrites: bool, name: str) -> None:
    contact_id = workspace.make(email="ana@example.com")
    workspace.store.switch({"create_or_update_overwrites": overwrites})
    body = {"firstName": "Maria", "lastName": "Lopes"}
    workspace.client.post("/v2/contact/create_or_update/email:ana@example.com", json=body)
    held = workspace.store.get(contact_id)
    assert held is not None
    assert (held["firstName"], held["lastName"]) == (name, "Lopes")


def test_a_deleted_contact_is_gone_from_get_and_list(workspace: Workspace, ids: Ids) -> None:
    contact_id = workspace.make()
    assert workspace.client.delete(f"/v2/contact/id:{contact_id}").json() == {"contactId": contact_id}
    assert workspace.client.get(f"/v2/contact/id:{contact_id}").status_code == 404
    assert ids() == []


@pytest.mark.parametrize("status", [404, 400])
def test_deleting_and_tagging_nobody_answers_as_switched(workspace: Workspace, status: int) -> None:
    workspace.store.switch({"missing_contact": status})
    assert workspace.client.delete("/v2/contact/id:1").status_code == status
    assert workspace.client.post("/v2/contact/id:1/tag", json=["vip"]).status_code == status


@pytest.mark.parametrize(("keeps", "kept"), [("older", 0), ("first", 1)])
def test_merge_keeps_one_contact_and_unites_their_fields(workspace: Workspace, keeps: str, kept: int) -> None:
    pair = [
        workspace.make(email="ana@example.com", tags=["a"], created_at=1_600_000_000),
        workspace.make(phone="+6012345678", tags=["b"], created_at=1_700_000_000),
    ]
    workspace.store.switch({"merge_keeps": keeps})
    answer = workspace.client.post(
        "/v2/contact/merge", json={"contactIds": [pair[1], pair[0]], "lastName": "Lopes"}
    )
    assert answer.json() == {"contactId": pair[kept]}
    held = workspace.store.get(pair[kept])
    assert held is not None
    assert (held["email"], held["phone"], held["lastName"]) == ("ana@example.com", "+6012345678", "Lopes")
    assert sorted(held["tags"]) == ["a", "b"]
    assert workspace.store.count() == 1


def test_the_list_goes_newest_first_and_next_leads_to_the_end(workspace: Workspace) -> None:
    made = [workspace.make() for _ in range(5)]
    seen: list[int] = []
    query: dict[str, Any] = {"limit": 2}
    while True:
        page = workspace.listed(**query)
        seen += [item["id"] for item in page["items"]]
        if not page["pagination"]["next"]:
            break
        assert page["pagination"]["next"].startswith("http")
        query["cursorId"] = page["pagination"]["next"].rpartition("cursorId=")[2]
    assert seen == made[::-1]


def test_the_list_can_go_oldest_first(workspace: Workspace, ids: Ids) -> None:
    made = [workspace.make() for _ in range(3)]
    workspace.store.switch({"list_order": "asc"})
    assert ids(limit=2) == made[:2]
    assert ids(limit=2, cursorId=made[1]) == made[2:]


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 101}, {"limit": "x"}, {"cursorId": "x"}])
def test_the_list_refuses_limits_and_cursors_it_does_not_have(
    workspace: Workspace, query: dict[str, Any]
) -> None:
    assert workspace.listed(**query)["code"] == 400


@pytest.mark.parametrize("missing", ["search", "timezone", "filter"])
def test_the_list_needs_all_three_keys(workspace: Workspace, missing: str) -> None:
    body = {"search": "", "timezone": "UTC", "filter": {"$and": []}}
    del body[missing]
    assert workspace.client.post("/v2/contact/list", json=body).status_code == 400


def test_the_list_shows_a_creation_only_after_the_lag(workspace: Workspace, ids: Ids) -> None:
    workspace.store.switch({"index_lag_seconds": 30})
    workspace.client.post("/v2/contact/email:ana@example.com", json={"firstName": "Ana"})
    assert ids() == []


def test_the_list_shows_the_former_state_until_the_lag_is_over(workspace: Workspace) -> None:
    contact_id = workspace.make(lastName="Old")
    workspace.store.switch({"index_lag_seconds": 30})
    for name in ("Newer", "Newest"):
        workspace.client.put(f"/v2/contact/id:{contact_id}", json={"lastName": name})
    assert workspace.listed()["items"][0]["lastName"] == "Old"
    assert workspace.client.get(f"/v2/contact/id:{contact_id}").json()["lastName"] == "Newest"


def test_tags_are_added_once_and_made_in_the_workspace(workspace: Workspace) -> None:
    contact_id = workspace.make(tags=["vip"])
    answer = workspace.client.post(
        f"/v2/contact/id:{contact_id}/tag", json=["vip", "Auto-Create: Salesforce"]
    )
    assert answer.json() == {"contactId": contact_id}
    assert workspace.store.get(contact_id)["tags"] == ["vip", "Auto-Create: Salesforce"]  # type: ignore[index]
    assert workspace.client.post("/v2/space/tag", json={"name": "Auto-Create: Salesforce"}).status_code == 409


def test_tags_are_deleted_by_a_request_with_a_body(workspace: Workspace) -> None:
    contact_id = workspace.make(tags=["vip", "trial"])
    workspace.client.request("DELETE", f"/v2/contact/id:{contact_id}/tag", json=["vip", "unknown"])
    assert workspace.store.get(contact_id)["tags"] == ["trial"]  # type: ignore[index]


@pytest.mark.parametrize(
    "tags", [[], ["a", "a"], [str(n) for n in range(11)], ["x" * 256], {"tags": ["a"]}, [1]]
)
def test_tags_are_one_to_ten_unique_short_names(workspace: Workspace, tags: Any) -> None:
    contact_id = workspace.make()
    assert workspace.client.post(f"/v2/contact/id:{contact_id}/tag", json=tags).status_code == 400


def test_a_new_contact_is_in_the_queue_for_as_long_as_switched(workspace: Workspace) -> None:
    workspace.store.switch({"queued_seconds": 60})
    workspace.client.post("/v2/contact/email:ana@example.com", json={"firstName": "Ana"})
    answer = workspace.client.post("/v2/contact/email:ana@example.com/tag", json=["vip"])
    assert answer.status_code == 449
    assert workspace.client.get("/v2/contact/email:ana@example.com").status_code == 200


def test_the_lifecycle_takes_a_stage_of_the_workspace_or_null(workspace: Workspace) -> None:
    contact_id = workspace.make()
    path = f"/v2/contact/id:{contact_id}/lifecycle/update"
    answer = workspace.client.post(path, json={"name": "Hot Lead"})
    assert answer.json() == {"code": 200, "message": "Contact lifecycle stage updated successfully!"}
    assert workspace.store.get(contact_id)["lifecycle"] == "Hot Lead"  # type: ignore[index]
    assert workspace.client.post(path, json={"name": "Nobody's stage"}).status_code == 400
    workspace.client.post(path, json={"name": None})
    assert workspace.store.get(contact_id)["lifecycle"] is None  # type: ignore[index]
