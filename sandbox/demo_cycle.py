"""The first full cycle: let the DAGs go, start what is due, and wait until the pipeline is at rest."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg2

from sandbox import demo_airflow, demo_database
from sandbox.demo_home import DemoError
from sandbox.demo_parts import Parts, Progress
from sandbox.demo_tenant import WORKSPACE

#: DAGs of the main road, in the order of the data, each with what must hold before its part is done.
ROAD = ("extract_salesforce_contacts", "extract_respond_contacts", "match_contacts")

#: Each has to end well at least once before we say that all is well.
STAGES = (
    "extract_salesforce_contacts",
    "extract_respond_contacts",
    "normalize_contacts",
    "match_contacts",
    "materialize_sidebar",
    "judge_bulk_imports",
    "create_contacts",
    "apply_edits",
)

#: Asking Airflow and Postgres more often than this would slow down what we wait for.
LOOK_SECONDS = 0.5
SAY_SECONDS = 5.0

Counts = dict[str, tuple[int, int, int]]


@dataclass
class Cycle:
    """What the cycle did: its start by the database's clock, its length, failures, and rows written per table."""

    since: datetime
    seconds: float = 0.0
    failures: list[str] = field(default_factory=list)
    written: Counts = field(default_factory=dict)
    is_first: bool = True


@dataclass(frozen=True)
class Edges:
    """What the supervisor looks through: the database, Airflow's API, and where task logs are."""

    database_url: str
    airflow: demo_airflow.Rest
    logs: Path
    parts: Parts
    progress: Progress


def run(edges: Edges, *, seconds: float) -> Cycle:
    """Unpause everything and drive the main road until nothing is left to do. Raises DemoError after ``seconds``.

    A failed DAG run ends the wait; it is in ``failures`` with its task and the reason from the task's log.
    """
    before = write_counts(edges.database_url)
    cycle = Cycle(since=demo_database.ask(edges.database_url, "now")[0]["now"])
    cycle.is_first = not any(any(numbers) for numbers in before.values())
    began = time.monotonic()
    edges.parts.wait(lambda: _are_unpaused(edges.airflow), "Airflow to unpause the DAGs", 120)
    edges.progress.say("DAGs unpaused; the first cycle begins")
    look = _Look(edges, cycle)
    edges.parts.wait(look, "the first cycle to come to rest", seconds, is_silent=True)
    cycle.seconds = time.monotonic() - began
    cycle.written = difference(before, _settled_counts(edges))
    return cycle


def _are_unpaused(airflow: demo_airflow.Rest) -> bool:
    try:
        for dag_id in sorted(airflow.dags()):
            airflow.unpause(dag_id)
    except demo_airflow.UnansweredError:
        return False
    return True


def settle(edges: Edges, since: datetime, *, seconds: float = 90) -> None:
    """Wait until all that changed before ``since`` was read and worked through; go on without after ``seconds``.

    So that the next start of this home finds nothing to do.
    """
    until = time.monotonic() + seconds

    def is_at_rest() -> bool:
        if time.monotonic() > until:
            return True
        try:
            return bool(demo_database.ask(edges.database_url, "is_at_rest", since=since)[0]["is_at_rest"])
        except psycopg2.OperationalError:
            return False

    edges.parts.wait(is_at_rest, "the pipeline to come to rest", 2 * seconds)


class _Look:
    """One look at Airflow and the database per half second; true when the cycle is over."""

    def __init__(self, edges: Edges, cycle: Cycle) -> None:
        self._edges = edges
        self._cycle = cycle
        self._next_look = 0.0
        self._next_word = time.monotonic() + SAY_SECONDS

    def __call__(self) -> bool:
        now = time.monotonic()
        if now < self._next_look:
            return False
        self._next_look = now + LOOK_SECONDS
        try:
            work = demo_database.ask(
                self._edges.database_url, "unfinished_work", since=self._cycle.since, workspace_id=WORKSPACE
            )[0]
            is_over = self._drive(work)
        except (psycopg2.OperationalError, demo_airflow.UnansweredError):
            return False  # Postgres is being started again, or the machine is busy
        if now > self._next_word and not is_over:
            self._next_word = now + SAY_SECONDS
            self._edges.progress.say(
                "… {salesforce_contacts:,} Salesforce contacts, {respond_contacts:,} respond.io contacts, "
                "{matches:,} matches; {pending_changes:,} changes to look at".format(**work)
            )
        return is_over

    def _drive(self, work: dict[str, Any]) -> bool:
        """Start each DAG whose part is not done and that is idle; return whether all is done or something failed."""
        is_landed = work["proven_windows"] > 0 and work["open_windows"] == 0
        is_walked = work["walks"] > 0
        goals = (is_landed, is_walked, is_landed and is_walked and work["pending_changes"] == 0)
        is_done = [
            self._advance(dag_id, goal, may_start=dag_id != "match_contacts" or (is_landed and is_walked))
            for dag_id, goal in zip(ROAD, goals, strict=True)
        ]
        return all(is_done) or bool(self._cycle.failures)

    def _advance(self, dag_id: str, goal: bool, *, may_start: bool) -> bool:
        runs = [run for run in self._edges.airflow.runs(dag_id) if is_of(run, self._cycle.since)]
        for run in runs:
            if run["state"] == "failed":
                self._cycle.failures.append(failure(self._edges, dag_id, run["dag_run_id"]))
        is_active = any(run["state"] in ("running", "queued") for run in runs)
        has_succeeded = any(run["state"] == "success" for run in runs)
        if may_start and not is_active and not (goal and has_succeeded):
            self._edges.airflow.trigger(dag_id)
        # a walk without news goes on until the next run takes over: it is done for us when it has been round once
        is_round = is_active and dag_id == "extract_respond_contacts"
        return goal and (has_succeeded or is_round) and not (is_active and dag_id == "match_contacts")


