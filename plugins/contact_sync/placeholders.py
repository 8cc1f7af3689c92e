"""What people type where an e-mail or phone is required and they have none. The one list, and its few rules.

A placeholder that became a key would tie strangers to each other, so a doubtful value is better in this list
than out. Addresses under ``example.com`` are not placeholders: RFC 2606 keeps that domain for examples and
test people live there.
"""

from __future__ import annotations

import functools
import re

#: Whatever ``str.isalnum`` is false of.
_PUNCTUATION = re.compile(r"[\W_]+")

#: Compared without case, spaces and punctuation: "N/A", "n.a." and "na" are one entry.
_WORDS_BY_LANGUAGE = """
na nan nil none no null undefined unknown missing empty blank pending tbd tba tbc test testing
tester dummy fake notavailable notapplicable notprovided notgiven notknown noemail nomail
noemailaddress nophone nonumber nomobile donotcall donotemail anonymous private confidential
withheld refused declined invalid asdf qwerty abc unbekannt keine kein keineemail ohne aucun
inconnu nd sn sinemail sincorreo sintelefono ninguno ninguna notiene desconocido nenhum
semtelefone sememail sconosciuto nessuno onbekend geen нет неизвестно なし 無し 無 无 没有 없음
"""
WORDS = frozenset(_WORDS_BY_LANGUAGE.split())

#: First labels of domains that, behind a placeholder word, make an address of nobody: "no@email.com".
_DOMAIN_WORDS = WORDS | {"email", "mail"}

#: Folded ``local part, first label of the domain`` of addresses that no rule covers.
_ADDRESSES = frozenset(
    {
        ("email", "email"),
        ("mail", "mail"),
        ("user", "domain"),
        ("name", "domain"),
        ("email", "domain"),
        ("user", "user"),
        ("123", "123"),
        ("noreply", "noreply"),
    }
)
_ADDRESS_HOSTS = frozenset(host for _, host in _ADDRESSES)

#: Runs along the keyboard, compared with all the digits typed. Longer and shifted ones are somebody's: France
#: gave out ``01 23 45 67 89``, Spain ``987 654 321``.
_RUNS = frozenset({"12345", "123456", "1234567", "1234567890"})


def _fold(text: str) -> str:
    return _PUNCTUATION.sub("", text.casefold())


def is_placeholder_text(text: str) -> bool:
    """Return whether ``text`` is a word of the list, one character repeated, or nothing but punctuation."""
    folded = _fold(text)
    return len(set(folded)) <= 1 or folded in WORDS


def is_placeholder_address(address: str) -> bool:
    """Return whether a key-clean ``address`` is nobody's: ``test@test.com``, ``no@email.com``."""
    local, _, domain = address.rpartition("@")
    host = _doubtful_host(domain.partition(".")[0])
    if host is None:
        return False
    name = _fold(local)
    if name == host and len(set(name)) == 1:
        return True
    return (name in WORDS and host in _DOMAIN_WORDS) or (name, host) in _ADDRESSES


# most addresses share few domains
@functools.lru_cache(maxsize=10_000)
def _doubtful_host(label: str) -> str | None:
    """Return the first label of a domain, folded, if it makes an address of nobody together with some name."""
    host = _fold(label)
    return host if host in _DOMAIN_WORDS or host in _ADDRESS_HOSTS or len(set(host)) == 1 else None


def is_one_digit(digits: str) -> bool:
    """Return whether ASCII ``digits`` are one digit repeated."""
    return len(set(digits)) == 1


def are_placeholder_digits(digits: str) -> bool:
    """Return whether the ASCII ``digits`` of a whole cell are one digit repeated or a run along the keyboard."""
    return is_one_digit(digits) or digits in _RUNS
