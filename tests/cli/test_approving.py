"""approve: what is withheld, and a person's decision."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Command
from tests.raw_sql import RawSql
from tests.stages.house import ORG, WORKSPACE, House


@pytest.fixture
def hold(house: House, raw: RawSql) -> str:
    raw.insert("held_change", org_id=ORG, workspace_id=WORKSPACE, kind="unmatch", affected=250, share=0.125)
    return str(raw.value("SELECT hold_id FROM held_change"))


def test_without_an_id_the_open_holds_are_listed(command: Command, hold: str) -> None:
    shown = command("approve").out
    assert "250 contacts would lose their match" in shown
    assert f"approve {hold} --up-to 250" in shown
    assert [row["affected"] for row in command("approve", "--json").json["holds"]] == [250]


def test_nothing_withheld_is_told(command: Command, house: House) -> None:
    assert command("approve").out == "nothing is withheld\n"


def test_a_hold_is_approved_up_to_a_number(command: Command, hold: str, raw: RawSql) -> None:
    said = command("approve", hold, "--up-to", "300", "--by", "ada")
    assert (said.code, "up to 300 rows" in said.out) == (0, True)
    [row] = raw("SELECT decision, decided_by, approved_up_to FROM held_change")
    assert row == {"decision": "approved", "decided_by": "ada", "approved_up_to": 300}


def test_a_hold_is_rejected(command: Command, hold: str, raw: RawSql) -> None:
    command("approve", hold, "--reject")
    assert raw.value("SELECT decision FROM held_change") == "rejected"


def test_a_refusal_in_force_is_listed_with_how_to_overrule_it(
    command: Command, hold: str, raw: RawSql
) -> None:
    command("approve", hold, "--reject", "--by", "ada")
    assert f"refused by ada: hold {hold}" in command("approve").out
    assert [row["affected"] for row in command("approve", "--json").json["refused"]] == [250]
    command("approve", hold, "--up-to", "250")
    assert raw.value("SELECT decision FROM held_change") == "approved"


def test_a_dry_run_decides_nothing(command: Command, hold: str, raw: RawSql) -> None:
    assert "would be approved" in command("approve", hold, "--dry-run").out
    assert raw.value("SELECT decision FROM held_change") is None


def test_a_second_decision_is_refused(command: Command, hold: str) -> None:
    command("approve", hold, "--by", "ada")
    said = command("approve", hold, "--reject")
    assert (said.code, "approved by ada" in said.err) == (1, True)


@pytest.mark.parametrize("words", [("--reject",), ("--up-to", "5"), ("1", "--up-to", "0")])
def test_a_decision_that_is_incomplete_is_refused(
    command: Command, hold: str, words: tuple[str, ...]
) -> None:
    assert command("approve", *words).code == 1
