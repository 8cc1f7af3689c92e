"""Phone numbers of many countries, in the ways people type them.

A plan is written ``prefix ## ####``: the national number in the groups people speak it in, ``#`` where digits are
free. Numbers are possible in their country, and no two calls of ``Numbers.next`` give the same one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

#: Coprime to every power of ten: serial numbers spread over the plan and never meet.
_STRIDE = 7_368_787


@dataclass(frozen=True, slots=True)
class Plan:
    """One range of numbers: fixed digits, how many are free, and the lengths of the groups."""

    prefix: str
    free: int
    groups: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Country:
    """How a country's numbers are dialled and typed, and how people write its name."""

    code: str
    dial: str
    #: Dialled before the national number inside the country; not part of the international one.
    trunk: str
    mobiles: tuple[Plan, ...]
    landlines: tuple[Plan, ...]
    spellings: tuple[str, ...]
    #: Whether ``00`` dials abroad from here.
    has_double_zero: bool
    #: Whether mobile numbers are typed without the country code.
    has_national_mobiles: bool = True
    #: Whether mobile numbers take the trunk prefix too.
    has_mobile_trunk: bool = True


class Number(NamedTuple):
    """One number: its country, its groups and whether it is a mobile."""

    country: Country
    groups: tuple[str, ...]
    is_mobile: bool

    @property
    def e164(self) -> str:
        """The international spelling without any decoration."""
        return f"+{self.country.dial}{''.join(self.groups)}"

    @property
    def trunk(self) -> str:
        """What is dialled before the national number inside the country."""
        return self.country.trunk if self.country.has_mobile_trunk or not self.is_mobile else ""


def _plan(text: str) -> Plan:
    compact = text.replace(" ", "")
    prefix = compact.rstrip("#")
    return Plan(prefix, len(compact) - len(prefix), tuple(len(group) for group in text.split()))


def _plans(text: str) -> tuple[Plan, ...]:
    return tuple(_plan(item.strip()) for item in text.split(","))


def _country(
    code: str, dial: str, mobiles: str, landlines: str, spellings: str, **more: str | bool
) -> Country:
    return Country(
        code=code,
        dial=dial,
        trunk=str(more.get("trunk", "0")),
        mobiles=_plans(mobiles),
        landlines=_plans(landlines),
        spellings=tuple(spellings.split(",")),
        has_double_zero=bool(more.get("double_zero", True)),
        has_national_mobiles=bool(more.get("national_mobiles", True)),
        has_mobile_trunk=bool(more.get("mobile_trunk", True)),
    )


_NONE = {"trunk": ""}
_NO_ZEROS = {"double_zero": False}

COUNTRIES = {
    country.code: country
    for country in (
        _country("US", "1", "201 2## ####, 303 3## ####, 415 4## ####", "617 6## ####, 512 8## ####",
                 "United States,USA,US", **_NONE, **_NO_ZEROS),
        _country("CA", "1", "416 2## ####, 604 3## ####", "514 7## ####", "Canada,CA", **_NONE, **_NO_ZEROS),
        _country("GB", "44", "7400 ######, 7911 ######", "20 7### ####, 161 ### ####", "United Kingdom,UK,GB"),
        _country("DE", "49", "171 #######, 176 ########", "30 ########, 89 ########", "Germany,DE,Deutschland"),
        _country("FR", "33", "6 ## ## ## ##, 7 5# ## ## ##", "1 4# ## ## ##, 4 7# ## ## ##", "France,FR"),
        _country("ES", "34", "612 ### ###, 634 ### ###", "915 ### ###", "Spain,ES", **_NONE),
        _country("IT", "39", "333 #######, 347 #######", "06 ### #####", "Italy,IT", **_NONE),
        _country("NL", "31", "6 ########", "10 #######", "Netherlands,NL"),
        _country("SE", "46", "70 ### ## ##, 73 ### ## ##", "31 ### ## ##", "Sweden,SE"),
        _country("PL", "48", "512 ### ###, 601 ### ###", "22 ### ## ##", "Poland,PL", **_NONE),
        _country("CZ", "420", "602 ### ###, 777 ### ###", "22# ### ###", "Czech Republic,CZ", **_NONE),
        _country("GR", "30", "694 ### ####, 697 ### ####", "210 ### ####", "Greece,GR", **_NONE),
        _country("TR", "90", "532 ### ## ##, 505 ### ## ##", "212 ### ## ##", "Turkey,TR"),
        _country("UA", "380", "50 ### ## ##, 67 ### ## ##", "44 ### ## ##", "Ukraine,UA", **_NO_ZEROS),
        _country("AE", "971", "50 ### ####, 55 ### ####", "4 ### ####", "United Arab Emirates,AE"),
        _country("SA", "966", "50 ### ####, 55 ### ####", "11 4## ####", "Saudi Arabia,SA"),
        _country("EG", "20", "100 ### ####, 122 ### ####", "2 2### ####", "Egypt,EG"),
        _country("IL", "972", "50 ### ####, 54 ### ####", "3 ### ####", "Israel,IL", **_NO_ZEROS),
        _country("IN", "91", "98### #####, 70### #####", "22 2### ####", "India,IN"),
        _country("TH", "66", "81 ### ####, 89 ### ####", "2 ### ####", "Thailand,TH", **_NO_ZEROS),
        _country("CN", "86", "138 #### ####, 159 #### ####", "10 6### ####", "China,CN", mobile_trunk=False),
        _country("TW", "886", "912 ### ###, 933 ### ###", "2 2### ####", "Taiwan,TW", **_NO_ZEROS),
        _country("HK", "852", "9### ####, 6### ####", "2### ####", "Hong Kong,HK", **_NONE, **_NO_ZEROS),
        _country("SG", "65", "9### ####, 8### ####", "6### ####", "Singapore,SG", **_NONE, **_NO_ZEROS),
        _country("MY", "60", "12 ### ####, 16 ### ####", "3 2### ####", "Malaysia,MY"),
        _country("JP", "81", "90 #### ####, 80 #### ####", "3 3### ####", "Japan,JP", **_NO_ZEROS),
        _country("KR", "82", "10 #### ####", "2 3### ####", "South Korea,KR", **_NO_ZEROS),
        _country("AU", "61", "412 ### ###, 423 ### ###", "2 9### ####", "Australia,AU", **_NO_ZEROS),
        _country("ZA", "27", "82 ### ####, 72 ### ####", "21 ### ####", "South Africa,ZA"),
        _country("BR", "55", "11 9#### ####, 21 9#### ####", "11 3### ####", "Brazil,BR,Brasil",
                 **_NONE, **_NO_ZEROS),
        _country("MX", "52", "55 #### ####, 81 #### ####", "33 3### ####", "Mexico,MX,México", **_NONE),
        _country("AR", "54", "9 11 2### ####, 9 11 3### ####", "11 4### ####", "Argentina,AR",
                 national_mobiles=False, mobile_trunk=False),
    )
}  # fmt: skip


