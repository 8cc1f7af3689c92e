"""A person's value for a Salesforce field: refused with a reason, or converted to what the REST API takes.

Nothing is guessed: ``1.234,5`` and ``03/04/2025`` mean different things to different people, so they are refused with
a hint. Messages never repeat the value, because they reach logs.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal

from contact_sync import fields
from contact_sync.errors import RejectError
from contact_sync.records import SalesforceField

#: What JSON and the command line can hand in, and what the REST API takes.
Value = str | int | float | bool | list[str] | None

_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,2})?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_DATETIME = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:?\d\d)?", re.ASCII | re.IGNORECASE
)
_TIME = re.compile(r"\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?Z?", re.ASCII | re.IGNORECASE)
_RECORD_ID = re.compile(r"[A-Za-z0-9]{15}(?:[A-Z0-5]{3})?", re.ASCII)
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")

#: Salesforce's limits: dates of the Object Reference, 18 digits before the point, 32 and 64 bit.
_FIRST_DAY, _LAST_DAY = date(1700, 1, 1), date(4000, 12, 31)
_LARGEST = Decimal(10) ** 18
_LARGEST_INT, _LARGEST_LONG = 2**31 - 1, 2**63 - 1

_YES = frozenset({"true", "yes", "1", "on"})
_NO = frozenset({"false", "no", "0", "off"})


def to_salesforce(field: SalesforceField, value: Value) -> str | int | float | bool | None:
    """Return ``value`` as the REST API takes it for ``field``; None empties the field.

    Raises RejectError with one of our codes (``read_only`` reasons, ``wrong_type``, ``too_long``, ``required``,
    ``not_in_picklist``, ``out_of_range``, ``control_characters``) and a sentence that an agent understands.
    """
    if reason := fields.read_only(field):
        raise RejectError(reason.code, f"{field.label} cannot be edited. {reason.sentence}")
    for text in value if isinstance(value, list) else [value]:
        if isinstance(text, str):
            _refuse_controls(field, text)
    converted = None if _is_empty(value) else _CONVERTERS[field.type.lower()](field, value)
    if converted is None or converted == "":
        _refuse_emptying(field)
        return None
    return converted


def canonical_text(field: SalesforceField, value: Value) -> str | None:
    """Return one text for every way Salesforce or a person writes the same value, None for an empty one.

    For comparing base, current and new value of an edit: ``10`` and ``10.0``, ``+0000`` and ``Z``, picklist values in
    any order, 15 and 18 character Ids are equal. A value that ``field`` could not hold comes back as its own text.
    """
    if _is_empty(value):
        return None
    try:
        converted = _CONVERTERS.get(field.type.lower(), _text)(_unlimited(field), value)
    except RejectError:
        return str(value).strip()
    if isinstance(converted, bool):
        return "true" if converted else "false"
    if isinstance(converted, int | float):
        return _plain(Decimal(str(converted)))
    return converted or None


def _is_empty(value: Value) -> bool:
    return value is None or value == [] or (isinstance(value, str) and not value.strip())


def _unlimited(field: SalesforceField) -> SalesforceField:
    return SalesforceField(name=field.name, label=field.label, type=field.type, picklist=field.picklist)


def _refuse_emptying(field: SalesforceField) -> None:
    if field.type.lower() == "boolean":
        raise RejectError(
            "required", f"{field.label} is a check box: it is either true or false, never empty."
        )
    if not field.nillable:
        raise RejectError("required", f"{field.label} must have a value in Salesforce.")


def _refuse_controls(field: SalesforceField, text: str) -> None:
    is_one_line = field.type.lower() != "textarea"
    if _CONTROLS.search(text) or any("\ud800" <= c <= "\udfff" for c in text):
        raise RejectError("control_characters", f"{field.label} holds characters that cannot be shown.")
    if is_one_line and any(c in "\r\n" for c in text.strip()):
        raise RejectError("control_characters", f"{field.label} takes one line of text.")


def _wrong_type(field: SalesforceField, wanted: str) -> RejectError:
    return RejectError("wrong_type", f"{field.label} takes {wanted}.")


def _text(field: SalesforceField, value: Value) -> str:
    if not isinstance(value, str):
        raise _wrong_type(field, "text")
    text = value.replace("\r\n", "\n").replace("\r", "\n").strip()
    if field.length and len(text) > field.length:
        raise RejectError("too_long", f"{field.label} takes {field.length} characters; this has {len(text)}.")
    return text


def _boolean(field: SalesforceField, value: Value) -> bool:
    word = value.strip().casefold() if isinstance(value, str) else ""
    if isinstance(value, bool | int) and value in (0, 1):
        word = str(int(value))
    if word in _YES or word in _NO:
        return word in _YES
    raise _wrong_type(field, "true or false")


def _number(field: SalesforceField, value: Value) -> int | float:
    number = _decimal(field, value)
    if abs(number) >= _LARGEST:
        raise RejectError("out_of_range", f"{field.label} takes at most 18 digits before the decimal point.")
    if number == number.to_integral_value():
        return int(number)
    nearest = float(number)
    if Decimal(repr(nearest)) != number:
        raise RejectError("out_of_range", f"{field.label} has more digits than Salesforce keeps.")
    return nearest


def _decimal(field: SalesforceField, value: Value) -> Decimal:
    if isinstance(value, str):
        if not _NUMBER.fullmatch(value.strip()):
            raise _wrong_type(field, _number_hint(value))
        return Decimal(value.strip())
    if isinstance(value, float) and math.isfinite(value):
        return Decimal(repr(value))
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    raise _wrong_type(field, "a number such as 1234.5")


def _number_hint(text: str) -> str:
    if "%" in text:
        return "a number such as 12.5, without the percent sign"
    if any(c.isdecimal() for c in text):
        return "a number such as 1234.5: a point before the decimals, no separators, no currency sign"
    return "a number such as 1234.5"


def _whole(field: SalesforceField, value: Value) -> int:
    number = _decimal(field, value)
    largest = _LARGEST_INT if field.type.lower() == "int" else _LARGEST_LONG
    if not -largest - 1 <= number <= largest:
        raise RejectError("out_of_range", f"{field.label} takes whole numbers up to {largest}.")
    if number != number.to_integral_value():
        raise _wrong_type(field, "a whole number")
    return int(number)


def _plain(number: Decimal) -> str:
    text = f"{number:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


def _date(field: SalesforceField, value: Value) -> str:
    wanted = "a date written year-month-day, such as 2025-04-30"
    if not isinstance(value, str) or not _DATE.fullmatch(value.strip()):
        raise _wrong_type(field, wanted)
    try:
        day = date.fromisoformat(value.strip())
    except ValueError as error:
        raise _wrong_type(field, wanted) from error
    _check_day(field, day)
    return day.isoformat()


def _check_day(field: SalesforceField, day: date) -> None:
    if not _FIRST_DAY <= day <= _LAST_DAY:
        raise RejectError("out_of_range", f"{field.label} takes dates from 1700-01-01 to 4000-12-31.")


def _datetime(field: SalesforceField, value: Value) -> str:
    """Salesforce keeps whole seconds in UTC; a time without an offset could be anybody's and is refused."""
    wanted = "a time with its offset, such as 2025-04-30T16:00:00Z or 2025-04-30T18:00:00+02:00"
    if not isinstance(value, str) or not _DATETIME.fullmatch(value.strip()):
        raise _wrong_type(field, wanted)
    try:
        moment = datetime.fromisoformat(value.strip().upper())
        if moment.tzinfo is None:
            raise _wrong_type(field, wanted)
        moment = moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise _wrong_type(field, wanted) from error
    _check_day(field, moment.date())
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _time(field: SalesforceField, value: Value) -> str:
    wanted = "a time of day such as 16:30 or 16:30:00"
    if not isinstance(value, str) or not _TIME.fullmatch(value.strip()):
        raise _wrong_type(field, wanted)
    try:
        moment = time.fromisoformat(value.strip().upper().removesuffix("Z"))
    except ValueError as error:
        raise _wrong_type(field, wanted) from error
    return f"{moment.isoformat(timespec='milliseconds')}Z"


