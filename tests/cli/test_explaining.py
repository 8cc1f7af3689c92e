from __future__ import annotations

from tests.cli.conftest import Command
from tests.raw_sql import RawSql
from tests.stages.house import House, person_id


def test_a_match_shows_both_spellings_and_the_rule(command: Command, house: House) -> None:
    house.person(1, email="Ada@Example.com ")
    house.contact(1, email="ada@example.com")
    house.match()
    shown = command("explain", "acme", "1").out
    assert f"matched with {person_id(1)} by email" in shown
    assert 'Email "Ada@Example.com "' in shown
    assert '"ada@example.com"' in shown


def test_an_ambiguity_lists_its_candidates_and_how_to_decide(command: Command, house: House) -> None:
    house.person(1, phone="+12125550101")
    house.person(2, mobile_phone="(212) 555-0101", country="US")
    house.contact(1, phone="+12125550101")
    house.match()
    said = command("explain", "acme", "1", "--json").json
    assert (said["status"], said["reason"]) == ("ambiguous", "several_by_phone")
    assert [c["effective_id"] for c in said["candidates"]] == [person_id(1), person_id(2)]
    assert "python -m contact_sync decide acme 1" in said["advice"]


def test_a_deleted_contact_that_was_decided_asks_for_another_decision(command: Command, house: House) -> None:
    house.person(1, email="ada@example.com")
    house.person(2, email="ada@example.com")
    house.contact(1, email="ada@example.com")
    house.decide(1, 2)
    house.match()
    house.change_person(2, presence="deleted")
    house.match()
    said = command("explain", "acme", "1", "--json").json
    assert (said["status"], said["reason"]) == ("unmatched", "counterpart_deleted")
    assert "python -m contact_sync decide acme 1 --revoke" in said["advice"]
    house.raw("UPDATE match_decision SET revoked_at = now()")
    house.change_person(1, presence="deleted")
    house.match()
    assert "Every Salesforce contact" in command("explain", "acme", "1", "--json").json["advice"]


def test_whom_a_person_chose_without_a_common_key_is_listed(command: Command, house: House) -> None:
    house.person(1, email="ada@example.com")
    house.contact(1, email="bob@example.com")
    house.decide(1, 1)
    house.match()
    shown = command("explain", "acme", "1").out
    assert f"matched with {person_id(1)} by decision" in shown
    assert shown.count(person_id(1)) == 3


def test_a_value_without_a_key_has_its_reason(command: Command, house: House) -> None:
    house.contact(1, phone="12", country="US")
    house.match()
    said = command("explain", "acme", "1", "--json").json
    assert said["reason"] == "invalid_identifier"
    assert [(v["key"], v["reason"]) for v in said["values"]] == [(None, "too_short")]


def test_a_shared_key_is_one_line_with_a_count(command: Command, house: House) -> None:
    for number in range(1, 8):
        house.person(number, email="office@example.com")
    house.contact(1, email="office@example.com")
    house.match()
    said = command("explain", "acme", "1", "--json").json
    assert said["reason"] == "shared_key"
    assert [(c["live_contacts"], c["verdict"]) for c in said["candidates"]] == [(7, "shared")]


def test_exact_mode_is_explained_by_raw_values(command: Command, house: House) -> None:
    house.settings(match_mode="exact")
    house.person(1, email="ada@example.com")
    house.person(2, email="ADA@example.com")
    house.contact(1, email="ada@example.com")
    house.match()
    said = command("explain", "acme", "1", "--json").json
    assert {(c["kind"], c["effective_id"]) for c in said["candidates"]} == {("email_raw", person_id(1))}


def test_a_near_miss_comes_with_its_hint(command: Command, house: House) -> None:
    house.settings(match_mode="exact")
    house.person(1, email="ada@example.com ")
    house.contact(1, email="ada@example.com")
    house.match()
    [near] = command("explain", "acme", "1", "--json").json["near_misses"]
    assert near["salesforce_id"] == person_id(1)
    assert "write both the same way" in near["hint"]


def test_a_near_miss_shows_both_values_keys_rule_and_verdict(command: Command, house: House) -> None:
    house.person(1, email="Ada@gmail.com")
    house.contact(1, email="ada@gmial.com")
    house.match()
    shown = command("explain", "acme", "1").out
    for told in ('"ada@gmial.com"', 'Email       "Ada@gmail.com"', "keys must be equal: near, not matched"):
        assert told in shown
    assert "what to change: check the spelling of the domain: gmial.com in respond.io" in shown


def test_a_contact_not_looked_at_yet_says_so(command: Command, house: House) -> None:
    house.contact(1, email="ada@example.com")
    shown = command("explain", "acme", "1").out
    assert "not_looked_at" in shown
    assert "run all" in shown


def test_after_a_disconnect_the_way_back_is_told(command: Command, house: House, raw: RawSql) -> None:
    house.contact(1, email="ada@example.com")
    house.settings(org_id=None)
    assert "workspace set --org" in command("explain", "acme", "1").out


def test_an_unknown_contact_is_refused(command: Command, house: House) -> None:
    said = command("explain", "acme", "4711")
    assert said.code == 1
    assert "4711 is not known in workspace acme" in said.err
