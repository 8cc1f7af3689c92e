"""Approve changes, run by Airflow. What waits for a person is not played: a test has none."""

from __future__ import annotations

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk.definitions.mappedoperator import MappedOperator
from airflow.sdk.definitions.param import ParamsDict
from airflow.sdk.exceptions import ParamValidationError

from contact_sync.airflow_side import approval
from tests.dags.conftest import Play
from tests.stages.house import House


def test_without_an_open_hold_nobody_is_asked(play: Play, house: House) -> None:
    played = play("approve_changes")
    assert played.state == "success"
    assert played.tasks["ask_person"] == {"skipped"}
    assert played.tasks["record_decision"] == {"skipped"}


@pytest.fixture
def ask(bag: DagBag) -> MappedOperator:
    """The task that waits for a person."""
    found = bag.dags["approve_changes"].get_task("ask_person")
    assert isinstance(found, MappedOperator)
    return found


def test_a_question_without_an_answer_ends_as_decide_later(ask: MappedOperator) -> None:
    assert ask.partial_kwargs["defaults"] == approval.LATER
    assert ask.partial_kwargs["response_timeout"].total_seconds() == 1800


@pytest.mark.parametrize("number", [0, -1, "many"])
def test_a_number_of_rows_that_is_none_is_refused(ask: MappedOperator, number: object) -> None:
    assert isinstance(ask.params, ParamsDict)
    with pytest.raises(ParamValidationError):
        ask.params.get_param("approved_up_to").resolve(number)
