"""From a raw e-mail or phone to the key it is compared by, or the reason why it has none.

Pure: no clock, no network, no environment. A value that cannot be a key gets a reason, never an exception.
"""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import unquote

import email_validator
import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, ValidationResult

from contact_sync import phone_plans, phone_shapes, phone_text, placeholders, regions
from contact_sync.records import Key, KeyReason

#: Stored with every key: keys made by other rules or another numbering plan are made again.
RULES_VERSION = f"2+phonenumbers-{phonenumbers.__version__}"

#: RFC 5321, as corrected by RFC 3696 erratum 1690: the longest address that a mail path can carry.
_EMAIL_CHARACTERS = 254
#: More than the longest number needs, with all its spaces.
_ORDINARY_CHARACTERS = 30
#: Longer cells are prose, not numbers; libphonenumber's own bound.
_PHONE_CHARACTERS = 250

#: Marks that show nothing though Unicode calls them letters, symbols or accents.
_UNSEEN = frozenset("\u034f\u115f\u1160\u2800\u3164\uffa0") | {chr(code) for code in range(0xFE00, 0xFE10)}

_BRACKETED = re.compile(r"[^<>]*<([^<>]*)>[\s,;.]*")
_EMAIL_SEPARATOR = re.compile(r"[\s,;|/]+")
_MAILTO = re.compile(r"(?:mailto|e-?mail)\s*:\s*", re.IGNORECASE)
_QUOTES = ("'", '"', "`")

#: Addresses that need no parser, because every rule of RFC 5321 and 1035 that they could break is in the pattern.
_ORDINARY = re.compile(
    r"(?=[^@]{1,64}@)[a-z0-9_+-]+(?:\.[a-z0-9_+-]+)*"
    r"@(?![^@]*--)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+([a-z]{2,63})"
)
#: Top-level domains with names among those that email-validator refuses (RFC 6761 and its registry).
_SPECIAL_ENDINGS = {name.rpartition(".")[2] for name in email_validator.SPECIAL_USE_DOMAIN_NAMES}

#: Fewer national digits than these say nothing about a person.
_NATIONAL_DIGITS = 6

#: A cell that holds a number and nothing else.
_ONLY_NUMBER = re.compile(r"\+?[0-9 ().-]+")
_E164 = phonenumbers.PhoneNumberFormat.E164
_DOUBLE_ZERO = re.compile(r"[^\d+]*\+?[^\d+]*0[^\d+]*0[^\d+]*(?=[1-9])")

_POSSIBLE_REASONS: dict[int, KeyReason] = {
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "no_area_code",
    ValidationResult.TOO_SHORT: "too_short",
    ValidationResult.TOO_LONG: "too_long",
}
_PARSE_REASONS: dict[int, KeyReason] = {
    NumberParseException.TOO_SHORT_AFTER_IDD: "too_short",
    NumberParseException.TOO_SHORT_NSN: "too_short",
    NumberParseException.TOO_LONG: "too_long",
}


def _visible(raw: str) -> str:
    """Return ``raw`` in NFKC without controls, zero-width and unseen marks, and outer white space."""
    if raw.isascii() and raw.isprintable():
        return raw.strip()
    seen = (c for c in raw if c.isspace() or not (c in _UNSEEN or unicodedata.category(c) in ("Cc", "Cf")))
    return unicodedata.normalize("NFKC", "".join(seen)).strip()


# E-mail


def email_key(raw: str | None) -> Key:
    """Return the comparable form of one e-mail address: lower case, the domain as its A-label.

    No provider's tricks: dots and ``+tag`` stay, because only the provider knows whether they matter. Syntax
    is checked without DNS. Several addresses in one cell are refused rather than one of them guessed.
    """
    text = _visible(raw or "")
    if not text:
        return Key(key=None, reason="empty")
    # most cells hold an ordinary address and nothing else
    address = _ordinary_address(text)
    if address is None:
        if "@" not in text and placeholders.is_placeholder_text(text):
            return Key(key=None, reason="placeholder")
        if sum("@" in part for part in _EMAIL_SEPARATOR.split(text)) > 1 and not _is_own_display_name(text):
            return Key(key=None, reason="several_values")
        address = _checked_address(_unwrapped(text))
    if address is None:
        return Key(key=None, reason="placeholder" if placeholders.is_placeholder_text(text) else "invalid")
    if placeholders.is_placeholder_address(address):
        return Key(key=None, reason="placeholder")
    return Key(key=address)


