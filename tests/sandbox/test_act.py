"""Everyday life, played against stand-ins that are called in process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random

import httpx
import pytest

from sandbox import act, places, seed
from sandbox.people import Maker
from sandbox.respond import app as respond_app
from sandbox.salesforce import app as salesforce_app
from tests.sandbox.calling import called


@pytest.fixture
def clients(tmp_path: Path) -> Iterator[tuple[httpx.Client, httpx.Client]]:
    """Clients of both stand-ins with 40 Salesforce contacts."""
    place = places.Places(tmp_path)
    seed.seed(place, contacts=40, seed=1)
    sandbox = seed.opened(place)
    with closing(sandbox.salesforce), closing(sandbox.respond):
        org = salesforce_app.create_app(sandbox.salesforce, consumer_key="k", consumer_secret="s")
        with called(org) as salesforce, called(respond_app.create_app(sandbox.respond, token="t")) as respond:
            yield salesforce, respond
        org.state.org.bulk.close()


def life(clients: tuple[httpx.Client, httpx.Client], seed_number: int = 1) -> act.Life:
    met = act.Life(*clients, Random(seed_number), Maker(seed_number, first_serial=9000))
    met.meet()
    return met


def test_everything_that_can_happen_happens(clients: tuple[httpx.Client, httpx.Client]) -> None:
    met = life(clients)
    for _ in range(150):
        met.happen()
    assert set(met.played) == {
        "edit", "new_address", "new_hire", "delete", "undelete", "merge", "chat", "agent_edit",
    }  # fmt: skip


def test_a_seed_plays_the_same_life(clients: tuple[httpx.Client, httpx.Client]) -> None:
    assert life(clients, 3).happen() == life(clients, 3).happen()


def test_noon_brings_forty_contacts_of_one_creator_in_one_minute(
    clients: tuple[httpx.Client, httpx.Client],
) -> None:
    met = life(clients)
    before = set(met.live)
    met.noon()
    made = [
        met.salesforce.get(f"/_sandbox/contacts/{record_id}").json() for record_id in set(met.live) - before
    ]
    assert len(made) == 40
    assert len({row["CreatedById"] for row in made}) == 1


def test_life_stops_after_so_many_events(clients: tuple[httpx.Client, httpx.Client]) -> None:
    met = life(clients)
    act.play(met, 1e6, 7, threading.Event())
    assert sum(met.played.values()) == 7


def test_with_nobody_there_is_no_life(tmp_path: Path) -> None:
    sandbox = seed.opened(places.Places(tmp_path))
    with closing(sandbox.salesforce), closing(sandbox.respond):
        org = salesforce_app.create_app(sandbox.salesforce, consumer_key="k", consumer_secret="s")
        with (
            called(org) as salesforce,
            called(respond_app.create_app(sandbox.respond, token="t")) as respond,
            pytest.raises(act.ActError, match="too few people"),
        ):
            life((salesforce, respond))
        org.state.org.bulk.close()
