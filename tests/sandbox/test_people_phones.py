"""Numbers are possible in their country, typed in many ways, and never given twice.

The library that judges here is not the generator's: the sandbox itself must not import it (its truth would prove
nothing), its tests may.
"""

from __future__ import annotations

from random import Random

import phonenumbers
import pytest

from sandbox import people_phones
from sandbox.people_phones import COUNTRIES, Numbers, typed


@pytest.mark.parametrize("code", sorted(COUNTRIES))
@pytest.mark.parametrize("is_mobile", [True, False])
@pytest.mark.parametrize("is_at_home", [True, False])
def test_a_typed_number_is_readable_and_possible(code: str, is_mobile: bool, is_at_home: bool) -> None:
    numbers, random = Numbers(), Random(1)
    for _ in range(40):
        number = numbers.next(COUNTRIES[code], random, is_mobile=is_mobile)
        text = typed(number, random, is_at_home=is_at_home)
        read = phonenumbers.parse(text, code if is_at_home else None)
        assert phonenumbers.is_possible_number(read), text
        read.extension = None
        assert phonenumbers.format_number(read, phonenumbers.PhoneNumberFormat.E164) == number.e164, text


def test_no_number_is_given_twice() -> None:
    numbers, random = Numbers(), Random(1)
    given = [numbers.next(COUNTRIES["AU"], random, is_mobile=True).e164 for _ in range(5000)]
    assert len(set(given)) == len(given)


def test_a_range_that_is_used_up_says_so() -> None:
    country = people_phones.Country("XX", "999", "", people_phones._plans("1#"), (), ("X",), True)
    numbers = Numbers()
    for _ in range(10):
        numbers.next(country, Random(1), is_mobile=True)
    with pytest.raises(OverflowError, match="fewer people"):
        numbers.next(country, Random(1), is_mobile=True)


def test_people_type_numbers_in_many_ways() -> None:
    random = Random(1)
    number = Numbers().next(COUNTRIES["DE"], random, is_mobile=False)
    spellings = {typed(number, random, is_at_home=True) for _ in range(500)}
    assert len(spellings) >= 11
    for mark in ("+49", "0049", "tel:", "(", "-", ".", "ext."):
        assert any(mark in text for text in spellings)