def _is_own_display_name(text: str) -> bool:
    """Mail programs write ``a@x.com <a@x.com>`` where they know no name."""
    name, _, rest = text.partition("<")
    return bool(rest) and name.strip(" \"'").lower() == _unwrapped(text).lower()


def _unwrapped(text: str) -> str:
    if bracketed := _BRACKETED.fullmatch(text):
        text = bracketed[1].strip()
    if scheme := _MAILTO.match(text):
        text = unquote(text[scheme.end() :].partition("?")[0])
    text = text.strip().strip(",;").strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in _QUOTES:
        text = text[1:-1].strip()
    return text


def _ordinary_address(text: str) -> str | None:
    ordinary = _ORDINARY.fullmatch(text.lower()) if len(text) <= _EMAIL_CHARACTERS else None
    return ordinary[0] if ordinary and ordinary[1] not in _SPECIAL_ENDINGS else None


def _checked_address(text: str) -> str | None:
    if len(text) > _EMAIL_CHARACTERS:
        return None
    local, _, domain = text.rpartition("@")
    # Lower-casing can undo NFKC (a capital with a dot above), so it is normalized once more.
    local = unicodedata.normalize("NFKC", local.lower())
    domain = domain.lower().removesuffix(".")
    if ordinary := _ordinary_address(f"{local}@{domain}"):
        return ordinary
    try:
        checked = email_validator.validate_email(
            f"{local}@{domain}", check_deliverability=False, test_environment=True
        )
    except (email_validator.EmailNotValidError, UnicodeError):
        return None
    if "." not in checked.ascii_domain:
        return None
    return f"{local}@{checked.ascii_domain}"


# Phone


def phone_key(raw: str | None, *, region: str | None) -> Key:
    """Return one phone number in its form to compare (``key``) and its form to dial and create (``e164``).

    ``region`` is the ISO 3166-1 alpha-2 code assumed for numbers written without a country code; ``00`` reads
    as ``+`` everywhere. Extensions are cut. The two forms differ only for Argentine mobiles: ``key`` goes
    without the ``9``, so that all spellings of a line agree, and ``e164`` keeps the ``9`` where it was
    written, because from abroad and in messaging apps the mobile is reached only with it.
    """
    return (raw and _ordinary_phone(raw.strip(), region)) or _unusual_phone(raw or "", region)


def _ordinary_phone(text: str, region: str | None) -> Key | None:
    """Return the key of a number in one of the common shapes, None if it takes a longer look."""
    if len(text) > _ORDINARY_CHARACTERS or not _ONLY_NUMBER.fullmatch(text):
        return None
    e164 = phone_shapes.read(text, region)
    if (
        e164 is None
        or placeholders.are_placeholder_digits(phone_text.digits_of(text))
        or len(set(e164[4:])) == 1
    ):
        return None
    return Key(key=phone_plans.without_mobile_nine(e164), e164=e164)


def _unusual_phone(raw: str, region: str | None) -> Key:
    text = phone_text.ascii_digits(_visible(raw))
    if not text:
        return Key(key=None, reason="empty")
    if placeholders.is_placeholder_text(text):
        return Key(key=None, reason="placeholder")
    if len(text) > _PHONE_CHARACTERS:
        return Key(key=None, reason="too_long")
    number_text = text if _ONLY_NUMBER.fullmatch(text) else _without_words(text)
    if isinstance(number_text, Key):
        return number_text
    number = _read_phone(number_text, _known_region(region))
    return number if isinstance(number, Key) else _settled(number)


