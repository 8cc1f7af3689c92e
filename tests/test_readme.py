"""What README and runbook name exists: commands, options, DAGs, stages, files, tables and connections."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()
RUNBOOK = (ROOT / "docs/runbook.md").read_text()
TEXT = README + RUNBOOK

#: Words in back quotes that are files or folders by their look.
PATHS = sorted(
    word
    for word in set(re.findall(r"`([\w./-]+)`", TEXT))
    if ("/" in word or word.endswith((".md", ".yml", ".json", ".example")))
    and not word.startswith((".local", "/"))
)
#: Folders of the checkout that exist only where the commands ran.
MADE = {".venv", ".env"}


def migrations() -> str:
    """Return the text of all migrations."""
    return "".join(path.read_text() for path in sorted((ROOT / "include/sql/migrations").glob("*.sql")))


def shell_lines(text: str) -> list[str]:
    """Return the lines of all fenced blocks without a language."""
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    return [line for language, block in blocks if not language for line in block.splitlines()]


@pytest.mark.parametrize("path", PATHS)
def test_every_file_exists(path: str) -> None:
    assert path in MADE or (ROOT / path).exists()


@pytest.mark.parametrize("path", sorted(set(re.findall(r"(?<![\w/])bin/\w+", TEXT))))
def test_every_command_of_ours_can_be_executed(path: str) -> None:
    assert os.access(ROOT / path, os.X_OK)


@pytest.mark.parametrize("dag_id", sorted(path.stem for path in (ROOT / "dags").glob("*.py")))
def test_every_dag_appears_in_the_readme(dag_id: str) -> None:
    assert f"`{dag_id}`" in README


def test_every_stage_appears_in_both() -> None:
    stages = {path.stem for path in (ROOT / "plugins/contact_sync/stages").glob("[a-z]*.py")}
    assert {name for name in stages if f"`{name}`" not in README or f"`{name}`" not in RUNBOOK} == set()


def test_every_stage_or_dag_named_exists() -> None:
    named = set(re.findall(r"`((?:extract|normalize|match|materialize|load|create|apply)_\w+)`", TEXT))
    rooms = (ROOT / "plugins/contact_sync/stages", ROOT / "dags")
    known = {path.stem for room in rooms for path in room.glob("*.py")}
    assert {name for name in named - known if name not in migrations()} == set()


@pytest.mark.parametrize("conn_id", ["salesforce_default", "respond_io_default", "contact_sync_db"])
def test_every_connection_appears_in_the_readme(conn_id: str) -> None:
    assert f"`{conn_id}`" in README


def test_every_table_asked_for_exists() -> None:
    asked = set(re.findall(r"\bFROM (\w+)", TEXT)) | set(re.findall(r"\[(\w+)\]", README))
    made = set(re.findall(r"CREATE (?:UNLOGGED )?(?:TABLE|VIEW) (?:IF NOT EXISTS )?(\w+)", migrations()))
    assert asked - made == set()


@pytest.mark.parametrize(
    "option", sorted(set(re.findall(r"(?<=`)--[a-z]+", README.split("## In production")[0])))
)
def test_every_option_of_the_demo_exists(option: str) -> None:
    known = (ROOT / "sandbox/demo.py").read_text() + (ROOT / "sandbox/__main__.py").read_text()
    assert f'"{option}"' in known


@pytest.mark.parametrize(
    "words",
    sorted(
        {tuple(found.split()) for line in shell_lines(TEXT) for found in re.findall(r"python -m (.*)", line)}
    ),
    ids=" ".join,
)
def test_every_python_command_exists(words: tuple[str, ...]) -> None:
    module, *rest = words
    command = [word for word in rest[:2] if word.isalpha() and word.islower()]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'plugins'}:{ROOT}"}
    asked = subprocess.run(
        [sys.executable, "-m", module, *command, "--help"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert asked.returncode == 0, asked.stderr
    assert [word for word in rest if word.startswith("--") and word not in asked.stdout] == []


def test_the_changelog_is_kept() -> None:
    assert "## [Unreleased]" in (ROOT / "CHANGELOG.md").read_text()
