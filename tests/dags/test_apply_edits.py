"""Apply edits, run by Airflow against the Salesforce stand-in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from contact_sync import edits
from contact_sync.stages import apply_edits
from tests.dags import vendors
from tests.dags.conftest import Play
from tests.dags.vendors import Vendors
from tests.stages.house import NOON, WORKSPACE, House

DAG = "apply_edits"
#: The test's describe tells no length, so only Salesforce refuses it.
TOO_LONG = "x" * 200


@pytest.fixture
def editing(bare_house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Vendors]:
    """A matched contact whose title may be edited."""
    with vendors.opened(tmp_path, bare_house, monkeypatch) as opened:
        opened.raw.insert(
            "salesforce_field", org_id=opened.org_id, name="Title", label="Title", type="string",
            updateable=True, calculated=False, seen_at=NOON,
        )  # fmt: skip
        bare_house.settings(editing_enabled=True)
        bare_house.choose("Title", editable=True)
        opened.record(email="ada@example.org")
        bare_house.contact(1, org_id=opened.org_id, email="ada@example.org")
        bare_house.materialize(opened.org_id)
        yield opened


def wish(editing: Vendors, base: str, new: str) -> int:
    row = edits.queue_edit(
        editing.house.db,
        edits.Wish(
            workspace_id=WORKSPACE,
            respond_id=1,
            field_name="Title",
            base_value=base,
            new_value=new,
            requested_by="ann",
        ),
    )
    return int(row["edit_id"])


def statuses(editing: Vendors) -> list[str]:
    return editing.raw.column("SELECT status FROM field_edit ORDER BY edit_id")


def test_a_run_applies_and_a_second_one_is_skipped(play: Play, editing: Vendors) -> None:
    wish(editing, "Dr", "Professor")
    with editing.up():
        played, again = play(DAG), play(DAG)
    assert (played.tasks[DAG], again.tasks[DAG]) == ({"success"}, {"skipped"})
    assert (played.state, played.tasks["refused_edits"]) == ("success", {"skipped"})
    assert statuses(editing) == ["applied"]
    assert editing.house.row(1)["fields"] == {"Title": "Professor"}


def test_a_vendor_that_is_down_makes_a_red_run_and_the_next_one_applies(play: Play, editing: Vendors) -> None:
    wish(editing, "Dr", "Professor")
    assert play(DAG).state == "failed"
    with editing.up():
        assert play(DAG).state == "success"
    assert statuses(editing) == ["applied"]


def test_a_refused_edit_turns_the_run_red_and_leaves_the_applying_task_green(
    play: Play, editing: Vendors
) -> None:
    wish(editing, "Dr", TOO_LONG)
    with editing.up():
        played = play(DAG)
    assert (played.state, statuses(editing)) == ("failed", ["rejected"])
    assert played.tasks == {DAG: {"success"}, "refused_edits": {"failed"}}


def test_a_run_in_which_most_edits_were_refused_fails_itself(
    play: Play, editing: Vendors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apply_edits, "FAILING_FROM", 1)
    wish(editing, "Dr", TOO_LONG)
    with editing.up():
        played = play(DAG)
    assert played.tasks[DAG] == {"failed"}
    assert "refused 1 of 1 edits" in played.text