def _known_region(region: str | None) -> str | None:
    return region.upper() if region and is_region(region) else None


def _without_words(text: str) -> str | Key:
    """Return the one number in ``text`` without what is written around it, or a Key with the reason."""
    text = phone_text.bare(text)
    if phone_text.holds_several(text):
        return Key(key=None, reason="several_values")
    if not phone_text.has_letters(text):
        return text
    return phone_text.spelled_out(text) or Key(key=None, reason="invalid")


def _read_phone(text: str, region: str | None) -> PhoneNumber | Key:
    """Return the number in ``text`` with aliases rewritten, or a Key with the reason."""
    digits = phone_text.digits_of(text)
    if not digits or placeholders.are_placeholder_digits(digits):
        return Key(key=None, reason="placeholder")
    if double_zero := _DOUBLE_ZERO.match(text):
        number = _parsed("+" + text[double_zero.end() :], None)
        if isinstance(number, PhoneNumber) or region is None:
            return number
    if region is None and not phone_text.is_international(text):
        return _without_country(digits)
    return _parsed(text, region)


def _without_country(digits: str) -> Key:
    """A country would not help fewer than four digits, nor more than E.164's fifteen and a prefix of two."""
    if len(digits) < 4:
        return Key(key=None, reason="too_short")
    if len(digits) > 17:
        return Key(key=None, reason="too_long")
    national = digits.lstrip("0")
    return Key(
        key=None, reason="no_country", national=national if len(national) >= _NATIONAL_DIGITS else None
    )


def _parsed(text: str, region: str | None) -> PhoneNumber | Key:
    try:
        number = phone_plans.rewritten(phonenumbers.parse(text, region))
    except NumberParseException as error:
        return Key(key=None, reason=_PARSE_REASONS.get(error.error_type, "invalid"))
    verdict = phonenumbers.is_possible_number_with_reason(number)
    if verdict != ValidationResult.IS_POSSIBLE:
        return Key(key=None, reason=_POSSIBLE_REASONS.get(verdict, "invalid"))
    if phone_plans.lacks_area_code(number, text, region):
        return Key(key=None, reason="no_area_code")
    # A second trunk zero goes too, so that the key of a key is itself.
    again = phone_plans.without_second_trunk(number)
    return number if again == number else _parsed(phonenumbers.format_number(again, _E164), None)


def _settled(number: PhoneNumber) -> Key:
    national = phonenumbers.national_significant_number(number)
    if placeholders.is_one_digit(national):
        return Key(key=None, reason="placeholder")
    e164 = f"+{number.country_code}{national}"
    return Key(key=phone_plans.without_mobile_nine(e164), e164=e164)


def phone_spellings(e164: str) -> tuple[str, ...]:
    """Return every E.164 spelling under which a line may be stored elsewhere, ``e164`` itself first."""
    others: list[str] = []
    if match := re.fullmatch(r"\+52(1?)(\d{10})", e164):
        others = [f"+52{match[2]}" if match[1] else f"+521{match[2]}"]
    elif match := re.fullmatch(r"\+54(9?)(\d{10})", e164):
        others = [f"+54{match[2]}" if match[1] else f"+549{match[2]}"]
    elif match := re.fullmatch(r"\+55([1-9]{2})(9?)([6-9]\d{7})", e164):
        others = [f"+55{match[1]}{match[3]}" if match[2] else f"+55{match[1]}9{match[3]}"]
    return (e164, *others)


# Regions


def region_of(country: str | None) -> str | None:
    """Return the ISO 3166-1 alpha-2 code of a country as people write it ("USA", "日本"), None if unknown."""
    return regions.codes_by_name().get(regions.fold(country)) if country else None


def is_region(code: str) -> bool:
    """Return whether ``code`` is a region with a numbering plan, as settings and ``phone_key`` need."""
    return code.upper() in phonenumbers.SUPPORTED_REGIONS
