"""E-mail keys, exact keys and the properties that hold for every key. Phones: test_phone_plans, test_phone_text."""

from __future__ import annotations

import email_validator
import phonenumbers
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from contact_sync import keys
from contact_sync.records import Key

REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)

#: Characters that phones and addresses are written with, so that random text comes near real cells.
PHONE_TEXT = st.text(alphabet="0123456789+-() ./;,#xextEXT:\u00a0\u200b٠١٢٣", max_size=24)
EMAIL_TEXT = st.from_regex(
    r"[a-zA-Zäß0-9.+_<>'\" -]{0,8}@[a-zA-Zäßİ0-9.。-]{0,12}[., ]?[a-z]{0,3}", fullmatch=True
)


@pytest.mark.parametrize(
    "raw",
    [
        "john@example.com",
        "John@Example.COM",
        " john@example.com\u00a0",
        "john@example.com\r\n",
        "\ufeffjohn@example.com",
        "jo\u200bhn@example.com",
        "\x00john@example.com\x00",
        "\u202ajohn@example.com\u202c",
        "ｊｏｈｎ＠ｅｘａｍｐｌｅ．ｃｏｍ",
        "mailto:john@example.com",
        "mailto:john@example.com?subject=Hello%20you",
        "MAILTO:john%40example.com",
        "<john@example.com>",
        "John Doe <john@example.com>",
        '"Doe, John" <John@example.com>',
        "<mailto:john@example.com>",
        "john@example.com <john@example.com>",
        "john@example.com.",
        "john@example.com;",
        "'john@example.com'",
        "E-mail: john@example.com",
    ],
)
def test_every_spelling_of_an_address_gives_one_key(raw: str) -> None:
    assert keys.email_key(raw) == Key(key="john@example.com")


@pytest.mark.parametrize("raw", ["info@bücher.example", "INFO@BÜCHER.EXAMPLE", "info@xn--bcher-kva.example"])
def test_an_international_domain_becomes_its_a_label(raw: str) -> None:
    assert keys.email_key(raw).key == "info@xn--bcher-kva.example"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("john.doe@example.com", "johndoe@example.com"),
        ("john+news@example.com", "john@example.com"),
        ("jurgen@example.com", "jürgen@example.com"),
        ("john@example.com", "john@mail.example.com"),
        ("strasse@example.com", "straße@example.com"),
    ],
)
def test_no_provider_trick_makes_two_addresses_one(one: str, other: str) -> None:
    assert keys.email_key(one).key != keys.email_key(other).key


@pytest.mark.parametrize(
    "domain", ["example.com", "example.org", "mail.example", "shop.test", "a.b.example.net"]
)
def test_domains_kept_for_examples_and_tests_are_ordinary(domain: str) -> None:
    assert keys.email_key(f"ana@{domain}").key == f"ana@{domain}"


@pytest.mark.parametrize("raw", [None, "", "  ", "\t\r\n", "\u200b\ufeff", "\x00", "\u3164"])
def test_what_shows_nothing_is_empty(raw: str | None) -> None:
    assert (keys.email_key(raw).reason, keys.phone_key(raw, region="US").reason) == ("empty", "empty")


@pytest.mark.parametrize(
    "raw",
    [
        *("n/a", "N.A.", "none", "-", "--", "?", "@", "no email", "No-Mail", "null", "xxx", "unknown", "000"),
        *("test@test.com", "noemail@noemail.com", "None@None.com", "na@na.com", "no@email.com", "x@x.com"),
        *("no.email@no-email.org", "<test@test.com>", "mailto:test@test.com"),
    ],
)
def test_a_placeholder_is_no_address(raw: str) -> None:
    assert keys.email_key(raw).reason == "placeholder"


def test_an_example_address_is_no_placeholder() -> None:
    assert keys.email_key("test@example.com").key == "test@example.com"


@pytest.mark.parametrize(
    "raw",
    [
        "a@example.com; b@example.com",
        "a@example.com, b@example.com",
        "a@example.com b@example.com",
        "a@example.com/b@example.com",
        "a@example.com\nb@example.com",
        "Ana <a@example.com>, Bo <b@example.com>",
        "b@example.com <a@example.com>",
    ],
)
def test_several_addresses_in_a_cell_are_refused(raw: str) -> None:
    assert keys.email_key(raw).reason == "several_values"


@pytest.mark.parametrize(
    "raw",
    [
        *(
            "john",
            "john@",
            "@example.com",
            "john@example",
            "john@localhost",
            "john@@example.com",
            "a@b@example.com",
        ),
        *(
            "jo hn@example.com",
            "john@exam ple.com",
            "john..doe@example.com",
            ".john@example.com",
            "john@1.2.3.4",
        ),
        *("john@-example.com", "john@example..com", "john@example.com / 555 0100", "\ud800@example.com"),
    ],
)
def test_what_is_no_address_is_invalid(raw: str) -> None:
    assert keys.email_key(raw).reason == "invalid"


