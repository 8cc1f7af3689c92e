"""Child processes are found again, and nobody else's is touched."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import processes


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, start_new_session=True
    )
    yield process
    process.kill()
    process.communicate()


def test_a_recorded_child_is_recognized(tmp_path: Path, child: subprocess.Popen[bytes]) -> None:
    processes.record(tmp_path / "child.json", child.pid)
    assert processes.recorded_pid(tmp_path / "child.json") == child.pid


def test_a_stranger_with_the_same_id_is_not(tmp_path: Path, child: subprocess.Popen[bytes]) -> None:
    (tmp_path / "child.json").write_text(json.dumps({"pid": child.pid, "started": "another time"}))
    assert processes.recorded_pid(tmp_path / "child.json") is None


def test_a_stranger_is_not_ended(tmp_path: Path, child: subprocess.Popen[bytes]) -> None:
    (tmp_path / "child.json").write_text(json.dumps({"pid": child.pid, "started": "another time"}))
    processes.end_recorded(tmp_path / "child.json", first=signal.SIGTERM, grace_seconds=1)
    assert child.poll() is None


def test_a_recorded_child_is_ended_and_forgotten(tmp_path: Path, child: subprocess.Popen[bytes]) -> None:
    processes.record(tmp_path / "child.json", child.pid)
    assert processes.end_recorded(tmp_path / "child.json", first=signal.SIGTERM, grace_seconds=5)
    assert not (tmp_path / "child.json").exists()
    assert child.wait(60) == -signal.SIGTERM


def test_a_child_deaf_to_the_first_signal_is_killed(child: subprocess.Popen[bytes]) -> None:
    processes.end(child, first=signal.SIGCONT, grace_seconds=0.1)
    assert child.returncode == -signal.SIGKILL


def test_a_missing_or_broken_record_means_nobody(tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_text("{")
    assert processes.recorded_pid(tmp_path / "missing.json") is None
    assert processes.recorded_pid(tmp_path / "broken.json") is None


def test_a_zombie_counts_as_gone(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert processes.start_time(child.pid) is None


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children of their parent's death")
def test_a_child_ends_with_its_parent_even_if_that_is_killed() -> None:
    program = (
        "import os, signal, subprocess, sys; from sandbox import processes;"
        "child = subprocess.Popen([sys.executable, '-c', 'print(1, flush=True); input()'], stdin=subprocess.PIPE,"
        " preexec_fn=processes.end_with_parent(signal.SIGKILL));"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
    )
    out, _ = parent.communicate(timeout=60)  # the pipe closes only when the grandchild is gone too
    assert parent.returncode == -signal.SIGKILL
    assert out in (b"", b"1\n")


def test_a_port_with_a_listener_is_not_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert not processes.is_port_free(listener.getsockname()[1])


def test_a_free_port_is_free() -> None:
    assert processes.is_port_free(processes.free_port())
