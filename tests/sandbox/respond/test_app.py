"""Authentication, errors and control routes of the whole application."""

from __future__ import annotations

import pytest

from tests.sandbox.respond.conftest import Workspace


@pytest.mark.parametrize("header", [None, "Bearer somebody-else", "Basic a.workspace.token"])
def test_without_the_workspaces_token_nothing_is_answered(workspace: Workspace, header: str | None) -> None:
    workspace.client.headers.pop("Authorization")
    answer = workspace.client.get("/v2/contact/id:1", headers={"Authorization": header} if header else {})
    assert (answer.status_code, answer.json()) == (401, {"code": 401, "message": "UN_AUTHORIZED"})


def test_what_we_do_not_imitate_is_named_and_never_faked(workspace: Workspace) -> None:
    answer = workspace.client.get("/v2/space/channel/3/template")
    assert answer.status_code == 501
    assert "GET /v2/space/channel/3/template" in answer.json()["message"]


def test_a_method_we_do_not_imitate_is_named_too(workspace: Workspace) -> None:
    assert workspace.client.patch("/v2/contact/id:1", json={}).status_code == 501


def test_health_needs_no_token(workspace: Workspace) -> None:
    workspace.client.headers.pop("Authorization")
    assert workspace.client.get("/_sandbox/health").json()["status"] == "ok"


def test_a_fault_rotates_the_token(workspace: Workspace) -> None:
    workspace.make()
    workspace.client.post("/_sandbox/faults", json={"nth": 2, "effects": {"rotate_token": True}})
    statuses = [workspace.client.post("/v2/contact/list").status_code for _ in range(2)]
    assert statuses == [400, 401]


def test_a_fault_turns_a_switch(workspace: Workspace) -> None:
    workspace.client.post("/_sandbox/faults", json={"effects": {"settings": {"requests_per_second": 1}}})
    statuses = [workspace.client.get("/v2/contact/id:1").status_code for _ in range(2)]
    assert statuses == [404, 429]


def test_the_journal_names_the_route_and_what_it_changed(workspace: Workspace) -> None:
    contact_id = workspace.make(email="ana@example.com")
    workspace.client.put("/v2/contact/email:ana@example.com", json={"lastName": "Lopes"})
    (entry,) = workspace.client.get("/_sandbox/journal").json()["requests"]
    assert (entry["method"], entry["route"], entry["status"]) == ("PUT", "/v2/contact/{identifier}", 200)
    assert entry["changed"] == [str(contact_id)]
