"""When the backfilling DAG runs: it has daily data intervals, and no run begins by itself."""

from __future__ import annotations

from airflow.timetables.base import DagRunInfo, DataInterval, TimeRestriction
from airflow.timetables.interval import CronDataIntervalTimetable


class BackfillTimetable(CronDataIntervalTimetable):
    """Each day (UTC) is an interval that ``airflow backfill create`` may ask for."""

    def __init__(self, cron: str = "0 0 * * *", timezone: object = "UTC") -> None:
        super().__init__(cron, timezone=timezone)  # type: ignore[arg-type]

    @property
    def summary(self) -> str:
        """Shown where Airflow shows a schedule."""
        return "on demand"

    def next_dagrun_info(
        self, *, last_automated_data_interval: DataInterval | None, restriction: TimeRestriction
    ) -> DagRunInfo | None:
        """Return the next day for a backfill, which asks with ``catchup``; None for the scheduler."""
        if not restriction.catchup:
            return None
        return super().next_dagrun_info(
            last_automated_data_interval=last_automated_data_interval, restriction=restriction
        )