def test_an_address_of_254_characters_is_the_longest() -> None:
    domain = ".".join(["d" * 60] * 3) + ".example"
    local = "l" * (254 - len(domain) - 1 - 9) + "+" + "t" * 8
    assert len(f"{local}@{domain}") == 254
    assert keys.email_key(f"{local}@{domain}").key == f"{local}@{domain}"
    assert keys.email_key(f"{local}t@{domain}").reason == "invalid"


@pytest.mark.parametrize(
    ("e164", "spellings"),
    [
        ("+525512345678", ("+525512345678", "+5215512345678")),
        ("+5215512345678", ("+5215512345678", "+525512345678")),
        ("+5491122345678", ("+5491122345678", "+541122345678")),
        ("+541122345678", ("+541122345678", "+5491122345678")),
        ("+5511987654321", ("+5511987654321", "+551187654321")),
        ("+551187654321", ("+551187654321", "+5511987654321")),
        ("+551134567890", ("+551134567890",)),
        ("+12125550100", ("+12125550100",)),
    ],
)
def test_a_line_is_looked_up_under_each_of_its_spellings(e164: str, spellings: tuple[str, ...]) -> None:
    assert keys.phone_spellings(e164) == spellings


@pytest.mark.parametrize("e164", ["+525512345678", "+5491122345678", "+5511987654321", "+551134567890"])
def test_all_spellings_of_a_line_have_one_key(e164: str) -> None:
    assert len({keys.phone_key(raw, region=None).key for raw in keys.phone_spellings(e164)}) == 1


@pytest.mark.parametrize(
    "raw", ["(55) 1234-5678", "55 1234 5678 ext. 12", "055 12345678", "Mobile: 55.1234.5678"]
)
def test_a_number_without_a_country_keeps_its_digits_for_near_misses(raw: str) -> None:
    assert keys.phone_key(raw, region=None) == Key(key=None, reason="no_country", national="5512345678")


@pytest.mark.parametrize("raw", [None, "", "n/a", "555-0100", "12345", "+52 55 1234 5678", "a@example.com"])
def test_no_national_digits_where_the_country_is_not_what_lacks(raw: str | None) -> None:
    assert keys.phone_key(raw, region="US").national is None


def test_a_few_digits_are_too_few_to_be_a_near_miss() -> None:
    assert keys.phone_key("0 12345", region=None) == Key(key=None, reason="no_country")


def test_the_rules_version_names_the_numbering_plans() -> None:
    assert keys.RULES_VERSION.endswith(f"phonenumbers-{phonenumbers.__version__}")


@given(
    raw=st.one_of(st.text(), EMAIL_TEXT, PHONE_TEXT), region=st.sampled_from([None, "", "ZZ", "us", *REGIONS])
)
@example(raw="\ud800", region="US")
@example(raw="9" * 100_000, region="US")
@example(raw="<" * 50_000 + "@", region=None)
@example(raw="(" * 50_000, region=None)
def test_any_text_has_either_a_key_or_a_reason(raw: str, region: str | None) -> None:
    for found in (keys.email_key(raw), keys.phone_key(raw, region=region)):
        assert (found.key is None) != (found.reason is None)


@given(raw=st.one_of(EMAIL_TEXT, st.emails()))
@example(raw="İ@example.com")
@example(raw="ﬁ@EXAMPLE。com")
def test_the_key_of_an_email_key_is_itself(raw: str) -> None:
    key = keys.email_key(raw).key
    assert key is None or keys.email_key(key).key == key


@given(raw=st.from_regex(r"[a-z0-9_+.-]{1,66}@[a-z0-9.-]{1,66}\.[a-z]{2,8}", fullmatch=True))
@example(raw="a@xn--bcher-kva.example")
@example(raw="a@b.local")
@example(raw="l" * 65 + "@example.com")
@example(raw="a@" + "d" * 64 + ".example")
@example(raw="a@b.onion")
@example(raw="a.@example.com")
@example(raw="a@ab--c.example")
def test_the_short_way_for_ordinary_addresses_agrees_with_the_validator(raw: str) -> None:
    try:
        checked = email_validator.validate_email(raw, check_deliverability=False, test_environment=True)
    except email_validator.EmailNotValidError:
        assert keys.email_key(raw).reason in ("invalid", "placeholder")
    else:
        expected = f"{checked.local_part}@{checked.ascii_domain}"
        assert keys.email_key(raw) in (Key(key=expected), Key(key=None, reason="placeholder"))


@given(raw=PHONE_TEXT, region=st.sampled_from(REGIONS), other=st.sampled_from([None, *REGIONS]))
def test_the_key_of_a_phone_key_is_itself_in_any_region(raw: str, region: str, other: str | None) -> None:
    key = keys.phone_key(raw, region=region).key
    assert key is None or keys.phone_key(key, region=other).key == key


@given(raw=PHONE_TEXT, region=st.sampled_from([None, *REGIONS]))
def test_key_and_e164_are_one_line(raw: str, region: str | None) -> None:
    found = keys.phone_key(raw, region=region)
    assert found.e164 is None or keys.phone_key(found.e164, region=None).key == found.key
