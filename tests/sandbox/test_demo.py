"""The demo as a newcomer meets it: refusals in one line, a first and a second start, and Ctrl-C at any moment."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from sandbox import demo, processes

ROOT = Path(__file__).resolve().parents[2]


def started(home: Path, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "sandbox.demo", "--home", str(home), *options]
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def read_until(stream: IO[str] | None, words: str) -> str:
    """Return the lines up to the one with ``words``, or all of them."""
    assert stream is not None
    lines = []
    for line in stream:
        lines.append(line)
        if words in line:
            break
    return "".join(lines)


def finished(process: subprocess.Popen[str], seconds: float) -> str:
    """Return what the process told until its end; one that does not end is stopped in order."""
    try:
        return process.communicate(timeout=seconds)[0]
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGTERM)
        return process.communicate()[0]


def living(home: Path) -> list[str]:
    """Return the recorded processes of a home that still run."""
    records = [*(home / "run").glob("*.json"), home / "postgres" / "postgres.json"]
    return [path.stem for path in records if processes.recorded_pid(path) is not None]


def test_a_port_in_use_is_refused_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
        status = demo.main(["--home", str(tmp_path), "--airflow-port", port])
    assert status == 2
    assert (
        capsys.readouterr().err
        == f"bin/demo: Port {port} is in use: choose another one with --airflow-port\n"
    )


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["Postgres is up", "Airflow is starting", "connected org"])
def test_ctrl_c_during_the_start_leaves_no_process(tmp_path: Path, moment: str) -> None:
    process = started(tmp_path, "--contacts", "100")
    read_until(process.stdout, moment)
    process.send_signal(signal.SIGINT)
    out = finished(process, 90)
    assert process.returncode == 130, out
    assert living(tmp_path) == []


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, list[str]]:
    """A home in which the demo ran once, what it told, and what it left running."""
    home = tmp_path_factory.mktemp("demo")
    process = started(home, "--once", "--contacts", "300")
    out = finished(process, 400)
    assert process.returncode == 0, out
    return home, out, living(home)


@pytest.fixture(scope="module")
def second(first: tuple[Path, str, list[str]]) -> Iterator[tuple[Path, str, subprocess.Popen[str]]]:
    """The same home started again, up and ready, and what it told so far."""
    home, _, _ = first
    process = started(home)
    out = read_until(process.stdout, "Ctrl-C ends everything")
    try:
        assert "Ctrl-C ends everything" in out, out
        yield home, out, process
    finally:
        process.send_signal(signal.SIGINT)
        finished(process, 90)


@pytest.mark.slow
def test_the_first_cycle_finds_everybody_and_nobody_else(first: tuple[Path, str, list[str]]) -> None:
    _, out, _ = first
    assert "precision 1.0000" in out
    assert "recall    1.0000" in out


@pytest.mark.slow
def test_afterwards_nothing_runs(first: tuple[Path, str, list[str]]) -> None:
    _, _, left = first
    assert left == []


@pytest.mark.slow
def test_a_second_start_writes_no_row(second: tuple[Path, str, subprocess.Popen[str]]) -> None:
    _, out, _ = second
    assert "sidebar rows: none, because nothing had changed" in out


@pytest.mark.slow
def test_the_new_people_reach_respond_io_with_their_tag(first: tuple[Path, str, list[str]]) -> None:
    _, out, _ = first
    assert "[Auto-Create: Salesforce]" in out
    assert "7 contacts have the tag, 7 were created by us; nobody is there twice" in out


@pytest.mark.slow
def test_one_edit_reaches_salesforce_and_the_other_says_why_not(first: tuple[Path, str, list[str]]) -> None:
    _, out, _ = first
    assert "Salesforce has 'Head of Customer Care' now" in out
    assert "the agent reads: Somebody changed this value in Salesforce." in out


@pytest.mark.slow
def test_a_second_start_creates_nobody(second: tuple[Path, str, subprocess.Popen[str]]) -> None:
    _, out, _ = second
    assert "nobody is there twice; this start created nobody" in out


@pytest.mark.slow
def test_demo_json_is_private_and_says_where_everything_is(
    second: tuple[Path, str, subprocess.Popen[str]],
) -> None:
    home, _, _ = second
    assert stat.S_IMODE((home / "demo.json").stat().st_mode) == 0o600
    places = json.loads((home / "demo.json").read_text())
    urls = {"database_url", "airflow_url", "salesforce_url", "respond_url", "sidebar_url"}
    assert {*urls, "workspace_id", "org_id", "sidebar_token"} <= set(places)
    assert all("127.0.0.1:" in places[name] for name in urls)


@pytest.mark.slow
def test_another_demo_in_the_same_home_is_refused(second: tuple[Path, str, subprocess.Popen[str]]) -> None:
    home, _, running = second
    process = started(home)
    out = finished(process, 30)
    assert (process.returncode, f"process {running.pid}" in out) == (2, True)


@pytest.mark.slow
def test_a_killed_postgres_comes_back(second: tuple[Path, str, subprocess.Popen[str]]) -> None:
    home, _, running = second
    pid = processes.recorded_pid(home / "postgres" / "postgres.json")
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert "it was started again and has recovered" in read_until(running.stdout, "recovered")
