"""The org behind the routes: its store, its app credentials, its switches and what has been used today."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from sandbox.salesforce import errors
from sandbox.salesforce.compiled import Visibility
from sandbox.salesforce.fields import Field
from sandbox.salesforce.objects import SObject
from sandbox.salesforce.store import Store
from sandbox.salesforce.switches import SWITCHES


@dataclass(slots=True)
class RecordLock:
    """Somebody else holds a record: the next ``refusals`` saves are refused, or all of them (None)."""

    refusals: int | None
    code: str = "UNABLE_TO_LOCK_ROW"

    def refuse(self) -> None:
        """Count one refusal."""
        if self.refusals is not None:
            self.refusals -= 1

    @property
    def is_spent(self) -> bool:
        """True once it has refused as often as it was meant to."""
        return self.refusals is not None and self.refusals <= 0


@dataclass(slots=True)
class Org:
    """One org as its servers share it. Counters live in memory; the rest is in the store."""

    store: Store
    consumer_key: str
    consumer_secret: str
    sessions: dict[str, list[Any]] = field(default_factory=dict)
    locks: dict[str, RecordLock] = field(default_factory=dict)
    used_calls: int = 0
    app_name: str = "contact-sync"
    lock: threading.Lock = field(default_factory=threading.Lock)
    bulk: Any = None
    #: The threads that serve requests: a fixed few, because each keeps a connection to the store.
    pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(16, thread_name_prefix="org"))
    _switches: dict[str, Any] = field(default_factory=dict)
    _permissions: dict[tuple[str, str, str], str] | None = None

    def close(self) -> None:
        """Stop the work in the background and the threads; the store stays open."""
        self.bulk.close()
        self.pool.shutdown()

    def switch(self, name: str) -> Any:
        """Return the value of one of ``SWITCHES``."""
        if name not in self._switches:
            self._switches[name] = self.store.setting(f"switch:{name}", SWITCHES[name])
        return self._switches[name]

    def switches(self) -> dict[str, Any]:
        """Return all switches as they stand."""
        return {name: self.switch(name) for name in SWITCHES}

    def set_switches(self, wanted: Mapping[str, Any]) -> None:
        """Set switches. Raises ValueError naming those that don't exist, before anything is set."""
        if unknown := sorted(set(wanted) - set(SWITCHES)):
            raise ValueError(f"unknown switch {', '.join(unknown)}; known: {', '.join(SWITCHES)}")
        for name, value in wanted.items():
            self.store.set_setting(f"switch:{name}", value)
        self._switches.clear()

    # ---- quota

    def count_call(self) -> None:
        """Count one API call. Raises REQUEST_LIMIT_EXCEEDED when the day's allocation is used up."""
        with self.lock:
            if self.used_calls >= self.switch("daily_api_requests"):
                raise errors.ApiError(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
            self.used_calls += 1

    def limit_info(self) -> str | None:
        """Return the value of Sforce-Limit-Info, or None where it is switched off."""
        form, used, limit = self.switch("limit_header"), self.used_calls, self.switch("daily_api_requests")
        if form == "absent":
            return None
        simple = f"api-usage={used}/{limit}"
        return (
            simple
            if form == "simple"
            else f"{simple}; per-app-api-usage={used}/{limit}(appName={self.app_name})"
        )

    # ---- permissions

    def visibility(self, user_id: str) -> Visibility:
        """Return what a user may not read."""
        hidden = (
            (name.lower(), column.lower())
            for (owner, name, column), access in self._granted().items()
            if owner == user_id and access == "none"
        )
        return Visibility(frozenset(hidden), hides_records=self.hides_from(user_id))

    def is_hidden(self, user_id: str, record_id: str) -> bool:
        """Say whether sharing keeps a record from a user."""
        if not self.hides_from(user_id):
            return False
        row = self.store.read().execute("SELECT 1 FROM hidden_record WHERE record_id = ?", (record_id,))
        return row.fetchone() is not None

    def hide(self, record_id: str, *, is_hidden: bool) -> None:
        """Keep a record from everybody but the administrator, or show it again: what a sharing change does."""
        text = "INSERT OR REPLACE INTO hidden_record VALUES (?)" if is_hidden else ""
        with self.store.writing() as connection:
            connection.execute(text or "DELETE FROM hidden_record WHERE record_id = ?", (record_id,))

    def hides_from(self, user_id: str) -> bool:
        """Say whether sharing keeps any record from a user."""
        if user_id == self.store.admin_user_id:
            return False
        return self.store.read().execute("SELECT 1 FROM hidden_record LIMIT 1").fetchone() is not None

    def access(self, user_id: str, sobject: SObject, field: Field) -> str:
        """Return ``edit``, ``read`` or ``none``: what field-level security gives a user."""
        return self._granted().get((user_id, sobject.name, field.name), "edit")

    def _granted(self) -> dict[tuple[str, str, str], str]:
        if self._permissions is None:
            rows = self.store.read().execute("SELECT user_id, object, field, access FROM permission")
            self._permissions = {(row[0], row[1], row[2]): row[3] for row in rows}
        return self._permissions

    def grant(self, user_id: str, sobject: SObject, field: Field, access: str) -> None:
        """Set field-level security of one field for one user: ``edit``, ``read`` or ``none``."""
        if access not in ("edit", "read", "none"):
            raise ValueError("access is edit, read or none")
        with self.store.writing() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO permission VALUES (?, ?, ?, ?)",
                (user_id, sobject.name, field.name, access),
            )
            self.store.set_setting("permissions_changed_at", self.store.now())
        self._permissions = None
