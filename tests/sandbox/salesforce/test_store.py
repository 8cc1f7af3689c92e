"""The org's storage: bulk inserts, transactions, what a new org has."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sandbox.salesforce import objects, schema
from sandbox.salesforce.store import Store


def test_a_new_org_has_an_integration_user_and_an_administrator(store: Store) -> None:
    users = [store.row(objects.USER, user_id) for user_id in (store.integration_user_id, store.admin_user_id)]
    assert [user["LastName"] for user in users if user] == ["User", "Admin"]
    assert store.org_id == "00D5g0000000001EAA"


def test_orgs_made_side_by_side_can_be_told_apart(tmp_path: Path) -> None:
    other = Store(tmp_path / "other.sqlite3", org_number=2)
    other.close()
    assert other.org_id == "00D5g0000000002EAA"


def test_rows_get_ids_in_order_and_system_fields(store: Store) -> None:
    created = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
    first, second = store.insert_contacts([{"LastName": "a", "CreatedDate": created}, {"LastName": ""}])
    row = store.row(objects.CONTACT, first)
    assert row is not None
    assert first < second
    assert row["CreatedDate"] == row["SystemModstamp"] == row["LastModifiedDate"] == int(created.timestamp())
    assert row["CreatedById"] == row["OwnerId"] == store.admin_user_id
    assert (row["VIP__c"], row["IsDeleted"]) == (0, 0)


def test_an_empty_text_is_no_value(store: Store) -> None:
    [contact] = store.insert_contacts([{"LastName": "x", "Title": ""}])
    row = store.row(objects.CONTACT, contact)
    assert row is not None
    assert row["Title"] is None


def test_a_field_without_a_column_is_refused_and_nothing_is_inserted(store: Store) -> None:
    with pytest.raises(ValueError, match="Foo"):
        store.insert_contacts([{"LastName": "x"}, {"LastName": "y", "Foo": 1}])
    assert store.count(objects.CONTACT) == 0


def test_an_inner_transaction_is_undone_alone(store: Store) -> None:
    with store.writing():
        store.insert_contacts([{"LastName": "kept"}])
        with pytest.raises(RuntimeError), store.writing():
            store.insert_contacts([{"LastName": "undone"}])
            raise RuntimeError
        assert store.count(objects.CONTACT) == 1
    assert store.count(objects.CONTACT) == 1


def test_settings_and_sequences_survive_reopening(store: Store) -> None:
    store.set_setting("colour", {"is": "blue"})
    assert store.next_serial("tickets", 5) == 1
    again = Store(store.path)
    assert again.setting("colour") == {"is": "blue"}
    assert again.next_serial("tickets") == 6
    again.close()


def test_ids_stay_unique_when_rows_bring_their_own(store: Store) -> None:
    [first] = store.insert_contacts([{"LastName": "x"}])
    moved = {"Id": "0035g0000000002AAA", "LastName": "y"}
    store.insert_contacts([moved])
    [third] = store.insert_contacts([{"LastName": "z"}])
    assert len({first, moved["Id"], third}) == 3


def test_an_org_that_an_older_version_made_shows_its_datetimes(tmp_path: Path) -> None:
    path = tmp_path / "old.sqlite3"
    old = Store(path)
    [contact] = old.insert_contacts(
        [{"LastName": "a", "CreatedDate": datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)}]
    )
    old.close()
    column = schema.shown_column("CreatedDate")
    with sqlite3.connect(path) as connection:
        connection.execute(f"ALTER TABLE Contact DROP COLUMN {column}")
    connection.close()
    store = Store(path)
    found = store.read().execute(f"SELECT {column} FROM Contact WHERE Id = ?", (contact,)).fetchone()  # noqa: S608
    store.close()
    assert found == ("2024-05-06T07:08:09",)
