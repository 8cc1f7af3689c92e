"""The journal of both stand-ins: each request with route, lane, status and what it changed; histories."""

from __future__ import annotations

import itertools
import json
import sqlite3
import time
from collections import Counter, deque
from collections.abc import Iterable, Mapping, MutableMapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

#: Requests kept; older ones are forgotten, their counts are not.
CAPACITY = 100_000

_CHANGED = "sandbox.changed"
_ROUTE = "sandbox.route"

Scope = MutableMapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """One request. ``at`` is UTC with microseconds; ``status`` 0 means that the connection was cut."""

    number: int
    at: str
    method: str
    route: str
    path: str
    query: str
    lane: str | None
    status: int
    latency_ms: float
    bytes_out: int
    #: Ids of the records the request changed.
    changed: tuple[str, ...]
    #: True if a fault of the script fired on it.
    is_faulted: bool


class Journal:
    """The requests of one stand-in since its start or the last ``clear``, oldest first."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._entries: deque[JournalEntry] = deque(maxlen=capacity)
        self._numbers = itertools.count(1)
        self._counts: Counter[tuple[str, str, str, int]] = Counter()

    def append(self, **seen: Any) -> JournalEntry:
        """Write one request down; the keywords are JournalEntry's, without ``number``."""
        entry = JournalEntry(number=next(self._numbers), **seen)
        self._entries.append(entry)
        self._counts[(entry.method, entry.route, entry.lane or "", entry.status)] += 1
        return entry

    def clear(self) -> None:
        """Forget requests and counts; numbers go on."""
        self._entries.clear()
        self._counts.clear()

    def select(self, wanted: Mapping[str, str], *, limit: int = 1000) -> list[dict[str, Any]]:
        """Return the newest ``limit`` entries that fit, oldest first.

        ``wanted`` may name ``method``, ``route``, ``path``, ``lane``, ``status``, ``record_id`` (among
        ``changed``) and ``since`` (a number: only later entries); other names fit nothing and raise KeyError.
        """
        chosen = [entry for entry in self._entries if all(_fits(entry, *item) for item in wanted.items())]
        return [asdict(entry) for entry in chosen[-limit:]]

    def counts(self) -> list[dict[str, Any]]:
        """Return how many requests there were per method, route, lane and status, most frequent first."""
        return [
            {"method": method, "route": route, "lane": lane or None, "status": status, "requests": requests}
            for (method, route, lane, status), requests in self._counts.most_common()
        ]


def mark_changed(scope: Scope, *record_ids: object) -> None:
    """Note for the journal that the request of ``scope`` changed these records."""
    scope.setdefault(_CHANGED, []).extend(str(record_id) for record_id in record_ids)


def changed_in(scope: Scope) -> tuple[str, ...]:
    """Return what ``mark_changed`` noted, in order, once each."""
    return tuple(dict.fromkeys(scope.get(_CHANGED, ())))


def name_route(scope: Scope, template: str) -> None:
    """Say which route template serves the request, where the framework's own is not the vendor's."""
    scope[_ROUTE] = template


def route_of(scope: Scope) -> str:
    """Return the route template of a served request, or its path if no route took it."""
    route = scope.get("route")
    return str(scope.get(_ROUTE) or getattr(route, "path", None) or scope.get("path", ""))


def lane_of(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """Return LANE of ``Sforce-Call-Options: client=contact-sync-LANE`` or ``X-Contact-Sync-Lane: LANE``."""
    for name, value in headers:
        if name.lower() == b"x-contact-sync-lane":
            return value.decode("latin-1")
        if name.lower() == b"sforce-call-options":
            for option in value.decode("latin-1").split(","):
                key, _, client = option.strip().partition("=")
                if key == "client" and client.startswith("contact-sync-"):
                    return client.removeprefix("contact-sync-")
    return None


def now_text() -> str:
    """Return the present as ISO 8601 in UTC."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


HISTORY_SCHEMA = """
CREATE TABLE IF NOT EXISTS history (
    history_id INTEGER PRIMARY KEY,
    record_id  TEXT NOT NULL,
    at         REAL NOT NULL,
    actor      TEXT NOT NULL,
    action     TEXT NOT NULL,
    changes    TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS history_by_record ON history (record_id, history_id);
"""


def write_history(
    connection: sqlite3.Connection,
    record_id: object,
    action: str,
    changes: Mapping[str, tuple[Any, Any]],
    *,
    actor: str = "api",
) -> None:
    """Append what happened to a record: ``changes`` = ``{field: (old, new)}``. The caller commits."""
    connection.execute(
        "INSERT INTO history (record_id, at, actor, action, changes) VALUES (?, ?, ?, ?, ?)",
        (str(record_id), time.time(), actor, action, json.dumps(changes, default=str)),
    )


def read_history(connection: sqlite3.Connection, record_id: object) -> list[dict[str, Any]]:
    """Return a record's life, oldest first: ``{"at","actor","action","changes":{field:[old,new]}}``."""
    rows = connection.execute(
        "SELECT at, actor, action, changes FROM history WHERE record_id = ? ORDER BY history_id",
        (str(record_id),),
    )
    return [
        {
            "at": datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds"),
            "actor": actor,
            "action": action,
            "changes": json.loads(changes),
        }
        for at, actor, action, changes in rows
    ]


def _fits(entry: JournalEntry, name: str, wanted: str) -> bool:
    if name == "since":
        return entry.number > int(wanted)
    if name == "record_id":
        return wanted in entry.changed
    if name not in {"method", "route", "path", "lane", "status"}:
        raise KeyError(name)
    return str(getattr(entry, name)) == wanted
