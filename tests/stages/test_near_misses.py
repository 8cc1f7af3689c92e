"""What nearly matched, and what to change where. A hint, never a match."""

from __future__ import annotations

from typing import Any

import pytest

from tests.raw_sql import RawSql
from tests.stages.house import House, person_id

ADA = "ada@gmail.com"
LINE = "+52 55 1234 5678"


def near(house: House, contact: int = 1) -> list[dict[str, Any]]:
    house.match()
    return house.raw("SELECT * FROM near_miss WHERE respond_id = %(id)s ORDER BY salesforce_id", id=contact)


@pytest.mark.parametrize(
    "typed",
    [
        "ada@gmial.com",
        "ada@gmai.com",
        "ada@gmaill.com",
        "ada@gnail.com",
        "ada@gmail.co",
        "Ada@GMAIL.cim",
        "ada@gmai1.com",
    ],
)
def test_one_letter_away_in_the_domain_is_a_hint_and_no_match(house: House, typed: str) -> None:
    house.person(1, email=ADA)
    house.contact(1, email=typed)
    [row] = near(house)
    assert (row["kind"], row["salesforce_id"], row["verdict"]) == (
        "email_near",
        person_id(1),
        "near, not matched",
    )
    assert (row["respond_value"], row["salesforce_field"], row["salesforce_value"]) == (typed, "Email", ADA)
    assert (row["key"], row["salesforce_key"]) == (typed.lower(), ADA)
    assert "gmail.com in Salesforce" in row["hint"]
    assert house.verdict(1) == ("unmatched", "no_counterpart")


@pytest.mark.parametrize("typed", ["ada@gmx.com", "adaa@gmail.com", "ada@liamg.com", "ada@gamli.com"])
def test_more_than_a_letter_away_or_another_mailbox_is_nobody(house: House, typed: str) -> None:
    house.person(1, email=ADA)
    house.contact(1, email=typed)
    assert near(house) == []


@pytest.mark.parametrize(
    ("here", "there", "where"),
    [
        ("55 1234 5678", LINE, "in respond.io"),
        (LINE, "(55) 1234-5678", "in Salesforce add + and the country code to Phone"),
        ("055 12345678", "55 1234 5678", "in respond.io"),
        ("52 55 1234 5678", LINE, "in respond.io"),
        (LINE, "52-55-1234-5678", "in Salesforce"),
    ],
)
def test_the_same_national_digits_without_a_country_are_a_hint(
    house: House, here: str, there: str, where: str
) -> None:
    house.person(1, phone=there)
    house.contact(1, phone=here)
    [row] = near(house)
    assert (row["kind"], row["salesforce_id"]) == ("phone_national", person_id(1))
    assert (row["respond_value"], row["salesforce_value"]) == (here, there)
    assert where in row["hint"]
    assert house.verdict(1)[0] == "unmatched"


def test_a_country_assumed_wrongly_is_a_hint(house: House) -> None:
    house.person(1, phone="55 1234 5678", country="US")
    house.contact(1, phone=LINE)
    [row] = near(house)
    assert (row["key"], row["salesforce_key"]) == ("+525512345678", "+15512345678")


def test_two_numbers_written_with_their_countries_are_two_numbers(house: House) -> None:
    house.person(1, phone="+1 551 234 5678")
    house.contact(1, phone="+52 551 234 5678")
    assert near(house) == []


def test_exact_mode_tells_what_differs_in_format_alone(house: House) -> None:
    house.settings(match_mode="exact")
    house.person(1, email="ada@gmail.com ", mobile_phone="+52 55 1234 5678")
    house.contact(1, email=ADA, phone="+525512345678")
    rows = near(house)
    assert {(row["kind"], row["respond_value"], row["salesforce_value"]) for row in rows} == {
        ("email", ADA, "ada@gmail.com "),
        ("phone", "+525512345678", "+52 55 1234 5678"),
    }
    assert {row["rule"] for row in rows} == {"exact mode compares the values byte by byte"}


def test_who_is_matched_has_no_near_misses(house: House) -> None:
    house.person(1, email=ADA)
    house.person(2, email="ada@gmial.com")
    house.contact(1, email=ADA)
    assert near(house) == []


def test_deleted_contacts_are_not_near(house: House) -> None:
    house.person(1, email=ADA, presence="deleted")
    house.contact(1, email="ada@gmial.com")
    assert near(house) == []


def test_the_repair_that_a_near_miss_proposes_makes_the_match(house: House) -> None:
    house.person(1, phone=LINE)
    house.contact(1, phone="55 1234 5678")
    assert len(near(house)) == 1
    house.change_contact(1, phone=LINE)
    assert near(house) == []
    assert house.verdict(1) == ("phone", "1")


def test_a_number_shared_by_many_is_listed_twenty_times_at_most(house: House) -> None:
    for number in range(1, 30):
        house.person(number, phone=LINE)
    house.contact(1, phone="55 1234 5678")
    assert len(near(house)) == 20


@pytest.mark.parametrize(
    ("key", "digits"),
    [
        ("+12125550100", "2125550100"),
        ("+74951234567", "4951234567"),
        ("+390612345678", "612345678"),
        ("+493012345", "3012345"),
        ("+420212345678", "212345678"),
        ("+971501234567", "501234567"),
        ("5512345678", "5512345678"),
    ],
)
def test_country_codes_have_one_to_three_digits(raw: RawSql, key: str, digits: str) -> None:
    assert raw.value("SELECT near_digits(%(key)s)", key=key) == digits


def test_every_calling_code_is_cut_off(raw: RawSql) -> None:
    import phonenumbers

    for code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
        assert raw.value("SELECT near_digits(%(key)s)", key=f"+{code}987654321") == "987654321", code
