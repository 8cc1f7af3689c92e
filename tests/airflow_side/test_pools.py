"""The pools of long reading: made where they are missing, left alone where somebody changed them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from contact_sync.airflow_side import pools
from tests import airflow_home

from airflow.jobs.job import Job  # isort: skip - reads the settings that airflow_home made
from airflow.models.pool import Pool
from airflow.utils.session import create_session


@pytest.fixture(scope="module")
def migrated() -> None:
    airflow_home.migrate()


@pytest.fixture
def slots(migrated: None) -> Iterator[Callable[[], dict[str, float]]]:
    """Tells our pools and their slots; there is none before a test, and none after it."""

    def told() -> dict[str, float]:
        with create_session() as session:
            return {
                str(pool): pool.slots for pool in Pool.get_pools(session=session) if str(pool) in pools.WANTED
            }

    def drop() -> None:
        for name in told():
            Pool.delete_pool(name)

    drop()
    yield told
    drop()


def test_a_component_that_starts_makes_what_is_missing(slots: Callable[[], dict[str, float]]) -> None:
    Job(job_type="SchedulerJob")  # type: ignore[no-untyped-call]
    assert slots() == {name: wanted for name, (wanted, _) in pools.WANTED.items()}


def test_slots_that_somebody_changed_stay(slots: Callable[[], dict[str, float]]) -> None:
    Pool.create_or_update_pool(pools.BACKFILL, 7, "more", include_deferred=False)
    assert pools.make_missing() == [pools.LOAD]
    assert slots()[pools.BACKFILL] == 7


def test_a_task_leaves_airflows_database_alone(slots: Callable[[], dict[str, float]]) -> None:
    pools.on_starting(object())
    assert slots() == {}
