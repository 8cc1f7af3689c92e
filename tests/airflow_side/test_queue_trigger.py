"""The ear of the edit queue, on a real PostgreSQL: what it hears, what it sweeps, what it survives."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager

import psycopg2
import pytest
from airflow.sdk._shared.module_loading import import_string
from airflow.triggers.base import TriggerEvent

from contact_sync import database
from contact_sync.airflow_side.queue_trigger import EditQueueTrigger
from sandbox import postgres
from tests.raw_sql import RawSql
from tests.stages.house import ORG, WORKSPACE, House, person_id

#: Longer than any test: who waits for the sweep has not heard the notification.
NEVER = 3600.0
SOON = 10.0
#: What a test waits to see that nothing comes.
A_WHILE = 0.5


@pytest.fixture
def raw(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[RawSql]:
    monkeypatch.setenv(database.URL_VARIABLE, database_url)
    opened = RawSql(database_url)
    yield opened
    opened.close()


@pytest.fixture
def queue(db: database.Database, raw: RawSql) -> Callable[[int], None]:
    """Queues the edit of that number, in a connected org."""
    house = House(db, raw)
    house.org()
    house.workspace()

    def queued(number: int) -> None:
        raw.insert(
            "field_edit",
            org_id=ORG,
            workspace_id=WORKSPACE,
            salesforce_id=person_id(number),
            target_salesforce_id=person_id(number),
            field_name="Title",
            requested_by="agent",
        )

    return queued


Next = Callable[[], Awaitable[TriggerEvent]]


@asynccontextmanager
async def listening(raw: RawSql, *, sweep_seconds: float = NEVER) -> AsyncIterator[Next]:
    """Run the trigger; yield the call that waits for its next event. Begins when it listens."""
    events: asyncio.Queue[TriggerEvent] = asyncio.Queue()

    async def listen() -> None:
        async for event in EditQueueTrigger(sweep_seconds=sweep_seconds, debounce_seconds=0.1).run():
            events.put_nowait(event)

    task = asyncio.create_task(listen())
    async with asyncio.timeout(SOON):
        while not listeners(raw):
            await asyncio.sleep(0.01)
    try:
        yield lambda: asyncio.wait_for(events.get(), SOON)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def listeners(raw: RawSql) -> list[int]:
    """The trigger's connections that have asked the queue at least once, and wait."""
    return raw.column(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle'"
        " AND application_name = 'contact-sync-listener' AND query LIKE '%%FROM field_edit%%'"
    )


def test_another_process_can_make_it_again() -> None:
    path, options = EditQueueTrigger(sweep_seconds=7, debounce_seconds=1).serialize()
    again = import_string(path)(**options)
    assert (again.sweep_seconds, again.debounce_seconds) == (7, 1)


def test_it_looks_into_the_queue_when_it_connects(raw: RawSql, queue: Callable[[int], None]) -> None:
    async def heard() -> TriggerEvent:
        async with listening(raw) as event:
            return await event()

    queue(1)
    assert asyncio.run(heard()).payload == {"due": 1}


def test_it_hears_an_edit_at_once(raw: RawSql, queue: Callable[[int], None]) -> None:
    async def heard() -> TriggerEvent:
        async with listening(raw) as event:
            queue(1)
            return await event()

    assert asyncio.run(heard()).payload == {"due": 1}


def test_a_burst_is_one_event(raw: RawSql, queue: Callable[[int], None]) -> None:
    async def heard() -> tuple[TriggerEvent, bool]:
        async with listening(raw) as event:
            for number in range(5):
                queue(number)
            first = await event()
            try:
                await asyncio.wait_for(event(), A_WHILE)
            except TimeoutError:
                return first, True
            return first, False

    first, is_only = asyncio.run(heard())
    assert (first.payload, is_only) == ({"due": 5}, True)


def test_it_keeps_quiet_while_nothing_is_due(raw: RawSql, queue: Callable[[int], None]) -> None:
    async def heard() -> None:
        async with listening(raw, sweep_seconds=0.05) as event:
            await asyncio.wait_for(event(), A_WHILE)

    with pytest.raises(TimeoutError):
        asyncio.run(heard())


def test_an_edit_that_nobody_announced_is_found_by_the_sweep(
    raw: RawSql, queue: Callable[[int], None]
) -> None:
    """Such as one whose time to be tried again has come."""

    async def heard() -> TriggerEvent:
        async with listening(raw, sweep_seconds=0.1) as event:
            raw("UPDATE field_edit SET not_before = NULL")
            return await event()

    queue(1)
    raw("UPDATE field_edit SET not_before = now() + interval '1 hour'")
    assert asyncio.run(heard()).payload == {"due": 1}


def test_it_comes_back_after_its_connection_was_cut(
    raw: RawSql,
    queue: Callable[[int], None],
    postgres_server: postgres.Server,
    database_url: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def heard() -> TriggerEvent:
        async with listening(raw) as event:
            [pid] = listeners(raw)
            terminate(postgres_server, pid)
            queue(1)
            return await event()

    assert asyncio.run(heard()).payload == {"due": 1}
    assert "the edit queue cannot be heard" in caplog.text
    assert postgres_server.passwords["contact_sync"] not in caplog.text


def test_a_server_that_vanishes_without_a_word_is_given_up(raw: RawSql) -> None:
    async def parameters() -> dict[str, str]:
        async with await EditQueueTrigger()._connected() as connection:
            return connection.info.get_parameters()

    found = asyncio.run(parameters())
    silence = int(found["keepalives_idle"]) + int(found["keepalives_interval"]) * int(
        found["keepalives_count"]
    )
    assert max(silence, int(found["tcp_user_timeout"]) / 1000, int(found["connect_timeout"])) <= 30


def terminate(server: postgres.Server, pid: int) -> None:
    """Cut a connection, as an administrator or a restart does."""
    with psycopg2.connect(server.url()) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", (pid,))
    connection.close()
