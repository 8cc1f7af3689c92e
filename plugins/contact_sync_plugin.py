"""Registers with Airflow what it must know of contact-sync and does nothing else: every Airflow process imports it."""

from __future__ import annotations

from airflow.plugins_manager import AirflowPlugin

from contact_sync.airflow_side import pools, timetable


class ContactSyncPlugin(AirflowPlugin):
    """The project's one plugin."""

    name = "contact_sync"
    timetables = [timetable.BackfillTimetable]  # noqa: RUF012 - as Airflow reads it
    listeners = [pools]  # noqa: RUF012
