"""Values on their way to Salesforce: converted, or refused with a reason."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contact_sync import fields, values
from contact_sync.errors import RejectError
from contact_sync.records import SalesforceField

TIERS = ("Gold", "Silver", "Bronze")
JSON_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.lists(st.text(max_size=5), max_size=3),
)


def field(kind: str, *, length: int = 0, nillable: bool = True, restricted: bool = False) -> SalesforceField:
    """An updateable field of type ``kind``; picklists offer three tiers."""
    return SalesforceField(
        name="Field__c",
        label="The field",
        type=kind,
        length=length,
        updateable=True,
        nillable=nillable,
        restricted=restricted,
        picklist=TIERS if kind.endswith("picklist") else (),
    )


def refusal(chosen: SalesforceField, value: values.Value) -> RejectError:
    with pytest.raises(RejectError) as refused:
        values.to_salesforce(chosen, value)
    return refused.value


@pytest.mark.parametrize(
    ("kind", "value", "sent"),
    [
        ("string", " Dr. Ana ", "Dr. Ana"),
        ("string", "=1+1", "=1+1"),
        ("string", "NA", "NA"),
        ("textarea", "one\r\ntwo\rthree", "one\ntwo\nthree"),
        ("url", "https://example.com", "https://example.com"),
        ("boolean", True, True),
        ("boolean", "FALSE", False),
        ("boolean", "yes", True),
        ("boolean", 0, False),
        ("int", "42", 42),
        ("int", 42.0, 42),
        ("long", "-9000000000", -9_000_000_000),
        ("double", "1234.5", 1234.5),
        ("double", " -.5 ", -0.5),
        ("double", "10.0", 10),
        ("currency", 0.1, 0.1),
        ("percent", "12.5", 12.5),
        ("double", "123456789012345678", 123_456_789_012_345_678),
        ("date", "2024-02-29", "2024-02-29"),
        ("datetime", "2025-04-30T18:00:00+02:00", "2025-04-30T16:00:00Z"),
        ("datetime", "2025-04-30T16:00:00.000+0000", "2025-04-30T16:00:00Z"),
        ("datetime", "2025-04-30 16:00z", "2025-04-30T16:00:00Z"),
        ("time", "16:30", "16:30:00.000Z"),
        ("time", "16:30:05.250Z", "16:30:05.250Z"),
        ("picklist", "Gold", "Gold"),
        ("picklist", "gold", "Gold"),
        ("picklist", "Platinum", "Platinum"),
        ("combobox", "Anything", "Anything"),
        ("multipicklist", "Bronze;Gold; gold ;", "Gold;Bronze"),
        ("multipicklist", ["Silver", "Gold"], "Gold;Silver"),
        ("reference", "003RO0000035WQg", "003RO0000035WQgYAM"),
        ("reference", " 003RO0000035WQgYAM ", "003RO0000035WQgYAM"),
    ],
)
def test_a_good_value_is_converted(kind: str, value: values.Value, sent: object) -> None:
    converted = values.to_salesforce(field(kind), value)
    assert converted == sent
    assert type(converted) is type(sent)


@pytest.mark.parametrize("kind", sorted(fields.EDITABLE_TYPES - {"boolean"}))
@pytest.mark.parametrize("value", [None, "", "  \n", []])
def test_nothing_empties_a_field(kind: str, value: values.Value) -> None:
    assert values.to_salesforce(field(kind), value) is None


@pytest.mark.parametrize("value", [None, "", " "])
def test_a_field_that_must_have_a_value_is_not_emptied(value: values.Value) -> None:
    assert refusal(field("string", nillable=False), value).code == "required"
    assert refusal(field("boolean"), value).code == "required"


def test_a_list_of_separators_empties_a_multipicklist() -> None:
    assert values.to_salesforce(field("multipicklist"), " ; ;") is None
    assert refusal(field("multipicklist", nillable=False), ";").code == "required"


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        *(("string", 5), ("string", True), ("string", ["a"]), ("textarea", 1.5)),
        *(("boolean", "maybe"), ("boolean", 2), ("boolean", ["true"])),
        *(
            ("double", "1.234,5"),
            ("double", "1,234.5"),
            ("double", "1 234"),
            ("double", "$5"),
            ("double", "5%"),
        ),
        *(
            ("double", "١٢"),
            ("double", "NaN"),
            ("double", "inf"),
            ("double", True),
            ("double", ["1"]),
            ("double", "0x1F"),
        ),
        *(("double", float("nan")), ("double", float("inf")), ("int", "1.5"), ("int", 1.5), ("int", "ten")),
        *(
            ("date", "30/04/2025"),
            ("date", "2025-4-30"),
            ("date", "2025-02-30"),
            ("date", 20250430),
            ("date", "20250430"),
        ),
        *(("date", "2025-04-30T00:00:00Z"), ("datetime", "2025-04-30"), ("datetime", "2025-04-30T16:00:00")),
        *(("datetime", "2025-04-30T25:00:00Z"), ("datetime", 1746028800), ("time", "4pm"), ("time", "24:30")),
        *(("multipicklist", 5), ("multipicklist", ["Gold;Silver"]), ("picklist", ["Gold"])),
        *(
            ("reference", "003"),
            ("reference", "003RO0000035WQgXXX"),
            ("reference", 3),
            ("reference", "003RO0000035WQg!"),
        ),
    ],
)
def test_a_value_of_the_wrong_type_is_refused(kind: str, value: values.Value) -> None:
    assert refusal(field(kind), value).code == "wrong_type"


@pytest.mark.parametrize("value", ["1.234,5", "1,234", "€ 5"])
def test_a_number_of_another_locale_gets_a_hint(value: str) -> None:
    assert "1234.5: a point before the decimals" in refusal(field("currency"), value).detail


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        *(("int", 2**31), ("int", "-2147483649"), ("long", 2**63), ("double", "1e18"), ("double", 10**400)),
        *(
            ("double", "0.12345678901234567890"),
            ("double", "1e99"),
            ("date", "1699-12-31"),
            ("date", "4001-01-01"),
        ),
        *(("datetime", "1600-01-01T00:00:00Z"), ("double", "9" * 100_000)),
    ],
)
def test_a_value_that_salesforce_cannot_keep_is_refused(kind: str, value: values.Value) -> None:
    assert refusal(field(kind), value).code == "out_of_range"


def test_length_counts_characters_after_trimming() -> None:
    assert values.to_salesforce(field("string", length=5), " héllo ") == "héllo"
    assert values.to_salesforce(field("string", length=2), "🎉🎉") == "🎉🎉"
    assert refusal(field("string", length=5), "héllo!").code == "too_long"


@pytest.mark.parametrize("value", ["a\x00b", "a\x1bb", "a\nb", "a\rb", "a\ud800b", "a\x7f"])
def test_control_characters_are_refused(value: str) -> None:
    assert refusal(field("string"), value).code == "control_characters"


def test_control_characters_are_refused_in_each_value_of_a_list() -> None:
    assert refusal(field("multipicklist"), ["Gold", "a\x08b"]).code == "control_characters"


def test_a_text_area_takes_lines() -> None:
    assert values.to_salesforce(field("textarea"), "one\n\ttwo") == "one\n\ttwo"


def test_a_restricted_picklist_offers_its_nearest_value() -> None:
    refused = refusal(field("picklist", restricted=True), "Glod")
    assert refused.code == "not_in_picklist"
    assert "Gold" in refused.detail


def test_each_value_of_a_restricted_multipicklist_is_checked() -> None:
    assert values.to_salesforce(field("multipicklist", restricted=True), "silver;GOLD") == "Gold;Silver"
    assert refusal(field("multipicklist", restricted=True), "Gold;Platinum").code == "not_in_picklist"


@pytest.mark.parametrize(
    ("kind", "code"),
    [("email", "email_or_phone"), ("phone", "email_or_phone"), ("address", "unsupported_type")],
)
def test_a_read_only_field_takes_no_value(kind: str, code: str) -> None:
    assert refusal(field(kind), "x").code == code


@pytest.mark.parametrize("kind", sorted(fields.EDITABLE_TYPES))
def test_a_refusal_never_repeats_the_value(kind: str) -> None:
    secret = (
        "swordfish\x00"
        if kind in ("string", "url", "combobox", "encryptedstring", "textarea")
        else "swordfish,"
    )
    try:
        values.to_salesforce(field(kind, restricted=True), secret)
    except RejectError as refused:
        assert "swordfish" not in str(refused)


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        ("double", 10, "10.0"),
        ("double", "-0.0", 0),
        ("currency", 1234.5, "1234.50"),
        ("boolean", True, "true"),
        ("datetime", "2025-04-30T16:00:00.000+0000", "2025-04-30T18:00:00+02:00"),
        ("datetime", "2025-04-30T16:00:00.000Z", "2025-04-30T16:00:00Z"),
        ("time", "16:30:00.000Z", "16:30"),
        ("multipicklist", "Bronze;Gold", "gold;Bronze"),
        ("reference", "003RO0000035WQg", "003RO0000035WQgYAM"),
        ("textarea", "one\r\ntwo ", "one\ntwo"),
        ("string", "", None),
        ("string", "  ", None),
    ],
)
def test_one_value_written_twice_compares_equal(kind: str, one: values.Value, other: values.Value) -> None:
    assert values.canonical_text(field(kind), one) == values.canonical_text(field(kind), other)


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        ("string", "Ana", "ana"),
        ("double", 10, 10.5),
        ("boolean", False, None),
        ("date", "2025-04-30", "2025-05-01"),
    ],
)
def test_two_values_compare_unequal(kind: str, one: values.Value, other: values.Value) -> None:
    assert values.canonical_text(field(kind), one) != values.canonical_text(field(kind), other)


def test_a_value_that_the_field_could_not_hold_is_compared_as_text() -> None:
    assert values.canonical_text(field("date"), " soon ") == "soon"
    assert values.canonical_text(field("email"), "a@example.com") == "a@example.com"
    assert values.canonical_text(field("string", length=2), "long") == "long"


@given(kind=st.sampled_from(sorted(fields.EDITABLE_TYPES)), value=JSON_VALUES)
def test_any_value_is_sent_as_json_or_refused(kind: str, value: values.Value) -> None:
    try:
        sent = values.to_salesforce(field(kind), value)
    except RejectError:
        return
    assert json.loads(json.dumps(sent, allow_nan=False)) == sent


@given(kind=st.sampled_from(sorted(fields.EDITABLE_TYPES)), value=JSON_VALUES)
def test_the_canonical_text_is_its_own_canonical_text(kind: str, value: values.Value) -> None:
    text = values.canonical_text(field(kind), value)
    assert values.canonical_text(field(kind), text) == text


@given(kind=st.sampled_from(sorted(fields.EDITABLE_TYPES)), value=JSON_VALUES)
def test_an_accepted_value_is_accepted_again_from_its_canonical_text(kind: str, value: values.Value) -> None:
    try:
        sent = values.to_salesforce(field(kind), value)
    except RejectError:
        return
    assert (
        sent is None or values.to_salesforce(field(kind), values.canonical_text(field(kind), value)) == sent
    )


def test_the_long_id_follows_the_capitals_of_the_short_one() -> None:
    assert values.long_id("003RO0000035WQg") == "003RO0000035WQgYAM"
