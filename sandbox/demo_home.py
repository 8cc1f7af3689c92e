"""The folder in which one demo lives: its lock, its remembered settings, secrets and ports, and demo.json."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from sandbox import private_files, processes

ROOT = Path(__file__).resolve().parents[1]

#: The servers of a demo, each with an option ``--NAME-port``.
SERVERS = ("airflow", "postgres", "salesforce", "respond", "sidebar")

DEFAULT_CONTACTS = 5_000
DEFAULT_SEED = 1


class DemoError(Exception):
    """The demo cannot go on. The message is what its user reads: what is wrong and what to do."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What the person typed. None: not given."""

    home: Path
    contacts: int | None = None
    seed: int | None = None
    once: bool = False
    ports: dict[str, int | None] = field(default_factory=dict)


class Home:
    """An opened home: ours alone until `close`. Raises DemoError if another demo uses it or it was made otherwise."""

    def __init__(self, options: Options) -> None:
        self.path = options.home.resolve()
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = _locked(self.path)
        try:
            self._settings = self._load(options)
            self.ports = self._choose_ports(options)
        except BaseException:
            self.close()
            raise

    @property
    def contacts(self) -> int:
        """How many Salesforce contacts this home's population has."""
        return int(self._settings["contacts"])

    @property
    def seed(self) -> int:
        """The seed this home's population was made with."""
        return int(self._settings["seed"])

    def secret(self, name: str) -> str:
        """Return a generated secret that stays the same for this home."""
        return str(self._settings["secrets"][name])

    def folder(self, name: str) -> Path:
        """Return a folder of this home, made if missing."""
        path = self.path / name
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        return path

    def write_private(self, name: str, text: str) -> None:
        """Write a file of this home that only its owner can read, whole or not at all."""
        private_files.write(self.path / name, text)

    def remove(self, name: str) -> None:
        """Remove a file of this home, if it is there."""
        (self.path / name).unlink(missing_ok=True)

    def close(self) -> None:
        """Let another demo use this home."""
        self._lock.close()

    def _load(self, options: Options) -> dict[str, Any]:
        path = self.path / "settings.json"
        if not path.exists():
            settings = _new_settings(options)
            private_files.write(path, json.dumps(settings, indent=2))
            return settings
        kept: dict[str, Any] = json.loads(path.read_text())
        asked = {"contacts": options.contacts, "seed": options.seed}
        if any(value not in (None, kept[name]) for name, value in asked.items()):
            raise DemoError(
                f"{self.path} was made with --contacts {kept['contacts']} --seed {kept['seed']}: "
                "leave these options out, or name another --home"
            )
        return kept

    def _choose_ports(self, options: Options) -> dict[str, int]:
        """Given ports must be free; the others stay as they were last time if they can."""
        last: dict[str, int] = self._settings.get("ports", {})
        ports: dict[str, int] = {}
        for server in SERVERS:
            given = options.ports.get(server)
            if given is not None and not processes.is_port_free(given):
                raise DemoError(f"Port {given} is in use: choose another one with --{server}-port")
            ports[server] = given or last.get(server) or 0
        taken = [port for server, port in ports.items() if options.ports.get(server)]
        for server in SERVERS:
            if options.ports.get(server) is None:
                ports[server] = _free_port(ports[server], taken)
                taken.append(ports[server])
        if len(set(ports.values())) < len(ports):
            raise DemoError("Two servers were given the same port: change one of the --…-port options")
        self._settings["ports"] = ports
        private_files.write(self.path / "settings.json", json.dumps(self._settings, indent=2))
        return ports


def _new_settings(options: Options) -> dict[str, Any]:
    return {
        "contacts": DEFAULT_CONTACTS if options.contacts is None else options.contacts,
        "seed": DEFAULT_SEED if options.seed is None else options.seed,
        "secrets": {
            "contact_sync": secrets.token_urlsafe(48),
            "airflow_jwt": secrets.token_urlsafe(64),
            "airflow_api": secrets.token_urlsafe(48),
            "airflow_fernet": urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        },
    }


def _free_port(preferred: int, taken: list[int]) -> int:
    """Return the preferred port if it is free and not promised to another server, else any free one."""
    port = preferred
    while port == 0 or port in taken or not processes.is_port_free(port):
        port = processes.free_port()
    return port


def _locked(path: Path) -> IO[str]:
    """Take the home's lock, which the kernel gives back when we end, however we end."""
    lock = (path / "lock").open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.seek(0)
        pid = lock.read().strip() or "unknown"
        lock.close()
        raise DemoError(
            f"Another demo runs in {path} (process {pid}): end it with Ctrl-C, or name another --home"
        ) from error
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock
