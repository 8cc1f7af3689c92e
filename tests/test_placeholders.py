"""The list of placeholders and the edges of its rules."""

from __future__ import annotations

import pytest

from contact_sync import placeholders


@pytest.mark.parametrize(
    "text", ["N/A", "n. a.", "NONE", "ninguno", "нет", "なし", "-", "", "xx", "0000", "Not Provided"]
)
def test_words_repeats_and_punctuation_are_placeholders(text: str) -> None:
    assert placeholders.is_placeholder_text(text)


@pytest.mark.parametrize("text", ["Nora", "nano", "ab", "01", "+1 212 555 0100"])
def test_other_text_is_none(text: str) -> None:
    assert not placeholders.is_placeholder_text(text)


@pytest.mark.parametrize(
    "address",
    ["test@test.com", "no@email.com", "email@email.com", "user@domain.com", "a@a.org", "no-email@none.com"],
)
def test_addresses_of_nobody(address: str) -> None:
    assert placeholders.is_placeholder_address(address)


@pytest.mark.parametrize(
    "address",
    ["test@example.com", "none@example.org", "nina@na.com", "1111@qq.com", "test@company.com", "jo@jo.com"],
)
def test_addresses_of_somebody(address: str) -> None:
    assert not placeholders.is_placeholder_address(address)


@pytest.mark.parametrize("digits", ["0123456789", "987654321", "12345678", "2125550100"])
def test_digits_that_a_country_gave_out_are_no_placeholder(digits: str) -> None:
    assert not placeholders.are_placeholder_digits(digits)
