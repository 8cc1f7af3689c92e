from __future__ import annotations

import io
from typing import Any

import pytest

from tests.cli.conftest import Command
from tests.raw_sql import RawSql
from tests.stages.house import ORG, OTHER_ORG, House, person_id


@pytest.fixture
def matched(house: House) -> House:
    """Person 1 and contact 1 are one."""
    house.person(1, email="ada@example.com", phone="+44 20 7946 0958")
    house.contact(1, email="ada@example.com")
    house.materialize()
    return house


def mirrored(raw: RawSql) -> int:
    return int(raw.value("SELECT (SELECT count(*) FROM salesforce_contact) + count(*) FROM respond_contact"))


@pytest.mark.parametrize(
    "words",
    [
        ("--salesforce", person_id(1)),
        ("--respond", "acme", "1"),
        ("--email", " Ada@example.com"),
        ("--phone", "020 7946 0958", "--region", "GB"),
    ],
    ids=lambda words: words[0],
)
def test_a_person_is_erased_however_they_are_named(
    command: Command, matched: House, raw: RawSql, words: tuple[str, ...]
) -> None:
    said = command("erase", *words, "--yes", "--json")
    assert (said.code, said.json["salesforce_ids"]) == (0, [person_id(1)])
    assert said.json["respond_ids"] == [{"workspace_id": "acme", "respond_id": 1}]
    assert mirrored(raw) == 0


def test_a_rehearsal_erases_nothing_and_says_the_same(command: Command, matched: House, raw: RawSql) -> None:
    rehearsed = command("erase", "--salesforce", person_id(1), "--dry-run", "--json").json
    assert (mirrored(raw), raw.value("SELECT count(*) FROM erased_person")) == (2, 0)
    done = command("erase", "--salesforce", person_id(1), "--yes", "--json").json
    assert rehearsed == {**done, "dry_run": True}


def test_the_answer_names_nobody(command: Command, matched: House) -> None:
    said = command("erase", "--email", "ada@example.com", "--yes")
    assert "ada" not in said.out + said.err
    assert said.out.startswith("1 Salesforce and 1 respond.io contacts are erased")


def test_with_nobody_to_ask_nothing_is_erased(
    command: Command, matched: House, raw: RawSql, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    said = command("erase", "--salesforce", person_id(1))
    assert (said.code, mirrored(raw)) == (1, 2)
    assert "--yes" in said.err


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("typed", "left"), [("erase\n", 0), ("yes\n", 2), ("", 2)])
def test_who_is_asked_must_type_the_word(
    command: Command, matched: House, raw: RawSql, monkeypatch: pytest.MonkeyPatch, typed: str, left: int
) -> None:
    monkeypatch.setattr("sys.stdin", _Terminal(typed))
    command("erase", "--salesforce", person_id(1))
    assert mirrored(raw) == left


def test_a_readmission_lifts_the_tombstone(command: Command, matched: House, raw: RawSql) -> None:
    command("erase", "--salesforce", person_id(1), "--yes")
    said = command("erase", "--salesforce", person_id(1), "--readmit", "--json")
    assert (said.code, said.json["tombstones"]) == (0, 1)


def test_a_readmission_says_that_keys_keep_the_person_out(command: Command, matched: House) -> None:
    command("erase", "--salesforce", person_id(1), "--yes")
    said = command("erase", "--salesforce", person_id(1), "--readmit").out
    assert said.startswith("1 tombstones are lifted")
    assert "e-mails and phones each keep them out: readmit every one" in said


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--salesforce", "003"), "15 or 18"),
        (("--respond", "nowhere", "1"), "unknown"),
        (("--respond", "acme", "x"), "number"),
        (("--email", "none"), "no usable email"),
        (("--phone", "020 7946 0958"), "--region"),
        (("--phone", "1", "--region", "Germany"), "country code"),
        (("--email", "ada@example.com", "--org", OTHER_ORG), "unknown"),
    ],
)
def test_an_unclear_name_is_refused(
    command: Command, matched: House, raw: RawSql, words: tuple[str, ...], reason: str
) -> None:
    said = command("erase", *words, "--yes")
    assert (said.code, mirrored(raw)) == (1, 2)
    assert reason in said.err


def test_with_several_orgs_the_org_must_be_named(command: Command, matched: House) -> None:
    matched.org(OTHER_ORG)
    said: Any = command("erase", "--email", "ada@example.com", "--yes")
    assert (said.code, "--org" in said.err) == (1, True)
    assert command("erase", "--email", "ada@example.com", "--yes", "--org", ORG).code == 0
