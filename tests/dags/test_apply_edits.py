"""Apply edits, run by Airflow against the Salesforce stand-in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contact_sync import edits, errors
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
        for name in ("Title", "Department"):
            opened.raw.insert(
                "salesforce_field", org_id=opened.org_id, name=name, label=name, type="string",
                updateable=True, calculated=False, seen_at=NOON,
            )  # fmt: skip
        bare_house.settings(editing_enabled=True)
        bare_house.choose("Title", "Department", editable=True)
        opened.record(email="ada@example.org")
        bare_house.contact(1, org_id=opened.org_id, email="ada@example.org")
        bare_house.materialize(opened.org_id)
        yield opened


def wish(editing: Vendors, base: str | None, new: str, *, field: str = "Title") -> int:
    row = edits.queue_edit(
        editing.house.db,
        edits.Wish(
            workspace_id=WORKSPACE,
            respond_id=1,
            field_name=field,
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


def test_one_refused_edit_among_applied_ones_turns_the_run_red(play: Play, editing: Vendors) -> None:
    wish(editing, "Dr", TOO_LONG)
    wish(editing, None, "Research", field="Department")
    with editing.up():
        played = play(DAG)
    assert (played.state, statuses(editing)) == ("failed", ["rejected", "applied"])
    assert "refused 1 of 2 edits" in played.text


@pytest.mark.parametrize("is_left", [False, True])
def test_a_retry_does_not_make_a_run_green_in_which_an_edit_was_refused(
    play: Play, editing: Vendors, monkeypatch: pytest.MonkeyPatch, is_left: bool
) -> None:
    """Whether or not the retry still finds something to do."""
    wish(editing, "Dr", TOO_LONG)
    applying = apply_edits.run

    def broken_off(*arguments: Any, **options: Any) -> dict[str, int]:
        monkeypatch.setattr(apply_edits, "run", applying)
        applying(*arguments, **options)
        if is_left:
            wish(editing, None, "Research", field="Department")
        raise errors.RetryError("Salesforce did not answer")

    monkeypatch.setattr(apply_edits, "run", broken_off)
    with editing.up():
        played = play(DAG)
    assert (played.state, played.tries[DAG]) == ("failed", 2)
    assert played.tasks == {DAG: {"success"}, "refused_edits": {"failed"}}
    assert statuses(editing) == ["rejected", "applied"][: 1 + is_left]
    assert f"refused 1 of {1 + is_left} edits" in played.text
    if is_left:
        counts = editing.raw.value("SELECT counts FROM stage_run WHERE stage = 'apply_edits'")
        assert (counts["rejected"], counts["applied"]) == (1, 1)


def test_a_run_in_which_most_edits_were_refused_fails_itself(
    play: Play, editing: Vendors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apply_edits, "FAILING_FROM", 1)
    wish(editing, "Dr", TOO_LONG)
    with editing.up():
        played = play(DAG)
    assert played.tasks[DAG] == {"failed"}
    assert "refused 1 of 1 edits" in played.text
