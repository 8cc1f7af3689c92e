"""Match contacts, run by Airflow over people put in by hand."""

from __future__ import annotations

import pytest

from tests.dags.conftest import Play
from tests.raw_sql import RawSql
from tests.stages.house import House, person_id

TASKS = ("normalize_contacts", "match_contacts", "materialize_sidebar")


@pytest.fixture
def people(house: House) -> House:
    """Ada is in both systems; Bob only at respond.io."""
    house.choose("Title")
    house.person(1, email="ada@example.org", payload={"Title": "Countess"})
    house.contact(1, email=" Ada@Example.org ")
    house.contact(2, email="bob@example.org")
    return house


def test_a_run_fills_matches_issues_and_sidebar(play: Play, people: House, raw: RawSql) -> None:
    played = play("match_contacts")
    assert played.state == "success"
    assert people.verdict(1) == ("email", "1")
    assert people.verdict(2) == ("unmatched", "no_counterpart")
    assert people.row(1)["fields"] == {"Title": "Countess"}


def test_every_task_says_by_its_state_that_it_wrote(play: Play, people: House) -> None:
    played = play("match_contacts")
    assert {task: played.tasks[task] for task in TASKS} == dict.fromkeys(TASKS, {"success"})


def test_a_second_run_is_skipped(play: Play, people: House) -> None:
    play("match_contacts")
    played = play("match_contacts")
    assert played.state == "success"
    assert {task: played.tasks[task] for task in TASKS} == dict.fromkeys(TASKS, {"skipped"})


def test_a_changed_field_passes_by_the_matching(play: Play, people: House) -> None:
    play("match_contacts")
    people.change_person(1, payload={"Title": "Programmer"})
    played = play("match_contacts")
    assert people.row(1)["fields"] == {"Title": "Programmer"}
    assert played.tasks["match_contacts"] == {"skipped"}
