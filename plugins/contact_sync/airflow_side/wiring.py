"""From Airflow's connections to opened edges, and from our errors and counts to the state of a task."""

from __future__ import annotations

import contextlib
import logging
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import BaseHook, Connection, TriggerRule, get_current_context, task
from airflow.sdk.configuration import conf
from airflow.sdk.exceptions import (
    AirflowException,
    AirflowFailException,
    AirflowNotFoundException,
    AirflowSkipException,
)

from contact_sync import backfill, database, edges, errors, holds
from contact_sync.stages import _turns

log = logging.getLogger(__name__)

DATABASE_CONNECTION = "contact_sync_db"

#: Mapped tasks at most, well below the 1,024 that Airflow allows. Up to so many tenants have a task each, and one
#: tenant's failure then silences nobody else's doorbell.
MAPPED_TASKS = 100

#: Tasks of one kind that hold a slot all the time, at most, and one in how many slots of the installation they may be:
#: there are two kinds, each twice where a run takes over, and everything else must find a slot, too.
LASTING_TASKS = 8
SLOTS_PER_LASTING_TASK = 4
#: A task that goes on until the next run takes over: so long after that run was due, and at least so long.
TAKEOVER_SECONDS = 20.0
SHORTEST_SECONDS = 60.0
#: How long the run that takes over waits for the one before it.
PATIENCE_SECONDS = 60.0

Counts = dict[str, int]


def lookup(conn_id: str) -> Mapping[str, Any]:
    """Return the fields of an Airflow connection. StopError names one that is missing."""
    connection = _connection(conn_id)
    return {
        "host": connection.host,
        "login": connection.login,
        "password": connection.password,
        "schema": connection.schema,
        "port": connection.port,
        "extra": connection.extra_dejson,
    }


def database_url() -> str:
    """Return the URI of the database's connection, whose type may be written postgres or postgresql."""
    connection = _connection(DATABASE_CONNECTION)
    return str(connection.get_uri()).replace("postgres://", "postgresql://", 1)


@contextlib.contextmanager
def opened() -> Iterator[edges.Edges]:
    """Open the edges for one task; our errors leave as Airflow's: a StopError fails at once, others may be retried."""
    with _told_to_airflow(), edges.opened(lookup, url=database_url) as opened_edges:
        yield opened_edges


def chunks(ids: Sequence[str], *, at_most: int = MAPPED_TASKS) -> list[list[str]]:
    """Cut tenants into the parts that a mapped task works on."""
    size = max(1, math.ceil(len(ids) / at_most))
    return [list(ids[start : start + size]) for start in range(0, len(ids), size)]


def each(scopes: Sequence[str], run: Callable[[str], Counts], *, news: Sequence[str]) -> Counts:
    """Run a stage for each tenant; one tenant's failure does not stop the others. Return the counts, summed.

    Raises AirflowSkipException if no count named in ``news`` moved: a task that changed nothing emits nothing.
    After all tenants had their turn, what failed is raised: as *retry* if any of it may pass by itself.
    """
    total: Counts = {}
    failures: list[errors.ContactSyncError] = []
    for scope in scopes:
        try:
            counts = run(scope)
        except errors.ContactSyncError as error:
            log.error("%s: %s", scope, error)  # noqa: TRY400 - the message is the whole story
            failures.append(error)
        else:
            total = {name: total.get(name, 0) + counts.get(name, 0) for name in {*total, *counts}}
    if failures:
        raise _worst(failures)
    if not any(total.get(name) for name in news):
        raise AirflowSkipException(f"nothing changed: {total}")
    return total


def parameters() -> Mapping[str, Any]:
    """Return the parameters of this run."""
    return get_current_context()["params"]


def asked_range() -> tuple[datetime, datetime]:
    """Return the range this run is to read: its parameters ``from`` and ``to``, else its day if it is a backfill's.

    Raises StopError if there is neither.
    """
    context = get_current_context()
    start, end = (context["params"].get(name) for name in ("from", "to"))
    if start and end:
        return backfill.parse_time(start), backfill.parse_time(end)
    day = context.get("data_interval_start"), context.get("data_interval_end")
    if start or end or context["dag_run"].run_type == "manual" or not day[0] or not day[1]:
        raise errors.StopError("name the range: parameters from and to, as 2026-01-31")
    return day[0], day[1]


