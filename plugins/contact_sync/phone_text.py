"""What people write around a phone number: URI schemes, labels, extensions, second numbers, vanity words."""

from __future__ import annotations

import re
import string
import unicodedata
from urllib.parse import unquote

_URI = re.compile(r"^\s*(?:tel|callto|sms|fax|phone|whatsapp)\s*:(?://)?\s*", re.IGNORECASE)
#: RFC 3966: a local number's context may be the digits that come before it.
_CONTEXT = re.compile(r";phone-context=(\+[\d.()-]+)", re.IGNORECASE)
_PARAMETER = re.compile(r";(?!ext=)[a-z-]+=[^;]*", re.IGNORECASE)

_EXTENSION = re.compile(
    r"""[\s;,(\[/-]*
    (?: (?:extension|extn?|xtn|доб(?:авочный)?|anexo|interno|int|ramal|durchwahl|dw|poste|内線|内线|分机)
        [\s.:=]*\d{0,9}
      | (?<=[\d\s()])[x~] [\s.:]*\d{0,9}
      | \#\s*\d{0,9}
      | (?: ,{2,3} | [pw] )\s*\d{1,9}\#?      # a pause before digits that the phone dials by itself
      | [,;]\s*\d{1,4}
    )
    [\s)\]#]*$""",
    re.IGNORECASE | re.VERBOSE,
)

_LABEL = re.compile(
    r"""(?<![^\W\d_])
    (?: (?:telephone|telefone?|teléfono|telefono|téléphone|tel|phone|ph|mobile|mobil|móvil|movil|mob|cellular
         |celular|cell|cel|handy|home|work|office|business|direct|main|fax|private?|personal|whatsapp|тел|моб|電話|电话|手机|携帯)
        (?![^\W\d_])
      | [tpmhwcof](?=\s*[.:])
      | (?<=\()[tpmhwcof](?=\))
    )
    \s*[.:]*""",
    re.IGNORECASE | re.VERBOSE,
)

_NO_DIGITS = re.compile(r"[^0-9]+")
_LETTER = re.compile(r"[^\W\d_]")
_INTERNATIONAL = re.compile(r"\D*\+")
_SEPARATOR = re.compile(r"[;,|&\n\r\\]|\s(?:and|or|und|oder|et|ou|y|o|e)\s", re.IGNORECASE)
_VANITY = re.compile(r"(?:\+?1[\s.-]*)?\(?[2-9]\d\d\)?[\s.-]*([\dA-Z][\dA-Z\s.-]*)", re.IGNORECASE)
#: The keypad of ITU-T E.161.
_KEYPAD = str.maketrans(string.ascii_uppercase, "22233344455566677778889999")


def ascii_digits(text: str) -> str:
    """Return ``text`` with every script's decimal digits as ASCII ones."""
    return text if text.isascii() else "".join(str(unicodedata.decimal(c, c)) for c in text)


def digits_of(text: str) -> str:
    """Return only the ASCII digits of ``text``."""
    return _NO_DIGITS.sub("", text)


def has_letters(text: str) -> bool:
    """Return whether a letter of any script is in ``text``."""
    return _LETTER.search(text) is not None


def bare(text: str) -> str:
    """Return ``text`` without URI scheme and parameters, extension and labels ("Mobile:", "(home)")."""
    if scheme := _URI.match(text):
        text = unquote(text[scheme.end() :])
    if context := _CONTEXT.search(text):
        text = context[1] + " " + text
    without_extension = _EXTENSION.sub("", _PARAMETER.sub("", text))
    return _LABEL.sub(" ", without_extension).strip()


def is_international(text: str) -> bool:
    """Return whether a ``+`` stands before the first digit."""
    return _INTERNATIONAL.match(text) is not None


def holds_several(text: str) -> bool:
    """Return whether ``text`` names two numbers, whole ("555 0100; 555 0199") or by its end ("555 0100/01").

    A slash also parts area code and number ("030/123456"), so it separates numbers only behind more digits
    than an area code has: seven, or ten with a country code.
    """
    if sum(len(digits_of(part)) >= 5 for part in _SEPARATOR.split(text)) > 1:
        return True
    parts = [part for part in text.split("/") if digits_of(part)]
    return any(len(digits_of(part)) >= (10 if _is_prefixed(part) else 7) for part in parts[:-1])


def _is_prefixed(part: str) -> bool:
    return "+" in part or digits_of(part).startswith("00")


def spelled_out(text: str) -> str | None:
    """Return a vanity number ("1-800-FLOWERS") in digits, None if ``text`` is none.

    Only the North American form is read: three digits of area code, then exactly seven digits and letters.
    Elsewhere, and behind longer words, letters are remarks more often than digits.
    """
    match = _VANITY.fullmatch(text)
    if match is None or sum(c.isalnum() for c in match[1]) != 7:
        return None
    return text.upper().translate(_KEYPAD)
