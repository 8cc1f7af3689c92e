"""Workers that die: a process that plays one stage per line of its input, each in a child that may be killed.

Imports are paid once: the process has no threads, so its children are forks. Run as a program it is that process.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from contact_sync import database, records, transport
from contact_sync.salesforce import auth
from contact_sync.stages import apply_edits

_ROOT = Path(__file__).parents[2]
_STAGES = {"apply_edits": apply_edits.run}


class Nursery:
    """Begets workers, one at a time."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def begin(self, stage: str, **order: Any) -> int:
        """Let a worker begin; return its pid."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"stage": stage, **order}) + "\n")
        self._process.stdin.flush()
        return int(self._heard())

    def end(self) -> int:
        """Wait for the worker's end; return its exit status, minus the signal that killed it."""
        return os.waitstatus_to_exitcode(int(self._heard()))

    def _heard(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the nursery ended"
        return line


@contextmanager
def nursery() -> Iterator[Nursery]:
    """Yield a nursery; at the end it and its worker are gone."""
    path = os.pathsep.join((str(_ROOT), str(_ROOT / "plugins")))
    with subprocess.Popen(
        [sys.executable, "-m", "tests.stages.mortal"],
        cwd=_ROOT,
        env={**os.environ, "PYTHONPATH": path},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield Nursery(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()


def kill(pid: int) -> None:
    """Kill a worker, if it still lives."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def main() -> int:
    """Play an order per line; tell each worker's pid, then its wait status."""
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            _play(**json.loads(line))
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()
        _, status = os.waitpid(pid, 0)
        sys.stdout.write(f"{status}\n")
        sys.stdout.flush()
    return 0


def _play(
    stage: str, database_url: str, salesforce_url: str, secret: str, org_id: str, lane: records.Lane
) -> None:
    status = 1
    try:
        db = database.Database(database_url, secret=secret)
        connection = records.SalesforceConnection(
            conn_id="salesforce_default",
            login_url=salesforce_url,
            consumer_key="key",
            consumer_secret="s3cret",
        )
        with transport.http_client(salesforce_url) as http:
            session = auth.Session(
                db, http, connection, org_id=records.OrgId(org_id), lane=lane, secret=secret
            )
            _STAGES[stage](db, session, org_id=org_id, run_id=f"worker-{os.getpid()}")
        status = 0
    finally:
        os._exit(status)


if __name__ == "__main__":
    sys.exit(main())
