"""Whatever breaks, and wherever: one contact per person, tagged if it is ours, and nothing left half done."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from contact_sync.stages import _creation
from tests.stages.conftest import TOKEN
from tests.stages.creating import TAG, Creating, try_to_create
from tests.stages.house import ORG, WORKSPACE, person_id

ROOT = Path(__file__).parents[2]
PEOPLE = 6
OPEN = "SELECT count(*) FROM contact_creation WHERE status IN ('planned', 'creating', 'created')"


def populate(creating: Creating, number: int = PEOPLE) -> None:
    """People with an address, every second with a number, too; one is there already, and two records share a number."""
    for person in range(1, number + 1):
        creating.new(person, **({"phone": f"+4930901{800 + person}"} if person % 2 else {}))
    creating.there(email=f"ada{number}@example.com")
    creating.new(number + 1, email=None, phone="+4930901801")
    creating.match()


def check(creating: Creating, number: int = PEOPLE) -> None:
    """One contact per person, the tag on all that were created, none on the adopted one, nothing half done."""
    made = creating.made()
    assert sorted(contact["email"] for contact in made) == sorted(
        f"ada{person}@example.com" for person in range(1, number + 1)
    )
    tags = {contact["email"]: contact["tags"] for contact in made}
    assert tags.pop(f"ada{number}@example.com") == []
    assert all(found == [TAG] for found in tags.values()), tags
    statuses = creating.raw("SELECT status, count(*) AS n FROM contact_creation GROUP BY 1 ORDER BY 1")
    assert {row["status"]: row["n"] for row in statuses} == {
        "adopted": 1,
        "skipped": 1,
        "tagged": number - 1,
    }
    ids = {contact["id"] for contact in made}
    assert set(creating.raw.column("SELECT respond_id FROM contact_match")) == ids


FAULTS: dict[str, dict[str, Any]] = {
    "cut before applying": {"cut_after_bytes": -1, "status": 500},
    "cut after applying": {"cut_after_bytes": -1},
    "in queue three times": {"status": 449, "times": 3},
    "too many requests": {"status": 429, "headers": {"Retry-After": "0"}},
    "error": {"status": 500},
    "error after applying": {"status": 500, "apply": True},
}


@pytest.mark.slow
@pytest.mark.parametrize("first", [1, 2], ids=["odd calls", "even calls"])
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_with_a_fault_at_every_second_call_everybody_is_there_once(
    creating: Creating, fault: dict[str, Any], first: int
) -> None:
    populate(creating)
    times = fault.get("times", 1)
    for nth in range(first, 60, times + 1):
        creating.fault(**{"path": "/v2/*", "nth": nth, **fault})
    for _ in range(60):
        try_to_create(creating)
        creating.a_minute_later()
        if not creating.raw.value(OPEN):
            break
    check(creating)


def worker(creating: Creating, database_url: str) -> subprocess.Popen[bytes]:
    """Another worker, that may be killed."""
    base_url = str(creating.respond.http.base_url).rstrip("/")
    return subprocess.Popen(
        [sys.executable, "-m", "tests.stages.creating_worker", f"{base_url}/v2", TOKEN],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'plugins'}", "DATABASE": database_url},
        stderr=subprocess.DEVNULL,
    )


def calls(creating: Creating) -> int:
    return len(creating.respond.steer("GET", "/journal").json()["requests"])


@pytest.mark.slow
def test_workers_that_are_killed_and_two_at_once_make_everybody_once(
    creating: Creating, database_url: str
) -> None:
    chance = random.Random(7)
    number = 12
    populate(creating, number)
    creating.fault(path="/v2/*", times=None, delay_after_seconds=0.02)
    for _ in range(5):
        before, wanted = calls(creating), chance.randint(1, 15)
        both = [worker(creating, database_url) for _ in range(2)]
        # killed after so many calls, wherever that is
        while calls(creating) < before + wanted and any(process.poll() is None for process in both):
            time.sleep(0.01)
        for process in both:
            process.kill()
            process.wait()
        creating.a_minute_later()
    for _ in range(10):
        try_to_create(creating)
        creating.a_minute_later()
        if not creating.raw.value(OPEN):
            break
    check(creating, number)


def test_two_workers_on_one_record_send_it_once(creating: Creating, monkeypatch: pytest.MonkeyPatch) -> None:
    """The turn was lost with its connection, and another worker took it."""
    creating.new(1)
    creating.match()
    creating.raw.insert(
        "contact_creation", org_id=ORG, workspace_id=WORKSPACE, salesforce_id=person_id(1), status="planned"
    )
    [row] = creating.db.all(
        "select_next_creation", workspace_id=WORKSPACE, tried=[], leaves_bulk_imports=False
    )
    [workspace] = creating.db.all("select_workspace", workspace_id=WORKSPACE)
    creator = _creation.Creator(creating.db, creating.respond.session, workspace, "run")
    both_looked = threading.Barrier(2)
    look_up = _creation.Creator._look_up

    def at_once(self: _creation.Creator, person: Any) -> Any:
        found = look_up(self, person)
        both_looked.wait(10)
        return found

    monkeypatch.setattr(_creation.Creator, "_look_up", at_once)
    outcomes: list[str] = []
    workers = [threading.Thread(target=lambda: outcomes.append(creator.advance(row))) for _ in range(2)]
    for thread in workers:
        thread.start()
    for thread in workers:
        thread.join()
    assert sorted(outcomes) == ["postponed", "tagged"]
    assert len(creating.made()) == 1
