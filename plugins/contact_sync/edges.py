"""Opened edges: one place that turns connection ids into sessions. Who looks connections up is handed in.

The DAGs pass Airflow's connections, the commands the environment's; everything below is the same.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import httpx

from contact_sync import connections, database, errors, records, transport
from contact_sync.respond_io import session as respond_session
from contact_sync.salesforce import auth

SECRET_VARIABLE = "CONTACT_SYNC_SECRET"

#: Returns the fields of a connection: host, login, password, schema, port, extra.
Lookup = Callable[[str], Mapping[str, Any]]


class Edges:
    """A database and one HTTP client, and sessions over them. Close it; :func:`opened` does."""

    def __init__(self, db: database.Database, http: httpx.Client, *, lookup: Lookup, secret: str) -> None:
        self.db = db
        self._http = http
        self._lookup = lookup
        self._secret = secret

    def salesforce(self, conn_id: str, *, org_id: str | None, lane: records.Lane) -> auth.Session:
        """Open an org's session, ``org_id`` None for a first connect. StopError names what the connection lacks."""
        connection = connections.salesforce_connection(conn_id, self._lookup(conn_id))
        known = records.OrgId(org_id) if org_id else None
        return auth.Session(self.db, self._http, connection, org_id=known, lane=lane, secret=self._secret)

    def salesforce_of(self, org_id: str, *, lane: records.Lane) -> auth.Session:
        """Open the session of a connected org. StopError if it is unknown."""
        row = self.db.one("select_org", org_id=org_id)
        if row is None:
            raise errors.StopError(f"org {org_id} is not connected: run `python -m contact_sync connect`")
        return self.salesforce(row["conn_id"], org_id=org_id, lane=lane)

    def salesforce_under(self, conn_id: str, *, lane: records.Lane) -> auth.Session:
        """Open a session under a connection: of the org it serves, or, if it serves none yet, to try its log-in.

        StopError if that would use up a first refresh token, which may work only once.
        """
        served = [row for row in self.db.all("select_orgs") if row["conn_id"] == conn_id]
        known = min(served, key=lambda row: row["disconnected_at"] is not None, default=None)
        session = self.salesforce(conn_id, org_id=known["org_id"] if known else None, lane=lane)
        if known is None and session.connection.refresh_token:
            raise errors.StopError(
                f"connection {conn_id} is not connected yet: run `python -m contact_sync connect {conn_id}`"
            )
        return session

    def respond(self, conn_id: str, *, workspace_id: str, lane: records.Lane) -> respond_session.Session:
        """Open a workspace's session under a connection."""
        connection = connections.respond_connection(conn_id, self._lookup(conn_id))
        workspace = records.WorkspaceId(workspace_id)
        return respond_session.Session(self.db, self._http, connection, workspace_id=workspace, lane=lane)

    def respond_of(self, workspace_id: str, *, lane: records.Lane) -> respond_session.Session:
        """Open the session of a known workspace. StopError if it is unknown."""
        row = self.db.one("select_workspace", workspace_id=workspace_id)
        if row is None:
            raise errors.StopError(
                f"workspace {workspace_id} is unknown: run `python -m contact_sync workspace set {workspace_id}`"
            )
        return self.respond(row["respond_conn_id"], workspace_id=workspace_id, lane=lane)


@contextlib.contextmanager
def opened(
    lookup: Lookup,
    *,
    url: Callable[[], str] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Edges]:
    """Open the database and an HTTP client, close both at the end.

    ``CONTACT_SYNC_DATABASE_URL`` wins over ``url``, which is asked only without it.
    Raises StopError if neither is there.
    """
    environment = os.environ if environment is None else environment
    address = environment.get(database.URL_VARIABLE) or (url() if url else None)
    if not address:
        raise errors.StopError(f"{database.URL_VARIABLE} is not set: name the database, postgresql://…")
    secret = environment.get(SECRET_VARIABLE, "")
    db = database.Database(address, secret=secret)
    try:
        with transport.http_client() as http:
            yield Edges(db, http, lookup=lookup, secret=secret)
    finally:
        db.close()
