"""The org's records in one SQLite file: opening, settings, bulk inserts and single rows.

Times are whole epoch seconds (SystemModstamp has one-second resolution), booleans 0/1, dates ``YYYY-MM-DD``;
an empty text is stored as NULL because Salesforce has no empty text.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sandbox.salesforce import ids, objects, schema
from sandbox.salesforce.objects import SObject

mint_id = ids.mint_id

Row = dict[str, Any]

_CHUNK = 2_000


class Store:
    """One org. Safe for several threads: one writer at a time, readers on connections of their own."""

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.time, org_number: int = 1) -> None:
        """Open the org kept at ``path``, making an empty one with two users if there is none.

        ``org_number`` tells orgs apart that are made side by side: it becomes part of a new org's Id.
        """
        self.path = path
        self.clock = clock
        self._local = threading.local()
        self._lock = threading.RLock()
        self._depth = 0
        self._opened: list[sqlite3.Connection] = []
        path.parent.mkdir(parents=True, exist_ok=True)
        self._writer = self._connect()
        self._create(org_number)
        self.org_id: str = self._fixed("org_id")
        self.integration_user_id: str = self._fixed("integration_user_id")
        self.admin_user_id: str = self._fixed("admin_user_id")

    def close(self) -> None:
        """Close every connection; other threads must be done."""
        with self._lock:
            for connection in self._opened:
                connection.close()
            self._opened.clear()

    def now(self) -> int:
        """The org's present, in whole seconds since the epoch."""
        return int(self.clock())

    # ---- settings

    def setting(self, key: str, default: Any = None) -> Any:
        """Return a JSON value kept under ``key``, or ``default``."""
        found = self.read().execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return default if found is None else json.loads(found[0])

    def set_setting(self, key: str, value: Any) -> None:
        """Keep a JSON value under ``key``, over restarts."""
        with self.writing() as connection:
            connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, json.dumps(value)))

    @property
    def holds_nul(self) -> bool:
        """Whether a text with a NUL was ever stored: SQLite's own functions end a text there."""
        return bool(self.setting("holds_nul", False))

    # ---- connections

    def read(self) -> sqlite3.Connection:
        """Return this thread's reading connection; inside ``writing()`` the writer's own."""
        if self._depth and self._lock_is_mine():
            return self._writer
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self._connect()
        return connection

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One writing transaction (a savepoint inside another), undone if the block raises."""
        with self._lock:
            self._owner = threading.get_ident()
            name = f"level_{self._depth}"
            self._writer.execute(f"SAVEPOINT {name}" if self._depth else "BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield self._writer
            except BaseException:
                self._depth -= 1
                self._writer.execute(f"ROLLBACK TO {name}" if self._depth else "ROLLBACK")
                raise
            self._depth -= 1
            self._writer.execute(f"RELEASE {name}" if self._depth else "COMMIT")

    # ---- records

    def insert_contacts(self, rows: Iterable[Mapping[str, Any]]) -> list[str]:
        """Insert contacts as they are, without rules or history; see ``insert``."""
        return self.insert(objects.CONTACT, rows)

    def insert_accounts(self, rows: Iterable[Mapping[str, Any]]) -> list[str]:
        """Insert accounts, as ``insert_contacts``."""
        return self.insert(objects.ACCOUNT, rows)

    def insert_users(self, rows: Iterable[Mapping[str, Any]]) -> list[str]:
        """Insert users, as ``insert_contacts``."""
        return self.insert(objects.USER, rows)

    def insert(self, sobject: SObject, rows: Iterable[Mapping[str, Any]]) -> list[str]:
        """Insert many rows keyed by API field names; return their Ids in order.

        ``Id`` is minted where absent; system fields default to a creation now by the administrator. Datetimes
        may be aware ``datetime``s or epoch seconds. Raises ValueError for a field without a column.
        """
        inserted: list[str] = []
        remaining = iter(rows)
        with self.writing() as connection:
            while chunk := list(itertools.islice(remaining, _CHUNK)):
                columns = self._columns_of(sobject, chunk)
                first = self._serials(sobject, len(chunk))
                filled = [self._filled(sobject, row, first + place) for place, row in enumerate(chunk)]
                self._mind_nul(filled)
                inserted += [row["Id"] for row in filled]
                connection.executemany(
                    schema.insert_text(sobject.name, columns),
                    [[row.get(name) for name in columns] for row in filled],
                )
        return inserted

    def next_id(self, sobject: SObject) -> str:
        """Mint the next Id of an object; call inside ``writing()``."""
        return ids.mint_id(sobject.prefix, self._serials(sobject, 1))

    def next_serial(self, name: str, count: int = 1) -> int:
        """Take ``count`` numbers of a named sequence; return the first."""
        with self.writing():
            first = int(self.setting(f"serial:{name}", 1))
            self.set_setting(f"serial:{name}", first + count)
            return first

    def row(self, sobject: SObject, record_id: str) -> Row | None:
        """Return a record's stored columns, deleted or not, or None."""
        names = [field.name for field in sobject.stored()]
        query = " ".join(["SELECT", ", ".join(names), "FROM", sobject.name, "WHERE Id = ?"])
        found = self.read().execute(query, (record_id,)).fetchone()
        return None if found is None else dict(zip(names, found, strict=True))

    def update_columns(self, sobject: SObject, record_id: str, columns: Mapping[str, Any]) -> None:
        """Set columns of one record as they are, without rules or history."""
        sets = ", ".join(f"{name} = ?" for name in columns)
        with self.writing() as connection:
            self._mind_nul([columns])
            connection.execute(
                " ".join(["UPDATE", sobject.name, "SET", sets, "WHERE Id = ?"]),
                [*columns.values(), record_id],
            )

    def count(self, sobject: SObject) -> int:
        """Return how many records an object has, deleted ones included."""
        return int(self.read().execute(f"SELECT count(*) FROM {sobject.name}").fetchone()[0])  # noqa: S608

    # ---- inside

    def _lock_is_mine(self) -> bool:
        return getattr(self, "_owner", None) == threading.get_ident()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, timeout=30)
        # a killed process loses nothing by this; a power cut may, and then the sandbox is seeded again
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute("PRAGMA case_sensitive_like = OFF")
        self._opened.append(connection)
        return connection

    def _create(self, org_number: int) -> None:
        self._writer.executescript(f"BEGIN;\n{schema.statements()}\nCOMMIT;")
        with self.writing() as connection:
            for sobject in objects.OBJECTS.values():
                _add_shown_columns(connection, sobject)
            if self.setting("org_id") is None:
                self._found_org(org_number)

    def _found_org(self, org_number: int) -> None:
        """Make the organization and its two users: the integration user and an administrator."""
        for key, value in {
            "org_id": ids.mint_id("00D", org_number),
            "integration_user_id": ids.mint_id("005", 1),
            "admin_user_id": ids.mint_id("005", 2),
            "serial:User": 3,
        }.items():
            self.set_setting(key, value)
        self.org_id, self.admin_user_id = self._fixed("org_id"), self._fixed("admin_user_id")
        users = (("integration_user_id", "Integration", "User"), ("admin_user_id", "Ada", "Admin"))
        self.insert_users(
            {
                "Id": self._fixed(key), "FirstName": first, "LastName": last, "IsActive": True,
                "Username": f"{first.lower()}@contact-sync.example", "Email": f"{first.lower()}@example.com",
            }
            for key, first, last in users
        )  # fmt: skip
        organization = {
            "Id": self.org_id, "Name": "Contact Sync Sandbox", "OrganizationType": "Enterprise Edition",
            "InstanceName": "SBX1", "IsSandbox": True, "DefaultLocaleSidKey": "en_US",
            "TimeZoneSidKey": "Europe/Berlin",
        }  # fmt: skip
        self.insert(objects.ORGANIZATION, [organization])

    def _mind_nul(self, rows: Iterable[Mapping[str, Any]]) -> None:
        texts = (value for row in rows for value in row.values() if isinstance(value, str))
        if any("\x00" in text for text in texts):
            self.set_setting("holds_nul", True)

    def _fixed(self, key: str) -> str:
        return str(self.setting(key))

    def _serials(self, sobject: SObject, count: int) -> int:
        return self.next_serial(sobject.name, count)

    def _columns_of(self, sobject: SObject, chunk: Sequence[Mapping[str, Any]]) -> list[str]:
        given = set().union(*chunk)
        known = {field.name for field in sobject.stored()}
        if unknown := sorted(given - known):
            raise ValueError(f"{sobject.name} has no column for {', '.join(unknown)}")
        return sorted(given | ({name for name in _DEFAULTS if name in known}))

    def _filled(self, sobject: SObject, row: Mapping[str, Any], serial: int) -> Row:
        filled = {name: _plain(value) for name, value in row.items()}
        filled["Id"] = filled.get("Id") or ids.mint_id(sobject.prefix, serial)
        now, author = filled.get("CreatedDate") or self.now(), filled.get("CreatedById") or self.admin_user_id
        changed = filled.get("LastModifiedDate") or filled.get("SystemModstamp") or now
        defaults = {
            "CreatedDate": now,
            "CreatedById": author,
            "LastModifiedDate": changed,
            "LastModifiedById": author,
            "SystemModstamp": changed,
            "OwnerId": author,
        }
        for name, value in (_FALSE | defaults).items():
            if filled.get(name) is None:
                filled[name] = value
        return filled


_FALSE = dict.fromkeys(("IsDeleted", "HasOptedOutOfEmail", "DoNotCall", "VIP__c", "IsActive", "IsSandbox"), 0)
_DEFAULTS = (
    "Id", "CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById",
    "SystemModstamp", "OwnerId", *_FALSE,
)  # fmt: skip


def _add_shown_columns(connection: sqlite3.Connection, sobject: SObject) -> None:
    """Give a table that an older version made what it lacks; SQLite adds columns only to be worked out when read."""
    held = {row[1] for row in connection.execute(f"PRAGMA table_xinfo({sobject.name})")}
    for name, definition in schema.shown_columns(sobject).items():
        if name not in held:
            connection.execute(f"ALTER TABLE {sobject.name} ADD COLUMN {definition} VIRTUAL")


def _plain(value: Any) -> Any:
    """Return a value as it is stored."""
    if value == "":
        return None
    if isinstance(value, datetime):
        return int((value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp())
    if isinstance(value, bool):
        return int(value)
    return value
