"""Respond.io contacts derived from loaded Salesforce contacts, and what is certain about them.

The truth claims a match only where it is certain by construction: both sides hold the very same plain e-mail or
international number, it occurs once in the whole file, and nothing else the contact holds occurs anywhere else.
People about whom nothing is certain get contacts too, and no entry in the truth.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

from sandbox import truth

Row = dict[str, Any]

_PHONES = ("MobilePhone", "Phone", "HomePhone", "OtherPhone")
_INTERNATIONAL = re.compile(r"\+[1-9]\d{9,12}")
_PLAIN_EMAIL = re.compile(r"[a-z0-9][a-z0-9._+-]*@[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z]{2,}")
#: An address that begins so may stand for nobody.
_NOBODY = re.compile(
    r"(test|none|no|na|n\.a|noemail|no-?reply|info|email|unknown|admin|example|null|asdf)\W?[^a-z]"
)
#: Two numbers that share so many last digits could be one.
_TAIL_DIGITS = 7


@dataclass(frozen=True, slots=True)
class Derived:
    """One respond.io contact made after a Salesforce contact."""

    salesforce_id: str
    respond: Row
    is_certain: bool


def derive(rows: list[Row], share: float, random: Random) -> list[Derived]:
    """Return a respond.io contact for ``share`` of the live contacts that have an e-mail or a phone."""
    emails, tails = _occurrences(rows)
    derived = []
    for row in rows:
        phone = next((row[name] for name in _PHONES if row.get(name)), None)
        email = row.get("Email")
        if row.get("IsDeleted") or not (email or phone) or random.random() >= share:
            continue
        is_certain = _is_certain(email, phone, emails, tails)
        derived.append(Derived(row["Id"], _respond(row, email, phone), is_certain))
    return derived


def known(derived: Iterable[Derived], respond_ids: Iterable[int]) -> Iterator[truth.Person]:
    """Yield what is certain, one entry per person."""
    for person, respond_id in zip(derived, respond_ids, strict=True):
        if person.is_certain:
            yield truth.Person(
                person_id=f"L{respond_id}",
                case="loaded",
                expect="match",
                salesforce_ids=[person.salesforce_id],
                respond_ids=[respond_id],
                salesforce_id=person.salesforce_id,
            )


def _respond(row: Row, email: str | None, phone: str | None) -> Row:
    return {
        "firstName": row.get("FirstName") or row["LastName"],
        "lastName": row["LastName"],
        "email": email,
        "phone": phone,
        "created_at": int(row.get("CreatedDate") or time.time()),
    }


def _occurrences(rows: Iterable[Row]) -> tuple[Counter[str], Counter[str]]:
    emails: Counter[str] = Counter()
    tails: Counter[str] = Counter()
    for row in rows:
        emails[_folded(row.get("Email"))] += 1
        tails.update({_tail(row[name]) for name in _PHONES if row.get(name)})
    return emails, tails


def _is_certain(email: str | None, phone: str | None, emails: Counter[str], tails: Counter[str]) -> bool:
    address = _folded(email)
    has_email = bool(_PLAIN_EMAIL.fullmatch(address)) and not _NOBODY.match(address)
    has_phone = bool(_INTERNATIONAL.fullmatch(re.sub(r"[ ().-]", "", phone or "")))
    is_alone = (not email or emails[address] == 1) and (not phone or tails[_tail(phone)] == 1)
    return is_alone and (has_email or (has_phone and len(set(_tail(phone or ""))) > 1))


def _folded(email: str | None) -> str:
    return (email or "").strip().lower()


def _tail(phone: str) -> str:
    return re.sub(r"\D", "", phone)[-_TAIL_DIGITS:]
