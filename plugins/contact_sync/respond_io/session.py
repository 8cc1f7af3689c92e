"""One workspace's authenticated calls: the bearer token, and a turn in the rate limit before each of them.

respond.io applies its limit per organization ("API Documentation", rate limits); the organization is a claim of the
token. All workers share one bucket in Postgres.
"""

from __future__ import annotations

import base64
import json
import time
from typing import Any, Unpack

import httpx

from contact_sync import answers, budget, database, errors, records, transport

#: The vendor allows 5 a second. A little less, because requests that leave evenly arrive unevenly.
CALLS_PER_SECOND = 4.9
#: A lane that yields to those before it looks again so often, and takes its turn anyway after so long: nobody starves.
_LOOK_AGAIN_SECONDS = 0.1
_YIELD_SECONDS = 5.0
#: A closed bucket that opens later than this ends the run instead of holding a worker.
_LONGEST_WAIT_SECONDS = 20.0


class Session:
    """Calls one workspace. While lanes share the rate, ``edit`` goes before ``create`` and both before the others."""

    def __init__(
        self,
        db: database.Database,
        http: httpx.Client,
        connection: records.RespondConnection,
        *,
        workspace_id: records.WorkspaceId,
        lane: records.Lane,
    ) -> None:
        self.connection = connection
        self.workspace_id = workspace_id
        self.lane: records.Lane = lane
        org_id = token_claims(connection.token).get("orgId")
        self.respond_org_id = str(org_id) if org_id is not None else None
        self._bucket_id = (
            f"respond-org:{org_id}" if org_id is not None else f"respond-workspace:{workspace_id}"
        )
        self._db = db
        self._http = http
        self._transport = transport.Transport(
            http,
            system="respond.io",
            conn_id=connection.conn_id,
            before_attempt=self._wait_for_turn,
            on_retry_after=lambda seconds: budget.penalty(db, self._bucket_id, seconds),
        )

    def in_lane(self, lane: records.Lane) -> Session:
        """Return a session of the same workspace whose calls go in another lane."""
        return Session(self._db, self._http, self.connection, workspace_id=self.workspace_id, lane=lane)

    def call(
        self,
        method: str,
        route: str,
        path: str | None = None,
        *,
        is_idempotent: bool | None = None,
        accept: tuple[int, ...] = (),
        **parts: Unpack[transport.Parts],
    ) -> httpx.Response:
        """Call ``path`` (``route`` itself if None) below the base URL. Raises as Transport.call.

        A 429 closes the bucket for every worker until the vendor's ``Retry-After`` has passed.
        """
        return self._transport.call(
            method,
            self.connection.base_url + (path or route),
            route=route,
            is_idempotent=is_idempotent,
            accept=accept,
            **self._authorized(parts),
        )

    def call_json(self, method: str, route: str, path: str | None = None, **parts: Any) -> records.Json:
        """Call, and return the answer's JSON object."""
        answer = self.call(method, route, path, **parts)
        return answers.json_object(answer, f"respond.io {method} {route}")

    def _authorized(self, parts: transport.Parts) -> transport.Parts:
        headers = {
            "Accept": "application/json",
            **parts.get("headers", {}),
            "Authorization": f"Bearer {self.connection.token}",
        }
        return {**parts, "headers": headers}

    def _wait_for_turn(self) -> None:
        wait_seconds = self._reserved_wait()
        if wait_seconds > _LONGEST_WAIT_SECONDS:
            raise errors.RetryError(
                f"respond.io allows workspace {self.workspace_id} no call for {wait_seconds:.0f} s."
                " The next run tries again",
                retry_after_seconds=wait_seconds,
            )
        if wait_seconds > 0:
            time.sleep(wait_seconds)

    def _reserved_wait(self) -> float:
        """Yield while a lane before ours is at work; return the seconds until the slot we got."""
        until = time.monotonic() + _YIELD_SECONDS
        while True:
            is_yielding = time.monotonic() < until
            wait_seconds = budget.try_slot(
                self._db, self._bucket_id, CALLS_PER_SECOND, lane=self.lane, is_yielding=is_yielding
            )
            if wait_seconds is not None:
                return wait_seconds
            time.sleep(_LOOK_AGAIN_SECONDS)


def token_claims(token: str) -> dict[str, Any]:
    """Return the claims of a workspace token, unverified (we are not its audience); empty if it is no JWT."""
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return {}
    return claims if isinstance(claims, dict) else {}
