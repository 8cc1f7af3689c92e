"""The fault language: when a fault fires, and what is said about it."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.faults import FaultError, FaultScript, RequestSeen

GET = RequestSeen(method="GET", path="/v2/contact/id:7", lane="edit")


def fired(script: FaultScript, times: int, request: RequestSeen = GET) -> list[bool]:
    return [script.take(request) is not None for _ in range(times)]


@pytest.mark.parametrize(
    ("when", "fires"),
    [
        ({}, True),
        ({"method": "GET"}, True),
        ({"method": "PUT"}, False),
        ({"path": "/v2/contact/*"}, True),
        ({"path": "/v2/space/*"}, False),
        ({"lane": "edit"}, True),
        ({"lane": "create"}, False),
        ({"record_id": "id:7"}, True),
        ({"record_id": "id:8"}, False),
    ],
)
def test_a_fault_waits_for_its_request(when: dict[str, Any], fires: bool) -> None:
    script = FaultScript()
    script.add({**when, "status": 500})
    assert fired(script, 1) == [fires]


def test_a_record_id_is_found_in_the_body() -> None:
    script = FaultScript()
    script.add({"record_id": "003xx"})
    assert script.reads_bodies
    assert fired(script, 1, RequestSeen(method="POST", path="/", body=b'{"Id": "003xx"}')) == [True]


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        ({}, [True, False, False, False]),
        ({"nth": 2}, [False, True, False, False]),
        ({"nth": 2, "times": 2}, [False, True, True, False]),
        ({"nth": 3, "times": None}, [False, False, True, True]),
    ],
)
def test_a_fault_fires_from_the_nth_request_so_many_times(
    count: dict[str, Any], expected: list[bool]
) -> None:
    script = FaultScript()
    script.add(count)
    assert fired(script, 4) == expected


def test_of_two_faults_the_first_fires_and_both_count() -> None:
    script = FaultScript()
    for status in (500, 503):
        script.add({"status": status})
    statuses = [fault.status for fault in (script.take(GET), script.take(GET)) if fault]
    assert statuses == [500, 503]
    assert [entry.matched for entry in script] == [2, 2]


def test_a_fault_that_never_fired_is_visible_as_such() -> None:
    script = FaultScript()
    script.add({"method": "DELETE"})
    script.add({"times": 2})
    fired(script, 1)
    shown = [entry.as_json() for entry in script]
    assert [(item["state"], item["matched"], item["fired"]) for item in shown] == [
        ("waiting", 0, 0),
        ("active", 1, 1),
    ]


@pytest.mark.parametrize(
    "posted",
    [
        {"mehtod": "GET"},
        {"effects": {"explode": True}},
        {"nth": 0},
        {"status": 99},
        {"nth": "3"},
        {"times": True},
    ],
)
def test_a_fault_nobody_can_play_is_refused(posted: dict[str, Any]) -> None:
    with pytest.raises(FaultError):
        FaultScript(effects=("expire_token",)).add(posted)


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        (None, (b"", "text/plain")),
        ("<h1>Bad gateway</h1>", (b"<h1>Bad gateway</h1>", "text/html; charset=utf-8")),
        ([{"errorCode": "X"}], (b'[{"errorCode": "X"}]', "application/json")),
    ],
)
def test_a_body_is_empty_html_or_json(body: Any, answer: tuple[bytes, str]) -> None:
    assert FaultScript().add({"status": 502, "body": body}).fault.answer() == answer
