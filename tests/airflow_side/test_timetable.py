"""The backfilling DAG's days: there for who asks, begun by nobody."""

from __future__ import annotations

import pendulum
from airflow.timetables.base import TimeRestriction

from contact_sync.airflow_side import timetable

START = pendulum.datetime(2026, 1, 1, tz="UTC")


def restriction(*, catchup: bool) -> TimeRestriction:
    return TimeRestriction(earliest=START, latest=None, catchup=catchup)


def test_no_run_begins_by_itself() -> None:
    found = timetable.BackfillTimetable().next_dagrun_info(
        last_automated_data_interval=None, restriction=restriction(catchup=False)
    )
    assert found is None


def test_a_backfill_gets_whole_days() -> None:
    found = timetable.BackfillTimetable().next_dagrun_info(
        last_automated_data_interval=None, restriction=restriction(catchup=True)
    )
    assert found is not None
    assert found.data_interval is not None
    assert (found.data_interval.start, found.data_interval.end) == (START, START.add(days=1))


def test_it_survives_serialization() -> None:
    written = timetable.BackfillTimetable().serialize()
    assert timetable.BackfillTimetable.deserialize(written).summary == "on demand"
