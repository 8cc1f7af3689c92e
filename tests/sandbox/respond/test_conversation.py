"""The Conversation API around a contact."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.respond.conftest import Workspace


def test_assigning_a_closed_conversation_answers_200_and_does_nothing(workspace: Workspace) -> None:
    contact_id = workspace.make()
    path = f"/v2/contact/id:{contact_id}/conversation/assignee"
    assert workspace.client.post(path, json={"assignee": "ada@agents.example"}).status_code == 200
    assert workspace.store.get(contact_id)["assignee"] is None  # type: ignore[index]


def test_an_open_conversation_is_assigned_and_unassigned(workspace: Workspace) -> None:
    contact_id = workspace.make()
    workspace.client.post(f"/v2/contact/id:{contact_id}/conversation/status", json={"status": "open"})
    path = f"/v2/contact/id:{contact_id}/conversation/assignee"
    workspace.client.post(path, json={"assignee": "ada@agents.example"})
    assert workspace.store.get(contact_id)["assignee"]["firstName"] == "Ada"  # type: ignore[index]
    workspace.client.post(path, json={"assignee": None})
    assert workspace.store.get(contact_id)["assignee"] is None  # type: ignore[index]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("conversation/assignee", {}),
        ("conversation/assignee", {"assignee": "nobody@agents.example"}),
        ("conversation/status", {"status": "closed"}),
        ("conversation/status", {"status": "close", "summary": "x" * 513}),
        ("comment", {"text": ""}),
        ("comment", {"text": "x" * 1001}),
        ("message", {"message": "hello"}),
    ],
)
def test_bodies_that_do_not_validate_are_400(workspace: Workspace, path: str, body: dict[str, Any]) -> None:
    contact_id = workspace.make()
    assert workspace.client.post(f"/v2/contact/id:{contact_id}/{path}", json=body).status_code == 400


def test_a_comment_is_answered_back(workspace: Workspace) -> None:
    contact_id = workspace.make()
    answer = workspace.client.post(f"/v2/contact/id:{contact_id}/comment", json={"text": "hm"}).json()
    assert (answer["contactId"], answer["text"]) == (contact_id, "hm")


def test_messages_are_kept_and_listed_newest_first(workspace: Workspace) -> None:
    contact_id = workspace.make()
    base = f"/v2/contact/id:{contact_id}/message"
    sent = [
        workspace.client.post(base, json={"message": {"type": "text", "text": text}}).json()["messageId"]
        for text in ("one", "two", "three")
    ]
    page = workspace.client.get(f"{base}/list", params={"limit": 2}).json()
    assert [item["messageId"] for item in page["items"]] == sent[:0:-1]
    assert workspace.client.get(f"{base}/{sent[0]}").json()["message"]["text"] == "one"
    assert workspace.client.get(f"{base}/1").status_code == 404
    rest = workspace.client.get(page["pagination"]["next"]).json()
    assert [item["messageId"] for item in rest["items"]] == sent[:1]


def test_a_contact_has_the_channel_it_can_be_reached_on(workspace: Workspace) -> None:
    contact_id = workspace.make(phone="+6012345678")
    channels = workspace.client.get(f"/v2/contact/id:{contact_id}/channels").json()["items"]
    assert [item["source"] for item in channels] == ["whatsapp_cloud"]
