"""Extract Salesforce contacts, run by Airflow against the stand-in: up, down, up again, and with a wrong secret."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from contact_sync import connections, transport
from sandbox.salesforce.app import create_app
from sandbox.salesforce.store import Store
from tests.dags.conftest import Play
from tests.raw_sql import RawSql
from tests.serving import served
from tests.stages.house import House

DAG = "extract_salesforce_contacts"
KEYS = {"consumer_key": "key", "consumer_secret": "s3cret-of-the-stand-in"}


class Vendor:
    """The Salesforce stand-in and the connection that leads to it."""

    def __init__(self, store: Store, raw: RawSql, monkeypatch: pytest.MonkeyPatch) -> None:
        self.store = store
        self._raw = raw
        self._monkeypatch = monkeypatch
        # port 9, "discard": nobody listens there
        self.connect("http://127.0.0.1:9")

    @contextmanager
    def up(self) -> Iterator[str]:
        """Answer for as long as the block runs."""
        with served(create_app(self.store, **KEYS)) as url:
            self.connect(url)
            yield url

    def connect(self, url: str, **more: str) -> None:
        """Write the connection, and forget the last token: it belongs to the last address."""
        extra = {**KEYS, "login_url": url, "instance_url": url, **more}
        self.set_connection("salesforce_default", {"conn_type": "salesforce", "extra": extra})
        self._raw("DELETE FROM salesforce_token")

    def set_connection(self, conn_id: str, connection: dict[str, Any]) -> None:
        """Write any connection."""
        self._monkeypatch.setenv(connections.variable(conn_id), json.dumps(connection))

    def due(self) -> None:
        """Let the next small window begin at once."""
        self._raw("UPDATE salesforce_org SET polled_at = NULL")


@pytest.fixture
def vendor(raw: RawSql, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Vendor]:
    """A stand-in that is down and holds one contact; calls are not repeated for long."""
    impatient = transport.Patience(retry_seconds=0.0)
    monkeypatch.setattr(transport, "Patience", lambda: impatient)
    store = Store(tmp_path / "salesforce.sqlite")
    store.insert_contacts([{"LastName": "Lovelace"}])
    yield Vendor(store, raw, monkeypatch)
    store.close()


@pytest.fixture
def org(vendor: Vendor, bare_house: House) -> str:
    """The stand-in's org, connected and due."""
    bare_house.org(vendor.store.org_id)
    return vendor.store.org_id


def mirrored(raw: RawSql, org_id: str) -> list[str]:
    return raw.column("SELECT last_name FROM salesforce_contact WHERE org_id = %(id)s ORDER BY 1", id=org_id)


def test_a_run_brings_the_contacts(play: Play, vendor: Vendor, org: str, raw: RawSql) -> None:
    with vendor.up():
        played = play(DAG)
    assert (played.state, played.tasks[DAG]) == ("success", {"success"})
    assert mirrored(raw, org) == ["Lovelace"]


def test_a_run_without_news_is_skipped(play: Play, vendor: Vendor, org: str) -> None:
    with vendor.up():
        play(DAG)
        vendor.due()
        played = play(DAG)
    assert (played.state, played.tasks[DAG]) == ("success", {"skipped"})


def test_a_run_whose_rows_all_end_in_quarantine_is_not_skipped(
    play: Play, vendor: Vendor, org: str, raw: RawSql
) -> None:
    with vendor.up():
        play(DAG)
        vendor.store.insert_contacts([{"LastName": "Nul\x00l"}])
        vendor.due()
        played = play(DAG)
    assert raw.value("SELECT count(*) FROM quarantined_row WHERE org_id = %(id)s", id=org) == 1
    assert (played.state, played.tasks[DAG]) == ("success", {"success"})


def test_a_run_that_is_put_off_is_a_success(play: Play, vendor: Vendor, org: str, raw: RawSql) -> None:
    raw("INSERT INTO api_limit (org_id, used, most, heard_at) VALUES (%(id)s, 90, 100, now())", id=org)
    with vendor.up():
        played = play(DAG)
        assert (played.state, played.tasks[DAG]) == ("success", {"success"})
        assert raw.column("SELECT status FROM stage_run WHERE scope = %(id)s", id=org) == ["deferred"]
        vendor.due()
        play(DAG)
    assert raw.value("SELECT count(*) FROM stage_run WHERE scope = %(id)s", id=org) == 1


def test_the_run_after_a_stop_catches_up(play: Play, vendor: Vendor, org: str, raw: RawSql) -> None:
    with vendor.up():
        play(DAG)
    vendor.due()
    assert play(DAG).state == "failed"
    vendor.store.insert_contacts([{"LastName": "Hopper"}])
    vendor.due()
    with vendor.up():
        played = play(DAG)
    assert played.state == "success"
    assert mirrored(raw, org) == ["Hopper", "Lovelace"]


def test_an_org_that_is_down_does_not_stop_the_others(
    play: Play, vendor: Vendor, org: str, bare_house: House, raw: RawSql
) -> None:
    bare_house.org("00D000000000000AAA", conn_id="salesforce_down")
    down = {"conn_type": "salesforce", "extra": {**KEYS, "login_url": "http://127.0.0.1:9"}}
    vendor.set_connection("salesforce_down", down)
    with vendor.up():
        played = play(DAG)
    assert played.state == "failed"
    assert mirrored(raw, org) == ["Lovelace"]


def test_a_refused_secret_fails_at_once_and_names_the_connection(
    play: Play, vendor: Vendor, org: str
) -> None:
    with vendor.up() as url:
        vendor.connect(url, consumer_secret="not the stand-in's")
        played = play(DAG)
    assert played.state == "failed"
    assert "connection salesforce_default: Salesforce refused the log-in" in played.text
    assert played.tries[DAG] == 1


def test_the_secret_is_in_no_log(play: Play, vendor: Vendor, org: str) -> None:
    text = play(DAG).text
    assert "Salesforce" in text
    assert KEYS["consumer_secret"] not in text
