"""A worker that is killed on order. This process stays; each worker is a fork of it, so that twenty deaths are quick.

Reads where the org is as one line of JSON, then one order a line: ``{"step": n}`` kills the worker with SIGKILL
right before its n-th step (a statement, a COPY, a block of a COPY, an HTTP request), ``{"seconds": s}`` after that
time, ``{}`` never. Answers each with one line: ``killed``, ``done``, or ``failed`` with the error's name.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx

from contact_sync import database, errors, records, transport
from contact_sync.salesforce import auth, bulk
from contact_sync.stages import extract_salesforce_contacts, load_salesforce_contacts

Place = dict[str, Any]

_lock = threading.Lock()


def main() -> None:
    """Obey until the orders end."""
    place = json.loads(sys.stdin.readline())
    for line in sys.stdin:
        order = json.loads(line)
        sys.stdout.write(_told(_worker(place, order), order) + "\n")
        sys.stdout.flush()


def _worker(place: Place, order: dict[str, float]) -> int:
    """Fork a worker; return its process id."""
    pid = os.fork()
    if pid == 0:
        os._exit(_work(place, order))
    return pid


def _told(pid: int, order: dict[str, float]) -> str:
    if "seconds" in order:
        time.sleep(order["seconds"])
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        return "killed"
    return "done" if os.WEXITSTATUS(status) == 0 else "failed"


def _work(place: Place, order: dict[str, float]) -> int:
    """Extract, then load what is planned, in both lanes. 0 if all of it went well."""
    extract_salesforce_contacts.SMALL = place["small"]
    bulk.SET_ROWS = place["set_rows"]
    bulk._POLL_FIRST_SECONDS = 0.01
    _die_at(int(order.get("step", sys.maxsize)))
    db = database.Database(place["database_url"], secret=place["secret"])
    try:
        with transport.http_client(place["url"]) as http:
            _run(db, http, place)
    except errors.ContactSyncError as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        return 1
    return 0


def _run(db: database.Database, http: httpx.Client, place: Place) -> None:
    connection = records.SalesforceConnection(
        conn_id="salesforce_default", login_url=place["url"], consumer_key="key", consumer_secret="s3cret"
    )
    org_id = records.OrgId(place["org_id"])
    extracting, filling = (
        auth.Session(db, http, connection, org_id=org_id, lane=lane, secret=place["secret"])
        for lane in ("extract", "backfill")
    )
    name = f"{os.getpid()}"
    extract_salesforce_contacts.run(db, extracting, org_id=org_id, run_id=f"extract-{name}")
    for session in (extracting, filling):
        load_salesforce_contacts.run(db, session, org_id=org_id, run_id=f"load-{name}-{session.lane}")


def _die_at(step: int) -> None:
    """Count what reaches the outside, whichever thread does it, and die before the given step."""
    steps = itertools.count(1)

    def stepping(function: Callable[..., Any]) -> Callable[..., Any]:
        def stepped(*arguments: Any, **options: Any) -> Any:
            with _lock:
                if next(steps) == step:
                    os.kill(os.getpid(), signal.SIGKILL)
            return function(*arguments, **options)

        return stepped

    for owner, name in (
        (database.Transaction, "_run"),
        (database.Transaction, "_copy"),
        (httpx.Client, "send"),
        (bulk.ResultSet, "read"),
    ):
        setattr(owner, name, stepping(getattr(owner, name)))


if __name__ == "__main__":
    main()
