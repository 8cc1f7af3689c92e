"""The database edge: engine, named statements, COPY, advisory locks. Decides nothing and writes no SQL of its own
beyond COPY's envelope and session settings.

Foreign errors are translated in one place: a lost or busy server is a RetryError, a refused row a RejectError with
its SQLSTATE, anything else (a missing table, a wrong statement) a StopError.
"""

from __future__ import annotations

import contextlib
import io
import os
import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeVar, cast

import psycopg2
import sqlalchemy
from psycopg2 import sql
from sqlalchemy import exc

from contact_sync import errors, statements

Row = sqlalchemy.RowMapping
Result = TypeVar("Result")

SCHEMA = "contact_sync"
URL_VARIABLE = "CONTACT_SYNC_DATABASE_URL"
OWNER_URL_VARIABLE = "CONTACT_SYNC_OWNER_DATABASE_URL"

#: SQLSTATE classes whose cause is the row itself: data exception, integrity violation, raised by our own checks.
_ROW_CLASSES = ("22", "23", "P0")
#: Rollback: serialization failure and deadlock, in which another transaction was let go on.
_LOST_TURN = ("40001", "40P01")
#: How often a transaction that was undone for another one's sake is done again.
_MORE_TURNS = 2
#: Insufficient resources: disk, shared memory and connections among them.
_SHORT_CLASS = "53"
#: Classes that pass by themselves: connection, rollback, lock, operator, system.
_PASSING_CLASSES = ("08", "40", "55", "57", "58")


class _Readable(Protocol):
    """What COPY reads from: text or UTF-8 bytes, "" or b"" at the end."""

    def read(self, size: int, /) -> Any: ...


class Transaction:
    """The verbs over one open transaction. Obtained from :meth:`Database.transaction`, never made by hand."""

    def __init__(self, connection: sqlalchemy.Connection, secret: str = "") -> None:
        self._connection = connection
        #: CONTACT_SYNC_SECRET, for digests of what may not be kept; empty where none was given.
        self.secret = secret

    def execute(self, statement: str, /, **params: Any) -> int:
        """Run a statement; return how many rows it touched."""
        return self._run(statement, params).rowcount

    def one(self, statement: str, /, **params: Any) -> Row | None:
        """Return the first row, None if there is none."""
        return self._run(statement, params).mappings().first()

    def all(self, statement: str, /, **params: Any) -> list[Row]:
        """Return all rows, in the statement's order."""
        return list(self._run(statement, params).mappings())

    def tuples(self, statement: str, /, **params: Any) -> Sequence[tuple[Any, ...]]:
        """Return all rows, each to be unpacked in the order of its columns: where they are many."""
        with _translated(statement), contextlib.closing(self._run(statement, params)) as result:
            return cast(Sequence[tuple[Any, ...]], result.cursor.fetchall())

    @contextlib.contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undo only what is inside if it raises: how one bad row is found without losing its neighbours."""
        with _translated("savepoint"), self._connection.begin_nested():
            yield

    def copy_rows(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
        """COPY ``rows`` (None is NULL, everything else is text) into ``table``; return their number."""
        lines = copy_lines(rows)
        self.copy_text(table, columns, io.StringIO("".join(lines)))
        return len(lines)

    def copy_text(self, table: str, columns: Sequence[str], stream: _Readable) -> None:
        """COPY a stream that is already in PostgreSQL's text format."""
        command = sql.SQL("COPY {} ({}) FROM STDIN").format(
            sql.Identifier(*table.split(".")), sql.SQL(", ").join(map(sql.Identifier, columns))
        )
        self._copy(command, stream)

    def copy_csv(self, table: str, columns: Sequence[str], stream: _Readable) -> None:
        """COPY a stream of CSV whose header names ``columns`` in this order; an empty cell is NULL."""
        names = sql.SQL(", ").join(map(sql.Identifier, columns))
        command = sql.SQL("COPY {} ({}) FROM STDIN WITH (FORMAT csv, HEADER match, FORCE_NULL ({}))").format(
            sql.Identifier(table), names, names
        )
        self._copy(command, stream)

    def script(self, text: str) -> None:
        """Run a migration's text: several statements, no parameters."""
        with _translated("migration"), self._driver().cursor() as cursor:
            cursor.execute(text)

    def _driver(self) -> Any:
        driver = self._connection.connection.driver_connection
        assert driver is not None
        return driver

    def _copy(self, command: sql.Composable, stream: _Readable) -> None:
        with _translated("copy"), self._driver().cursor() as cursor:
            cursor.copy_expert(command, stream)

    def _run(self, name: str, params: Mapping[str, Any]) -> sqlalchemy.CursorResult[Any]:
        statement = statements.get(name)
        with _translated(name):
            return self._connection.exec_driver_sql(statement.text, dict(params))


#: What changes is found by index: it is in memory, or on a disk without a head to move. What a stage works on in
#: temporary tables stays in memory, too.
_SETTINGS = "-c jit=off -c random_page_cost=1.1 -c temp_buffers=64MB"


