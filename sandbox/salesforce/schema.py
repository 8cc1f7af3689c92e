"""The SQLite tables behind the org: one per object with a column per field, and the stand-in's own."""

from __future__ import annotations

from collections.abc import Sequence

from sandbox import journal
from sandbox.salesforce import objects
from sandbox.salesforce.objects import SObject

OWN_TABLES = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS token (
    token TEXT PRIMARY KEY, kind TEXT NOT NULL, user_id TEXT NOT NULL, app TEXT NOT NULL, grant_id TEXT,
    challenge TEXT, issued_at REAL NOT NULL, used_at REAL NOT NULL, ended INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS cursor (
    locator TEXT PRIMARY KEY, user_id TEXT NOT NULL, soql TEXT NOT NULL, batch_size INTEGER NOT NULL,
    is_all INTEGER NOT NULL, created_at REAL NOT NULL, record_ids BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS permission (
    user_id TEXT NOT NULL, object TEXT NOT NULL, field TEXT NOT NULL, access TEXT NOT NULL,
    PRIMARY KEY (user_id, object, field)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS hidden_record (record_id TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS deletion (
    object TEXT NOT NULL, record_id TEXT NOT NULL, deleted_at INTEGER NOT NULL,
    PRIMARY KEY (object, record_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS deletion_by_time ON deletion (object, deleted_at);
CREATE TABLE IF NOT EXISTS pending_commit (
    pending_id INTEGER PRIMARY KEY, object TEXT NOT NULL, record_id TEXT NOT NULL,
    stamped_at INTEGER NOT NULL, visible_at REAL NOT NULL, action TEXT NOT NULL, actor TEXT NOT NULL,
    columns TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS job (
    job_id TEXT PRIMARY KEY, kind TEXT NOT NULL, job_type TEXT NOT NULL, operation TEXT NOT NULL,
    object TEXT NOT NULL, created_by TEXT NOT NULL, created_at REAL NOT NULL, changed_at REAL NOT NULL,
    state TEXT NOT NULL, api_version TEXT NOT NULL, polls INTEGER NOT NULL DEFAULT 0, details TEXT NOT NULL
) WITHOUT ROWID;
"""


def statements() -> str:
    """Return the script that makes whatever table or index is missing."""
    lines = [OWN_TABLES, journal.HISTORY_SCHEMA]
    for sobject in objects.OBJECTS.values():
        lines.append(_table_text(sobject) + ";")
        lines += [
            f"CREATE INDEX IF NOT EXISTS {name} ON {sobject.name} ({columns});"
            for name, columns in _indexes(sobject)
        ]
    return "\n".join(lines)


def insert_text(table: str, columns: Sequence[str]) -> str:
    """Return the INSERT of one row; names come from our own field lists, never from a caller."""
    places = ", ".join("?" * len(columns))
    return " ".join(["INSERT INTO", table, "(", ", ".join(columns), ") VALUES (", places, ")"])


def shown_column(name: str) -> str:
    """Return the column that holds a datetime's text: to make it for each answer takes a quarter of a bulk job."""
    return f"{name}_shown"


def datetime_text(sql: str) -> str:
    """Return SQL of epoch seconds as a datetime up to its seconds; strftime would take twice as long."""
    return f"date({sql}, 'unixepoch') || 'T' || time({sql}, 'unixepoch')"


def shown_columns(sobject: SObject) -> dict[str, str]:
    """Return the definitions of an object's columns of datetimes' texts by name, without where they are kept."""
    names = [field.name for field in sobject.stored() if field.type == "datetime"]
    return {
        shown_column(name): f"{shown_column(name)} TEXT GENERATED ALWAYS AS ({datetime_text(name)})"
        for name in names
    }


def _table_text(sobject: SObject) -> str:
    lines = [f"{field.name} {field.column_type}" for field in sobject.stored()]
    lines[0] += " PRIMARY KEY NOT NULL"
    lines += [f"{definition} STORED" for definition in shown_columns(sobject).values()]
    return f"CREATE TABLE IF NOT EXISTS {sobject.name} ({', '.join(lines)})"


def _indexes(sobject: SObject) -> list[tuple[str, str]]:
    indexes = [(f"{sobject.name}_by_stamp", "SystemModstamp, Id")]
    if sobject is objects.CONTACT:
        indexes += [
            ("Contact_by_creation", "CreatedDate"),
            ("Contact_by_email", "Email COLLATE NOCASE"),
            ("Contact_by_legacy_id", "Legacy_Id__c COLLATE NOCASE"),
            ("Contact_by_superior", "ReportsToId"),
        ]
    return indexes
