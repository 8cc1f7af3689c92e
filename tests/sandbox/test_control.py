"""Faults and journal around an application, as both stand-ins have them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from sandbox import control, faults, journal
from tests.sandbox.calling import called


@dataclass
class Counter:
    """An application that counts what it applied, and what an effect did to it."""

    applied: list[str] = field(default_factory=list)
    effects: list[Any] = field(default_factory=list)

    async def apply(self, request: Request) -> JSONResponse:
        """Apply a request and answer its body."""
        self.applied.append((await request.body()).decode())
        journal.mark_changed(request.scope, request.path_params["record_id"])
        return JSONResponse({"applied": len(self.applied)})


@pytest.fixture
def counter() -> Counter:
    """What the application did."""
    return Counter()


@pytest.fixture
def client(counter: Counter) -> Iterator[httpx.Client]:
    """A client of the application behind faults and journal."""
    script, log = faults.FaultScript(effects=("wreck",)), journal.Journal()
    app = Starlette(
        routes=[*control.routes(script, log), Route("/r/{record_id}", counter.apply, methods=["POST"])]
    )
    surrounded = control.surround(app, script=script, log=log, effects={"wreck": counter.effects.append})
    with called(surrounded) as client:
        yield client


def posted(client: httpx.Client, **fault: Any) -> httpx.Response:
    """Script a fault, then make the request it waits for."""
    assert client.post("/_sandbox/faults", json=fault).status_code == 201
    return client.post("/r/7", content=b"wish")


def test_a_status_answers_instead_and_nothing_is_applied(client: httpx.Client, counter: Counter) -> None:
    answer = posted(client, status=503, body="busy", headers={"Retry-After": "2"})
    assert (answer.status_code, answer.text, answer.headers["retry-after"]) == (503, "busy", "2")
    assert counter.applied == []


def test_a_status_may_lie_about_a_request_that_was_applied(client: httpx.Client, counter: Counter) -> None:
    assert posted(client, status=500, apply=True).status_code == 500
    assert counter.applied == ["wish"]


def test_after_its_fault_the_application_answers_again(client: httpx.Client) -> None:
    posted(client, status=500)
    assert client.post("/r/7").json() == {"applied": 1}


@pytest.mark.parametrize("delay", ["delay_before_seconds", "delay_after_seconds"])
def test_a_delay_lets_the_caller_wait(client: httpx.Client, counter: Counter, delay: str) -> None:
    started = time.perf_counter()
    assert posted(client, **{delay: 0.1}).json() == {"applied": 1}
    assert time.perf_counter() - started >= 0.1


@pytest.mark.parametrize("cut", [-1, 0, 5])
def test_the_connection_is_cut_after_the_request_was_applied(
    client: httpx.Client, counter: Counter, cut: int
) -> None:
    with pytest.raises(control.ConnectionCutError):
        posted(client, cut_after_bytes=cut)
    assert counter.applied == ["wish"]


def test_effects_are_the_stand_ins_own(client: httpx.Client, counter: Counter) -> None:
    posted(client, effects={"wreck": "all"})
    assert counter.effects == ["all"]


def test_a_body_that_was_looked_into_still_reaches_the_application(
    client: httpx.Client, counter: Counter
) -> None:
    posted(client, record_id="wish", delay_before_seconds=0.001)
    assert counter.applied == ["wish"]
    assert client.get("/_sandbox/faults").json()["faults"][0]["fired"] == 1


def test_faults_are_removed_one_by_one_or_all(client: httpx.Client) -> None:
    for _ in range(3):
        client.post("/_sandbox/faults", json={"status": 500})
    client.delete("/_sandbox/faults/2")
    assert [item["fault_id"] for item in client.get("/_sandbox/faults").json()["faults"]] == [1, 3]
    assert client.delete("/_sandbox/faults").json() == {"faults": []}
    assert client.delete("/_sandbox/faults/1").status_code == 404


@pytest.mark.parametrize("wrong", [{"staus": 500}, ["status"], {"effects": {"explode": 1}}])
def test_a_fault_that_cannot_be_played_is_refused_by_name(client: httpx.Client, wrong: Any) -> None:
    answer = client.post("/_sandbox/faults", json=wrong)
    assert answer.status_code == 400
    assert answer.json()["error"]


def test_the_journal_tells_every_request_but_control_routes(client: httpx.Client) -> None:
    client.post("/r/7", headers={"Sforce-Call-Options": "client=contact-sync-edit"})
    posted(client, status=503)
    told = client.get("/_sandbox/journal").json()["requests"]
    assert [(entry["route"], entry["lane"], entry["status"], entry["changed"]) for entry in told] == [
        ("/r/{record_id}", "edit", 200, ["7"]),
        ("/r/7", None, 503, []),
    ]
    assert [entry["is_faulted"] for entry in told] == [False, True]


def test_a_cut_connection_has_status_0(client: httpx.Client) -> None:
    with pytest.raises(control.ConnectionCutError):
        posted(client, cut_after_bytes=3)
    (entry,) = client.get("/_sandbox/journal").json()["requests"]
    assert (entry["status"], entry["changed"]) == (0, ["7"])


def test_the_journal_is_counted_filtered_and_cleared(client: httpx.Client) -> None:
    client.post("/r/7")
    client.post("/r/8")
    (counted,) = client.get("/_sandbox/journal/counts").json()["counts"]
    assert counted["requests"] == 2
    assert len(client.get("/_sandbox/journal", params={"record_id": "8"}).json()["requests"]) == 1
    assert client.get("/_sandbox/journal", params={"colour": "red"}).status_code == 400
    assert client.delete("/_sandbox/journal").json() == {"requests": []}
