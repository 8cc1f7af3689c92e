"""Saving records: locks, triggers, validation rules, stamps, history, commit lag; and delete, undelete, merge, purge.

A save is stamped with the org's present. With a commit lag it is kept aside and becomes visible, with that older
stamp, when its time has come: what a long transaction does to somebody who reads by SystemModstamp.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox import journal
from sandbox.salesforce import compiler, errors, objects, soql, values
from sandbox.salesforce.errors import ApiError
from sandbox.salesforce.objects import SObject
from sandbox.salesforce.org import Org

_STAMPS = ("LastModifiedDate", "LastModifiedById", "SystemModstamp")
_LOCKED = "unable to obtain exclusive access to this record or 1 records: {record_id}"


@dataclass(frozen=True, slots=True)
class Writer:
    """Who saves and how: ``lag_seconds`` as above; ``is_text`` where values come from CSV."""

    org: Org
    user_id: str
    lag_seconds: float = 0
    is_text: bool = False

    @classmethod
    def of(cls, org: Org, user_id: str, *, is_text: bool = False) -> Writer:
        """Return a writer with the org's commit lag."""
        return cls(org, user_id, float(org.switch("commit_lag_seconds")), is_text)

    def create(self, sobject: SObject, given: Mapping[str, Any]) -> str:
        """Create a record and return its Id. Raises the error of whatever is wrong with it."""
        org, store = self.org, self.org.store
        checked = values.columns(org, self.user_id, sobject, given, is_create=True, is_text=self.is_text)
        with store.writing() as connection:
            now = store.now()
            row = {"OwnerId": self.user_id} | self._rewritten(checked)
            row |= {"CreatedDate": now, "CreatedById": self.user_id}
            if self.lag_seconds:
                record_id = store.next_id(sobject)
                self._postpone(sobject, record_id, "created", row | {"Id": record_id})
                return record_id
            [record_id] = store.insert(sobject, [row])
            self._check_rules(sobject, record_id)
            changes = {name: (None, value) for name, value in checked.items() if value is not None}
            journal.write_history(connection, record_id, "created", changes, actor=self.user_id)
        return record_id

    def update(self, sobject: SObject, record_id: str, given: Mapping[str, Any]) -> None:
        """Change a record. Raises the error of whatever is wrong; nothing is changed then."""
        checked = values.columns(
            self.org, self.user_id, sobject, given, is_create=False, is_text=self.is_text
        )
        live(self.org, self.user_id, sobject, record_id)
        self._save(sobject, record_id, "updated", self._rewritten(checked))

    def delete(self, sobject: SObject, record_id: str, *, master_id: str | None = None) -> None:
        """Put a record into the recycle bin; with ``master_id`` as the loser of a merge."""
        live(self.org, self.user_id, sobject, record_id)
        columns: dict[str, Any] = {"IsDeleted": 1}
        if master_id is not None:
            columns["MasterRecordId"] = master_id
        with self.org.store.writing() as connection:
            action = "merged" if master_id else "deleted"
            self._save(sobject, record_id, action, columns)
            if not self.lag_seconds:
                _log(connection, sobject, record_id, action, self.org.store.now())

    def undelete(self, sobject: SObject, record_id: str) -> None:
        """Take a record out of the recycle bin again."""
        row = self.org.store.row(sobject, record_id)
        if row is None or not row["IsDeleted"]:
            raise errors.bad_request("UNDELETE_FAILED", "entity is not in the recycle bin")
        with self.org.store.writing() as connection:
            self._save(sobject, record_id, "undeleted", {"IsDeleted": 0, "MasterRecordId": None})
            if not self.lag_seconds:
                _log(connection, sobject, record_id, "undeleted", self.org.store.now())

    def merge(self, sobject: SObject, winner_id: str, loser_ids: list[str], given: Mapping[str, Any]) -> None:
        """Merge up to two losers into a winner, which gets ``given`` values and an ordinary update."""
        if not 1 <= len(loser_ids) <= 2 or winner_id in loser_ids:
            raise errors.bad_request("INVALID_OPERATION", "a merge takes one or two other records")
        with self.org.store.writing() as connection:
            live(self.org, self.user_id, sobject, winner_id)
            for loser_id in loser_ids:
                self.delete(sobject, loser_id, master_id=winner_id)
                connection.execute(
                    "UPDATE Contact SET ReportsToId = ? WHERE ReportsToId = ?", (winner_id, loser_id)
                )
            self.update(sobject, winner_id, given)

    def touch(self, sobject: SObject, record_id: str) -> None:
        """Move a record's SystemModstamp alone, as processes inside Salesforce do."""
        live(self.org, self.user_id, sobject, record_id)
        self.org.store.update_columns(sobject, record_id, {"SystemModstamp": self.org.store.now()})

    def purge(self, sobject: SObject, record_id: str) -> None:
        """Remove a deleted record for good: only the delete log remembers it."""
        row = self.org.store.row(sobject, record_id)
        if row is None or not row["IsDeleted"]:
            raise errors.bad_request("INVALID_OPERATION", "only a deleted record can be purged")
        with self.org.store.writing() as connection:
            connection.execute(f"DELETE FROM {sobject.name} WHERE Id = ?", (record_id,))  # noqa: S608
            journal.write_history(connection, record_id, "purged", {}, actor=self.user_id)

    def _save(self, sobject: SObject, record_id: str, action: str, columns: Mapping[str, Any]) -> None:
        store = self.org.store
        self._check_lock(record_id)
        with store.writing() as connection:
            now = store.now()
            stamped = {**columns, **dict(zip(_STAMPS, (now, self.user_id, now), strict=True))}
            if self.lag_seconds:
                self._postpone(sobject, record_id, action, stamped)
                return
            before = store.row(sobject, record_id) or {}
            store.update_columns(sobject, record_id, stamped)
            if action == "updated":
                self._check_rules(sobject, record_id)
            changes = {
                name: (before.get(name), value)
                for name, value in columns.items()
                if before.get(name) != value
            }
            journal.write_history(connection, record_id, action, changes, actor=self.user_id)

    def _rewritten(self, columns: Mapping[str, Any]) -> dict[str, Any]:
        """Let the org's triggers change what was written."""
        rewritten = dict(columns)
        for rule in self.org.switch("rewrites"):
            value = rewritten.get(rule["field"])
            if isinstance(value, str):
                rewritten[rule["field"]] = _REWRITES[rule["how"]](value, rule.get("with", ""))
        return rewritten

    def _check_rules(self, sobject: SObject, record_id: str) -> None:
        """Refuse the save if a validation rule's condition holds for the record as it would be."""
        if sobject is not objects.CONTACT:
            return
        for rule in self.org.switch("validation_rules"):
            condition = soql.condition(rule["when"])
            text, parameters = compiler.compile_condition(condition, sobject, self.org.store.clock())
            hit = self.org.store.read().execute(
                " ".join(["SELECT 1", text, "AND t.Id = :record_id"]), {**parameters, "record_id": record_id}
            )
            if hit.fetchone():
                fields = [rule["field"]] if rule.get("field") else []
                raise ApiError(400, "FIELD_CUSTOM_VALIDATION_EXCEPTION", rule["message"], fields)

    def _check_lock(self, record_id: str) -> None:
        """Refuse a locked record; a lock that was set for n tries is used up by refusing."""
        org = self.org
        lock = org.locks.get(record_id)
        if lock is not None:
            lock.refuse()
            if lock.is_spent:
                del org.locks[record_id]
            raise ApiError(400, lock.code, _LOCKED.format(record_id=record_id), [])
        waiting = org.store.read().execute("SELECT 1 FROM pending_commit WHERE record_id = ?", (record_id,))
        if waiting.fetchone():
            raise ApiError(400, "UNABLE_TO_LOCK_ROW", _LOCKED.format(record_id=record_id), [])

    def _postpone(self, sobject: SObject, record_id: str, action: str, columns: Mapping[str, Any]) -> None:
        store = self.org.store
        with store.writing() as connection:
            connection.execute(
                "INSERT INTO pending_commit (object, record_id, stamped_at, visible_at, action, actor, columns) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    sobject.name, record_id, store.now(), store.clock() + self.lag_seconds, action, self.user_id,
                    json.dumps(columns),
                ),
            )  # fmt: skip


