"""Control routes: what other people do to contacts."""

from __future__ import annotations

from tests.sandbox.respond.conftest import Workspace


def test_somebody_else_makes_changes_and_deletes_a_contact_and_history_tells(workspace: Workspace) -> None:
    made = workspace.client.post(
        "/_sandbox/contacts", json={"firstName": "Ana", "phone": "0171 5", "tags": ["vip"]}
    )
    path = f"/_sandbox/contacts/{made.json()['id']}"
    workspace.client.patch(path, json={"lastName": "Lopes"})
    workspace.client.delete(path)
    told = workspace.client.get(f"{path}/history").json()["history"]
    assert [entry["action"] for entry in told] == ["created", "updated", "deleted"]
    assert told[1]["changes"] == {"lastName": [None, "Lopes"]}
    assert workspace.client.get(path).status_code == 404


def test_contacts_are_listed_by_id_without_lag(workspace: Workspace) -> None:
    made = [workspace.make() for _ in range(3)]
    page = workspace.client.get("/_sandbox/contacts", params={"after": made[0], "limit": 1}).json()[
        "contacts"
    ]
    assert [item["id"] for item in page] == made[1:2]


def test_changes_by_the_api_are_in_the_history_too(workspace: Workspace) -> None:
    workspace.client.post("/v2/contact/email:ana@example.com", json={"firstName": "Ana"})
    (held,) = workspace.client.get("/_sandbox/contacts").json()["contacts"]
    (told,) = workspace.client.get(f"/_sandbox/contacts/{held['id']}/history").json()["history"]
    assert (told["action"], told["actor"]) == ("created", "api")
