"""The supervisor's children: watched while they live, gone when it goes."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import processes
from sandbox.demo_home import DemoError, Home, Options
from sandbox.demo_parts import Errand, Part, Parts, Progress, StoppedError, answers

FOREVER = "import time; time.sleep(600)"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    opened = Home(Options(home=tmp_path))
    yield opened
    opened.close()


@pytest.fixture
def parts(home: Home) -> Iterator[Parts]:
    before = {name: signal.getsignal(name) for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    children = Parts(home, Progress())
    children.listen_to_signals()
    yield children
    children.stop()
    for name, action in before.items():
        signal.signal(name, action)


def child(program: str, *, name: str = "child", restarts: bool = True) -> Part:
    return Part(
        name=name, command=[sys.executable, "-c", program], environment=dict(os.environ), restarts=restarts
    )


def errand(program: str, name: str = "errand") -> Errand:
    return Errand(name=name, command=[sys.executable, "-c", program], environment=dict(os.environ))


def pid_of(home: Home, name: str = "child") -> int:
    pid = processes.recorded_pid(home.path / "run" / f"{name}.json")
    assert pid is not None
    return pid


def test_stopping_leaves_no_process_and_no_record(home: Home, parts: Parts) -> None:
    parts.start(child(FOREVER))
    pid = pid_of(home)
    parts.stop()
    assert processes.start_time(pid) is None
    assert list((home.path / "run").iterdir()) == []


def test_grandchildren_are_ended_too(tmp_path: Path, parts: Parts) -> None:
    grandchild = tmp_path / "grandchild"
    program = f"import os, pathlib; pathlib.Path({str(grandchild)!r}).write_text(str(os.getpid())); {FOREVER}"
    parts.start(child(f"import subprocess, sys; subprocess.run([sys.executable, '-c', {program!r}])"))
    parts.wait(lambda: grandchild.exists() and grandchild.read_text() != "", "the grandchild", 10)
    parts.stop()
    parts.wait(lambda: processes.start_time(int(grandchild.read_text())) is None, "its end", 10)


def test_a_child_that_ends_during_the_start_is_an_error_with_the_end_of_its_log(parts: Parts) -> None:
    parts.start(child("import sys; sys.exit('the reason')"))
    with pytest.raises(DemoError, match=r"child ended with status 1:\n.*the reason"):
        parts.wait(lambda: False, "nothing", 10)


def test_a_child_that_ends_later_is_started_again(home: Home, parts: Parts) -> None:
    parts.start(child(FOREVER))
    parts.is_ready = True
    first = pid_of(home)
    os.kill(first, signal.SIGKILL)
    parts.wait(
        lambda: processes.recorded_pid(home.path / "run/child.json") not in (None, first), "the new one", 10
    )


def test_a_part_that_may_stay_down_does(home: Home, parts: Parts, capsys: pytest.CaptureFixture[str]) -> None:
    parts.start(child(FOREVER, restarts=False))
    parts.is_ready = True
    os.kill(pid_of(home), signal.SIGKILL)
    parts.wait(lambda: processes.recorded_pid(home.path / "run/child.json") is None, "its end", 10)
    parts.watch()
    assert "child stays down. To start it again:" in capsys.readouterr().out


def test_what_an_errand_prints_is_returned(parts: Parts) -> None:
    assert parts.run(errand("print('one')", "one"), errand("print('two')", "two")) == ["one\n", "two\n"]


def test_a_failed_errand_shows_its_reason(parts: Parts) -> None:
    with pytest.raises(DemoError, match=r"errand failed:\n.*the reason"):
        parts.run(errand("import sys; sys.exit('the reason')"))


def test_an_errand_that_takes_too_long_is_ended(home: Home, parts: Parts) -> None:
    with pytest.raises(DemoError, match=r"Waited 0 s for errand, in vain"):
        parts.run(errand(FOREVER), seconds=0.2)
    assert list((home.path / "run").iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_every_wait(parts: Parts, number: signal.Signals) -> None:
    os.kill(os.getpid(), number)
    with pytest.raises(StoppedError):
        parts.wait(lambda: False, "nothing", 10)


def test_a_signal_during_an_errand_ends_the_errand_too(home: Home, parts: Parts) -> None:
    program = f"import os, signal; os.kill(os.getppid(), signal.SIGINT); {FOREVER}"
    with pytest.raises(StoppedError):
        parts.run(errand(program))
    assert list((home.path / "run").iterdir()) == []


def test_what_a_killed_supervisor_left_is_ended_by_the_next(home: Home, parts: Parts) -> None:
    parts.start(child("import signal; signal.signal(signal.SIGTERM, signal.SIG_DFL); " + FOREVER))
    pid = pid_of(home)
    assert Parts(home, Progress()).clean_up()
    os.waitpid(pid, 0)
    assert processes.start_time(pid) is None


def test_a_url_nobody_listens_on_does_not_answer() -> None:
    assert not answers(f"http://127.0.0.1:{processes.free_port()}/health")
