from __future__ import annotations

import pytest

from tests.cli.conftest import Command, Said
from tests.raw_sql import RawSql
from tests.stages.house import ORG, House, person_id


@pytest.fixture
def ambiguous(house: House) -> House:
    """Respond contact 1 may be person 1 or 2, and is not person 3."""
    house.person(1, email="ada@example.com")
    house.person(2, email="ada@example.com")
    house.person(3, email="bob@example.com")
    house.contact(1, email="ada@example.com")
    house.match()
    return house


def decide(command: Command, *words: str) -> Said:
    return command("decide", "acme", "1", *words, "--reason", "same birthday", "--by", "ada")


def test_a_decision_matches_from_the_next_run_on(command: Command, ambiguous: House) -> None:
    assert decide(command, "--salesforce", person_id(2)).code == 0
    ambiguous.match()
    assert ambiguous.verdict(1) == ("decision", "2")


def test_an_id_in_its_short_form_is_understood(command: Command, ambiguous: House, raw: RawSql) -> None:
    raw(
        "INSERT INTO salesforce_contact (org_id, salesforce_id, email, system_modstamp, read_at)"
        " VALUES (%(org)s, '003000000000002AAA', 'ada@example.com', now(), now())",
        org=ORG,
    )
    ambiguous.match()
    assert (
        decide(command, "--salesforce", "003000000000002", "--json").json["decision"] == "003000000000002AAA"
    )


def test_a_decision_keeps_who_and_why(command: Command, ambiguous: House, raw: RawSql) -> None:
    decide(command, "--nobody")
    [row] = raw("SELECT salesforce_id, reason, decided_by, revoked_at FROM match_decision")
    assert row == {"salesforce_id": None, "reason": "same birthday", "decided_by": "ada", "revoked_at": None}
    ambiguous.match()
    assert ambiguous.verdict(1) == ("unmatched", "decided_nobody")


def test_a_new_decision_revokes_the_one_before(command: Command, ambiguous: House, raw: RawSql) -> None:
    decide(command, "--salesforce", person_id(1))
    decide(command, "--salesforce", person_id(2))
    standing = "SELECT salesforce_id FROM match_decision WHERE revoked_at IS NULL"
    assert raw.column(standing) == [person_id(2)]
    assert raw.value("SELECT count(*) FROM match_decision") == 2


def test_the_same_decision_again_writes_nothing(command: Command, ambiguous: House, raw: RawSql) -> None:
    decide(command, "--salesforce", person_id(1))
    assert decide(command, "--salesforce", person_id(1), "--json").json["changed"] is False
    assert raw.value("SELECT count(*) FROM match_decision") == 1


def test_revoking_brings_the_ambiguity_back(command: Command, ambiguous: House) -> None:
    decide(command, "--salesforce", person_id(1))
    ambiguous.match()
    assert command("decide", "acme", "1", "--revoke").code == 0
    ambiguous.match()
    assert ambiguous.verdict(1) == ("ambiguous", "several_by_email")


def test_a_contact_that_is_no_candidate_is_refused_with_those_that_are(
    command: Command, ambiguous: House, raw: RawSql
) -> None:
    said = decide(command, "--salesforce", person_id(3))
    assert said.code == 1
    assert f"candidates: {person_id(1)}, {person_id(2)}" in said.err
    assert raw.value("SELECT count(*) FROM match_decision") == 0


def test_a_record_that_was_merged_away_is_refused_in_favour_of_its_winner(
    command: Command, ambiguous: House
) -> None:
    ambiguous.merge(1, 3)
    ambiguous.match()
    said = decide(command, "--salesforce", person_id(1))
    assert said.code == 1
    assert f"candidates: {person_id(2)}, {person_id(3)}" in said.err


def test_a_long_list_of_candidates_says_how_long_it_is(command: Command, ambiguous: House) -> None:
    ambiguous.settings(shared_key_limit=30)
    for number in range(10, 33):
        ambiguous.person(number, email="ada@example.com")
    ambiguous.match()
    said = decide(command, "--salesforce", person_id(3))
    assert f"{person_id(27)} and 5 more" in said.err


def test_a_dry_decision_is_checked_and_not_kept(command: Command, ambiguous: House, raw: RawSql) -> None:
    assert decide(command, "--salesforce", person_id(3), "--dry-run").code == 1
    said = decide(command, "--salesforce", person_id(1), "--dry-run", "--json")
    assert said.json["decision"] == person_id(1)
    assert raw.value("SELECT count(*) FROM match_decision") == 0


def test_a_decision_without_who_and_why_is_refused(command: Command, ambiguous: House) -> None:
    said = command("decide", "acme", "1", "--nobody")
    assert said.code == 1
    assert "--reason and --by" in said.err
