"""One migrated database for all tests of a process, emptied before each: a clone per test costs fifty times that."""

from __future__ import annotations

import itertools
import time
from typing import Any

import psycopg2
import sqlalchemy

from contact_sync import database
from sandbox import postgres

#: How much a database may grow before what earlier tests left behind, working tables too, slows down those to come.
GROWTH_BYTES = 16_000_000

#: What a test may have changed about the tables: their columns, rights, constraints, triggers and functions.
SHAPE = """
SELECT ARRAY[(SELECT string_agg(format('%s %s %s', oid, relnatts, relacl), ',' ORDER BY oid)
          FROM pg_class WHERE relnamespace = 'contact_sync'::regnamespace),
       (SELECT string_agg(format('%s %s', oid, tgenabled), ',' ORDER BY oid) FROM pg_trigger),
       (SELECT string_agg(oid::text, ',' ORDER BY oid)
          FROM pg_constraint WHERE connamespace = 'contact_sync'::regnamespace),
       (SELECT string_agg(format('%s %s %s', oid, xmin, proacl), ',' ORDER BY oid)
          FROM pg_proc WHERE pronamespace = 'contact_sync'::regnamespace),
       (SELECT string_agg(name, ',' ORDER BY name) FROM schema_migration)]
"""
SIZE = "SELECT pg_database_size(current_database())"
DELETES = """
SELECT string_agg('DELETE FROM ' || oid::regclass, ';') FROM pg_class
 WHERE relnamespace = 'contact_sync'::regnamespace AND relkind = 'r'
   AND relname NOT IN ('schema_migration', 'analyst_column', 'analyst_salt')
"""
#: Sessions that a test left open, such as a pool of its own, must not write into the next one.
END_SESSIONS = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
 WHERE datname = current_database() AND pid <> ALL (%s) AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""
ENDING_SECONDS = 30.0
RESTART_NUMBERS = """
SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false)
  FROM pg_sequences WHERE schemaname = 'contact_sync' AND last_value IS NOT NULL
"""


class ReusedDatabase:
    """Clones the template when first asked, and again where emptying would not give back what a clone is.

    ``db`` is open from test to test, too: a new session has to learn every table anew.
    """

    def __init__(self, server: postgres.Server, template: str, secret: str) -> None:
        self._server = server
        self._secret = secret
        self._template = template
        self._names = (f"test_{number}" for number in itertools.count(1))
        self._name = ""

    def empty(self, *, is_fresh: bool = False) -> str:
        """Return the name of a database without a row, without sessions; ``is_fresh`` asks for a new clone."""
        if not self._name or is_fresh or not self._is_emptied():
            self._replace()
        return self._name

    @property
    def db(self) -> database.Database:
        """The database as the application's role."""
        return self._db

    def close(self) -> None:
        """End the session that empties, and the application's."""
        if self._name:
            self._session.close()
            self._db.close()

    def _is_emptied(self) -> bool:
        self._end_sessions()
        if self._value(SHAPE) != self._shape or self._value(SIZE) > self._most_bytes:
            return False
        with self._session.cursor() as cursor:
            cursor.execute(self._deletes)
            cursor.execute(RESTART_NUMBERS)
        return True

    def _end_sessions(self) -> None:
        """Tell them to end, and wait until they did: the server's own waiting looks only ten times a second."""
        deadline = time.monotonic() + ENDING_SECONDS
        while self._value(END_SESSIONS, self._kept):
            if time.monotonic() > deadline:
                raise RuntimeError("a session with the tests' database does not end")
            time.sleep(0.003)

    def _replace(self) -> None:
        self.close()
        former, self._name = self._name, next(self._names)
        session = self._opened("postgres")
        with session.cursor() as cursor:
            if former:
                cursor.execute(f"DROP DATABASE {former} WITH (FORCE)")
            cursor.execute(f"CREATE DATABASE {self._name} TEMPLATE {self._template} OWNER contact_sync_owner")
        session.close()
        self._session = self._opened(self._name)
        self._shape = self._value(SHAPE)
        self._most_bytes = self._value(SIZE) + GROWTH_BYTES
        self._deletes = self._value(DELETES)
        self._kept: list[int] = []
        self._db = database.Database(self._server.url(self._name, "contact_sync"), secret=self._secret)
        sqlalchemy.event.listen(self._db._engine, "connect", self._keep)

    def _keep(self, session: Any, _record: Any) -> None:
        self._kept.append(session.info.backend_pid)

    def _value(self, query: str, *values: Any) -> Any:
        with self._session.cursor() as cursor:
            cursor.execute(query, values or None)
            [value] = cursor.fetchone() or [None]
            return value

    def _opened(self, database: str) -> psycopg2.extensions.connection:
        """A superuser's session in which DELETE fires no trigger and checks no foreign key."""
        options = "-c search_path=contact_sync -c session_replication_role=replica"
        session = psycopg2.connect(self._server.url(database), options=options)
        session.autocommit = True
        return session