def seconds_until_takeover(next_run_at: datetime) -> float:
    """Return how long a task goes on that hands its work to the next run: until that one is there to take it.

    A run that comes so late that the next one is near still has a minute.
    """
    left = (next_run_at - datetime.now(UTC)).total_seconds()
    return max(left, SHORTEST_SECONDS) + TAKEOVER_SECONDS


def lasting_tasks() -> int:
    """Return into how many tasks of one kind that last the tenants are cut in this installation."""
    slots: int = conf.getint("core", "parallelism")
    return min(LASTING_TASKS, max(1, slots // SLOTS_PER_LASTING_TASK))


def patience(next_run_at: datetime, *, every_minutes: int, now: datetime | None = None) -> float:
    """Return how long a run waits for the one before it: only the one that was due just now takes over.

    One that an asset wakes in between would hold a slot for nothing.
    """
    since_due = every_minutes * 60 - (next_run_at - (now or datetime.now(UTC))).total_seconds()
    return PATIENCE_SECONDS if since_due < SHORTEST_SECONDS + TAKEOVER_SECONDS else 0.0


def lasting_pace(
    next_run_at: datetime,
    tenants: int,
    *,
    is_rolling: bool = False,
    every_minutes: int | None = None,
) -> _turns.Pace:
    """Return the pace of a task that goes on until the next run takes over, its tenants one after the other.

    ``every_minutes`` is given where runs also begin between those of the schedule, and then do not wait.
    """
    seconds = seconds_until_takeover(next_run_at) / tenants
    patient = patience(next_run_at, every_minutes=every_minutes) if every_minutes else PATIENCE_SECONDS
    return _turns.Pace(seconds=seconds, is_rolling=is_rolling, patience_seconds=patient)


def next_minute_of(every_minutes: int) -> datetime:
    """Return the next moment at which a schedule of every so many minutes of the hour comes due."""
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    return now + timedelta(minutes=every_minutes - now.minute % every_minutes)


def run_after() -> datetime:
    """Return when this run was due."""
    due: datetime = get_current_context()["dag_run"].run_after
    return due


@task(trigger_rule=TriggerRule.ONE_FAILED)
def no_failure() -> None:
    """Fail the run in which a task before this one failed: Airflow looks at a run's last tasks only."""
    raise AirflowFailException("a task of this run failed: its own log says what to do")


@task(trigger_rule=TriggerRule.ALL_DONE)
def no_refusal() -> None:
    """Fail the run in which respond.io refused contacts or tags, in whichever try: the others are there."""
    with opened() as edges:
        refused = edges.db.one("count_refusals", run_id=get_current_context()["run_id"])
    if refused and (refused["contacts"] or refused["tags"]):
        raise AirflowFailException(
            f"{refused['contacts']} contacts were not created and {refused['tags']} did not get their tag:"
            " see error_code and error_detail of contact_creation"
        )


def holds_to_ask_about(db: database.Database) -> int:
    """Return how many holds no one has answered; AirflowSkipException if there are none: nothing to ring for."""
    waiting = len(holds.open_holds(db))
    if not waiting:
        raise AirflowSkipException("nothing is withheld")
    return waiting


@task(trigger_rule=TriggerRule.ALL_DONE)
def no_hold() -> None:
    """Fail the run while something is withheld and waits for a person: held is not green."""
    with opened() as edges:
        held = [row["hold_id"] for row in holds.in_force(edges.db)]
    if held:
        raise AirflowFailException(
            f"changes are withheld (hold {', '.join(map(str, held))}): python -m contact_sync approve lists them"
        )


def _worst(failures: Sequence[errors.ContactSyncError]) -> errors.ContactSyncError:
    passing = [error for error in failures if not isinstance(error, errors.StopError)]
    text = "; ".join(str(error) for error in failures)
    return errors.RetryError(text) if passing else errors.StopError(text)


@contextlib.contextmanager
def _told_to_airflow() -> Iterator[None]:
    try:
        yield
    except errors.StopError as error:
        raise AirflowFailException(str(error)) from None
    except errors.ContactSyncError as error:
        raise AirflowException(str(error)) from None


def _connection(conn_id: str) -> Connection:
    try:
        return BaseHook.get_connection(conn_id)
    except AirflowNotFoundException:
        raise errors.StopError(
            f"connection {conn_id} is missing: add it in Airflow, Admin > Connections"
        ) from None
