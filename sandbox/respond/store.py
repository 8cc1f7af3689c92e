"""The workspace behind the respond.io stand-in: contacts, tags, fields and switches in one SQLite file.

A contact is kept as the JSON that GET answers. The list shows it as it was until ``indexed_at``: ``stale`` holds the
former JSON, or nothing if the contact did not exist then.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sandbox import journal
from sandbox.respond import switches as switchboard
from sandbox.respond.contact import Contact, Identifier, new_contact

#: Contact ids begin here, so that none looks like a row number.
FIRST_CONTACT_ID = 101_000_001

#: One encoder for all: a million contacts need no million encoders.
_encoded = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS contact (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    email        TEXT COLLATE NOCASE,
    phone        TEXT,
    created_at   REAL NOT NULL,
    indexed_at   REAL NOT NULL DEFAULT 0,
    queued_until REAL NOT NULL DEFAULT 0,
    body         TEXT NOT NULL,
    stale        TEXT
);
CREATE INDEX IF NOT EXISTS contact_by_email ON contact (email, id);
CREATE INDEX IF NOT EXISTS contact_by_phone ON contact (phone, id);
CREATE INDEX IF NOT EXISTS contact_by_creation ON contact (created_at);
CREATE TABLE IF NOT EXISTS item (
    kind TEXT NOT NULL,
    id   INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL COLLATE NOCASE,
    body TEXT NOT NULL,
    UNIQUE (kind, name)
);
CREATE TABLE IF NOT EXISTS message (
    id         INTEGER PRIMARY KEY,
    contact_id INTEGER NOT NULL,
    body       TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS message_by_contact ON message (contact_id, id);
"""


class Store:
    """One workspace. Every verb is one transaction, safe to call from several threads."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.executescript(_SCHEMA + journal.HISTORY_SCHEMA)
        self._connection.execute(
            "INSERT INTO sqlite_sequence (name, seq) SELECT 'contact', ? "
            "WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'contact')",
            (FIRST_CONTACT_ID - 1,),
        )
        self._lock = threading.RLock()
        self.switches = switchboard.switched(switchboard.Switches(), self.meta("switches") or {})

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Hold the store for one transaction: nobody else reads or writes in between."""
        with self._lock:
            if self._connection.in_transaction:
                yield self._connection
                return
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def meta(self, name: str) -> Any:
        """Return a remembered value, or None."""
        with self._lock:
            row = self._connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return json.loads(row[0]) if row else None

    def set_meta(self, name: str, value: Any) -> None:
        """Remember a JSON value across restarts."""
        with self.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)", (name, json.dumps(value))
            )

    def switch(self, wanted: Mapping[str, Any]) -> switchboard.Switches:
        """Change switches and remember them. Raises SwitchError for a position that does not exist."""
        self.switches = switchboard.switched(self.switches, wanted)
        self.set_meta("switches", switchboard.as_json(self.switches))
        return self.switches

    def count(self) -> int:
        """Return how many contacts there are."""
        with self._lock:
            return int(self._connection.execute("SELECT count(*) FROM contact").fetchone()[0])

    def insert_contacts(self, contacts: Iterable[Mapping[str, Any]]) -> list[int]:
        """Insert contacts that have been there for a while: in the list at once, no history, no webhook.

        Each mapping holds fields of the vendor's shape; ``id`` is minted in order where it is missing.
        Returns the ids in the order given.
        """
        with self.transaction() as connection:
            row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'contact'").fetchone()
            ids: list[int] = []
            rows = (_row(given, ids, row[0]) for given in contacts)
            connection.executemany(
                "INSERT INTO contact (id, email, phone, created_at, body) VALUES (?, ?, ?, ?, ?)", rows
            )
        return ids

    def get(self, contact_id: int) -> Contact | None:
        """Return a contact as GET shows it, or None."""
        with self._lock:
            row = self._connection.execute("SELECT body FROM contact WHERE id = ?", (contact_id,)).fetchone()
        return json.loads(row[0]) if row else None

    def find(self, identifier: Identifier) -> Contact | None:
        """Return the first contact the identifier names (lowest id), or None."""
        with self._lock:
            row = self._connection.execute(_FIND[self._finder(identifier)], (identifier.value,)).fetchone()
        return json.loads(row[0]) if row else None

    def is_queued(self, contact_id: int) -> bool:
        """Say whether the contact is still being processed after its creation (449)."""
        with self._lock:
            row = self._connection.execute(
                "SELECT queued_until FROM contact WHERE id = ?", (contact_id,)
            ).fetchone()
        return bool(row) and row[0] > time.time()

    def create(self, fields: Mapping[str, Any], *, actor: str = "api") -> Contact:
        """Create a contact; the list shows it after the index lag, writes answer 449 while it is queued."""
        now = time.time()
        with self.transaction() as connection:
            created_at = int(fields.get("created_at", now))
            cursor = connection.execute(
                "INSERT INTO contact (created_at, indexed_at, queued_until, body) VALUES (?, ?, ?, '')",
                (created_at, now + self.switches.index_lag_seconds, now + self.switches.queued_seconds),
            )
            contact = new_contact(int(cursor.lastrowid or 0), created_at) | dict(fields)
            self._write(connection, contact)
            changes = {name: (None, value) for name, value in fields.items()}
            journal.write_history(connection, contact["id"], "created", changes, actor=actor)
        return contact

    def replace(
        self, before: Contact, after: Contact, *, actor: str = "api", action: str = "updated"
    ) -> bool:
        """Store ``after`` in place of ``before`` and write the difference down; False if there is none."""
        changes = {name: (before.get(name), after[name]) for name in after if after[name] != before.get(name)}
        if not changes:
            return False
        now = time.time()
        with self.transaction() as connection:
            # what the list shows meanwhile: the oldest state that is still in the index, or nothing yet
            connection.execute(
                "UPDATE contact SET stale = CASE WHEN indexed_at > ? THEN stale ELSE body END, indexed_at = ?"
                " WHERE id = ?",
                (now, now + self.switches.index_lag_seconds, after["id"]),
            )
            self._write(connection, after)
            journal.write_history(connection, after["id"], action, changes, actor=actor)
        return True

    def delete(self, contact_id: int, *, actor: str = "api", action: str = "deleted") -> bool:
        """Delete a contact for good; False if there is none."""
        with self.transaction() as connection:
            cursor = connection.execute("DELETE FROM contact WHERE id = ?", (contact_id,))
            if cursor.rowcount:
                journal.write_history(connection, contact_id, action, {}, actor=actor)
        return cursor.rowcount > 0

    def listed(
        self, *, cursor: int | None, newest_first: bool, created: tuple[float, float]
    ) -> Iterator[Contact]:
        """Yield contacts as the index shows them, by id, after ``cursor``; ``created`` bounds ``created_at``."""
        now = time.time()
        with self._lock:
            statement = _LIST[created != _ANY_TIME, newest_first]
            # ids beyond every contact: a range is what the primary key can skip to
            after = cursor if cursor is not None else (2**62 if newest_first else 0)
            rows = self._connection.execute(
                statement, (after, *(_finite(bound) for bound in created), now)
            ).fetchmany
            chunk = rows(200)
        while chunk:
            for body, stale, indexed_at in chunk:
                yield json.loads(stale if indexed_at > now else body)
            with self._lock:
                chunk = rows(200)

    def history(self, contact_id: int) -> list[dict[str, Any]]:
        """Return a contact's life, oldest first."""
        with self._lock:
            return journal.read_history(self._connection, contact_id)

    def _finder(self, identifier: Identifier) -> str:
        return (
            "exact"
            if (identifier.kind, self.switches.email_lookup) == ("email", "exact")
            else identifier.kind
        )

    @staticmethod
    def _write(connection: sqlite3.Connection, contact: Contact) -> None:
        connection.execute(
            "UPDATE contact SET email = ?, phone = ?, body = ? WHERE id = ?",
            (contact["email"], contact["phone"], _encoded(contact), contact["id"]),
        )


