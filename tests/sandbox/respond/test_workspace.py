"""The Space API: tags, custom fields, users, channels, closing notes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.respond.conftest import Workspace


@pytest.mark.parametrize("path", ["custom_field", "user", "channel", "closing_notes"])
def test_lists_page_by_cursor(workspace: Workspace, path: str) -> None:
    first = workspace.client.get(f"/v2/space/{path}", params={"limit": 1}).json()
    second = workspace.client.get(first["pagination"]["next"]).json()
    assert len(first["items"]) == len(second["items"]) == 1
    assert first["items"][0]["id"] < second["items"][0]["id"]


@pytest.mark.parametrize("path", ["user", "custom_field"])
def test_one_item_is_answered_bare(workspace: Workspace, path: str) -> None:
    item = workspace.client.get(f"/v2/space/{path}").json()["items"][0]
    assert workspace.client.get(f"/v2/space/{path}/{item['id']}").json() == item
    assert workspace.client.get(f"/v2/space/{path}/99999").status_code == 404


def test_the_vendors_credential_probe_works(workspace: Workspace) -> None:
    assert workspace.client.get("/v2/space/user", params={"limit": 1}).status_code == 200


def test_a_custom_field_is_created_with_a_slug(workspace: Workspace) -> None:
    made = workspace.client.post(
        "/v2/space/custom_field", json={"name": "Shoe size", "dataType": "number"}
    ).json()
    assert (made["name"], made["slug"], made["dataType"]) == ("Shoe size", "shoe_size", "number")
    assert made in workspace.client.get("/v2/space/custom_field", params={"limit": 100}).json()["items"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"name": "Company", "dataType": "text"}, 409),
        ({"name": "Firm", "slug": "company", "dataType": "text"}, 409),
        ({"name": "", "dataType": "text"}, 400),
        ({"name": "x" * 51, "dataType": "text"}, 400),
        ({"name": "Mood", "dataType": "feeling"}, 400),
        ({"name": "Mood", "dataType": "list"}, 400),
        ({"name": "Mood", "dataType": "text", "allowedValues": ["good"]}, 400),
    ],
)
def test_a_custom_field_that_cannot_be_is_refused(
    workspace: Workspace, body: dict[str, Any], status: int
) -> None:
    assert workspace.client.post("/v2/space/custom_field", json=body).status_code == status


def test_allowed_values_have_two_shapes(workspace: Workspace) -> None:
    fields = workspace.client.get("/v2/space/custom_field").json()["items"]
    plan = next(item for item in fields if item["name"] == "Plan")
    workspace.store.switch({"allowed_values_as": "object"})
    again = workspace.client.get(f"/v2/space/custom_field/{plan['id']}").json()
    assert again["allowedValues"] == {"listValues": plan["allowedValues"]}


def test_a_workspace_tag_has_two_shapes(workspace: Workspace) -> None:
    wrapped = workspace.client.post("/v2/space/tag", json={"name": "vip", "emoji": "⭐"}).json()
    workspace.store.switch({"space_tag_as": "bare"})
    bare = workspace.client.put("/v2/space/tag", json={"currentName": "vip", "colorCode": "tag-red"}).json()
    assert wrapped["message"]["emoji"] == bare["emoji"] == "⭐"
    assert bare["colorCode"] == "tag-red"


def test_a_renamed_tag_is_renamed_on_contacts(workspace: Workspace) -> None:
    contact_id = workspace.make()
    workspace.client.post(f"/v2/contact/id:{contact_id}/tag", json=["vip"])
    workspace.client.put("/v2/space/tag", json={"currentName": "vip", "name": "gold"})
    assert workspace.store.get(contact_id)["tags"] == ["gold"]  # type: ignore[index]


def test_a_deleted_tag_leaves_the_contacts(workspace: Workspace) -> None:
    contact_id = workspace.make()
    workspace.client.post(f"/v2/contact/id:{contact_id}/tag", json=["vip"])
    workspace.client.request("DELETE", "/v2/space/tag", json={"name": "vip"})
    assert workspace.store.get(contact_id)["tags"] == []  # type: ignore[index]
    assert workspace.client.request("DELETE", "/v2/space/tag", json={"name": "vip"}).status_code == 404
