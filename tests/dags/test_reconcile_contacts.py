"""Reconcile, run by Airflow against both stand-ins: what its run shows of the tags."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from contact_sync import connections, tenants
from tests.dags import vendors
from tests.dags.conftest import Play
from tests.dags.vendors import Vendors
from tests.stages.house import WORKSPACE, House

DAG = "reconcile_contacts"


@pytest.fixture
def untagged(bare_house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Vendors]:
    """A contact that we created and tagged, and whose tag somebody removed since."""
    with vendors.opened(tmp_path, bare_house, monkeypatch) as opened:
        [respond_id] = opened.respond.insert_contacts([{"firstName": "Ada", "email": "ada@example.org"}])
        opened.record(email="ada@example.org")
        bare_house.contact(respond_id, org_id=opened.org_id, email="ada@example.org")
        opened.raw.insert(
            "contact_creation", org_id=opened.org_id, workspace_id=WORKSPACE, salesforce_id=opened.contact_id,
            status="tagged", respond_id=respond_id, tags=[tenants.CREATED_TAG],
        )  # fmt: skip
        yield opened


def test_a_tag_that_is_put_back_makes_a_green_run(play: Play, untagged: Vendors) -> None:
    with untagged.up():
        played = play(DAG)
    assert (played.state, played.tasks["restore_tags"]) == ("success", {"success"})
    assert played.tasks["no_refusal"] == {"success"}


def test_a_tag_that_is_refused_turns_the_run_red(play: Play, untagged: Vendors) -> None:
    with untagged.up():
        respond = json.loads(os.environ[connections.variable("respond_io_default")])["host"].removesuffix(
            "/v2"
        )
        fault = {"path": "*/tag", "status": 400, "times": None}
        httpx.post(f"{respond}/_sandbox/faults", json=fault).raise_for_status()
        played = play(DAG)
    assert (played.state, played.tasks["restore_tags"]) == ("failed", {"success"})
    assert "0 contacts were not created and 1 did not get their tag" in played.text


def test_a_workspace_that_does_not_answer_turns_the_run_red(play: Play, untagged: Vendors) -> None:
    played = play(DAG)
    assert (played.state, played.tasks["restore_tags"]) == ("failed", {"failed"})
    assert played.tasks["no_failure"] == {"failed"}