def is_of(run: dict[str, Any], since: datetime) -> bool:
    """Tell whether a run belongs to this cycle: it is not over, or ended after the cycle began."""
    return run["end_date"] is None or datetime.fromisoformat(run["end_date"]) >= since


def failure(edges: Edges, dag_id: str, run_id: str) -> str:
    """Return one line: which task of which DAG failed, and the last error of its log."""
    tasks = edges.airflow.failed_tasks(dag_id, run_id)
    if not tasks:
        return f"{dag_id}: the run failed without a failed task"
    task = tasks[0]
    folder = edges.logs / f"dag_id={dag_id}" / f"run_id={run_id}" / f"task_id={task['task_id']}"
    logs = sorted(folder.rglob("attempt=*.log"))
    return f"{dag_id}, task {task['task_id']}: {reason(logs[-1]) if logs else 'no log'}"


def reason(log: Path) -> str:
    """Return the last error in a task's log, which is one JSON document per line."""
    found = "no error in " + str(log)
    for line in log.read_text(errors="replace").splitlines():
        entry = demo_airflow.json_line(line)
        detail = entry.get("error_detail") or []
        if detail:
            found = f"{detail[-1].get('exc_type')}: {detail[-1].get('exc_value')}"
        elif entry.get("level") == "error":
            found = str(entry.get("event"))
    return found


def write_counts(url: str) -> Counts:
    """Return (inserted, updated, deleted) rows so far, per table that must not change when nothing changed."""
    rows = demo_database.ask(url, "write_counts")
    return {row["table_name"]: (row["inserted"], row["updated"], row["deleted"]) for row in rows}


def _settled_counts(edges: Edges) -> Counts:
    """Return the counts once they stand still: sessions report theirs about a second late."""
    counts = write_counts(edges.database_url)
    still_since = time.monotonic()

    def is_still() -> bool:
        nonlocal counts, still_since
        latest = write_counts(edges.database_url)
        if latest != counts:
            counts, still_since = latest, time.monotonic()
        return time.monotonic() - still_since > 1.5

    edges.parts.wait(is_still, "Postgres to count the rows written", 30)
    return counts


def difference(before: Counts, after: Counts) -> Counts:
    zero = (0, 0, 0)
    changed = {
        table: (
            numbers[0] - before.get(table, zero)[0],
            numbers[1] - before.get(table, zero)[1],
            numbers[2] - before.get(table, zero)[2],
        )
        for table, numbers in after.items()
    }
    return {table: numbers for table, numbers in changed.items() if any(numbers)}


def missing_stages(url: str) -> list[str]:
    """Return the stages that never ended well in this home."""
    done = {row["stage"] for row in demo_database.ask(url, "stages_that_ever_succeeded")}
    return [stage for stage in STAGES if stage not in done]


def check_imports(airflow: demo_airflow.Rest, parts: Parts) -> None:
    """Wait until Airflow knows every DAG of this project. Raises DemoError with the reason if one cannot be read."""
    wanted = demo_airflow.dag_files()

    def are_known() -> bool:
        try:
            found, known = airflow.import_errors(), airflow.dags()
        except demo_airflow.UnansweredError:
            return False
        if found:
            raise DemoError("Airflow cannot import:\n    " + "\n    ".join(found))
        return wanted <= known

    parts.wait(are_known, f"Airflow to read {len(wanted)} DAGs", 180)
