"""Forward-only migrations: the numbered files of ``include/sql/migrations``, applied in order, one transaction each."""

from __future__ import annotations

import re

from contact_sync import database, errors, statements

_BOOTSTRAP = "0000_bootstrap.sql"
_NAME = re.compile(r"^\d{4}_[a-z0-9_]+\.sql$")


def migrate(db: database.Database) -> list[str]:
    """Apply what is missing; return the names applied, in order.

    Twice is harmless. Two migrators at once stand in line at a lock and each file's row is recorded before the
    file runs, so the second finds it taken. What analysts read is withdrawn where anything is applied: see
    :func:`publish_to_analysts`. Needs the schema's owner; StopError says so if the role may not.
    """
    names = pending_names()
    return [name for name in names if _apply(db, name)]


def publish_to_analysts(db: database.Database) -> list[str]:
    """Let the roles ``contact_sync_analyst`` and ``…_pii`` read the tables as they are now; twice is harmless.

    Returns the SQL that a superuser must run first, where the migrator may not make roles or let them in; empty if
    all is done. Needs the schema's owner, migrated.
    """
    with db.transaction() as tx:
        tx.one("lock_migrations")
        return [row["command"] for row in tx.all("publish_to_analysts")]


def pending_names() -> list[str]:
    """Return the file names of all migrations after the bootstrap, in order; StopError on a name out of form."""
    names = sorted(path.name for path in statements.MIGRATIONS_DIRECTORY.glob("*.sql"))
    odd = [name for name in names if not _NAME.match(name)]
    if odd:
        raise errors.StopError(f"migration {odd[0]} is not named like 0001_what_it_adds.sql")
    return [name for name in names if name != _BOOTSTRAP]


def _apply(db: database.Database, name: str) -> bool:
    with db.transaction() as tx:
        tx.one("lock_migrations")
        tx.script(_text(_BOOTSTRAP))
        if tx.execute("insert_migration", name=name) == 0:
            return False
        tx.execute("withdraw_from_analysts")
        tx.script(_text(name))
    return True


def _text(name: str) -> str:
    return (statements.MIGRATIONS_DIRECTORY / name).read_text(encoding="utf-8")
