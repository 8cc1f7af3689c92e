"""Child processes that can be found again: each has its own session, and its pid and start time on record.

A process id alone is not enough: after a crash or a reboot the same id may belong to a stranger. Nothing
here ends a process that was not recorded by us. Standard library only.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path


def end_with_parent(number: signal.Signals) -> Callable[[], None] | None:
    """Return what a new child must call so that it gets signal ``number`` when we die, however we die.

    None where the system has no such thing (only Linux has: prctl(2), PR_SET_PDEATHSIG). The child forgets
    it when it changes its user.
    """
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is None:
        return None
    return lambda: prctl(1, int(number))


def start_time(pid: int) -> str | None:
    """Return what distinguishes this process from a later one with the same id, or None if it is gone.

    A zombie counts as gone: it does no work and holds no port.
    """
    stat = Path(f"/proc/{pid}/stat")
    if Path("/proc/self/stat").exists():
        try:
            after_name = stat.read_text().rpartition(")")[2].split()
        except OSError:
            return None
        return None if after_name[0] in "ZX" else after_name[19]
    answer = subprocess.run(
        ["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return answer.stdout.strip() or None


def record(path: Path, pid: int) -> None:
    """Write down that ``pid`` is ours, so that a later start can end it (`end_recorded`)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"pid": pid, "started": start_time(pid)}))


def recorded_pid(path: Path) -> int | None:
    """Return the id of the recorded process if that very process still runs, else None."""
    try:
        entry = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    is_same = entry["started"] is not None and start_time(entry["pid"]) == entry["started"]
    return int(entry["pid"]) if is_same else None


def end_recorded(path: Path, *, first: signal.Signals, grace_seconds: float) -> bool:
    """End the process recorded at ``path`` with its group, if it still runs; return whether it did.

    ``first`` is sent to the process, SIGKILL to its whole group after ``grace_seconds``.
    """
    pid = recorded_pid(path)
    if pid is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, first)
        deadline = time.monotonic() + grace_seconds
        while recorded_pid(path) is not None and time.monotonic() < deadline:
            time.sleep(0.05)
    kill_group(path)
    path.unlink(missing_ok=True)
    return pid is not None


def kill_group(path: Path) -> None:
    """Kill what is left of the recorded process's group; harmless if nothing is."""
    try:
        pid = int(json.loads(path.read_text())["pid"])
    except (OSError, ValueError):
        return
    if start_time(pid) is not None and recorded_pid(path) is None:
        return  # the id belongs to a stranger now
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def end(process: subprocess.Popen[bytes], *, first: signal.Signals, grace_seconds: float) -> None:
    """End our own child and reap it: ``first`` to the child, SIGKILL to its group after the grace."""
    if process.poll() is None:
        process.send_signal(first)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(grace_seconds)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def free_port() -> int:
    """Return a TCP port of the loopback interface that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_port_free(port: int) -> bool:
    """Tell whether a server could listen on this loopback port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
