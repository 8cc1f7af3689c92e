from __future__ import annotations

import pytest

from contact_sync import edits
from tests.cli.conftest import Command, Said
from tests.raw_sql import RawSql
from tests.stages.house import WORKSPACE, House


@pytest.fixture
def editable(house: House) -> House:
    """Respond contact 1 is person 1, whose title may be edited."""
    house.settings(editing_enabled=True)
    house.choose("Title", "Email", editable=True)
    house.person(1, email="ada@example.com", payload={"Title": "Dr"})
    house.contact(1, email="ada@example.com")
    house.materialize()
    return house


def edit(command: Command, *words: str) -> Said:
    return command("edit", "acme", "1", "Title", "Professor", "--base", "Dr", "--by", "ada", *words)


def applied(command: Command, raw: RawSql) -> str:
    """An edit that a worker has applied; its number."""
    edit_id = str(edit(command, "--json").json["edit_id"])
    raw("UPDATE field_edit SET status = 'applying'")
    raw("UPDATE field_edit SET status = 'applied', stored_value = '\"Professor\"', settled_at = now()")
    return edit_id


def test_an_edit_is_queued_and_told(command: Command, editable: House, raw: RawSql) -> None:
    said = edit(command)
    assert said.code == 0
    [row] = raw("SELECT edit_id, status, base_value, new_value, requested_by FROM field_edit")
    assert row | {"edit_id": 0} == {
        "edit_id": 0,
        "status": "queued",
        "base_value": "Dr",
        "new_value": "Professor",
        "requested_by": "ada",
    }
    assert said.out == f"edit {row['edit_id']} of Title for respond contact 1 is queued\n"


def test_an_edit_is_told_as_json(command: Command, editable: House) -> None:
    document = edit(command, "--json").json
    assert (document["status"], document["field_name"], document["new_value"]) == (
        "queued",
        "Title",
        "Professor",
    )


def test_a_dry_edit_is_checked_and_not_queued(command: Command, editable: House, raw: RawSql) -> None:
    assert edit(command, "--dry-run").out == "the edit of Title for respond contact 1 would be queued\n"
    assert command("edit", "acme", "1", "Email", "x", "--base", "y", "--dry-run").code == 1
    assert raw.value("SELECT count(*) FROM field_edit") == 0


def test_an_empty_value_empties_the_field(command: Command, editable: House) -> None:
    said = command("edit", "acme", "1", "Title", "", "--base", "Dr", "--json")
    assert said.json["new_value"] is None


def test_the_same_key_again_queues_nothing_new(command: Command, editable: House, raw: RawSql) -> None:
    first, second = (edit(command, "--key", "k1", "--json").json["edit_id"] for _ in range(2))
    assert first == second
    assert raw.value("SELECT count(*) FROM field_edit") == 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("edit", "acme"), "name the contact, the field and the new value"),
        (("edit", "acme", "1", "Title"), "name the contact, the field and the new value"),
        (("edit", "acme", "1", "Title", "Dean"), "Title: say which value you saw before the edit"),
        (("edit", "acme", "1", "Email", "x", "--base", "y"), "Email cannot be edited"),
        (("edit", "acme", "1", "--discard", "5"), "--discard takes an edit's number alone"),
        (("edit", "acme", "--discard", "5"), "There is no edit 5"),
        (("revert", "acme", "5"), "There is no edit 5"),
    ],
)
def test_a_wish_that_cannot_be_ends_with_one_line(
    command: Command, editable: House, words: tuple[str, ...], told: str
) -> None:
    said = command(*words)
    assert said.code == 1
    assert told in said.err
    assert said.err.count("\n") == 1


def test_a_queued_edit_is_taken_back(command: Command, editable: House, raw: RawSql) -> None:
    edit_id = str(edit(command, "--json").json["edit_id"])
    said = command("edit", "acme", "--discard", edit_id, "--by", "bob")
    assert said.out == f"edit {edit_id} of Title for respond contact 1 is discarded\n"
    assert raw.value("SELECT actor FROM edit_event ORDER BY event_id DESC LIMIT 1") == "bob"


def test_an_applied_edit_is_reverted(command: Command, editable: House, raw: RawSql) -> None:
    edit_id = applied(command, raw)
    document = command("revert", "acme", edit_id, "--by", "bob", "--json").json
    assert (document["base_value"], document["new_value"]) == ("Professor", "Dr")
    assert (document["reverts_edit_id"], document["requested_by"]) == (int(edit_id), "bob")


def test_a_dry_revert_queues_nothing(command: Command, editable: House, raw: RawSql) -> None:
    edit_id = applied(command, raw)
    assert "would be queued" in command("revert", "acme", edit_id, "--dry-run").out
    assert raw.value("SELECT count(*) FROM field_edit") == 1


def test_without_a_name_the_person_logged_in_edits(
    command: Command, editable: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "grace")
    edit_id = command("edit", "acme", "1", "Title", "Dean", "--base", "Dr", "--json").json["edit_id"]
    row = edits.get(editable.db, WORKSPACE, edit_id)
    assert row is not None
    assert row["requested_by"] == "grace"
