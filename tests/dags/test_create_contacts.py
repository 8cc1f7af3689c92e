"""Create contacts, run by Airflow against both stand-ins."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk.exceptions import ParamValidationError

from contact_sync import errors, stages
from tests.dags import vendors
from tests.dags.conftest import Play
from tests.dags.vendors import Vendors
from tests.stages.house import NOON, House

DAG = "create_contacts"
TASKS = ("judge_bulk_imports", "create_contacts")


@pytest.fixture
def creating(bare_house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Vendors]:
    """A workspace that creates contacts since noon, and a record that was made then."""
    with vendors.opened(tmp_path, bare_house, monkeypatch) as opened:
        bare_house.settings(auto_create_since=NOON)
        opened.record(email="ada@example.org")
        bare_house.materialize(opened.org_id)
        yield opened


def test_a_run_judges_then_creates_and_a_second_one_is_skipped(play: Play, creating: Vendors) -> None:
    with creating.up():
        played, again = play(DAG), play(DAG)
    assert {task: played.tasks[task] for task in TASKS} == {task: {"success"} for task in TASKS}
    assert (again.state, again.tasks["create_contacts"]) == ("success", {"skipped"})
    assert creating.respond.count() == 1
    assert creating.raw.column("SELECT status FROM contact_creation") == ["tagged"]


def test_vendors_that_are_down_make_a_red_run_and_the_next_one_catches_up(
    play: Play, creating: Vendors
) -> None:
    creating.raw("UPDATE salesforce_contact SET is_bulk_import = false, bulk_judged_at = now()")
    down = play(DAG)
    assert (down.state, down.tasks["create_contacts"]) == ("failed", {"failed"})
    with creating.up():
        assert play(DAG).state == "success"
    assert creating.respond.count() == 1


def test_a_rejected_record_turns_the_run_red_and_leaves_the_creating_task_green(
    play: Play, creating: Vendors
) -> None:
    creating.raw("UPDATE salesforce_contact SET last_name = NULL")
    with creating.up():
        played, again = play(DAG), play(DAG)
    assert creating.raw.column("SELECT status FROM contact_creation") == ["rejected"]
    assert (played.tasks["create_contacts"], played.tasks["no_refusal"]) == ({"success"}, {"failed"})
    assert "1 contacts were not created and 0 did not get their tag" in played.text
    # a refusal is told once, by the run it happened in
    assert (played.state, again.state) == ("failed", "success")


def test_a_task_tried_again_forgets_no_rejection(
    play: Play, creating: Vendors, monkeypatch: pytest.MonkeyPatch
) -> None:
    creating.raw("UPDATE salesforce_contact SET last_name = NULL")
    run, fails = stages.create_contacts.run, [True]

    def break_off_once(*arguments: Any, **options: Any) -> dict[str, int]:
        counts = run(*arguments, **options)
        if fails:
            fails.clear()
            raise errors.RetryError("respond.io went away")
        return counts

    monkeypatch.setattr(stages.create_contacts, "run", break_off_once)
    with creating.up():
        played = play(DAG)
    assert (played.tries["create_contacts"], played.tasks["create_contacts"]) == (2, {"skipped"})
    assert (played.state, played.tasks["no_refusal"]) == ("failed", {"failed"})


@pytest.mark.parametrize(
    ("name", "given"), [("limit", 0), ("limit", 100_001), ("include_bulk_imports", "some"), ("dry_run", None)]
)
def test_a_parameter_out_of_range_is_refused_by_its_schema(bag: DagBag, name: str, given: object) -> None:
    with pytest.raises(ParamValidationError):
        bag.dags[DAG].params.get_param(name).resolve(given)
