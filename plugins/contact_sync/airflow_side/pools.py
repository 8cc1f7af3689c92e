"""Airflow pools of our own: long reading has its slots, everything else keeps the rest.

Airflow leaves a task of a pool that does not exist *scheduled* for ever, so the pools are made where they are missing
whenever a component of Airflow starts; slots that somebody has changed stay as they are.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from airflow.listeners import hookimpl

log = logging.getLogger(__name__)

#: First loads and windows that move the watermark.
LOAD = "contact_sync_load"
#: Backfills, refills and formulas: one worker, until somebody gives it more.
BACKFILL = "contact_sync_backfill"

#: Name of a pool → its slots and what it is for.
WANTED: Mapping[str, tuple[int, str]] = {
    LOAD: (2, "contact-sync: first loads and big windows of Salesforce contacts"),
    BACKFILL: (1, "contact-sync: backfills, refills and formula fields of Salesforce contacts"),
}


@hookimpl
def on_starting(component: object) -> None:
    """Make what is missing: called by Airflow in each component that starts, and in each task."""
    # a task may not open Airflow's database; only a component's job has a heart
    if hasattr(component, "latest_heartbeat"):
        make_missing()


def make_missing() -> list[str]:
    """Make the pools that are missing; return their names. One that somebody else makes meanwhile is no error."""
    # here, because tasks load this module, and must not load Airflow's tables
    from airflow.models.pool import Pool
    from airflow.utils.session import create_session
    from sqlalchemy.exc import IntegrityError

    made = []
    for name, (slots, purpose) in WANTED.items():
        try:
            with create_session() as session:
                if Pool.get_pool(name, session=session) is None:
                    session.add(Pool(pool=name, slots=slots, description=purpose, include_deferred=False))
                    made.append(name)
        except IntegrityError:
            made.remove(name)
    if made:
        log.info("made the pools %s", ", ".join(made))
    return made
