"""Airflow in the demo: its settings, its four components, and the few REST calls the supervisor makes.

Everything listens on loopback only, which is why there is no log-in (`simple_auth_manager_all_admins`) and why
the log servers are left out: they cannot be told to. Finished tasks' logs are read from the shared folder.
"""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from sandbox.demo_home import ROOT, DemoError, Home
from sandbox.demo_parts import Errand, Part, python

#: Name of the component → the words after ``airflow``. In the order they are started.
COMPONENTS = {
    "airflow-api-server": ("api-server",),
    "airflow-dag-processor": ("dag-processor",),
    "airflow-triggerer": ("triggerer", "--skip-serve-logs"),
    "airflow-scheduler": ("scheduler", "--skip-serve-logs"),
}


def settings(home: Home, database_url: str) -> dict[str, str]:
    """Return Airflow's configuration as environment variables.

    The short intervals make a demo feel alive; a production installation keeps the defaults.
    """
    address = f"http://127.0.0.1:{home.ports['airflow']}"
    values = {
        "CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "CORE__LOAD_EXAMPLES": "False",
        "CORE__EXECUTOR": "LocalExecutor",
        "CORE__PARALLELISM": "4",
        "CORE__DAGS_ARE_PAUSED_AT_CREATION": "True",
        "CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "CORE__EXECUTION_API_SERVER_URL": f"{address}/execution/",
        "CORE__FERNET_KEY": home.secret("airflow_fernet"),
        "DATABASE__SQL_ALCHEMY_CONN": database_url.replace("postgresql://", "postgresql+psycopg2://"),
        "API__HOST": "127.0.0.1",
        "API__PORT": str(home.ports["airflow"]),
        "API__BASE_URL": address,
        "API__SECRET_KEY": home.secret("airflow_api"),
        "API_AUTH__JWT_SECRET": home.secret("airflow_jwt"),
        "SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.25",
        "SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_HOST": "127.0.0.1",
        # After a kill, what was running is taken up again within seconds instead of minutes.
        "SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "15",
        "SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "10",
        "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "30",
        "DAG_PROCESSOR__REFRESH_INTERVAL": "5",
        "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "15",
        "WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
        "LOGGING__BASE_LOG_FOLDER": str(home.folder("airflow") / "logs"),
    }
    # psycopg serves both ways; without this Airflow would look for a third driver.
    values["DATABASE__SQL_ALCHEMY_CONN_ASYNC"] = database_url.replace(
        "postgresql://", "postgresql+psycopg://"
    )
    environment = {f"AIRFLOW__{name}": value for name, value in values.items()}
    return {**environment, "AIRFLOW_HOME": str(home.folder("airflow"))}


def migration(environment: Mapping[str, str]) -> Errand:
    """Return the command that makes or upgrades Airflow's own tables."""
    command = python("-m", "airflow", "db", "migrate")
    return Errand(name="airflow-db-migrate", command=command, environment=environment)


def components(environment: Mapping[str, str]) -> list[Part]:
    """Return the four components, in the order in which they are started."""
    return [
        Part(name=name, command=python("-m", "airflow", *words), environment=environment)
        for name, words in COMPONENTS.items()
    ]


class UnansweredError(DemoError):
    """Airflow did not answer this time; a busy machine is enough. Ask again."""


class Rest:
    """Airflow's public REST API, as the one anonymous administrator of a loopback demo."""

    def __init__(self, url: str) -> None:
        self._url = url

    def is_healthy(self) -> bool:
        """Tell whether all four components say that they are well."""
        try:
            health = self._call("GET", "/monitor/health")
        except DemoError:
            return False
        parts = ("metadatabase", "scheduler", "triggerer", "dag_processor")
        return all(health.get(part, {}).get("status") == "healthy" for part in parts)

    def dags(self) -> set[str]:
        """Return the ids of the DAGs that Airflow has parsed."""
        return {dag["dag_id"] for dag in self._call("GET", "/dags?limit=100")["dags"]}

    def import_errors(self) -> list[str]:
        """Return, one line each, which DAG files and plugins could not be imported and why."""
        files = self._call("GET", "/importErrors")["import_errors"]
        plugins = self._call("GET", "/plugins/importErrors")["import_errors"]
        return [f"{e['filename']}: {_last_line(e['stack_trace'])}" for e in files] + [
            f"{e['source']}: {_last_line(e['error'])}" for e in plugins
        ]

    def unpause(self, dag_id: str) -> None:
        """Let the scheduler run this DAG."""
        self._call("PATCH", f"/dags/{dag_id}?update_mask=is_paused", {"is_paused": False})

    def trigger(self, dag_id: str) -> str:
        """Start a run now; return its id."""
        return str(self._call("POST", f"/dags/{dag_id}/dagRuns", {"logical_date": None})["dag_run_id"])

    def runs(self, dag_id: str) -> list[dict[str, Any]]:
        """Return the latest runs of a DAG, newest first."""
        found = self._call("GET", f"/dags/{dag_id}/dagRuns?order_by=-run_after&limit=30")
        return list(found["dag_runs"])

    def failed_tasks(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """Return the failed task instances of a run."""
        found = self._call("GET", f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances?state=failed")
        return list(found["task_instances"])

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        request = urllib.request.Request(
            f"{self._url}/api/v2{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=90) as answer:
                found: dict[str, Any] = json.load(answer)
        except (OSError, urllib.error.URLError, ValueError) as error:
            raise UnansweredError(
                f"Airflow did not answer {method} {path.partition('?')[0]}: {error}"
            ) from error
        return found


def dag_files() -> set[str]:
    """Return the DAG ids that this project has: each file in dags/ is named as its DAG."""
    return {path.stem for path in (ROOT / "dags").glob("*.py")}


def base_environment() -> dict[str, str]:
    """Return our own environment without what would lead the children astray."""
    foreign = ("AIRFLOW", "CONTACT_SYNC", "PG", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    loopback = "127.0.0.1,localhost"
    return {**kept, "NO_PROXY": loopback, "no_proxy": loopback, "PYTHONUNBUFFERED": "1"}


def json_line(line: str) -> dict[str, Any]:
    """Return a line of a task's log as the document it is, {} if it is none."""
    try:
        entry = json.loads(line)
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) else {}


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip() if lines else "no reason given"
