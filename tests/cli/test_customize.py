from __future__ import annotations

from typing import Any

import pytest

from tests.cli.conftest import Command, Said
from tests.raw_sql import RawSql
from tests.stages.house import House


@pytest.fixture(autouse=True)
def department(house: House) -> None:
    """A second field that may be edited."""
    house.field("Department")


def chosen(said: Said) -> list[tuple[Any, ...]]:
    assert said.code == 0, said.err
    return [(field["name"], field["label"], field["editable"]) for field in said.json["fields"]]


def test_fields_are_chosen_in_order_and_in_salesforces_spelling(command: Command) -> None:
    said = command("fields", "acme", "--set", "email, title", "--json")
    assert chosen(said) == [("Email", "Email", False), ("Title", "Title", False)]


def test_labels_and_editing_stay_when_the_order_changes(command: Command) -> None:
    command("fields", "acme", "--set", "Title,Email", "--editable", "Title", "--label", "Title=Job title")
    said = command("fields", "acme", "--set", "Email,Title", "--json")
    assert chosen(said) == [("Email", "Email", False), ("Title", "Job title", True)]


def test_editable_names_all_that_are(command: Command) -> None:
    command("fields", "acme", "--set", "Title,Department", "--editable", "Title")
    said = command("fields", "acme", "--editable", "Department", "--json")
    assert chosen(said) == [("Title", "Title", False), ("Department", "Department", True)]


def test_an_empty_label_gives_salesforces_back(command: Command) -> None:
    command("fields", "acme", "--set", "Title", "--label", "Title=Job title")
    assert chosen(command("fields", "acme", "--label", "title=", "--json")) == [("Title", "Title", False)]


def test_a_dry_run_shows_the_choice_and_keeps_the_old_one(command: Command, raw: RawSql) -> None:
    said = command("fields", "acme", "--set", "Title", "--dry-run", "--json")
    assert chosen(said) == [("Title", "Title", False)]
    assert raw.value("SELECT count(*) FROM sidebar_field_choice") == 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--set", "Titel"), "nearest: Title"),
        (("--set", "Email", "--editable", "Email"), "Email cannot be editable"),
        (("--set", "Title", "--editable", "Department"), "--set"),
        (("--set", "Title", "--label", "Department=Team"), "--set"),
    ],
)
def test_what_cannot_be_chosen_is_refused_by_name(
    command: Command, raw: RawSql, words: tuple[str, ...], told: str
) -> None:
    said = command("fields", "acme", *words)
    assert said.code == 1
    assert told in said.err
    assert raw.value("SELECT count(*) FROM sidebar_field_choice") == 0


def test_without_options_all_fields_are_listed_with_why_not(command: Command, house: House) -> None:
    house.choose("Title")
    said = command("fields", "acme", "--json").json
    assert [field["name"] for field in said["fields"]] == ["Title"]
    reasons = {field["name"]: field["read_only_reason"] for field in said["available"]}
    assert reasons["Department"] is None
    assert "decide whose data" in reasons["Email"]


def test_a_workspace_without_an_org_is_told_how_to_get_one(command: Command, house: House) -> None:
    house.workspace("beta", org_id=None)
    said = command("fields", "beta")
    assert said.code == 1
    assert "workspace set beta --org" in said.err
