"""What the benchmarks stand on: a Postgres of their own, both stand-ins in a process of their own, opened edges."""

from __future__ import annotations

import json
import os
import secrets
import signal
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import psycopg2
from psycopg2.extras import RealDictCursor

from benchmarks import sandbox
from contact_sync import database, edges, migrations, tenants, transport
from sandbox import places, postgres

WORKSPACE = "bench"
SALESFORCE = "salesforce_default"
RESPOND = "respond_io_default"

_MEMORY_MB = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20
#: Durable, as in production; buffers as PostgreSQL's manual advises, a quarter of the machine's memory.
SETTINGS = {
    "shared_buffers": f"{_MEMORY_MB // 4}MB",
    "max_wal_size": "4GB",
    "min_wal_size": "1GB",
    "work_mem": "64MB",
}
_SHOWN = ("server_version", "fsync", "synchronous_commit", *SETTINGS)

_SESSIONS = """
SELECT count(*) FROM pg_stat_activity WHERE application_name = 'contact-sync' AND datname = current_database()
"""
_WRITTEN = """
SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)::bigint AS rows
  FROM pg_stat_user_tables
 WHERE schemaname = 'contact_sync' AND relname = ANY (%(tables)s)
"""


class Sql:
    """SQL as a benchmark writes it, as the superuser, each statement committed at once."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg2.connect(
            url, options="-c search_path=contact_sync,public -c timezone=UTC -c jit=off"
        )
        self._connection.autocommit = True

    def __call__(self, text: str, **params: Any) -> list[dict[str, Any]]:
        """Run one statement; return its rows, if it has any."""
        with self._connection.cursor(cursor_factory=RealDictCursor) as cursor:
            cursor.execute(text, params or None)
            return [dict(row) for row in cursor.fetchall()] if cursor.description else []

    def value(self, text: str, **params: Any) -> Any:
        """Return the only cell of the only row."""
        [row] = self(text, **params)
        [cell] = row.values()
        return cell

    def copy_file(self, command: str, path: Path) -> None:
        """COPY a local file."""
        with self._connection.cursor() as cursor, path.open("rb") as file:
            cursor.copy_expert(command, file)

    def close(self) -> None:
        """Give the connection back."""
        self._connection.close()


@dataclass(frozen=True, kw_only=True)
class StandIns:
    """Both stand-ins of one data directory, running."""

    directory: Path
    salesforce_url: str
    respond_url: str
    secrets: Mapping[str, Any]
    #: What a client trusts them by: True for http.
    verify: ssl.SSLContext | bool

    def steer(self, system: str, method: str, path: str, body: Any = None) -> Any:
        """Call a control route of ``salesforce`` or ``respond``; return its JSON."""
        url = self.salesforce_url if system == "salesforce" else self.respond_url
        answer = httpx.request(method, f"{url}/_sandbox{path}", json=body, verify=self.verify, timeout=60)
        return answer.raise_for_status().json() if answer.content else None

    def forget(self, system: str) -> None:
        """Begin the journal anew."""
        self.steer(system, "DELETE", "/journal")

    def calls(self, system: str) -> list[dict[str, Any]]:
        """Return the requests since the journal began, oldest first."""
        found: list[dict[str, Any]] = self.steer(system, "GET", "/journal?limit=100000")["requests"]
        return found

    def delay(self, system: str, seconds: float) -> None:
        """Let every request from now on take so much longer, as over a far network."""
        self.steer(system, "DELETE", "/faults")
        self.steer(system, "POST", "/faults", {"times": None, "delay_before_seconds": seconds})

    def lookup(self, conn_id: str) -> Mapping[str, Any]:
        """Return a connection's fields, as Airflow would."""
        if conn_id == RESPOND:
            return {"host": f"{self.respond_url}/v2", "password": self.secrets["respond_token"]}
        keys = {name: self.secrets[name] for name in ("consumer_key", "consumer_secret")}
        return {"extra": {**keys, "login_url": self.salesforce_url, "instance_url": self.salesforce_url}}