def live(org: Org, user_id: str, sobject: SObject, record_id: str) -> dict[str, Any]:
    """Return a record that the user sees and that isn't deleted. Raises NOT_FOUND or ENTITY_IS_DELETED."""
    row = org.store.row(sobject, record_id)
    if row is None or org.is_hidden(user_id, record_id):
        raise errors.not_found()
    if row["IsDeleted"]:
        raise ApiError(404, "ENTITY_IS_DELETED", "entity is deleted", [])
    return row


def commit_due(org: Org) -> None:
    """Make visible what was saved with a commit lag and is due; called before every request."""
    store = org.store
    due = "SELECT pending_id, object, record_id, action, actor, columns FROM pending_commit WHERE visible_at <= ?"
    if not store.read().execute(due, (store.clock(),)).fetchone():
        return
    with store.writing() as connection:
        for pending_id, name, record_id, action, actor, text in connection.execute(
            due, (store.clock(),)
        ).fetchall():
            sobject, columns = objects.OBJECTS[name], json.loads(text)
            if action == "created":
                store.insert(sobject, [columns])
            else:
                store.update_columns(sobject, record_id, columns)
                _log(connection, sobject, record_id, action, columns.get("SystemModstamp", 0))
            changes = {key: (None, value) for key, value in columns.items() if key not in _STAMPS}
            journal.write_history(connection, record_id, action, changes, actor=actor)
            connection.execute("DELETE FROM pending_commit WHERE pending_id = ?", (pending_id,))


def _log(
    connection: sqlite3.Connection, sobject: SObject, record_id: str, action: str, stamped_at: int
) -> None:
    """Keep the log of deletions; an undeleted record is struck out."""
    if action in ("deleted", "merged"):
        row = (sobject.name, record_id, stamped_at)
        connection.execute("INSERT OR REPLACE INTO deletion VALUES (?, ?, ?)", row)
    elif action == "undeleted":
        text = "DELETE FROM deletion WHERE object = ? AND record_id = ?"
        connection.execute(text, (sobject.name, record_id))


def oldest_open_transaction(org: Org) -> int | None:
    """Return the stamp of the oldest save that isn't visible yet."""
    found = org.store.read().execute("SELECT min(stamped_at) FROM pending_commit").fetchone()[0]
    return None if found is None else int(found)


_REWRITES: dict[str, Any] = {
    "upper": lambda value, _: value.upper(),
    "lower": lambda value, _: value.lower(),
    "title": lambda value, _: value.title(),
    "append": lambda value, extra: f"{value}{extra}",
    "replace": lambda _, extra: extra,
}
