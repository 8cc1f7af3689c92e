"""The journal counts requests and the history tells a record's life."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from sandbox import journal


def written(log: journal.Journal, **seen: object) -> journal.JournalEntry:
    usual = {
        "at": "now", "method": "GET", "route": "/query", "path": "/query", "query": "", "lane": "extract",
        "status": 200, "latency_ms": 1.0, "bytes_out": 10, "changed": (), "is_faulted": False,
    }  # fmt: skip
    return log.append(**{**usual, **seen})


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        ({}, [1, 2, 3]),
        ({"lane": "edit"}, [2]),
        ({"status": "503"}, [3]),
        ({"record_id": "003x"}, [2]),
        ({"since": "1"}, [2, 3]),
        ({"method": "GET", "route": "/query"}, [1, 3]),
    ],
)
def test_requests_are_found_by_what_they_were(wanted: dict[str, str], numbers: list[int]) -> None:
    log = journal.Journal()
    written(log)
    written(log, method="PATCH", route="/sobjects", lane="edit", changed=("003x",))
    written(log, status=503)
    assert [entry["number"] for entry in log.select(wanted)] == numbers


def test_an_unknown_filter_is_an_error_not_an_empty_answer() -> None:
    log = journal.Journal()
    written(log)
    with pytest.raises(KeyError):
        log.select({"colour": "red"})


def test_counts_outlive_the_entries_that_are_forgotten() -> None:
    log = journal.Journal(capacity=2)
    for _ in range(5):
        written(log)
    assert len(log.select({})) == 2
    assert [item["requests"] for item in log.counts()] == [5]


def test_clearing_forgets_all_but_numbers_go_on() -> None:
    log = journal.Journal()
    written(log)
    log.clear()
    assert log.counts() == []
    assert written(log).number == 2


@pytest.mark.parametrize(
    ("header", "lane"),
    [
        ((b"Sforce-Call-Options", b"client=contact-sync-edit"), "edit"),
        ((b"sforce-call-options", b"defaultNamespace=x, client=contact-sync-backfill"), "backfill"),
        ((b"sforce-call-options", b"client=DataLoaderPartnerUI/66"), None),
        ((b"x-contact-sync-lane", b"create"), "create"),
        ((b"accept", b"*/*"), None),
    ],
)
def test_the_lane_is_what_the_caller_named(header: tuple[bytes, bytes], lane: str | None) -> None:
    assert journal.lane_of([header]) == lane


def test_changes_are_noted_once_each_in_order() -> None:
    scope: dict[str, object] = {}
    journal.mark_changed(scope, "b", 7)
    journal.mark_changed(scope, "b")
    assert journal.changed_in(scope) == ("b", "7")


def test_history_tells_who_changed_what() -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(journal.HISTORY_SCHEMA)
        journal.write_history(connection, "003x", "updated", {"Title": ("CEO", None)}, actor="005x")
        journal.write_history(connection, "003y", "created", {})
        (told,) = journal.read_history(connection, "003x")
    assert (told["actor"], told["action"], told["changes"]) == ("005x", "updated", {"Title": ["CEO", None]})
