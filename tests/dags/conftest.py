"""The project's DAGs over an Airflow of its own, and runs of them in this process."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from contact_sync import database
from tests import airflow_home
from tests.conftest import SECRET

from airflow.dag_processing.dagbag import DagBag  # isort: skip - reads the settings that airflow_home made


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Airflow's own warnings are no errors of ours."""
    airflow_home.forgive(items, Path(__file__).parent)


def parsed() -> DagBag:
    """Parse dags/ as Airflow does."""
    dags = airflow_home.ROOT / "dags"
    return DagBag(dag_folder=str(dags), bundle_path=dags, bundle_name="dags-folder")


@pytest.fixture(scope="session")
def bag() -> DagBag:
    """The DAGs as they are; not to be changed."""
    return parsed()


@pytest.fixture(scope="session")
def hasty_bag() -> DagBag:
    """The DAGs to run: without the wait before a retry, which would really be slept."""
    airflow_home.migrate()
    hasty = parsed()
    for dag in hasty.dags.values():
        for task in dag.tasks:
            task.retry_delay = timedelta(0)
    return hasty


@dataclass(frozen=True, slots=True)
class Played:
    """How a run ended. ``tasks`` maps a task id to the states of its instances, ``tries`` to the most tries one
    needed; ``text`` is what was logged.
    """

    state: str
    tasks: dict[str, set[str]]
    tries: dict[str, int]
    text: str


Play = Callable[[str], Played]


@pytest.fixture
def own_log() -> Iterator[io.StringIO]:
    """What our modules log. A handler of their own, because the first run in a process sets up the root anew."""
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    logger = logging.getLogger("contact_sync")
    logger.addHandler(handler)
    yield text
    logger.removeHandler(handler)


@pytest.fixture
def play(
    hasty_bag: DagBag,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    own_log: io.StringIO,
) -> Play:
    """Runs a DAG over the test's own database."""
    monkeypatch.setenv(database.URL_VARIABLE, database_url)
    monkeypatch.setenv("CONTACT_SYNC_SECRET", SECRET)

    def played(dag_id: str) -> Played:
        capfd.readouterr()
        own_log.seek(0)
        own_log.truncate()
        run = hasty_bag.dags[dag_id].test(logical_date=None)
        tasks: dict[str, set[str]] = {}
        tries: dict[str, int] = {}
        for instance in run.get_task_instances():
            tasks.setdefault(instance.task_id, set()).add(str(instance.state))
            tries[instance.task_id] = max(tries.get(instance.task_id, 0), instance.try_number)
        out, err = capfd.readouterr()
        return Played(state=str(run.state), tasks=tasks, tries=tries, text=out + err + own_log.getvalue())

    return played
