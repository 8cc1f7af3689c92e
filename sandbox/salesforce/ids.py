"""Salesforce record Ids: minting, checking and the case-safe 18-character form.

An Id is 15 case-sensitive base-62 characters (three of key prefix, two of instance, one reserved, nine of
serial) plus three that repeat the upper-case bits of the first fifteen, so that it survives
case-blind software. Imitates "Field Types > ID" in the Object Reference.
"""

from __future__ import annotations

import functools
import re

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
INSTANCE = "5g0"
PREFIXES = {"Contact": "003", "Account": "001", "User": "005", "Organization": "00D"}

_SUFFIX_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_SHAPE = re.compile(r"[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?")


def mint_id(prefix: str, n: int) -> str:
    """Return the ``n``-th Id of a key prefix, 18 characters; a larger ``n`` sorts later."""
    high, low = divmod(n, 62**4)
    core = prefix + INSTANCE + _base62(high, 5) + _base62(low, 4)
    return core + _suffix(core)


def full_id(text: str) -> str | None:
    """Return ``text`` as an 18-character Id, or None if it is neither 15 characters nor a checked 18."""
    if _SHAPE.fullmatch(text) is None:
        return None
    if len(text) == 15:
        return text + _suffix(text)
    return _repair(text)


def _repair(text: str) -> str | None:
    """Restore the case of an 18-character Id from its suffix, as Salesforce does; None if it doesn't fit."""
    chars = []
    for chunk in range(3):
        bits = _SUFFIX_ALPHABET.find(text[15 + chunk].upper())
        if bits < 0:
            return None
        for position in range(5):
            char = text[chunk * 5 + position]
            chars.append(char.upper() if bits >> position & 1 else char.lower())
    core = "".join(chars)
    full = core + _suffix(core)
    return full if full[15:] == text[15:].upper() else None


@functools.lru_cache(maxsize=4096)
def _base62(number: int, width: int) -> str:
    digits = []
    for _ in range(width):
        number, digit = divmod(number, 62)
        digits.append(ALPHABET[digit])
    return "".join(reversed(digits))


def _suffix(core: str) -> str:
    return _suffix_char(core[:5]) + _suffix_char(core[5:10]) + _suffix_char(core[10:15])


@functools.lru_cache(maxsize=65536)
def _suffix_char(chunk: str) -> str:
    return _SUFFIX_ALPHABET[sum(1 << place for place, char in enumerate(chunk) if "A" <= char <= "Z")]
