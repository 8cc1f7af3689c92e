"""What every DAG promises its operators, and what Airflow's plugin loader may see of us."""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG
from airflow.serialization.serialized_objects import DagSerialization

from contact_sync import stages
from contact_sync.airflow_side import pools
from tests import airflow_home

FILES = sorted((airflow_home.ROOT / "dags").glob("*.py"))
every_dag = pytest.mark.parametrize("dag_id", [file.stem for file in FILES])


@pytest.fixture
def dag(bag: DagBag, dag_id: str) -> DAG:
    return bag.dags[dag_id]


def test_every_file_imports(bag: DagBag) -> None:
    assert bag.import_errors == {}


def test_a_file_is_named_as_its_one_dag(bag: DagBag) -> None:
    assert sorted(bag.dags) == [file.stem for file in FILES]


@every_dag
@pytest.mark.parametrize("heading", ["### What", "### When it fails", "### How to re-run"])
def test_a_dag_shows_its_runbook(dag: DAG, heading: str) -> None:
    assert f"\n{heading}\n" in (dag.doc_md or "")


@every_dag
def test_a_dag_bears_the_projects_tag_alone(dag: DAG) -> None:
    assert dag.tags == {"contact-sync"}


#: Runs that wait for the one before to end, and take its work over at once.
TAKES_OVER = {"extract_respond_contacts": 2, "create_contacts": 2}


@every_dag
def test_a_dag_never_runs_twice_at_once_unless_a_run_takes_over(dag: DAG) -> None:
    assert dag.max_active_runs == TAKES_OVER.get(dag.dag_id, 1)


@every_dag
def test_a_dag_makes_up_for_no_missed_runs(dag: DAG) -> None:
    assert dag.catchup is False


@every_dag
def test_every_task_is_tried_again(dag: DAG) -> None:
    assert {task.task_id for task in dag.tasks if (task.retries or 0) < 1} == set()


@every_dag
def test_every_pool_is_made_by_our_plugin(dag: DAG) -> None:
    """Airflow would never begin a task of a pool that nobody made."""
    assert {task.pool for task in dag.tasks} <= {*pools.WANTED, "default_pool"}


@every_dag
def test_a_dag_survives_serialization(dag: DAG) -> None:
    written = DagSerialization.serialize_dag(dag)
    read = DagSerialization.deserialize_dag(json.loads(json.dumps(written)))
    assert {task: read.get_task(task).downstream_task_ids for task in read.task_ids} == {
        task.task_id: task.downstream_task_ids for task in dag.tasks
    }


@pytest.mark.parametrize("stage", stages.__all__)
def test_every_stage_is_a_task_of_its_name(bag: DagBag, stage: str) -> None:
    assert any(task.task_id.startswith(stage) for dag in bag.dags.values() for task in dag.tasks)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_file_is_short_enough_to_be_read(file: Path) -> None:
    assert len(file.read_text().splitlines()) <= 90


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_file_does_nothing_but_wiring(file: Path) -> None:
    """No HTTP, no driver, no floor below: from our house it knows what a stage is and the room that knows Airflow."""
    tree = ast.parse(file.read_text())
    imported = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    roots = {name.partition(".")[0] for name in imported}
    assert roots - sys.stdlib_module_names <= {"airflow", "contact_sync", "pendulum"}
    ours = {name for name in imported if name.startswith("contact_sync")}
    assert ours <= {"contact_sync", "contact_sync.airflow_side"}


LOAD_PLUGINS = """
import importlib, json, pathlib, sys
stems = {path.stem for path in pathlib.Path("plugins").rglob("*.py") if path.parent.name != "plugins"}
standard = sorted(stems & sys.stdlib_module_names)
before = {name: importlib.import_module(name) for name in [*standard, "queue", "types"]}
from airflow import plugins_manager
plugins_manager.ensure_plugins_loaded()
from airflow.sdk import plugins_manager as sdk_plugins_manager
loaded = [n for n, m in sys.modules.items() if "/plugins/contact_sync" in (getattr(m, "__file__", None) or "")]
print(json.dumps({
    "plugins": [p["name"] for p in plugins_manager.get_plugin_info() if p["name"].startswith("contact")],
    "import_errors": plugins_manager.get_import_errors(),
    "loaded": loaded,
    "replaced": [name for name, module in before.items() if sys.modules[name] is not module],
}))
"""


@pytest.fixture(scope="module")
def loading() -> dict[str, object]:
    """What a fresh Airflow process knows after it loaded its plugins."""
    done = airflow_home.python("-W", "ignore", "-c", LOAD_PLUGINS)
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_there_is_one_plugin_and_it_loads(loading: dict[str, object]) -> None:
    assert (loading["plugins"], loading["import_errors"]) == (["contact_sync"], {})


def test_the_plugin_loader_leaves_the_library_alone(loading: dict[str, object]) -> None:
    """Airflow would import every file below plugins/ as a top-level module of its stem; what the plugin needs itself
    comes by its whole name.
    """
    loaded = loading["loaded"]
    assert isinstance(loaded, list)
    rooms = ("", ".airflow_side", ".airflow_side.pools", ".airflow_side.timetable")
    plugins_own = {f"contact_sync{room}" for room in rooms}
    assert set(loaded) - plugins_own == {"contact_sync_plugin"}


def test_no_module_of_the_standard_library_is_replaced(loading: dict[str, object]) -> None:
    assert loading["replaced"] == []


@pytest.mark.slow
def test_a_dag_runs_from_the_command_line(hasty_bag: DagBag, database_url: str) -> None:
    done = airflow_home.command("dags", "test", "match_contacts", CONTACT_SYNC_DATABASE_URL=database_url)
    assert done.returncode == 0, done.stderr
    assert "state=success" in done.stdout + done.stderr
