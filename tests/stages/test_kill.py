"""Kill -9 of the worker again and again, while the org lives on: nothing is lost, doubled, or promised too early."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import SECRET
from tests.raw_sql import RawSql
from tests.stages.conftest import SalesforceSide
from tests.stages.house import House

DEATHS = 20
PEOPLE = 1_500
#: The field that is chosen while the first load goes on.
LATER_FIELD = "Department"
#: After so many runs without a death all must be done.
LAST_RUNS = 8

Order = dict[str, float]


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker in a process of its own; ``obey`` tells how it ended."""

    process: subprocess.Popen[str]

    def obey(self, order: Order) -> str:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()


@pytest.fixture
def worker(salesforce: SalesforceSide, database_url: str) -> Iterator[Worker]:
    """Windows of more than 100 rows are big, a set of results has 100 rows."""
    place = {
        "database_url": database_url,
        "url": str(salesforce.http.base_url).rstrip("/"),
        "org_id": salesforce.org_id,
        "secret": SECRET,
        "small": 100,
        "set_rows": 100,
    }
    root = Path(__file__).resolve().parents[2]
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.stages.dying_worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=root,
        env={"PYTHONPATH": f"{root / 'plugins'}:{root}", "PATH": ""},
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps(place) + "\n")
    yield Worker(process)
    process.stdin.close()
    assert process.wait(60) == 0
    assert process.stdout is not None
    process.stdout.close()


def truth(salesforce: SalesforceSide) -> dict[str, tuple[datetime, str, Any, Any]]:
    """What the org holds now, by id: stamp, last name, title, department."""
    rows = salesforce.store.read().execute(
        "SELECT Id, SystemModstamp, LastName, Title, Department FROM Contact"
    )
    return {row[0]: (datetime.fromtimestamp(row[1], UTC), *row[2:]) for row in rows}


def mirror(raw: RawSql) -> dict[str, tuple[datetime, str, Any, Any]]:
    rows = raw("SELECT salesforce_id, system_modstamp, last_name, payload FROM salesforce_contact")
    return {
        row["salesforce_id"]: (
            row["system_modstamp"],
            row["last_name"],
            row["payload"].get("Title"),
            row["payload"].get(LATER_FIELD),
        )
        for row in rows
    }


def check_promise(salesforce: SalesforceSide, raw: RawSql) -> None:
    """Whatever Salesforce showed before the watermark is in the mirror, at that stamp or a newer one."""
    watermark = raw.value(
        "SELECT max(read_until) FROM proven_window WHERE kind IN ('initial', 'incremental')"
    )
    if watermark is None:
        return
    held = mirror(raw)
    for salesforce_id, (stamp, *_) in truth(salesforce).items():
        if stamp < watermark:
            assert salesforce_id in held, f"{salesforce_id} of {stamp} is lost below {watermark}"
            assert held[salesforce_id][0] >= stamp


def live_on(salesforce: SalesforceSide, chance: random.Random, ids: list[str]) -> None:
    """People in Salesforce add a contact and change another, under the stamp of this second."""
    now = salesforce.store.now()
    name = f"Newcomer {len(ids)}"
    ids += salesforce.store.insert_contacts([{"LastName": name, "Title": "Ms", "SystemModstamp": now}])
    salesforce.steer("PATCH", f"/contacts/{chance.choice(ids)}", {"Title": f"Dr {chance.random()}"})


def orders(chance: random.Random) -> Iterator[Order]:
    """Mostly at a step, counted from the worker's beginning; sometimes after a time."""
    while True:
        yield (
            {"seconds": chance.uniform(0.05, 0.6)}
            if chance.random() < 0.25
            else {"step": chance.randint(2, 45)}
        )


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1])
def test_twenty_deaths_lose_nothing_and_double_nothing(
    salesforce: SalesforceSide, house_of: House, worker: Worker, raw: RawSql, seed: int
) -> None:
    chance = random.Random(seed)
    house_of.choose("Title")
    ids = salesforce.store.insert_contacts(
        {
            "LastName": f"Person {number}",
            "Title": "Dr",
            LATER_FIELD: "Sales",
            "SystemModstamp": 1767268800 + number,
        }
        for number in range(PEOPLE)
    )
    deaths = []
    for order in orders(chance):
        if worker.obey(order) == "killed":
            deaths.append(order)
            check_promise(salesforce, raw)
        live_on(salesforce, chance, ids)
        if len(deaths) == DEATHS // 2:
            house_of.choose("Title", LATER_FIELD)
        if len(deaths) == DEATHS:
            break
    for _ in range(LAST_RUNS):
        assert worker.obey({}) == "done"
        if mirror(raw) == truth(salesforce):
            break
    assert mirror(raw) == truth(salesforce)
    check_promise(salesforce, raw)
    assert raw.value("SELECT count(*) FROM salesforce_contact") == len(ids)
    check_leftovers(raw, ids)


def check_leftovers(raw: RawSql, ids: list[str]) -> None:
    """Every window is at an end and adds up; the change feed names everybody; nothing is left on the way."""
    open_windows = "SELECT count(*) FROM extract_window WHERE status IN ('planned', 'running', 'short')"
    assert raw.value(open_windows) == 0
    adds_up = "SELECT bool_and(rows_reported = rows_landed + rows_quarantined) FROM extract_window"
    assert raw.value(f"{adds_up} WHERE status = 'proven'")
    fed = "SELECT count(DISTINCT entity_id) FROM pending_entity WHERE entity = 'salesforce_contact'"
    assert raw.value(fed) == len(ids)
