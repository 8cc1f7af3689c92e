"""The demo's child processes: start, watch, wait and end them, so that none outlives the demo.

One thread, no exceptions out of signal handlers: a signal only sets a flag, and every wait looks at it. So a
child is always on record before anything can interrupt us.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from sandbox import postgres, processes
from sandbox.demo_home import ROOT, DemoError, Home

POLL_SECONDS = 0.1
#: After this long in silence a wait says that it is still waiting, and for what.
PATIENCE_SECONDS = 5.0

#: A part that ends more often than this is left alone: its log says why.
MOST_RESTARTS = 5


class StoppedError(Exception):
    """Somebody asked us to stop."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """A server that runs as long as the demo. ``restarts``: start it again when it ends by itself."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    grace_seconds: float = 10.0
    restarts: bool = True


@dataclass(frozen=True, kw_only=True)
class Errand:
    """A command that runs to its end."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]


class Progress:
    """Lines on the terminal with the seconds since the start."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._began

    def say(self, text: str) -> None:
        """Print one line with the time."""
        self.tell([f"{self.seconds:6.1f} s  {text}"])

    def tell(self, lines: Iterable[str]) -> None:
        """Print lines now, even into a pipe. A reader who went away does not end the demo."""
        try:
            print(*lines, sep="\n", flush=True)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class Parts:
    """All children of one demo."""

    def __init__(self, home: Home, progress: Progress) -> None:
        self._home = home
        self._progress = progress
        self._running: dict[str, tuple[Part, subprocess.Popen[bytes]]] = {}
        self._given_up: set[str] = set()
        self._restarts: Counter[str] = Counter()
        self._is_asked_to_stop = False
        self.postgres: postgres.Server | None = None
        #: False while the demo starts: then a part that ends is an error, later it is reported and restarted.
        self.is_ready = False

    def listen_to_signals(self) -> None:
        """Make Ctrl-C, a closed terminal and SIGTERM end the demo in order, also as a background child of a shell."""
        for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(name, self._ask_to_stop)

    def _ask_to_stop(self, number: int, frame: object) -> None:
        self._is_asked_to_stop = True

    def clean_up(self) -> bool:
        """End what a killed supervisor left behind in this home; return whether there was something."""
        left = [
            processes.end_recorded(path, first=signal.SIGTERM, grace_seconds=5)
            for path in sorted(self._home.folder("run").glob("*.json"))
        ]
        return any(left)

    def start(self, part: Part) -> None:
        """Start a part in a session of its own, its output going to ``logs/NAME.log``."""
        self._check()
        self._running[part.name] = (part, self._spawn(part.name, part.command, part.environment))

    def run(self, *errands: Errand, seconds: float = 120) -> list[str]:
        """Run commands side by side to their ends; return what each printed. Raises DemoError if one fails."""
        self._check()
        started = []
        try:
            for errand in errands:
                out = self._log(errand.name).with_suffix(".out")
                with out.open("wb") as file:
                    started.append(self._spawn(errand.name, errand.command, errand.environment, file))
            names = " and ".join(errand.name for errand in errands)
            self.wait(lambda: all(p.poll() is not None for p in started), names, seconds)
        finally:
            for errand, process in zip(errands, started, strict=False):
                processes.end(process, first=signal.SIGTERM, grace_seconds=5)
                self._record(errand.name).unlink(missing_ok=True)
        for errand, process in zip(errands, started, strict=True):
            if process.returncode != 0:
                raise DemoError(f"{errand.name} failed:\n{self._tail(errand.name)}")
        return [self._log(errand.name).with_suffix(".out").read_text() for errand in errands]

    def wait(
        self, condition: Callable[[], bool], what: str, seconds: float, *, is_silent: bool = False
    ) -> None:
        """Wait until ``condition`` holds, watching all parts meanwhile. Raises DemoError after ``seconds``.

        Says every few seconds what it waits for, unless ``is_silent``: the condition speaks for itself then.
        """
        began = time.monotonic()
        next_word = began + PATIENCE_SECONDS
        while not condition():
            now = time.monotonic()
            if now - began > seconds:
                raise DemoError(f"Waited {seconds:.0f} s for {what}, in vain; see {self._home.path / 'logs'}")
            if now > next_word and not is_silent:
                self._progress.say(f"… waiting for {what}")
                next_word = now + PATIENCE_SECONDS
            self.watch()
            time.sleep(POLL_SECONDS)

    def watch(self) -> None:
        """Look after everybody: parts that ended are started again. Raises StoppedError, DemoError."""
        self._check()
        if self.postgres is not None and self.postgres.restart_if_dead():
            self._progress.say("Postgres had ended; it was started again and has recovered")
        for name, (part, process) in list(self._running.items()):
            if name not in self._given_up and process.poll() is not None:
                self._replace(part, process)

    def _replace(self, part: Part, process: subprocess.Popen[bytes]) -> None:
        if not self.is_ready:
            raise DemoError(f"{part.name} ended with status {process.returncode}:\n{self._tail(part.name)}")
        self._progress.say(f"{part.name} ended with status {process.returncode}; the end of its log:")
        self._progress.tell([self._tail(part.name)])
        processes.end(process, first=signal.SIGTERM, grace_seconds=1)
        self._restarts[part.name] += 1
        if part.restarts and self._restarts[part.name] <= MOST_RESTARTS:
            self._progress.say(f"starting {part.name} again")
            self._running[part.name] = (part, self._spawn(part.name, part.command, part.environment))
        else:
            self._given_up.add(part.name)
            again = f"cd {shlex.quote(str(ROOT))} && {shlex.join(part.command)}"
            self._progress.say(f"{part.name} stays down. To start it again: {again}")

    def stop(self) -> None:
        """End every part, the last started first, then Postgres. Cannot be interrupted."""
        self._is_asked_to_stop = False
        for part, process in reversed(list(self._running.values())):
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
            if part.name == "airflow-scheduler":
                processes.end(process, first=signal.SIGTERM, grace_seconds=part.grace_seconds)
        for part, process in reversed(list(self._running.values())):
            processes.end(process, first=signal.SIGTERM, grace_seconds=part.grace_seconds)
            self._record(part.name).unlink(missing_ok=True)
        self._running.clear()
        if self.postgres is not None:
            self.postgres.stop()
            self.postgres = None

    def _check(self) -> None:
        if self._is_asked_to_stop:
            raise StoppedError

    def _spawn(
        self, name: str, command: Sequence[str], environment: Mapping[str, str], out: IO[bytes] | None = None
    ) -> subprocess.Popen[bytes]:
        with self._log(name).open("wb") as log:
            process = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=out or log,
                stderr=log,
                env=dict(environment),
                cwd=ROOT,
                start_new_session=True,
                preexec_fn=processes.end_with_parent(signal.SIGTERM),
            )
        processes.record(self._record(name), process.pid)
        return process

    def _log(self, name: str) -> Path:
        return self._home.folder("logs") / f"{name}.log"

    def _record(self, name: str) -> Path:
        return self._home.folder("run") / f"{name}.json"

    def _tail(self, name: str, lines: int = 20) -> str:
        text = self._log(name).read_text(errors="replace").splitlines()
        return "\n".join(f"    {line}" for line in text[-lines:]) + f"\n  (all of it: {self._log(name)})"


def answers(url: str) -> bool:
    """Tell whether a GET of ``url`` is answered with a success right now."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(200 <= answer.status < 300)
    except (OSError, urllib.error.URLError):
        return False


def python(*words: str) -> list[str]:
    """Return the command that runs ``words`` with this very interpreter."""
    return [sys.executable, *words]
