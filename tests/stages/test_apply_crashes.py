"""Whatever dies between a claim and its settlement: each edit ends applied once, and nobody is overwritten."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator

import pytest

from contact_sync import tenants
from tests.conftest import SECRET
from tests.stages import mortal
from tests.stages.conftest import OpenSalesforce, SalesforceSide
from tests.stages.editing import Editing
from tests.stages.house import WORKSPACE, House

POINTS = 30
PER_POINT = 3
#: How a point dies: the worker is killed, or one of its calls is cut before or after Salesforce applied it.
_DEATHS = ("killed", "killed", "cut before", "cut after")
_PATHS = ("*/composite", "*/composite", "*/query*")
_FOREIGN = "Somebody else's"


@pytest.fixture(scope="module")
def workers() -> Iterator[mortal.Nursery]:
    with mortal.nursery() as opened:
        yield opened


@pytest.fixture
def crowd(salesforce: SalesforceSide, house_of: House, open_salesforce: OpenSalesforce) -> Editing:
    """A matched contact for each edit of each point, last changed long ago."""
    stamps = [1767268800 + number for number in range(POINTS * PER_POINT)]
    ids = salesforce.store.insert_contacts(
        {"LastName": "P", "Email": f"p{stamp}@example.com", "Title": "Dr", "SystemModstamp": stamp}
        for stamp in stamps
    )
    choice = tenants.FieldChoice(name="Title", is_editable=True)
    tenants.choose_fields(salesforce.db, WORKSPACE, [choice])
    tenants.set_workspace(salesforce.db, WORKSPACE, editing_enabled=True)
    salesforce.extract()
    for number, stamp in enumerate(stamps, start=1):
        house_of.contact(number, org_id=salesforce.org_id, email=f"p{stamp}@example.com")
    house_of.materialize(salesforce.org_id)
    return Editing(side=salesforce, house=house_of, open_salesforce=open_salesforce, ids=tuple(ids))


def await_sending(crowd: Editing, edit_id: int, seconds: float = 10) -> None:
    """Wait until an edit is on its way: it was read, and its call is held up."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and crowd.edit(edit_id)["sent_at"] is None:
        time.sleep(0.01)


@pytest.mark.slow
def test_thirty_deaths_lose_no_edit_double_no_write_and_overwrite_nobody(
    crowd: Editing, database_url: str, workers: mortal.Nursery
) -> None:
    chance = random.Random(20_260_101)
    place = {
        "database_url": database_url,
        "salesforce_url": str(crowd.side.http.base_url).rstrip("/"),
        "secret": SECRET,
        "org_id": crowd.side.org_id,
        "lane": "edit",
    }
    made: dict[int, int] = {}
    strangers: set[int] = set()
    for point in range(POINTS):
        contacts = range(point * PER_POINT + 1, (point + 1) * PER_POINT + 1)
        made |= {contact: crowd.wish(contact, "Dr", f"Wish {contact}") for contact in contacts}
        death = chance.choice(_DEATHS)
        if death != "killed":
            # the status is never seen: it only keeps the call from being applied
            crowd.fault(
                path=chance.choice(_PATHS), status=500, apply=death == "cut after", cut_after_bytes=-1
            )
        has_stranger = point % 3 == 0
        if has_stranger:
            # on its way between the read and the write there is time for somebody else
            crowd.fault(path="*/composite", delay_before_seconds=0.5)
        pid = workers.begin("apply_edits", **place)
        if has_stranger:
            if death == "killed":
                await_sending(crowd, made[contacts[0]])
            else:
                time.sleep(chance.uniform(0.1, 0.8))
            strangers.add(contacts[0])
            crowd.change(contacts[0], Title=_FOREIGN)
        if death == "killed":
            # a short life is spent on reading and sending, a longer one on looking at what the last one left
            time.sleep(chance.uniform(0.0, chance.choice((0.25, 0.25, 2.5))))
            mortal.kill(pid)
        workers.end()
    crowd.apply()
    outcomes = {contact: crowd.status(edit_id) for contact, edit_id in made.items()}
    assert {c: o for c, o in outcomes.items() if o != "applied" and c not in strangers} == {}
    assert set(outcomes.values()) <= {"applied", "conflict"}
    written = {contact: crowd.writes(contact) for contact in made}
    assert {c: w for c, w in written.items() if w.count(f"Wish {c}") > 1} == {}
    assert {c: w for c, w in written.items() if c not in strangers and w != [f"Wish {c}"]} == {}
    # an edit rests on what its agent saw: after somebody else's value it is never written
    assert {c: w for c, w in written.items() if c in strangers and w[-1] != _FOREIGN} == {}
