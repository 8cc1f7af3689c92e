"""Registers with Airflow what it must know of contact-sync and does nothing else: every Airflow process imports it."""

from __future__ import annotations

from airflow.plugins_manager import AirflowPlugin


class ContactSyncPlugin(AirflowPlugin):
    """The project's one plugin."""

    name = "contact_sync"
