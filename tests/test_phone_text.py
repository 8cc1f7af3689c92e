"""What people write around a number, and the reasons that follow from it."""

from __future__ import annotations

import pytest

from contact_sync import keys, phone_text

NEW_YORK = "+12125550100"


@pytest.mark.parametrize(
    "raw",
    [
        *(
            "212-555-0100",
            "(212) 555 0100",
            "212.555.0100",
            "1 212 555 0100",
            "+1 (212) 555-0100",
            "001 212 555 0100",
        ),
        *(
            "(+1) 212 555 0100",
            "+ 1 212 555 0100",
            "+001 212 555 0100",
            "011 1 212 555 0100",
            "２１２５５５０１００",
        ),
        *(
            "٢١٢٥٥٥٠١٠٠",
            "२१२५५५०१००",
            "\u202a+1 212 555 0100\u202c",
            "212\u00a0555\u20110100",
            "212\x00555\x000100",
        ),
        *(
            "tel:+1-212-555-0100",
            "tel:%2B12125550100",
            "TEL:555-0100;phone-context=+1-212",
            "sms:+12125550100",
        ),
        *("callto://+12125550100", "whatsapp:+12125550100", "tel:+1-212-555-0100;isub=1;ext=5"),
    ],
)
def test_every_way_of_typing_a_number_gives_one_key(raw: str) -> None:
    assert keys.phone_key(raw, region="US").key == NEW_YORK


@pytest.mark.parametrize(
    "extension",
    [
        *(
            " ext. 12",
            " Ext 12",
            " extension 12",
            "x12",
            " x 12",
            " (x12)",
            ";ext=12",
            " #12",
            ",,12",
            "p12",
            "w12#",
        ),
        *(", 12", " ext", " доб. 12", " ramal 12", " anexo 12", " 内線12", " int. 12", " ~12", "/ext 12"),
    ],
)
def test_an_extension_is_cut(extension: str) -> None:
    assert keys.phone_key("212 555 0100" + extension, region="US").key == NEW_YORK


@pytest.mark.parametrize(
    "raw",
    [
        *(
            "Mobile: 212 555 0100",
            "212 555 0100 (home)",
            "212 555 0100 cell",
            "T. 212 555 0100",
            "Tel 212 555 0100",
        ),
        *(
            "(m) 212 555 0100",
            "Handy 212 555 0100",
            "Móvil: 212 555 0100",
            "电话: 212 555 0100",
            "office/212 555 0100",
        ),
    ],
)
def test_a_label_is_no_part_of_the_number(raw: str) -> None:
    assert keys.phone_key(raw, region="US").key == NEW_YORK


@pytest.mark.parametrize("raw", ["1-800-FLOWERS", "1 (800) flowers", "800-356-9377", "+1 800 FLO-WERS"])
def test_a_north_american_vanity_number_is_spelled_out(raw: str) -> None:
    assert keys.phone_key(raw, region="US").key == "+18003569377"


@pytest.mark.parametrize(
    "raw", ["212 555 0100 ask Tim", "1-800-CONTACTS", "john@example.com", "call me", "O2 1234567"]
)
def test_other_letters_make_a_value_invalid(raw: str) -> None:
    assert keys.phone_key(raw, region="US").reason == "invalid"


@pytest.mark.parametrize(
    "raw",
    [
        *(
            "555 0100; 555 0199",
            "212 555 0100, 212 555 0199",
            "212 555 0100 or 212 555 0199",
            "5550100 / 5550199",
        ),
        *("212 555 0100\n212 555 0199", "212 555 0100 | 212 555 0199", "+1 212 555 0100/0101", "555 0100/01"),
        *(
            "212 555 0100 x1 / 212 555 0199 x2",
            "home 212 555 0100, cell 212 555 0199",
            "212 555 0100 & 212 555 0199",
        ),
    ],
)
def test_several_numbers_in_a_cell_are_refused(raw: str) -> None:
    assert keys.phone_key(raw, region="US").reason == "several_values"


@pytest.mark.parametrize("raw", ["030/1234567", "+49 (0)30/1234567", "0049 30/123 45 67", "030 / 1 23 45 67"])
def test_a_slash_behind_an_area_code_parts_nothing(raw: str) -> None:
    assert keys.phone_key(raw, region="DE").key == "+49301234567"


def test_a_slash_parts_a_range_of_lines() -> None:
    assert keys.phone_key("030 123456/78", region="DE").reason == "several_values"


@pytest.mark.parametrize(
    "raw",
    [
        *(
            "n/a",
            "N.A.",
            "none",
            "-",
            "+",
            "...",
            "no phone",
            "unknown",
            "xxx",
            "tel:",
            "Mobile:",
            "--",
        ),
        *("0", "000000", "999-999-9999", "+1 000 000 0000", "(111) 111-1111", "1234567", "123-456-7890"),
    ],
)
def test_a_placeholder_is_no_number(raw: str) -> None:
    assert keys.phone_key(raw, region="US").reason == "placeholder"


@pytest.mark.parametrize(
    ("raw", "region", "reason"),
    [
        ("212 555 0100", None, "no_country"),
        ("020 7946 0958", "ZZ", "no_country"),
        ("020 7946 0958", "AQ", "no_country"),
        ("12", None, "too_short"),
        ("12", "US", "too_short"),
        ("+49 1", None, "too_short"),
        ("212 555 0100 22", "US", "too_long"),
        ("1234567890123456789", None, "too_long"),
        ("+1 212 555 0100 123456789", None, "too_long"),
        ("212 " * 100, "US", "too_long"),
        ("+999 212 555 0100", None, "invalid"),
        ("+0 212 555 0100", None, "invalid"),
    ],
)
def test_a_value_without_key_has_the_reason_that_helps(raw: str, region: str | None, reason: str) -> None:
    assert keys.phone_key(raw, region=region).reason == reason


def test_a_country_code_wins_over_the_region() -> None:
    assert keys.phone_key("+44 20 7946 0958", region="US").key == "+442079460958"


def test_double_zero_reads_as_plus_in_a_region_with_another_prefix() -> None:
    assert keys.phone_key("0044 20 7946 0958", region="US").key == "+442079460958"


@pytest.mark.parametrize(
    ("text", "spelled"),
    [
        ("1-800-FLOWERS", "1-800-3569377"),
        ("800 GO FEDEX", "800 46 33339"),
        ("555 HOME", None),
        ("FLOWERS", None),
    ],
)
def test_only_whole_vanity_numbers_are_spelled_out(text: str, spelled: str | None) -> None:
    assert phone_text.spelled_out(text) == spelled