def _picklist(field: SalesforceField, value: Value) -> str:
    return _picked(field, _text(field, value))


def _picked(field: SalesforceField, text: str) -> str:
    """Return ``text`` as the picklist spells it. Salesforce checks membership only where the list is restricted."""
    if text in field.picklist:
        return text
    same = [known for known in field.picklist if known.casefold() == text.casefold()]
    if len(same) == 1:
        return same[0]
    if field.restricted:
        near = fields.nearest_names(text, field.picklist) or list(field.picklist[:10])
        raise RejectError(
            "not_in_picklist", f"{field.label} takes one of its list, such as {', '.join(near)}."
        )
    return text


def _multipicklist(field: SalesforceField, value: Value) -> str:
    """Return the values once each, in the list's order, which is how Salesforce returns them, joined by ``;``."""
    parts = value.split(";") if isinstance(value, str) else value
    if not isinstance(parts, list) or not all(isinstance(part, str) and ";" not in part for part in parts):
        raise _wrong_type(field, "values of its list, parted by semicolons")
    picked = dict.fromkeys(_picked(field, part.strip()) for part in parts if part.strip())
    order = {known: position for position, known in enumerate(field.picklist)}
    return _text(field, ";".join(sorted(picked, key=lambda part: (order.get(part, len(order)), part))))


def _reference(field: SalesforceField, value: Value) -> str:
    text = value.strip() if isinstance(value, str) else ""
    if not _RECORD_ID.fullmatch(text):
        raise _wrong_type(field, "the Id of a Salesforce record, 15 or 18 characters")
    whole = long_id(text[:15])
    if len(text) == 18 and text != whole:
        raise _wrong_type(
            field, "the Id of a Salesforce record; the last three characters of this one do not fit"
        )
    return whole


def long_id(short: str) -> str:
    """Return the 18-character form of a 15-character Salesforce Id.

    Each of the three characters added tells which of five letters are capitals (Salesforce help, "18-character Id").
    """
    suffix = ""
    for start in (0, 5, 10):
        bits = sum(1 << place for place, c in enumerate(short[start : start + 5]) if "A" <= c <= "Z")
        suffix += "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"[bits]
    return short + suffix


_CONVERTERS: dict[str, Callable[[SalesforceField, Value], str | int | float | bool]] = {
    "string": _text,
    "textarea": _text,
    "url": _text,
    "encryptedstring": _text,
    "combobox": _text,
    "picklist": _picklist,
    "multipicklist": _multipicklist,
    "boolean": _boolean,
    "int": _whole,
    "long": _whole,
    "double": _number,
    "currency": _number,
    "percent": _number,
    "date": _date,
    "datetime": _datetime,
    "time": _time,
    "reference": _reference,
}
