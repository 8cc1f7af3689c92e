"""Where one sandbox keeps its files, and the secrets that were made with it.

``credentials.json`` (mode 0600) is created with the data: what a client needs to log in to either stand-in.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox import private_files

RESPOND_SPACE_ID = 4711
RESPOND_ORG_ID = 1147


class SandboxError(RuntimeError):
    """Something a person asked for that is impossible; nothing was done, the message says what to do."""


class InUseError(SandboxError):
    """Another process works on this sandbox's data."""


@dataclass(frozen=True, slots=True)
class Places:
    """The files of one sandbox directory."""

    directory: Path

    @property
    def salesforce(self) -> Path:
        """The org's records."""
        return self.directory / "salesforce.sqlite3"

    @property
    def respond(self) -> Path:
        """The workspace's contacts."""
        return self.directory / "respond.sqlite3"

    @property
    def truth(self) -> Path:
        """Who is who: written when people are made."""
        return self.directory / "truth.json"

    @property
    def credentials(self) -> Path:
        """Secrets of both stand-ins."""
        return self.directory / "credentials.json"

    @property
    def authority(self) -> Path:
        """The certificate authority of the last ``--https`` start, PEM."""
        return self.directory / "ca.pem"

    @property
    def id_map(self) -> Path:
        """Ids of a loaded file that are none, and the ones minted for them."""
        return self.directory / "id-map.csv"

    @property
    def is_populated(self) -> bool:
        """True once people have been made or loaded here."""
        return self.truth.exists()

    @contextlib.contextmanager
    def claimed(self) -> Iterator[None]:
        """Hold the directory for this process. Raises InUseError where another one holds it."""
        self.directory.mkdir(parents=True, exist_ok=True)
        with (self.directory / "lock").open("w") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as exc:
                raise InUseError(
                    f"{self.directory} is in use by another sandbox process; stop it first"
                ) from exc
            yield

    def clear(self) -> None:
        """Delete what this sandbox wrote, and nothing else."""
        for path in (self.truth, self.credentials, self.authority, self.id_map):
            path.unlink(missing_ok=True)
        for path in (*self.directory.glob("salesforce.sqlite3*"), *self.directory.glob("respond.sqlite3*")):
            path.unlink()


def ensure_credentials(places: Places, *, org_id: str, integration_user_id: str) -> dict[str, Any]:
    """Return the sandbox's credentials, making them on first use."""
    if places.credentials.exists():
        held: dict[str, Any] = json.loads(places.credentials.read_text(encoding="utf-8"))
        return held
    made = {
        "consumer_key": "3MVG9" + secrets.token_urlsafe(48),
        "consumer_secret": secrets.token_hex(32).upper(),
        "respond_token": _respond_token(),
        "org_id": org_id,
        "integration_user_id": integration_user_id,
        "respond_space_id": RESPOND_SPACE_ID,
        "respond_org_id": RESPOND_ORG_ID,
    }
    private_files.write(places.credentials, json.dumps(made, indent=2))
    return made


def _respond_token() -> str:
    """Return a token of three parts like the vendor's: the payload names workspace and organization."""
    payload = {
        "iat": int(time.time()),
        "id": 1,
        "spaceId": RESPOND_SPACE_ID,
        "orgId": RESPOND_ORG_ID,
        "type": "api",
    }
    parts = (
        json.dumps({"alg": "HS256", "typ": "JWT"}).encode(),
        json.dumps(payload).encode(),
        secrets.token_bytes(32),
    )
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)
