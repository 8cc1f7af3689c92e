"""CSV cells become values by their field's type."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.load_cells import converted


@pytest.mark.parametrize(
    ("name", "cell", "value"),
    [
        ("LastName", " NA ", " NA "),
        ("VIP__c", "Yes", 1),
        ("VIP__c", "0", 0),
        ("Score__c", "1e2", 100.0),
        ("Birthdate", "1980-02-29", "1980-02-29"),
        ("CreatedDate", "2020-01-01T00:00:00.000+0000", 1_577_836_800),
        ("AccountId", " 001x ", "001x"),
    ],
)
def test_a_cell_is_read_by_its_type(name: str, cell: str, value: Any) -> None:
    assert converted({name: cell}, {}) == {name: value}


@pytest.mark.parametrize(
    ("name", "cell"),
    [("VIP__c", "perhaps"), ("Score__c", "1.234,5"), ("CreatedDate", "1.1.2020"), ("FirstName", "x" * 41)],
)
def test_what_does_not_fit_stays_empty_and_is_counted(name: str, cell: str) -> None:
    spoiled: dict[str, int] = {}
    for _ in range(2):
        assert converted({name: cell}, spoiled) == {}
    assert spoiled == {name: 2}


def test_empty_cells_and_the_id_are_left_out() -> None:
    assert converted({"Id": "003x", "Email": ""}, {}) == {}
