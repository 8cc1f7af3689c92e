"""One database for all tests of an edge, emptied before each: they touch three tables, and a clone costs more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg2

from sandbox import postgres


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeDatabase:
    """Where it is, as the application's role and as its owner."""

    url: str
    owner_url: str

    def empty(self) -> str:
        """Forget orgs with their tokens, counted calls and rate limits; return the application's URL."""
        connection = psycopg2.connect(self.owner_url, options="-c search_path=contact_sync")
        with connection, connection.cursor() as cursor:
            for table in ("salesforce_org", "api_usage", "rate_bucket"):
                cursor.execute(f"DELETE FROM {table}")  # noqa: S608 - names from above
        connection.close()
        return self.url


@contextmanager
def cloned(server: postgres.Server, template: str, name: str) -> Iterator[EdgeDatabase]:
    """Clone the template once; drop the clone at the end."""
    postgres.psql(server, f"CREATE DATABASE {name} TEMPLATE {template} OWNER contact_sync_owner")
    yield EdgeDatabase(url=server.url(name, "contact_sync"), owner_url=server.url(name, "contact_sync_owner"))
    postgres.psql(server, f"DROP DATABASE {name} WITH (FORCE)")
