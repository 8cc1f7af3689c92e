"""The workspace's file."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.respond.contact import Identifier
from sandbox.respond.store import FIRST_CONTACT_ID, Store

EVERYTHING = (float("-inf"), float("inf"))


def test_contacts_survive_a_restart(tmp_path: Path) -> None:
    store = Store(tmp_path / "respond.sqlite3")
    made = store.create({"firstName": "Ana", "email": "ana@example.com"})
    store.close()
    again = Store(tmp_path / "respond.sqlite3")
    assert again.get(made["id"]) == made
    assert again.find(Identifier("email", "ana@example.com")) == made
    again.close()


def test_ids_are_minted_in_order_and_never_twice(store: Store) -> None:
    first, second = store.insert_contacts([{"firstName": "A"}, {"firstName": "B"}])
    assert (first, second) == (FIRST_CONTACT_ID, FIRST_CONTACT_ID + 1)
    store.delete(second)
    assert store.create({"firstName": "C"})["id"] == second + 1


def test_given_ids_are_kept(store: Store) -> None:
    assert store.insert_contacts([{"id": 500_000_000, "firstName": "A"}, {"firstName": "B"}]) == [
        500_000_000,
        500_000_001,
    ]


def test_a_change_that_changes_nothing_is_no_change(store: Store) -> None:
    made = store.create({"firstName": "Ana"})
    assert not store.replace(made, dict(made))
    assert len(store.history(made["id"])) == 1


def test_a_transaction_that_fails_leaves_nothing(store: Store) -> None:
    with pytest.raises(RuntimeError), store.transaction():
        store.create({"firstName": "Ana"})
        raise RuntimeError
    assert store.count() == 0


def test_the_index_goes_by_id_in_both_directions(store: Store) -> None:
    made = store.insert_contacts({"firstName": str(number)} for number in range(3))
    for newest_first in (True, False):
        rows = store.listed(cursor=None, newest_first=newest_first, created=EVERYTHING)
        assert [row["id"] for row in rows] == sorted(made, reverse=newest_first)
