"""The ear of the edit queue: waits for PostgreSQL's notification and rings the asset that wakes ``apply_edits``.

Events of the triggerer may be lost, so it also looks into the queue when it connects and every ``sweep_seconds``.
It holds no lock and no transaction while it waits, and carries nothing but a count.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

import psycopg
from airflow.sdk import BaseHook
from airflow.triggers.base import BaseEventTrigger, TriggerEvent

from contact_sync import database, statements

log = logging.getLogger(__name__)

CHANNEL = "contact_sync_field_edit"
DATABASE_CONNECTION = "contact_sync_db"

#: A server that vanished without a word is given up after so long, or nobody would hear the queue until TCP does
#: (libpq, "Parameter Key Words"; tcp_user_timeout counts milliseconds).
_ALIVE: Final[Mapping[str, Any]] = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}

#: An exception out of ``run`` is answered by a restart every two seconds, for ever: so we wait in here.
_BACK_OFF_LONGEST = 60.0


class EditQueueTrigger(BaseEventTrigger):
    """Fires while edits are due. A burst of notifications within ``debounce_seconds`` is one event."""

    def __init__(self, sweep_seconds: float = 30.0, debounce_seconds: float = 0.2) -> None:
        super().__init__()
        self.sweep_seconds = sweep_seconds
        self.debounce_seconds = debounce_seconds

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return how another process makes this trigger again."""
        return (
            "contact_sync.airflow_side.queue_trigger.EditQueueTrigger",
            {"sweep_seconds": self.sweep_seconds, "debounce_seconds": self.debounce_seconds},
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield an event with the number of due edits whenever there are any; never end for the network's sake."""
        back_off = 1.0
        while True:
            try:
                async with await self._connected() as connection:
                    back_off = 1.0
                    async for due in self._due(connection):
                        yield TriggerEvent({"due": due})
            except (psycopg.Error, OSError) as error:
                # the driver's text may hold the address, so only its kind is told
                log.warning(
                    "the edit queue cannot be heard (%s); again in %d s", type(error).__name__, back_off
                )
                await asyncio.sleep(back_off)
                back_off = min(back_off * 2, _BACK_OFF_LONGEST)

    async def _connected(self) -> psycopg.AsyncConnection[Any]:
        connection = await psycopg.AsyncConnection.connect(
            await _address(),
            autocommit=True,
            application_name="contact-sync-listener",
            options=f"-c search_path={database.SCHEMA}",
            **_ALIVE,
        )
        await connection.execute(f"LISTEN {CHANNEL}")
        return connection

    async def _due(self, connection: psycopg.AsyncConnection[Any]) -> AsyncIterator[int]:
        while True:
            row = await (await connection.execute(statements.get("count_due_edits").text.encode())).fetchone()
            if row and row[0]:
                yield row[0]
            # one after the other: a listening generator locks the connection until it is exhausted
            heard = [_ async for _ in connection.notifies(timeout=self.sweep_seconds, stop_after=1)]
            if heard:
                _ = [_ async for _ in connection.notifies(timeout=self.debounce_seconds)]


async def _address() -> str:
    """``CONTACT_SYNC_DATABASE_URL`` wins over the Airflow connection, as everywhere."""
    given = os.environ.get(database.URL_VARIABLE)
    if given:
        return given
    connection = await BaseHook.aget_connection(DATABASE_CONNECTION)
    return str(connection.get_uri()).replace("postgres://", "postgresql://", 1)
