"""What do new keys cost, measured in a plain loop over the two libraries that check such values?"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence

import email_validator
import phonenumbers

from benchmarks import report
from benchmarks.report import Figure
from contact_sync import keys

REGIONS = ("US", "GB", "DE", "FR", "MX", "BR", "IN", "ES", "IT", "JP", "AU", "AR")
#: Digits at the end of an example number that are drawn anew.
DRAWN = 6
SEED = 20260101

Typed = tuple[str, str]
Act = Callable[[Sequence[Typed], Sequence[str]], int]


def figures(rows: int) -> list[Figure]:
    """Normalize so many new phones and e-mails, ours and plainly, in one process each."""
    report.progress(f"keys of {rows:,} new phones and {rows:,} new e-mails")
    chance = random.Random(SEED)
    typed, addresses = phones(chance, rows), emails(rows)
    plain = timed(plainly, typed, addresses)
    ours = timed(as_keys, typed, addresses)
    return [
        Figure(name="keys_ratio", value=ours / plain, unit="ratio", limit=0.5),
        Figure(name="keys_seconds", value=ours, unit="s"),
        Figure(name="plain_keys_seconds", value=plain, unit="s"),
    ]


def phones(chance: random.Random, rows: int) -> list[Typed]:
    """Draw distinct numbers of twelve regions, written in E.164, internationally and as at home."""
    kinds = (phonenumbers.PhoneNumberType.FIXED_LINE, phonenumbers.PhoneNumberType.MOBILE)
    drawn_from = [
        (region, example)
        for region in REGIONS
        for kind in kinds
        if (example := phonenumbers.example_number_for_type(region, kind))
    ]
    styles = (
        phonenumbers.PhoneNumberFormat.E164,
        phonenumbers.PhoneNumberFormat.INTERNATIONAL,
        phonenumbers.PhoneNumberFormat.NATIONAL,
    )
    found: dict[Typed, None] = {}
    while len(found) < rows:
        region, example = chance.choice(drawn_from)
        national = phonenumbers.national_significant_number(example)[:-DRAWN]
        drawn = f"+{example.country_code}{national}{chance.randrange(10**DRAWN):0{DRAWN}}"
        number = phonenumbers.parse(drawn, None)
        found[phonenumbers.format_number(number, chance.choice(styles)), region] = None
    return list(found)


def emails(rows: int) -> list[str]:
    """Make distinct addresses."""
    return [f"Person.{number}@example{number % 997}.com" for number in range(rows)]


def plainly(typed: Sequence[Typed], addresses: Sequence[str]) -> int:
    """Do what a plain program does."""
    good = 0
    for text, region in typed:
        try:
            number = phonenumbers.parse(text, region)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_possible_number(number):
            good += bool(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
    for address in addresses:
        good += bool(email_validator.validate_email(address, check_deliverability=False).normalized)
    return good


def as_keys(typed: Sequence[Typed], addresses: Sequence[str]) -> int:
    """Do what the stage does."""
    good = sum(keys.phone_key(text, region=region).key is not None for text, region in typed)
    return good + sum(keys.email_key(address).key is not None for address in addresses)


def timed(act: Act, typed: Sequence[Typed], addresses: Sequence[str]) -> float:
    """Return how many seconds ``act`` takes."""
    began = time.perf_counter()
    act(typed, addresses)
    return time.perf_counter() - began
