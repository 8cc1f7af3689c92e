"""The summary of the way back says what happened in words that cannot be misread."""

from __future__ import annotations

from sandbox import demo_loop
from tests.sandbox.test_demo_creations import compared, listed, settled
from tests.sandbox.test_demo_edits import both


def test_created_contacts_are_told_with_their_tag() -> None:
    found = settled()
    text = "\n".join(demo_loop.creations(compared(found, listed(found))))
    assert "[Auto-Create: Salesforce]" in text
    assert "nobody is there twice" in text


def test_a_second_start_says_that_it_created_nobody() -> None:
    found = settled()
    found.is_new = False
    assert "this start created nobody" in "\n".join(demo_loop.creations(compared(found, listed(found))))


def test_somebody_who_is_there_twice_cannot_be_overlooked() -> None:
    found = settled()
    contacts = listed(found)
    text = "\n".join(demo_loop.creations(compared(found, [*contacts, {**contacts[0], "id": 999}])))
    assert "1 ARE THERE TWICE" in text


def test_a_created_contact_that_respond_io_lacks_is_told() -> None:
    found = settled()
    assert "MISSING at respond.io" in "\n".join(demo_loop.creations(compared(found, [])))


def test_the_old_and_the_new_value_and_the_conflicts_reason_are_told() -> None:
    text = "\n".join(demo_loop.edits(both()))
    assert "'old' -> 'new'" in text
    assert "Salesforce still has 'theirs'" in text
    assert "the agent reads: Somebody changed it." in text


def test_what_changed_in_the_sidebar_is_marked() -> None:
    edits = both()
    edits.after["fields"][1]["value"] = "old"
    lines = list(demo_loop.edits(edits))
    assert [line[2] for line in lines[-2:]] == ["*", " "]