class Database:
    """One database and its pool. A verb called on it directly is a transaction of its own.

    ``secret`` is CONTACT_SYNC_SECRET: only orgs in which people were erased cannot be worked on without it.
    """

    def __init__(self, url: str, *, pool_size: int = 10, secret: str = "") -> None:
        self._secret = secret
        self._engine = sqlalchemy.create_engine(
            _driver_url(url),
            pool_size=pool_size,
            pool_pre_ping=True,
            # a connection that was used last knows the catalogue, and plans
            pool_use_lifo=True,
            connect_args={
                "options": f"-c search_path={SCHEMA} -c timezone=UTC {_SETTINGS}",
                "application_name": "contact-sync",
            },
        )

    def execute(self, statement: str, /, **params: Any) -> int:
        return self.in_turn(lambda tx: tx.execute(statement, **params))

    def one(self, statement: str, /, **params: Any) -> Row | None:
        return self.in_turn(lambda tx: tx.one(statement, **params))

    def all(self, statement: str, /, **params: Any) -> list[Row]:
        return self.in_turn(lambda tx: tx.all(statement, **params))

    def in_turn(self, work: Callable[[Transaction], Result]) -> Result:
        """Do ``work`` in a transaction; up to twice more if the server undid it in favour of another one's."""
        for _ in range(_MORE_TURNS):
            try:
                with self.transaction() as tx:
                    return work(tx)
            except errors.LostTurnError:
                # who waited for our rows has yet to wake up: at once, we would take them again and meet it again
                time.sleep(random.uniform(0.05, 0.15))
        with self.transaction() as tx:
            return work(tx)

    @contextlib.contextmanager
    def transaction(self, *, is_undone: bool = False) -> Iterator[Transaction]:
        """Commit at the end, roll back if anything raises; ``is_undone`` rolls back anyway, for a dry run."""
        with _translated("transaction"), self._engine.connect() as connection, connection.begin() as outer:
            yield Transaction(connection, self._secret)
            if is_undone:
                outer.rollback()

    @contextlib.contextmanager
    def advisory_lock(self, key: str) -> Iterator[bool]:
        """Try a session-level lock on a connection of its own; yield whether it is ours.

        No transaction stays open while it is held, and a killed process gives it back at once.
        """
        with _translated("advisory_lock"), self._engine.connect() as connection:
            connection = connection.execution_options(isolation_level="AUTOCOMMIT")
            tx = Transaction(connection)
            row = tx.one("try_advisory_lock", key=key)
            is_held = bool(row and row["is_held"])
            try:
                yield is_held
            finally:
                if is_held:
                    tx.execute("release_advisory_lock", key=key)

    def close(self) -> None:
        """Give every connection back to the server."""
        self._engine.dispose()


def from_environment(environment: Mapping[str, str] | None = None) -> Database:
    """Open the database that ``CONTACT_SYNC_DATABASE_URL`` names.

    Raises StopError if the variable is missing.
    """
    environment = os.environ if environment is None else environment
    url = environment.get(URL_VARIABLE)
    if not url:
        raise errors.StopError(f"{URL_VARIABLE} is not set: name the database, postgresql://…")
    return Database(url)


def _driver_url(url: str) -> sqlalchemy.URL:
    # SQLAlchemy 2.1 reads a plain postgresql:// as psycopg 3.
    return sqlalchemy.make_url(url).set(drivername="postgresql+psycopg2")


def copy_lines(rows: Iterable[Sequence[Any]]) -> list[str]:
    """Return ``rows`` in PostgreSQL's text format, as :meth:`Transaction.copy_text` reads them joined.

    Raises RejectError for a value with a NUL.
    """
    return ["\t".join(map(_copy_cell, row)) + "\n" for row in rows]


def _copy_cell(value: Any) -> str:
    if value is None:
        return "\\N"
    text = str(value)
    # most cells need no escapes: all that COPY takes for something else but the backslash cannot be printed
    if text.isprintable() and "\\" not in text:
        return text
    if "\x00" in text:
        raise errors.RejectError("NUL", "a value holds a NUL character, which PostgreSQL cannot store")
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


@contextlib.contextmanager
def _translated(name: str) -> Iterator[None]:
    try:
        yield
    # "from None": the driver's text quotes values ("Failing row contains …"), and tracebacks reach logs
    except exc.DBAPIError as error:
        raise _our_error(name, error.orig) from None
    except psycopg2.Error as error:
        raise _our_error(name, error) from None


def _our_error(name: str, error: BaseException | None) -> errors.ContactSyncError:
    # The driver's text may quote values, so only the SQLSTATE and the constraint's name are told.
    code = getattr(error, "pgcode", None)
    diagnostics = getattr(error, "diag", None)
    constraint = getattr(diagnostics, "constraint_name", None)
    if code in _LOST_TURN:
        return errors.LostTurnError(
            f"{name}: the database let another transaction go first ({code}); try again"
        )
    if code is not None and code.startswith(_SHORT_CLASS):
        return errors.RetryError(
            f"{name}: the database is short of disk, memory or connections ({code}); its log says of which, "
            "docs/runbook.md what it needs"
        )
    if code is None or code.startswith(_PASSING_CLASSES):
        return errors.RetryError(
            f"{name}: the database did not answer ({code or 'no connection'}); try again"
        )
    if code.startswith(_ROW_CLASSES):
        detail = constraint or getattr(diagnostics, "message_primary", None) or "refused"
        return errors.RejectError(
            code, detail if code.startswith("P0") or constraint else "refused by its type"
        )
    return errors.StopError(f"{name}: the database refused the statement (SQLSTATE {code}); is it migrated?")
