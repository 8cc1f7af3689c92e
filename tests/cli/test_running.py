from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox.respond.store import Store as RespondStore
from sandbox.salesforce.store import Store as SalesforceStore
from tests.cli.conftest import TOKEN, Command
from tests.raw_sql import RawSql
from tests.stages.house import NOON, House, person_id

MAIN_ROAD = [
    "extract_salesforce_contacts",
    "load_salesforce_contacts",
    "extract_respond_contacts",
    "normalize_contacts",
]


@pytest.fixture
def ada(salesforce_store: SalesforceStore, respond_store: RespondStore) -> None:
    """One person in both systems."""
    salesforce_store.insert_contacts([{"LastName": "Ada", "Email": "Ada@Example.com"}])
    respond_store.insert_contacts([{"firstName": "Ada", "email": "ada@example.com"}])


def test_the_whole_road_brings_a_contact_to_the_sidebar(
    command: Command, ada: None, connected: str, raw: RawSql
) -> None:
    said = command("run", "all", "--json")
    assert said.code == 0, said.out
    assert [result["stage"] for result in said.json["results"]][:4] == MAIN_ROAD
    assert raw.column("SELECT matched_by FROM sidebar_fields") == ["email"]
    assert raw.column("SELECT DISTINCT run_id FROM stage_run") == [said.json["run_id"]]


def test_the_road_twice_writes_nothing_the_second_time(
    command: Command, ada: None, connected: str, raw: RawSql
) -> None:
    command("run", "all")
    tables = ("salesforce_contact", "respond_contact", "salesforce_key", "contact_match", "sidebar_fields")
    before = raw.versions(*tables)
    assert command("run", "all").code == 0
    assert raw.versions(*tables) == before


def test_a_failing_system_stops_no_other_stage(
    command: Command, ada: None, connected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    command("run", "all")
    monkeypatch.delenv("AIRFLOW_CONN_SALESFORCE_DEFAULT")
    said = command("run", "all", "--json")
    assert said.code == 1
    results = {result["stage"]: result for result in said.json["results"]}
    assert "salesforce_default is missing" in results["extract_salesforce_contacts"]["error"]
    assert results["extract_respond_contacts"]["counts"]["contacts"] == 1
    assert results["match_contacts"]["error"] is None


def test_a_dry_run_counts_what_waits_and_leaves_it(
    command: Command, house: House, raw: RawSql, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.contact(1, email="ada@example.com")
    connection = {"host": "http://127.0.0.1:1/v2", "password": TOKEN}
    monkeypatch.setenv("AIRFLOW_CONN_RESPOND_IO_DEFAULT", json.dumps(connection))
    waiting = "SELECT count(*) FROM pending_change"
    before = raw.value(waiting)
    said = command("run", "all", "--dry-run", "--json")
    assert said.code == 0
    assert counts_of(said.json, "normalize_contacts")["pending_changes"] > 0
    assert raw.value(waiting) == before
    assert raw.value("SELECT count(*) FROM stage_run") == 0


def counts_of(document: Any, stage: str) -> dict[str, int]:
    [counts] = [result["counts"] for result in document["results"] if result["stage"] == stage]
    return dict(counts)


def test_one_workspace_runs_alone(command: Command, house: House) -> None:
    house.org("00D000000000002EAA")
    house.workspace("beta", org_id="00D000000000002EAA")
    results = command("run", "match_contacts", "--workspace", "beta", "--json").json["results"]
    assert [result["scope"] for result in results] == ["00D000000000002EAA"]


def test_nothing_connected_is_told_with_the_next_step(command: Command) -> None:
    said = command("run", "all")
    assert said.code == 1
    assert "python -m contact_sync connect" in said.err


def test_a_dry_run_of_creations_names_samples(command: Command, house: House) -> None:
    house.settings(auto_create_since=NOON)
    house.person(1, last_name="Ada", email="ada@example.com", is_bulk_import=False, bulk_judged_at=NOON)
    house.materialize()
    said = command("run", "create_contacts", "--dry-run", "--json")
    [result] = said.json["results"]
    assert result["counts"]["planned"] == 1
    assert result["samples"] == {"planned": [person_id(1)]}
    assert person_id(1) in command("run", "create_contacts", "--dry-run").out


def test_what_is_withheld_is_no_success(command: Command, house: House) -> None:
    house.person(1, email="ada@example.com")
    house.contact(1, email="ada@example.com")
    house.match()
    house.settings(brake_count=0, brake_share=0)
    house.change_person(1, email=None)
    command("run", "normalize_contacts")
    said = command("run", "match_contacts", "--json")
    assert said.code == 1
    assert said.json["results"][0]["counts"]["held"] == 1


@pytest.fixture
def wished(command: Command, ada: None, connected: str, raw: RawSql) -> str:
    """An edit of the matched contact is queued; its org."""
    command("fields", "acme", "--set", "Title", "--editable", "Title")
    command("workspace", "set", "acme", "--editing", "on")
    command("run", "all")
    respond_id = str(raw.value("SELECT respond_id FROM sidebar_fields"))
    assert command("edit", "acme", respond_id, "Title", "Dr", "--base", "", "--by", "ann").code == 0
    return connected


def test_edits_are_applied_by_name_and_not_with_all(command: Command, wished: str, raw: RawSql) -> None:
    status = "SELECT status FROM field_edit"
    assert command("run", "all").code == 0
    assert raw.value(status) == "queued"
    said = command("run", "apply_edits", "--dry-run", "--json")
    assert counts_of(said.json, "apply_edits") == {"due": 1, "in_flight": 0}
    assert raw.value(status) == "queued"
    said = command("run", "apply_edits", "--json")
    assert (said.code, counts_of(said.json, "apply_edits")["applied"]) == (0, 1)
    assert raw.value(status) == "applied"


def test_the_daily_work_runs_by_name(command: Command, wished: str, raw: RawSql) -> None:
    said = command("run", "reconcile_contacts", "--json")
    assert (said.code, counts_of(said.json, "reconcile_contacts")["ids"]) == (0, 1)
    said = command("run", "restore_tags", "--json")
    assert (said.code, said.json["results"][0]["scope"]) == (0, "acme")
    raw("UPDATE field_edit SET status = 'parked', requested_at = now() - interval '31 days'")
    said = command("run", "sweep_leftovers", "--dry-run", "--json")
    assert counts_of(said.json, "sweep_leftovers")["given_up_edits"] == 1
    assert raw.value("SELECT status FROM field_edit") == "parked"
    said = command("run", "sweep_leftovers", "--json")
    assert (said.code, said.json["results"][0]["scope"]) == (0, "all")
    assert raw.value("SELECT status FROM field_edit") == "rejected"
