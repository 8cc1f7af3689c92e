"""Good means: the one wish is in Salesforce, the other did not overwrite the colleague, and the sidebar shows it."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.demo_edits import Edit, Edits, shown


def sidebar(title: str, department: str) -> dict[str, Any]:
    values = {"Title": title, "Department": department}
    return {"fields": [{"name": name, "label": name, "value": value} for name, value in values.items()]}


def both() -> Edits:
    return Edits(
        respond_id=1,
        salesforce_id="003A",
        before=sidebar("old", "old"),
        after=sidebar("new", "theirs"),
        applied=Edit(
            field_name="Title", base="old", wish="new", end={"status": "applied"}, in_salesforce="new"
        ),
        conflicting=Edit(
            field_name="Department",
            base="old",
            wish="ours",
            colleague="theirs",
            end={"status": "conflict", "error_detail": "Somebody changed it."},
            in_salesforce="theirs",
        ),
    )


def test_one_applied_and_one_conflict_are_good() -> None:
    assert both().is_good


@pytest.mark.parametrize("status", ["queued", "rejected", "conflict"])
def test_an_edit_that_was_not_applied_is_not_good(status: str) -> None:
    edits = both()
    edits.applied.end = {"status": status}
    assert not edits.is_good


def test_an_overwritten_colleague_is_not_good() -> None:
    edits = both()
    edits.conflicting.in_salesforce = "ours"
    assert not edits.is_good


def test_a_sidebar_that_still_shows_the_old_value_is_not_good() -> None:
    edits = both()
    edits.after = edits.before
    assert not edits.is_good


def test_a_sidebar_without_fields_shows_nothing() -> None:
    assert shown({}) == {}
