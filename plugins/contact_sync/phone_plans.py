"""Numbering plans that need more than libphonenumber: renumbered countries, local numbers that look whole."""

from __future__ import annotations

import re
from collections.abc import Callable

import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumber

from contact_sync import phone_text

_ARGENTINA_WITHOUT_AREA = re.compile(r"9?15\d{8}")
_BRAZIL_OLD_MOBILE = re.compile(r"[1-9][1-9][6-9]\d{7}")


def rewritten(number: PhoneNumber) -> PhoneNumber:
    """Return ``number`` as it is dialled today, where a numbering plan has changed."""
    rewrite = _REWRITES.get(number.country_code or 0)
    if rewrite is None:
        return number
    before = phonenumbers.national_significant_number(number)
    after = rewrite(before)
    return number if after == before else phonenumbers.parse(f"+{number.country_code}{after}", None)


def _mexico(national: str) -> str:
    """Mexico dropped the mobile ``1`` and the prefixes ``01``, ``044``, ``045`` in 2019 (IFT)."""
    for prefix in ("1", "01", "044", "045"):
        if national.startswith(prefix) and len(national) == len(prefix) + 10:
            return national[-10:]
    return national


def _argentina(national: str) -> str:
    """A mobile is ``9`` area number, or at home area ``15`` number; somebody always writes both."""
    return national[1:] if len(national) == 13 and national.startswith("9") else national


def _brazil(national: str) -> str:
    """Brazil put a ninth digit before mobiles by 2016 (ANATEL); landlines, 2 to 5 first, kept eight."""
    return f"{national[:2]}9{national[2:]}" if _BRAZIL_OLD_MOBILE.fullmatch(national) else national


_REWRITES: dict[int, Callable[[str], str]] = {52: _mexico, 54: _argentina, 55: _brazil}


def may_be_rewritten(code: str, national: str) -> bool:
    """Return whether the national digits behind a calling code may be another spelling, or lack their area code."""
    rewrite = _REWRITES.get(int(code))
    if rewrite is None:
        return False
    if code == "54" and _ARGENTINA_WITHOUT_AREA.fullmatch(national):
        return True
    return rewrite(national) != national or (code == "55" and len(national) < 10)


def without_second_trunk(number: PhoneNumber) -> PhoneNumber:
    """Return ``number`` read once more if its national digits still begin with a prefix of its plan."""
    region = phonenumbers.region_code_for_country_code(number.country_code or 0)
    metadata = PhoneMetadata.metadata_for_region(region, None)
    national = phonenumbers.national_significant_number(number)
    prefix = re.match(metadata.national_prefix_for_parsing or "", national) if metadata else None
    if not prefix or not prefix.end():
        return number
    return phonenumbers.parse(f"+{number.country_code}{national}", None)


def without_mobile_nine(e164: str) -> str:
    """Return an Argentine mobile without its ``9``, any other number as it is."""
    return f"+54{e164[4:]}" if e164.startswith("+549") and len(e164) == 14 else e164


def lacks_area_code(number: PhoneNumber, text: str, region: str | None) -> bool:
    """Return whether a number that is possible by its length is rather a local one.

    Where area codes vary in length, libphonenumber calls six local digits possible. A number of at most eight
    digits that no plan knows, typed without its trunk ``0``, is a local one; so are, in Brazil, eight or nine
    such digits behind the country code, and in Argentina a mobile's ``15`` without area code.
    """
    national = phonenumbers.national_significant_number(number)
    if number.country_code == 54:
        return bool(_ARGENTINA_WITHOUT_AREA.fullmatch(national))
    if number.country_code == 55:
        return len(national) < 10 and not phonenumbers.is_valid_number(number)
    if len(national) > 8 or phone_text.is_international(text) or not region:
        return False
    trunk = phonenumbers.ndd_prefix_for_region(region, True) or ""
    is_typed = phone_text.digits_of(text).startswith("0")
    return trunk.startswith("0") and not is_typed and not phonenumbers.is_valid_number(number)
