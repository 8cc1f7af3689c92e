"""Seeding: both stores filled, times believable, the truth written."""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from sandbox import places, seed

UNTIL = 1_790_000_000.0


@pytest.fixture
def place(tmp_path: Path) -> places.Places:
    """A sandbox of 400 Salesforce contacts."""
    place = places.Places(tmp_path / "sandbox")
    seed.seed(place, contacts=400, seed=1, until=UNTIL)
    return place


def rows(path: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def people(place: places.Places) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = json.loads(place.truth.read_text(encoding="utf-8"))["people"]
    return told


def test_both_stores_hold_what_was_asked_for(place: places.Places) -> None:
    assert rows(place.salesforce, "SELECT count(*) FROM Contact") == [(400,)]
    assert rows(place.respond, "SELECT count(*) FROM contact") == [(320,)]


def test_the_truth_names_every_record_once(place: places.Places) -> None:
    told = people(place)
    salesforce_ids = [record_id for person in told for record_id in person["salesforce_ids"]]
    respond_ids = [record_id for person in told for record_id in person["respond_ids"]]
    assert sorted(salesforce_ids) == [
        row[0] for row in rows(place.salesforce, "SELECT Id FROM Contact ORDER BY Id")
    ]
    assert sorted(respond_ids) == [
        row[0] for row in rows(place.respond, "SELECT id FROM contact ORDER BY id")
    ]


def test_every_expected_match_is_a_live_contact(place: places.Places) -> None:
    live = {row[0] for row in rows(place.salesforce, "SELECT Id FROM Contact WHERE NOT IsDeleted")}
    expected = {person["salesforce_id"] for person in people(place) if person["expect"] == "match"}
    assert expected
    assert expected <= live


def test_times_lie_in_the_past_in_their_order(place: places.Places) -> None:
    query = "SELECT CreatedDate, LastModifiedDate, SystemModstamp FROM Contact ORDER BY Id"
    stamps = rows(place.salesforce, query)
    assert all(created <= modified <= touched <= UNTIL for created, modified, touched in stamps)
    assert [row[0] for row in stamps] == sorted(row[0] for row in stamps)
    assert UNTIL - stamps[0][0] > 5 * 365 * 86_400


def test_many_rows_share_one_second(place: places.Places) -> None:
    query = "SELECT count(*) FROM Contact GROUP BY SystemModstamp ORDER BY 1 DESC LIMIT 1"
    assert rows(place.salesforce, query)[0][0] >= 10


def test_several_people_entered_the_contacts_and_accounts_exist(place: places.Places) -> None:
    assert rows(place.salesforce, "SELECT count(DISTINCT CreatedById) FROM Contact")[0][0] >= 10
    query = "SELECT count(*) FROM Contact c JOIN Account a ON a.Id = c.AccountId"
    assert rows(place.salesforce, query)[0][0] > 300


def test_a_merged_contact_names_its_winner(place: places.Places) -> None:
    query = (
        "SELECT count(*) FROM Contact loser JOIN Contact winner ON winner.Id = loser.MasterRecordId"
        " WHERE loser.IsDeleted AND winner.Id <> loser.Id"
    )
    assert rows(place.salesforce, query)[0][0] >= 2


def test_the_same_seed_makes_the_same_records(place: places.Places, tmp_path: Path) -> None:
    again = places.Places(tmp_path / "again")
    seed.seed(again, contacts=400, seed=1, until=UNTIL)
    query = "SELECT Id, Email, Phone, SystemModstamp FROM Contact ORDER BY Id"
    assert rows(again.salesforce, query) == rows(place.salesforce, query)
    query = "SELECT id, body FROM contact ORDER BY id"
    assert rows(again.respond, query) == rows(place.respond, query)


def test_seeding_twice_is_refused(place: places.Places) -> None:
    with pytest.raises(seed.SeedError, match="reset"):
        seed.seed(place, contacts=10, seed=2)


def test_a_seeding_that_was_cut_off_is_begun_anew(tmp_path: Path) -> None:
    place = places.Places(tmp_path)
    for _ in range(2):
        seed.seed(place, contacts=20, seed=1, until=UNTIL)
        place.truth.unlink()
    assert rows(place.salesforce, "SELECT count(*) FROM Contact") == [(20,)]


def test_new_hires_are_created_now_and_told_of(place: places.Places) -> None:
    before = time.time()
    seed.hire(place, count=5, seed=9)
    created = rows(place.salesforce, "SELECT CreatedDate FROM Contact ORDER BY Id DESC LIMIT 5")
    assert all(row[0] >= int(before) for row in created)
    assert [person["case"] for person in people(place)[-5:]] == ["new_hire"] * 5


def test_nobody_is_hired_into_an_empty_sandbox(tmp_path: Path) -> None:
    with pytest.raises(seed.SeedError, match="seed or load"):
        seed.hire(places.Places(tmp_path), count=1, seed=1)