_ANY_TIME = (float("-inf"), float("inf"))

_FIND = {
    "id": "SELECT body FROM contact WHERE id = ?",
    "email": "SELECT body FROM contact WHERE email = ? ORDER BY id LIMIT 1",
    "exact": "SELECT body FROM contact WHERE email = ? COLLATE BINARY ORDER BY id LIMIT 1",
    "phone": "SELECT body FROM contact WHERE phone = ? ORDER BY id LIMIT 1",
}
#: By whether ``created_at`` is bounded, then by whether the newest come first. Unbounded, the order of ids must lead:
#: the creation index would read and sort everything for one page.
_LIST = {
    (False, True): "SELECT body, stale, indexed_at FROM contact WHERE id < ?"
    " AND +created_at BETWEEN ? AND ? AND (indexed_at <= ? OR stale IS NOT NULL) ORDER BY id DESC",
    (False, False): "SELECT body, stale, indexed_at FROM contact WHERE id > ?"
    " AND +created_at BETWEEN ? AND ? AND (indexed_at <= ? OR stale IS NOT NULL) ORDER BY id",
    (True, True): "SELECT body, stale, indexed_at FROM contact WHERE +id < ?"
    " AND created_at BETWEEN ? AND ? AND (indexed_at <= ? OR stale IS NOT NULL) ORDER BY +id DESC",
    (True, False): "SELECT body, stale, indexed_at FROM contact WHERE +id > ?"
    " AND created_at BETWEEN ? AND ? AND (indexed_at <= ? OR stale IS NOT NULL) ORDER BY +id",
}


def _finite(bound: float) -> float:
    return max(min(bound, 1e12), -1e12)


def _row(given: Mapping[str, Any], ids: list[int], minted: int) -> tuple[int, Any, Any, float, str]:
    contact_id = given.get("id") or (ids[-1] if ids else minted) + 1
    ids.append(contact_id)
    created_at = int(given.get("created_at") or time.time())
    contact = {**new_contact(contact_id, created_at), **given, "id": contact_id, "created_at": created_at}
    body = _encoded(contact)
    return contact_id, contact["email"], contact["phone"], created_at, body
