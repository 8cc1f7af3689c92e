"""The short way reads a number exactly as the long way does, or leaves it to it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contact_sync import keys, phone_shapes

REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)
TYPES = sorted(phonenumbers.PhoneNumberType.values())
STYLES = (
    phonenumbers.PhoneNumberFormat.E164,
    phonenumbers.PhoneNumberFormat.INTERNATIONAL,
    phonenumbers.PhoneNumberFormat.NATIONAL,
)
MESSES = (" ", ".", "-", " - ", " ()")


def spellings(number: phonenumbers.PhoneNumber) -> Iterator[str]:
    """A number as people type it: in each format, with other marks between the groups, cut short and lengthened."""
    for style in STYLES:
        text = phonenumbers.format_number(number, style)
        yield text
        yield from (re.sub(r"[ -]+", mess, text) for mess in MESSES)
        yield from (text[:-1], text[:-3], text + "1", text + "00")
        yield re.sub(r"\D", "", text)


def same_both_ways(text: str, region: str | None) -> bool:
    """Whether the short way says nothing or what the long way says."""
    short = keys._ordinary_phone(text.strip(), region)
    return short is None or short == keys._unusual_phone(text, region)


@pytest.mark.parametrize("region", REGIONS)
def test_example_numbers_of_every_region_and_type_are_read_alike(region: str) -> None:
    examples = [phonenumbers.example_number_for_type(region, kind) for kind in TYPES]
    found = [phonenumbers.invalid_example_number(region), *examples]
    typed = {text for number in found if number for text in spellings(number)}
    other = REGIONS[(REGIONS.index(region) + 7) % len(REGIONS)]
    unlike = [
        (text, at)
        for text, at in itertools.product(typed, (region, other, None))
        if not same_both_ways(text, at)
    ]
    assert unlike == []


@given(
    digits=st.text("0123456789", min_size=3, max_size=15),
    code=st.sampled_from(
        [
            "",
            "+",
            "+0",
            "+00",
            "00",
            "011",
            *(f"+{code}" for code in sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE)),
        ]
    ),
    region=st.sampled_from([None, *REGIONS]),
)
def test_any_digits_are_read_alike(digits: str, code: str, region: str | None) -> None:
    assert same_both_ways(code + digits, region)


@given(
    text=st.text("0123456789+ ().-", max_size=20),
    region=st.sampled_from([None, "DE", "US", "IT", "AR", "BR", "MX"]),
)
def test_any_marks_are_read_alike(text: str, region: str | None) -> None:
    assert same_both_ways(text, region)


@pytest.mark.parametrize(
    ("text", "region", "e164"),
    [
        ("+49 30 1234567", None, "+49301234567"),
        ("030 1234567", "DE", "+49301234567"),
        ("(212) 555-0123", "US", "+12125550123"),
        ("020 7946 0000", "GB", "+442079460000"),
        ("06 1234 5678", "IT", "+390612345678"),
        ("+39 06 1234 5678", None, "+390612345678"),
        ("(11) 98765-4321", "BR", "+5511987654321"),
    ],
)
def test_common_shapes_take_the_short_way(text: str, region: str | None, e164: str) -> None:
    assert phone_shapes.read(text, region) == e164


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("+49 0 30 1234567", None),
        ("+01 212 555 0123", None),
        ("1 212 555 0123", "US"),
        ("0049 30 1234567", "FR"),
        ("123456", "DE"),
        ("+52 1 55 1234 5678", None),
        ("+55 11 8765-4321", None),
        ("+800 1234 5678", None),
        ("416 555 0123", "CA"),
        ("030 1234567", None),
    ],
)
def test_what_can_be_read_in_two_ways_takes_the_long_way(text: str, region: str | None) -> None:
    assert phone_shapes.read(text, region) is None
