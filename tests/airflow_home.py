"""An Airflow of its own for the tests that need one. Import this before Airflow, which reads its settings once."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
HOME = Path(tempfile.mkdtemp(prefix="contact-sync-airflow-"))
atexit.register(shutil.rmtree, HOME, ignore_errors=True)

# A developer's own Airflow must not reach the tests.
for _name in [name for name in os.environ if name.startswith("AIRFLOW")]:
    del os.environ[_name]
os.environ |= {
    "AIRFLOW_HOME": str(HOME),
    "AIRFLOW__API_AUTH__JWT_SECRET": "t" * 64,
    "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{HOME / 'airflow.db'}",
    "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(HOME / "logs"),
    # loopback is no place to look for a proxy
    "NO_PROXY": "127.0.0.1,localhost",
}

#: Airflow's own warnings, which are not ours to mend.
FOREIGN_WARNINGS = (
    "ignore:GitWildMatchPattern:DeprecationWarning",
    "ignore:Using `httpx` with `starlette.testclient` is deprecated",
)


def forgive(items: Iterable[pytest.Item], directory: Path) -> None:
    """Let the tests under ``directory`` pass in spite of Airflow's own warnings."""
    for item in items:
        if directory in item.path.parents:
            for text in FOREIGN_WARNINGS:
                item.add_marker(pytest.mark.filterwarnings(text))


def command(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run ``airflow words…`` as a person would; return what it wrote and its exit code."""
    return python("-m", "airflow", *words, **environment)


def python(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python with this Airflow's settings."""
    return subprocess.run(
        [sys.executable, *words],
        env={**os.environ, **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def migrate() -> None:
    """Make Airflow's tables."""
    command("db", "migrate").check_returncode()