class Numbers:
    """Hands out numbers, each once."""

    def __init__(self, skipped: int = 0) -> None:
        """Leave the first ``skipped`` numbers of every range to others (modulo its size)."""
        self._taken: Counter[Plan] = Counter()
        self._skipped = skipped

    def next(self, country: Country, random: Random, *, is_mobile: bool) -> Number:
        """Return a number nobody else has. Raises OverflowError when a range is used up."""
        plans = country.mobiles if is_mobile else country.landlines
        plan = plans[int(random.random() * len(plans))]
        serial = self._taken[plan]
        self._taken[plan] = serial + 1
        size = 10**plan.free
        if serial >= size:
            raise OverflowError(f"no numbers left in {country.code}; make fewer people")
        # country and plan are keys of two kinds: equal plans of two countries share a counter, harmlessly
        digits = f"{plan.prefix}{((serial + self._skipped) * _STRIDE + 1234567) % size:0{plan.free}d}"
        groups, start = [], 0
        for length in plan.groups:
            groups.append(digits[start : start + length])
            start += length
        return Number(country, tuple(groups), is_mobile)


def _dashed(number: Number) -> str:
    return f"+{number.country.dial}-{'-'.join(number.groups)}"


def _spaced(number: Number) -> str:
    return f"+{number.country.dial} {' '.join(number.groups)}"


def _bracketed(number: Number) -> str:
    return f"+{number.country.dial} ({number.groups[0]}) {'-'.join(number.groups[1:])}"


def _with_trunk(number: Number) -> str:
    if number.trunk != "0":
        return _spaced(number)
    return f"+{number.country.dial} (0){' '.join(number.groups)}"


def _double_zero(number: Number) -> str:
    if not number.country.has_double_zero:
        return _dashed(number)
    return f"00{number.country.dial} {' '.join(number.groups)}"


def _national(separator: str) -> Callable[[Number], str]:
    def typed(number: Number) -> str:
        if number.is_mobile and not number.country.has_national_mobiles:
            return _spaced(number)
        return number.trunk + separator.join(number.groups)

    return typed


def _national_bracketed(number: Number) -> str:
    if number.is_mobile and not number.country.has_national_mobiles:
        return _bracketed(number)
    return f"({number.trunk}{number.groups[0]}) {'-'.join(number.groups[1:])}"


def _uri(number: Number) -> str:
    return f"tel:{_dashed(number)}"


def _extended(number: Number) -> str:
    return f"{_spaced(number)} ext. 12" if not number.is_mobile else _spaced(number)


#: With a country on the record, anything goes; without, only spellings that name the country themselves.
_ANYWHERE: tuple[Callable[[Number], str], ...] = (
    lambda number: number.e164, _spaced, _spaced, _dashed, _bracketed, _with_trunk, _uri, _extended,
)  # fmt: skip
_AT_HOME: tuple[Callable[[Number], str], ...] = (
    *_ANYWHERE, _double_zero, _double_zero, _national(" "), _national("-"), _national("."), _national(""),
    _national_bracketed, _national_bracketed, _national(" "),
)  # fmt: skip


def typed(number: Number, random: Random, *, is_at_home: bool) -> str:
    """Return ``number`` as a person might type it; ``is_at_home``: its country stands on the record."""
    styles = _AT_HOME if is_at_home else _ANYWHERE
    return styles[int(random.random() * len(styles))](number)
