"""Extract respond.io contacts, run by Airflow against the stand-in: up, down and up again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import jwt
import pytest

from contact_sync import connections, transport
from contact_sync.airflow_side import wiring
from contact_sync.respond_io import session as respond_session
from sandbox.respond.app import create_app
from sandbox.respond.store import Store
from tests.dags.conftest import Play
from tests.raw_sql import RawSql
from tests.serving import served
from tests.stages.house import House

DAG = "extract_respond_contacts"
TOKEN = jwt.encode({"spaceId": 7, "orgId": 70, "id": 1, "iat": 1767268800}, "k" * 32, algorithm="HS256")
CONTACTS = "SELECT respond_id FROM respond_contact WHERE gone_at IS NULL ORDER BY 1"


class Vendor:
    """The respond.io stand-in and the connection that leads to it."""

    def __init__(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        self.store = store
        self._monkeypatch = monkeypatch
        # port 9, "discard": nobody listens there
        self._connect("http://127.0.0.1:9")

    @contextmanager
    def up(self) -> Iterator[None]:
        """Answer for as long as the block runs."""
        with served(create_app(self.store, token=TOKEN)) as url:
            self._connect(url)
            yield

    def _connect(self, url: str) -> None:
        connection = {"conn_type": "http", "host": f"{url}/v2", "password": TOKEN}
        self._monkeypatch.setenv(connections.variable("respond_io_default"), json.dumps(connection))


@pytest.fixture
def vendor(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Vendor]:
    """A stand-in that is down and holds two contacts; calls are neither paced nor repeated for long."""
    monkeypatch.setattr(respond_session, "CALLS_PER_SECOND", 10_000.0)
    monkeypatch.setattr(wiring, "seconds_until_takeover", lambda next_run_at: 0.0)
    impatient = transport.Patience(retry_seconds=0.0)
    monkeypatch.setattr(transport, "Patience", lambda: impatient)
    store = Store(tmp_path / "respond.sqlite")
    store.switch({"index_lag_seconds": 0.0, "requests_per_second": 0})
    store.insert_contacts([{"firstName": "Ada"}, {"firstName": "Bob"}])
    yield Vendor(store, monkeypatch)
    store.close()


def test_a_run_brings_the_contacts(play: Play, vendor: Vendor, raw: RawSql) -> None:
    with vendor.up():
        played = play(DAG)
    assert (played.state, played.tasks[DAG]) == ("success", {"success"})
    assert len(raw.column(CONTACTS)) == 2


def test_a_run_without_news_is_skipped(play: Play, vendor: Vendor, raw: RawSql) -> None:
    with vendor.up():
        play(DAG)
        raw("DELETE FROM pending_change")
        played = play(DAG)
    assert (played.state, played.tasks[DAG]) == ("success", {"skipped"})


def test_news_that_nobody_matched_yet_rings_again(play: Play, vendor: Vendor) -> None:
    with vendor.up():
        play(DAG)
        assert play(DAG).tasks[DAG] == {"success"}


def test_a_vendor_that_is_down_makes_a_red_run(play: Play, vendor: Vendor) -> None:
    played = play(DAG)
    assert (played.state, played.tasks[DAG]) == ("failed", {"failed"})


def test_a_vendor_that_is_down_is_told_in_one_line(play: Play, vendor: Vendor) -> None:
    told = [line for line in play(DAG).text.splitlines() if line.startswith("acme: ")]
    assert told
    for line in told:
        assert "respond.io POST /contact/list: no answer" in line
        assert "Check that respond.io is up and reachable; the next run tries again" in line


def test_the_run_after_a_stop_catches_up(play: Play, vendor: Vendor, raw: RawSql) -> None:
    with vendor.up():
        play(DAG)
    assert play(DAG).state == "failed"
    vendor.store.insert_contacts([{"firstName": "Eve"}])
    with vendor.up():
        played = play(DAG)
    assert played.state == "success"
    assert len(raw.column(CONTACTS)) == 3


def test_a_missing_connection_says_where_to_add_it(
    play: Play, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(connections.variable("respond_io_default"))
    played = play(DAG)
    assert played.state == "failed"
    assert "connection respond_io_default is missing: add it in Airflow, Admin > Connections" in played.text


def test_the_token_is_in_no_log(play: Play, vendor: Vendor) -> None:
    text = play(DAG).text
    assert "respond.io" in text
    assert TOKEN not in text