@dataclass(frozen=True, kw_only=True)
class Ground:
    """A migrated database on a server of its own, and a superuser's hand in it."""

    server: postgres.Server
    name: str
    db: database.Database
    sql: Sql

    @property
    def url(self) -> str:
        """Where the application's role connects to."""
        return self.server.url(self.name, "contact_sync")

    def written(self, *tables: str) -> int:
        """Return how many rows were ever inserted, updated or deleted in ``tables``."""
        # sessions tell the server what they wrote when they end, at the latest
        self.db.close()
        while self.sql.value(_SESSIONS):
            time.sleep(0.02)
        count: int = self.sql.value(_WRITTEN, tables=list(tables))
        return count


@contextmanager
def folder(bench: str) -> Iterator[Path]:
    """A directory that is gone at the end, also where somebody ends us politely."""
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(143))
    with tempfile.TemporaryDirectory(prefix=f"bench-{bench}-") as name:
        yield Path(name)


@contextmanager
def server(directory: Path) -> Iterator[postgres.Server]:
    """Run a Postgres until the block ends."""
    started = postgres.start(directory / "postgres", settings=SETTINGS)
    try:
        yield started
    finally:
        started.stop()


def settings(running: postgres.Server) -> dict[str, str]:
    """Return the server's settings that figures depend on."""
    sql = Sql(running.url("postgres"))
    try:
        return {name: sql.value(f"SHOW {name}") for name in _SHOWN}
    finally:
        sql.close()


@contextmanager
def ground(running: postgres.Server, name: str) -> Iterator[Ground]:
    """A new migrated database of that name, dropped at the end: else the server tidies it up while others are timed."""
    postgres.psql(running, f"CREATE DATABASE {name} OWNER contact_sync_owner")
    owner = database.Database(running.url(name, "contact_sync_owner"))
    migrations.migrate(owner)
    owner.close()
    db, sql = database.Database(running.url(name, "contact_sync")), Sql(running.url(name))
    try:
        yield Ground(server=running, name=name, db=db, sql=sql)
    finally:
        sql.close()
        db.close()
        postgres.psql(running, f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def stand_ins(directory: Path, *, is_https: bool = False) -> Iterator[StandIns]:
    """Serve both stand-ins of ``directory`` until the block ends; yield them once both are ready."""
    options = ["--data", str(directory), "--salesforce-port", "0", "--respond-port", "0"]
    command = [sys.executable, "-m", "sandbox", "serve", *options, *(["--https"] if is_https else [])]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        urls = [process.stdout.readline().split()[-1] for _ in range(2)]
        verify = _trusting(directory) if is_https else True
        for url in urls:
            sandbox.wait_for_health(url, verify=verify)
        held = json.loads((directory / "credentials.json").read_text(encoding="utf-8"))
        yield StandIns(
            directory=directory, salesforce_url=urls[0], respond_url=urls[1], secrets=held, verify=verify
        )
    finally:
        process.terminate()
        process.wait(timeout=30)


@contextmanager
def opened(place: Ground, served: StandIns) -> Iterator[edges.Edges]:
    """Edges over the database and the stand-ins."""
    with ExitStack() as stack:
        http = stack.enter_context(transport.http_client(verify=served.verify))
        yield edges.Edges(place.db, http, lookup=served.lookup, secret=secrets.token_hex(32))


def connect(
    place: Ground, opened_edges: edges.Edges, shown: Sequence[str], *, is_editing: bool = False
) -> str:
    """Connect the org to one workspace that shows (and edits) fields; return the org's id."""
    session = opened_edges.salesforce(SALESFORCE, org_id=None, lane="extract")
    org_id = tenants.connect_org(place.db, session, default_region="DE")
    tenants.set_workspace(place.db, WORKSPACE, respond_conn_id=RESPOND, editing_enabled=is_editing)
    tenants.connect_workspace(place.db, WORKSPACE, org_id)
    choices = [tenants.FieldChoice(name=name, is_editable=is_editing) for name in shown]
    tenants.choose_fields(place.db, WORKSPACE, choices)
    return str(org_id)


def at(call: Mapping[str, Any]) -> datetime:
    """Return when a journalled request came in."""
    return datetime.fromisoformat(call["at"])


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least ``share`` of all are no greater than."""
    ordered = sorted(values)
    return ordered[max(0, -(-int(share * 1000) * len(ordered) // 1000) - 1)]


def _trusting(directory: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(places.Places(directory).authority))
