"""Phone keys by numbering plan: aliases, area codes, and libphonenumber's example of every kind in every region."""

from __future__ import annotations

import phonenumbers
import pytest
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from contact_sync import keys
from contact_sync.records import Key

REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)
#: Canada's 310 numbers are dialled without area code, from within Canada only.
WITHOUT_AREA_CODE = {"+13101234"}


@pytest.mark.parametrize(
    ("raw", "region"),
    [
        ("+52 55 1234 5678", None),
        ("+52 1 55 1234 5678", None),
        ("+5215512345678", "US"),
        ("5215512345678", "MX"),
        ("(55) 1234-5678", "MX"),
        ("1 55 1234 5678", "MX"),
        ("01 55 1234 5678", "MX"),
        ("044 55 1234 5678", "MX"),
        ("045 55 1234 5678", "mx"),
        ("0052 1 55 1234 5678", None),
    ],
)
def test_mexico_has_ten_digits_and_no_mobile_one(raw: str, region: str | None) -> None:
    assert keys.phone_key(raw, region=region) == Key(key="+525512345678", e164="+525512345678")


@pytest.mark.parametrize(
    ("raw", "region"),
    [
        ("+54 9 11 2234 5678", None),
        ("+54 11 15 2234-5678", None),
        ("+54 9 11 15 2234 5678", None),
        ("011 15 2234-5678", "AR"),
        ("9 11 2234 5678", "AR"),
    ],
)
def test_an_argentine_mobile_is_compared_without_its_nine_and_dialled_with_it(
    raw: str, region: str | None
) -> None:
    assert keys.phone_key(raw, region=region) == Key(key="+541122345678", e164="+5491122345678")


def test_an_argentine_landline_gets_no_nine() -> None:
    assert keys.phone_key("011 4234-5678", region="AR") == Key(key="+541142345678", e164="+541142345678")


@pytest.mark.parametrize(
    ("raw", "region"),
    [
        ("+55 11 98765-4321", None),
        ("+55 11 8765-4321", None),
        ("551187654321", "BR"),
        ("(11) 8765-4321", "BR"),
        ("011 98765-4321", "BR"),
        ("0 15 11 98765-4321", "BR"),
    ],
)
def test_an_old_brazilian_mobile_gets_its_ninth_digit(raw: str, region: str | None) -> None:
    assert keys.phone_key(raw, region=region) == Key(key="+5511987654321", e164="+5511987654321")


@pytest.mark.parametrize(
    ("raw", "key"),
    [
        ("(11) 3456-7890", "+551134567890"),
        ("(21) 5456-7890", "+552154567890"),
        ("0800 723 4567", "+558007234567"),
        ("4004-1234", "+5540041234"),
    ],
)
def test_brazilian_landlines_and_service_numbers_are_untouched(raw: str, key: str) -> None:
    assert keys.phone_key(raw, region="BR").key == key


@pytest.mark.parametrize(
    ("raw", "region"),
    [
        ("555-0100", "US"),
        ("7946 0958", "GB"),
        ("8765-4321", "BR"),
        ("98765-4320", "BR"),
        ("+55 98765-4320", None),
        ("15 2234-5678", "AR"),
        ("+54 9 15 2234 5678", None),
        ("1234568", "DE"),
    ],
)
def test_a_local_number_lacks_its_area_code(raw: str, region: str | None) -> None:
    assert keys.phone_key(raw, region=region).reason == "no_area_code"


def test_a_lost_trunk_zero_does_not_hide_a_mobile() -> None:
    assert keys.phone_key("1712345678", region="DE").key == "+491712345678"


@pytest.mark.parametrize("raw", ["(0039) 06 1234 5678", "+39 06 1234 5678", "+39 (06) 12345678"])
def test_an_italian_zero_is_part_of_the_number(raw: str) -> None:
    assert keys.phone_key(raw, region=None).key == "+390612345678"


@pytest.mark.parametrize("raw", ["+4900301234567", "+49 (0)(0)30 1234567", "0049 030 1234567"])
def test_trunk_zeros_behind_a_country_code_go(raw: str) -> None:
    assert keys.phone_key(raw, region=None).key == "+49301234567"


def _spellings(number: phonenumbers.PhoneNumber, region: str) -> list[tuple[str, str | None]]:
    e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    international = phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL)
    return [
        (e164, None),
        (international, "ZZ"),
        (phonenumbers.format_number(number, PhoneNumberFormat.RFC3966), None),
        (phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL), region),
        (phonenumbers.format_out_of_country_calling_number(number, "US"), "US"),
        (f"00{e164[1:]}", None),
        (f" \u202aTel.: ({international.replace(' ', '.-')}) x12\u202c\t", "US"),
        (f"\u200b{e164.translate(str.maketrans('0123456789+', '０１２３４５６７８９＋'))};ext=7", "JP"),
    ]


@pytest.mark.parametrize("region", REGIONS)
def test_example_numbers_in_every_form_give_one_key(region: str) -> None:
    for kind in PhoneNumberType.values():
        number = phonenumbers.example_number_for_type(region, kind)
        if number is None or not phonenumbers.is_valid_number(number):
            continue
        found = {keys.phone_key(raw, region=given).key for raw, given in _spellings(number, region)}
        e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
        assert len(found) == 1, (region, kind, found)
        assert (found == {None}) == (e164 in WITHOUT_AREA_CODE), (region, kind, found)
