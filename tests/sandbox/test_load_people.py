"""Which derived contacts are certain."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from sandbox.load_people import derive


def row(number: int, **fields: Any) -> dict[str, Any]:
    return {"Id": f"003{number}", "LastName": "Lopes", **fields}


@pytest.mark.parametrize(
    ("fields", "is_certain"),
    [
        ({"Email": "ana@company.example"}, True),
        ({"Email": " Ana@Company.example "}, True),
        ({"Email": "ana@company.example; bo@company.example"}, False),
        ({"Email": "n/a"}, False),
        ({"Email": "info@company.example"}, False),
        ({"Email": "none@none.com"}, False),
        ({"MobilePhone": "+49 (171) 765-4321"}, True),
        ({"MobilePhone": "0171 7654321"}, False),
        ({"MobilePhone": "+0000000000"}, False),
        ({"Email": "ana@company.example", "Phone": "0171 7654321"}, True),
    ],
)
def test_a_contact_is_certain_by_a_plain_value_of_its_own(fields: dict[str, Any], is_certain: bool) -> None:
    (person,) = derive([row(1, **fields)], 1.0, Random(1))
    assert person.is_certain is is_certain


def test_a_value_that_occurs_twice_is_not_certain() -> None:
    rows = [row(1, Email="ana@company.example"), row(2, Email="ANA@company.example")]
    assert [person.is_certain for person in derive(rows, 1.0, Random(1))] == [False, False]


def test_the_derived_contact_holds_the_very_same_values() -> None:
    (person,) = derive([row(1, FirstName="Ana", Email="ANA@x.example ", Phone="(1) 2")], 1.0, Random(1))
    assert (person.respond["email"], person.respond["phone"]) == ("ANA@x.example ", "(1) 2")


@pytest.mark.parametrize("fields", [{}, {"Email": "a@x.example", "IsDeleted": 1}])
def test_deleted_people_and_people_without_identifiers_are_left_out(fields: dict[str, Any]) -> None:
    assert derive([row(1, **fields)], 1.0, Random(1)) == []
