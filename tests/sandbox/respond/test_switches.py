"""Switches where sources disagree."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sandbox.respond.store import Store
from sandbox.respond.switches import SwitchError, Switches, switched
from tests.sandbox.respond.conftest import Workspace


@pytest.mark.parametrize(
    "wanted",
    [{"mood": "bad"}, {"create_existing": 418}, {"index_lag_seconds": 31}, {"requests_per_second": "many"}],
)
def test_a_position_that_does_not_exist_is_refused(wanted: dict[str, Any]) -> None:
    with pytest.raises(SwitchError):
        switched(Switches(), wanted)


def test_switches_survive_a_restart(tmp_path: Path) -> None:
    for expected in (409, 400):
        store = Store(tmp_path / "respond.sqlite3")
        assert store.switches.create_existing == expected
        store.switch({"create_existing": 400})
        store.close()


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_switches_are_set_by_the_control_route_and_put_back(workspace: Workspace, method: str) -> None:
    answer = workspace.client.request(method, "/_sandbox/settings", json={"list_order": "asc"})
    assert answer.json()["list_order"] == workspace.store.switches.list_order == "asc"
    assert workspace.client.delete("/_sandbox/switches").json()["list_order"] == "desc"


def test_the_control_route_names_the_positions_there_are(workspace: Workspace) -> None:
    answer = workspace.client.patch("/_sandbox/switches", json={"list_order": "random"})
    assert answer.status_code == 400
    assert "desc, asc" in answer.json()["error"]
