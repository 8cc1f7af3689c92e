"""The view match_explanation: what it shows beside the ordinary cases that test_schema.py has."""

from __future__ import annotations

from tests.stages.house import House, person_id

ADA = "ada@example.com"


def shown(house: House) -> list[tuple[object, ...]]:
    rows = house.raw("SELECT salesforce_id, kind, verdict, rule FROM match_explanation ORDER BY 1, 2")
    return [tuple(row.values()) for row in rows]


def test_who_is_equal_but_for_format_is_no_candidate_in_exact_mode(house: House) -> None:
    house.settings(match_mode="exact")
    house.person(1, email=" Ada@example.com")
    house.person(2, email=ADA)
    house.contact(1, email=ADA)
    house.match()
    assert shown(house) == [(person_id(2), "email_raw", "match", "email")]


def test_whom_a_person_chose_is_shown_without_a_common_key(house: House) -> None:
    house.person(1, email=ADA)
    house.person(2, email="bob@example.com")
    house.contact(1, email=ADA)
    house.decide(1, 2)
    house.match()
    assert shown(house) == [
        (person_id(1), "email", "candidate", "decision"),
        (person_id(2), None, "match", "decision"),
    ]


def test_each_candidate_says_why_nobody_was_chosen(house: House) -> None:
    house.person(1, email=ADA)
    house.person(2, email=ADA)
    house.contact(1, email=ADA)
    house.match()
    assert {(verdict, rule) for _, _, verdict, rule in shown(house)} == {("candidate", "several_by_email")}
