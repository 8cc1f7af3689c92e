"""Match contacts, run by Airflow over people put in by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg2
import pytest
from airflow.dag_processing.dagbag import DagBag

from contact_sync import holds
from sandbox import postgres
from tests.dags.conftest import Play
from tests.raw_sql import RawSql
from tests.stages.house import ORG, OTHER_ORG, House

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
    assert {task: played.tasks[task] for task in TASKS} == {task: {"success"} for task in TASKS}


def test_a_second_run_is_skipped(play: Play, people: House) -> None:
    play("match_contacts")
    played = play("match_contacts")
    assert played.state == "success"
    assert {task: played.tasks[task] for task in TASKS} == {task: {"skipped"} for task in TASKS}


def test_a_changed_field_passes_by_the_matching(play: Play, people: House) -> None:
    play("match_contacts")
    people.change_person(1, payload={"Title": "Programmer"})
    played = play("match_contacts")
    assert people.row(1)["fields"] == {"Title": "Programmer"}
    assert played.tasks["match_contacts"] == {"skipped"}


@pytest.fixture
def broken_neighbour(people: House, postgres_server: postgres.Server, database_url: str) -> str:
    """Another org with a changed contact, whose keys the database refuses."""
    people.org(OTHER_ORG)
    people.person(9, org_id=OTHER_ORG, email="eve@example.org")
    owner = postgres_server.url(database_url.rpartition("/")[2], "contact_sync_owner")
    with psycopg2.connect(owner) as connection, connection.cursor() as cursor:
        cursor.execute(
            "ALTER TABLE contact_sync.salesforce_key ADD CONSTRAINT broken CHECK (org_id <> %s)", (OTHER_ORG,)
        )
    connection.close()
    return OTHER_ORG


def test_an_org_that_cannot_be_normalized_stops_no_other(
    play: Play, people: House, broken_neighbour: str
) -> None:
    play("match_contacts")
    assert people.row(1)["fields"] == {"Title": "Countess"}


def test_a_run_in_which_an_org_failed_is_not_green(play: Play, broken_neighbour: str) -> None:
    played = play("match_contacts")
    assert played.state == "failed"
    assert played.tasks["normalize_contacts"] == {"failed", "success"}


@pytest.fixture
def too_great_a_loss(play: Play, people: House) -> House:
    """Ada's e-mail vanished in a workspace that minds any loss; Bob's counterpart appeared."""
    play("match_contacts")
    people.settings(brake_count=0, brake_share=0)
    people.change_person(1, email=None)
    people.person(2, email="bob@example.org")
    return people


def test_a_run_that_withholds_something_is_not_green_and_does_the_rest(
    play: Play, too_great_a_loss: House
) -> None:
    played = play("match_contacts")
    assert played.state == "failed"
    assert played.tasks["match_contacts"] == played.tasks["ring_for_holds"] == {"success"}
    assert (played.tasks["no_hold"], played.tries["no_hold"]) == ({"failed"}, 1)
    assert too_great_a_loss.verdict(1) == ("email", "1")
    assert too_great_a_loss.verdict(2) == ("email", "2")


def test_who_asks_a_person_is_rung(bag: DagBag) -> None:
    assert [asset.name for asset in bag.dags["match_contacts"].get_task("ring_for_holds").outlets] == [
        "held_changes"
    ]


def test_after_the_approval_the_run_is_green_again(play: Play, too_great_a_loss: House) -> None:
    play("match_contacts")
    [hold] = holds.open_holds(too_great_a_loss.db)
    holds.decide(too_great_a_loss.db, hold["hold_id"], "approved", by="ada")
    assert play("match_contacts").state == "success"
    assert too_great_a_loss.verdict(1) == ("unmatched", "no_counterpart")


def test_an_org_whose_contacts_look_wrong_is_not_matched(play: Play, people: House) -> None:
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    people.change_person(1, system_modstamp=tomorrow)
    people.raw.insert(
        "extract_window",
        org_id=ORG,
        kind="initial",
        status="proven",
        rows_reported=0,
        read_until=tomorrow,
        finished_at=tomorrow,
    )
    played = play("match_contacts")
    assert played.state == "failed"
    assert played.tasks["gate_contacts"] == {"success"}
    assert people.verdict(1) == ()
    assert "great_expectations" not in played.text
