"""The population: sizes, determinism, uniqueness, and shares."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from sandbox.people import CASES, Bundle, Maker
from sandbox.people_phones import COUNTRIES


def made(contacts: int, seed: int = 1) -> list[Bundle]:
    return list(Maker(seed).population(contacts))


@pytest.fixture(scope="module")
def population() -> list[Bundle]:
    """Five thousand Salesforce contacts and their respond.io contacts."""
    return made(5000)


@pytest.mark.parametrize("contacts", [1, 2, 7, 100, 5000])
def test_there_are_as_many_contacts_as_asked_for_and_four_fifths_at_respond(contacts: int) -> None:
    bundles = made(contacts)
    assert sum(len(bundle.salesforce) for bundle in bundles) == contacts
    assert sum(len(bundle.respond) for bundle in bundles) == round(contacts * 0.8)


def test_a_seed_makes_the_same_people_and_another_seed_others() -> None:
    assert made(300, seed=3) == made(300, seed=3)
    assert made(300, seed=3) != made(300, seed=4)


def test_every_hard_case_is_played(population: list[Bundle]) -> None:
    played = {bundle.case for bundle in population}
    assert {case.name for case in CASES} <= played


def test_hard_cases_have_names_of_their_own() -> None:
    assert len({case.name for case in CASES}) == len(CASES)


def test_about_sixty_percent_of_salesforce_people_are_at_respond_too(population: list[Bundle]) -> None:
    in_salesforce = [bundle for bundle in population if bundle.salesforce]
    share = sum(bool(bundle.respond) for bundle in in_salesforce) / len(in_salesforce)
    assert 0.55 <= share <= 0.7


def test_every_reason_of_an_issue_occurs(population: list[Bundle]) -> None:
    reasons = {bundle.reason for bundle in population if bundle.respond and bundle.expect != "match"}
    assert reasons == {
        "several_by_both", "email_phone_disagree", "several_by_email", "several_by_phone",
        "no_identifier", "invalid_identifier", "shared_key", "no_counterpart", "counterpart_deleted",
    }  # fmt: skip


def test_a_match_names_a_live_contact_and_an_issue_a_reason(population: list[Bundle]) -> None:
    for bundle in population:
        if bundle.expect == "match":
            assert not bundle.salesforce[bundle.matched_row].get("IsDeleted")
        assert (bundle.reason is None) == (bundle.expect == "match" or not bundle.respond)


def test_nobody_shares_an_address_by_accident(population: list[Bundle]) -> None:
    ordinary = [bundle for bundle in population if bundle.case in ("by_both", "by_email", "salesforce_only")]
    addresses = Counter(str(bundle.salesforce[0]["Email"]).strip().lower() for bundle in ordinary)
    assert max(addresses.values()) == 1


def test_people_come_from_many_countries_and_scripts(population: list[Bundle]) -> None:
    codes = {row["countryCode"] for bundle in population for row in bundle.respond if row.get("countryCode")}
    names = "".join(row["FirstName"] for bundle in population for row in bundle.salesforce)
    assert len(codes) >= 12
    assert codes <= COUNTRIES.keys()
    for letter in ("ü", "Γ", "О", "ف", "נ", "伟", "さ", "민", "ส", "प"):
        assert letter in names


def test_values_fit_the_fields_of_salesforce(population: list[Bundle]) -> None:
    for bundle in population:
        for row in bundle.salesforce:
            assert len(row.get("Email") or "") <= 80
            assert (
                max(len(row.get(name) or "") for name in ("Phone", "MobilePhone", "HomePhone", "OtherPhone"))
                <= 40
            )


def test_no_address_belongs_to_a_real_domain(population: list[Bundle]) -> None:
    domains = {
        str(row["email"]).strip().lower().rpartition("@")[2]
        for bundle in population
        for row in bundle.respond
        if "@" in (row.get("email") or "") and bundle.reason != "invalid_identifier"
    }
    reserved = ("example.com", "example.org", "example.net", ".example", "noemail.com")
    assert all(domain.endswith(reserved) for domain in domains)


@pytest.mark.parametrize("library", ["phonenumbers", "email_validator", "idna", "contact_sync"])
def test_the_truth_owes_nothing_to_what_it_judges(library: str) -> None:
    sources = (Path(__file__).parents[2] / "sandbox").rglob("*.py")
    imports = re.compile(rf"^\s*(import|from) {library}\b", re.MULTILINE)
    assert [path.name for path in sources if imports.search(path.read_text(encoding="utf-8"))] == []


def test_another_first_serial_makes_nobody_twice() -> None:
    first = {bundle.salesforce[0]["Email"].strip().lower() for bundle in made(50) if bundle.case == "by_both"}
    later = Maker(1, first_serial=1_000_000)
    assert not first & {later.new_hire().salesforce[0]["Email"].strip().lower() for _ in range(50)}
