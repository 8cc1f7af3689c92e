"""The shapes that most phone numbers have, read without libphonenumber's long way, at a tenth of its cost.

Only what cannot be read in two ways is read here: one plan's length, no prefix left to strip, no alias. Everything
else is None and goes the long way; a test over every region's example numbers proves that both ways agree.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

import phonenumbers
from phonenumbers import PhoneMetadata

from contact_sync import phone_plans

_NO_DIGITS = str.maketrans("", "", "+ ().-")
#: Local numbers have up to eight digits, so a longer one, typed without its country, has its area code.
_LOCAL_DIGITS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What decides about the digits of one calling code, from libphonenumber's metadata of its main region."""

    code: str
    lengths: frozenset[int]
    prefix: re.Pattern[str] | None
    international_prefix: re.Pattern[str]
    whole: re.Pattern[str]


def read(text: str, region: str | None) -> str | None:
    """Return the E.164 form of ``text``, which holds digits, ``+ ( ) . -`` and spaces; None if it is not told here."""
    digits = text.translate(_NO_DIGITS)
    if text[0] == "+":
        plan = _plan_of_digits(digits)
        national = digits[len(plan.code) :] if plan else ""
    else:
        plan = _plan_of_region(region) if region else None
        national = _without_trunk(plan, digits) if plan else ""
    return f"+{plan.code}{national}" if plan and _is_settled(plan, national) else None


def _plan_of_digits(digits: str) -> Plan | None:
    """Codes are prefix-free: at most one of the three beginnings is one."""
    return _plan_of_code(digits[:1]) or _plan_of_code(digits[:2]) or _plan_of_code(digits[:3])


def _without_trunk(plan: Plan, digits: str) -> str:
    """Return the national digits of a number typed at home, "" where that takes the long way."""
    if digits.startswith(("00", plan.code)) or plan.international_prefix.match(digits):
        return ""
    if digits.startswith("0") and plan.prefix:
        return digits[1:] if _is_zero_dropped(plan, digits) else ""
    return digits if len(digits) > _LOCAL_DIGITS else ""


def _is_zero_dropped(plan: Plan, digits: str) -> bool:
    """Return whether the prefix is one zero, and neither part of the number nor the sign of another form."""
    found = plan.prefix.match(digits) if plan.prefix else None
    if found is None or found.end() != 1 or any(group is not None for group in found.groups()):
        return False
    return not plan.whole.fullmatch(digits)


def _is_settled(plan: Plan, national: str) -> bool:
    """Return whether ``national`` stays as it is: possible as a whole, no prefix before it, no alias of another."""
    if len(national) not in plan.lengths or (national[0] == "0" and not _is_italian(plan, national)):
        return False
    if plan.prefix and (found := plan.prefix.match(national)) and found.end():
        return False
    return not phone_plans.may_be_rewritten(plan.code, national)


def _is_italian(plan: Plan, national: str) -> bool:
    """Italian landlines keep their zero, also behind the country code."""
    return plan.code == "39" and national[1] != "0"


@functools.cache
def _plan_of_region(region: str) -> Plan | None:
    """Return the plan of a main region; others share its calling code but may read numbers their own way."""
    code = phonenumbers.country_code_for_region(region.upper())
    is_main = phonenumbers.region_code_for_country_code(code) == region.upper()
    return _plan_of_code(str(code)) if is_main else None


@functools.cache
def _plan_of_code(code: str) -> Plan | None:
    """Return the plan of a calling code, None if there is none; worldwide services go the long way."""
    known = code.isdigit() and not code.startswith("0")
    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(code), ("",)) if known else ("",)
    metadata = PhoneMetadata.metadata_for_region(regions[0], None)
    if metadata is None or metadata.general_desc is None:
        return None
    described, prefix = metadata.general_desc, metadata.national_prefix_for_parsing
    local = described.possible_length_local_only or ()
    return Plan(
        code=code,
        lengths=frozenset(described.possible_length or ()) - frozenset(local),
        prefix=re.compile(prefix) if prefix else None,
        international_prefix=re.compile(metadata.international_prefix or "00"),
        whole=re.compile(described.national_number_pattern or ""),
    )
