from __future__ import annotations

import json

import pytest

from tests.cli.conftest import TOKEN, Command
from tests.raw_sql import RawSql
from tests.stages.house import ORG, OTHER_ORG, House


@pytest.fixture
def respond_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that is read and not called."""
    connection = {"host": "http://127.0.0.1:1/v2", "password": TOKEN}
    monkeypatch.setenv("AIRFLOW_CONN_RESPOND_IO_DEFAULT", json.dumps(connection))


def test_a_new_workspace_serves_the_org_and_knows_its_organization(
    command: Command, house: House, respond_token: None, raw: RawSql
) -> None:
    said = command(
        "workspace", "set", "beta", "--respond-conn", "respond_io_default", "--org", ORG, "--json"
    ).json
    assert (said["is_new"], said["org_id"]) == (True, ORG)
    assert raw.value("SELECT respond_org_id FROM workspace WHERE workspace_id = 'beta'") == "70"


def test_only_the_switches_given_change(command: Command, house: House) -> None:
    words = ("--editing", "on", "--match-mode", "exact", "--brake-count", "7")
    changes = command("workspace", "set", "acme", *words, "--json").json["changes"]
    assert changes == {
        "editing_enabled": {"from": False, "to": True},
        "match_mode": {"from": "normalized", "to": "exact"},
        "brake_count": {"from": 100, "to": 7},
    }


def test_setting_what_is_set_changes_nothing(command: Command, house: House) -> None:
    command("workspace", "set", "acme", "--auto-create", "on")
    said = command("workspace", "set", "acme", "--auto-create", "on")
    assert "nothing to do" in said.out


def test_a_region_is_cleared_by_an_empty_one(command: Command, house: House, raw: RawSql) -> None:
    command("workspace", "set", "acme", "--default-region", "DE")
    command("workspace", "set", "acme", "--default-region", "")
    assert raw.value("SELECT default_region FROM workspace") is None


def test_a_dry_run_meets_the_real_refusals_and_keeps_nothing(
    command: Command, house: House, raw: RawSql
) -> None:
    assert command("workspace", "set", "acme", "--brake-share", "7", "--dry-run").code == 1
    said = command("workspace", "set", "acme", "--brake-share", "0.5", "--dry-run", "--json")
    assert said.json["changes"] == {"brake_share": {"from": 0.1, "to": 0.5}}
    assert float(raw.value("SELECT brake_share FROM workspace")) == 0.1


def test_a_second_org_is_refused_while_one_is_connected(command: Command, house: House) -> None:
    house.org(OTHER_ORG)
    said = command("workspace", "set", "acme", "--org", OTHER_ORG)
    assert said.code == 1
    assert "disconnect it first" in said.err


def test_a_new_workspace_without_its_connection_is_refused(command: Command, house: House) -> None:
    said = command("workspace", "set", "beta")
    assert said.code == 1
    assert "--respond-conn" in said.err


def test_the_list_has_a_row_per_workspace(command: Command, house: House) -> None:
    house.workspace("beta", org_id=None)
    found = command("workspace", "list", "--json").json["workspaces"]
    assert [(row["workspace_id"], row["org_id"]) for row in found] == [("acme", ORG), ("beta", None)]


def test_an_empty_list_says_how_to_begin(command: Command) -> None:
    assert "workspace set" in command("workspace", "list").out


def test_show_has_switches_and_fields(command: Command, house: House) -> None:
    house.choose("Title", editable=True)
    said = command("workspace", "show", "acme", "--json").json
    assert said["match_mode"] == "normalized"
    assert said["fields"] == [{"name": "Title", "label": "Title", "editable": True}]


@pytest.mark.parametrize(
    ("tag", "reason"),
    [
        ("auto-create: salesforce", "in exactly this spelling"),
        ("Auto-Create:Salesforce", "in exactly this spelling"),
        ("x" * 256, "respond.io takes 255 at most"),
    ],
)
def test_another_spelling_of_the_tag_is_refused(
    command: Command, capsys: pytest.CaptureFixture[str], tag: str, reason: str
) -> None:
    with pytest.raises(SystemExit):
        command("workspace", "set", "acme", "--tag", tag)
    assert reason in capsys.readouterr().err


@pytest.mark.parametrize(("tag", "is_on"), [("Auto-Create: Salesforce", True), ("on", True), ("off", False)])
def test_the_tag_is_switched_by_its_name_too(
    command: Command, house: House, raw: RawSql, tag: str, is_on: bool
) -> None:
    house.settings(tag_created=not is_on)
    command("workspace", "set", "acme", "--tag", tag)
    assert raw.value("SELECT tag_created FROM workspace") is is_on


def test_a_field_for_salesforce_ids_is_set_and_cleared(command: Command, house: House, raw: RawSql) -> None:
    command("workspace", "set", "acme", "--id-field", "salesforce_id")
    assert raw.value("SELECT id_field FROM workspace") == "salesforce_id"
    command("workspace", "set", "acme", "--id-field", "")
    assert raw.value("SELECT id_field FROM workspace") is None
