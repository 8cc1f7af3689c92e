"""SOQL values: how a field compares with what was written, and how a stored value is rendered."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

from sandbox.salesforce import errors, ids, schema
from sandbox.salesforce.fields import NUMBERS, Field
from sandbox.salesforce.soql_tree import Comparison, Literal, Membership

#: How datetimes end: no fraction is kept, and in JSON the offset has no colon.
DATETIME_ENDING = ".000+0000"

Bind = Callable[[object], str]

_DAY = 86_400


def rendered(sql: str, field: Field) -> str:
    """Return SQL that gives a field's value as JSON shows it; ``sql`` is the field's column or made of it."""
    if field.type != "datetime":
        return sql
    is_column = field.is_stored and sql.endswith(f".{field.name}")
    text = schema.shown_column(sql) if is_column else schema.datetime_text(sql)
    return f"({text} || '{DATETIME_ENDING}')"


def comparison(sql: str, field: Field, condition: Comparison, bind: Bind, now: float) -> str:
    """Return SQL of ``field operator literal``; texts compare without case, as in Salesforce."""
    operator, literal = condition.operator, condition.literal
    if literal.kind == "named":
        return _named(sql, field, operator, literal, bind, now)
    if operator == "LIKE":
        if literal.kind != "string" or field.column_type != "TEXT":
            raise errors.bad_request(
                "INVALID_QUERY_FILTER_OPERATOR", f"invalid operator on {field.type} field: {field.name}"
            )
        return f"{sql} LIKE {bind(literal.text)} ESCAPE '\\'"
    value = bind(converted(field, literal))
    # IS, not =: in SOQL an absent value differs from every value, and NOT turns that around
    spelled = {"=": "IS", "!=": "IS NOT"}.get(operator, operator)
    return f"{sql} {spelled} {value}{_collation(field)}"


def membership(sql: str, field: Field, condition: Membership, bind: Bind, now: float) -> str:
    """Return SQL of ``field IN (…)``, NOT IN, INCLUDES or EXCLUDES."""
    assert isinstance(condition.values, tuple)
    if condition.operator in ("INCLUDES", "EXCLUDES"):
        return _includes(sql, field, condition, bind)
    values = [converted(field, literal) for literal in condition.values]
    given = ", ".join(bind(value) for value in values if value is not None)
    found = f"{sql}{_collation(field)} IN ({given})"
    if None in values:
        found = f"({found} OR {sql} IS NULL)"
    # a record without a value is in no list, and therefore in the complement of every list
    return f"NOT coalesce({found}, 0)" if condition.operator == "NOT IN" else found


def converted(field: Field, literal: Literal) -> object:
    """Return a literal as the field's column stores it. Raises INVALID_FIELD for a value of another type."""
    if literal.kind == "null":
        return None
    convert = _CONVERTERS.get(field.type, _text)
    try:
        return convert(field, literal)
    except (ValueError, KeyError) as exc:
        quoted = f" and should{'' if convert is _text else ' not'} be enclosed in quotes"
        raise errors.bad_request(
            "INVALID_FIELD",
            f"value of filter criterion for field '{field.name}' must be of type {_spelled(field)}{quoted}",
        ) from exc


def moment(text: str) -> int:
    """Return an ISO datetime with offset as whole epoch seconds; comparisons drop fractions."""
    offset = re.sub(r"([+-]\d\d)(\d\d)$", r"\1:\2", text.replace("Z", "+00:00").replace(" ", "+"))
    found = datetime.fromisoformat(offset)
    if found.tzinfo is None:
        raise ValueError("no offset")
    return int(found.timestamp() // 1)


def shown(epoch: float) -> str:
    """Return epoch seconds as JSON shows them."""
    return datetime.fromtimestamp(int(epoch), UTC).strftime(f"%Y-%m-%dT%H:%M:%S{DATETIME_ENDING}")


def _named(sql: str, field: Field, operator: str, literal: Literal, bind: Bind, now: float) -> str:
    """Return SQL of a comparison with a span of whole UTC days, such as ``TODAY`` or ``LAST_N_DAYS:7``."""
    start, end = _span(literal.text, datetime.fromtimestamp(now, UTC).date())
    low, high = (bind(_edge(field, day)) for day in (start, end))
    inside = f"({sql} >= {low} AND {sql} < {high})"
    forms = {
        "=": inside, "!=": f"NOT coalesce({inside}, 0)", "<": f"{sql} < {low}", "<=": f"{sql} < {high}",
        ">": f"{sql} >= {high}", ">=": f"{sql} >= {low}",
    }  # fmt: skip
    return forms[operator]


def _span(name: str, today: date) -> tuple[date, date]:
    word, _, count = name.partition(":")
    days = int(count or 1)
    spans = {
        "TODAY": (0, 1), "YESTERDAY": (-1, 0), "TOMORROW": (1, 2),
        "LAST_N_DAYS": (-days, 1), "NEXT_N_DAYS": (1, days + 1),
    }  # fmt: skip
    if word not in spans:
        raise errors.not_imitated(f"the date literal {word}")
    first, last = spans[word]
    return today + timedelta(days=first), today + timedelta(days=last)


def _edge(field: Field, day: date) -> object:
    if field.type == "date":
        return day.isoformat()
    if field.type != "datetime":
        raise errors.bad_request("INVALID_FIELD", f"date literal used with field '{field.name}'")
    return (day - date(1970, 1, 1)).days * _DAY


def _includes(sql: str, field: Field, condition: Membership, bind: Bind) -> str:
    if field.type != "multipicklist" or not isinstance(condition.values, tuple):
        raise errors.bad_request(
            "INVALID_QUERY_FILTER_OPERATOR", f"invalid operator on {field.type} field: {field.name}"
        )
    padded = f"(';' || coalesce({sql}, '') || ';')"
    choices = []
    for literal in condition.values:
        parts = [f"instr({padded}, {bind(f';{part};')}) > 0" for part in literal.text.split(";")]
        choices.append(f"({' AND '.join(parts)})")
    found = f"({' OR '.join(choices)})"
    return f"NOT {found}" if condition.operator == "EXCLUDES" else found


def _collation(field: Field) -> str:
    return (
        "" if field.type in ("id", "reference", "date") or field.column_type != "TEXT" else " COLLATE NOCASE"
    )


def _spelled(field: Field) -> str:
    return {"datetime": "dateTime", "id": "id"}.get(field.type, field.type)


def _text(field: Field, literal: Literal) -> object:
    if literal.kind != "string":
        raise ValueError(literal.kind)
    return literal.text or None


def _identity(field: Field, literal: Literal) -> object:
    if literal.kind != "string":
        raise ValueError(literal.kind)
    if not literal.text:
        return None
    found = ids.full_id(literal.text)
    if found is None:
        raise errors.bad_request("INVALID_QUERY_FILTER_OPERATOR", f"invalid ID field: {literal.text}")
    return found


def _boolean(field: Field, literal: Literal) -> object:
    if literal.kind != "boolean":
        raise ValueError(literal.kind)
    return int(literal.text == "TRUE")


def _number(field: Field, literal: Literal) -> object:
    if literal.kind != "number":
        raise ValueError(literal.kind)
    return float(literal.text)


def _date(field: Field, literal: Literal) -> object:
    if literal.kind != "date":
        raise ValueError(literal.kind)
    return date.fromisoformat(literal.text).isoformat()


def _datetime(field: Field, literal: Literal) -> object:
    if literal.kind != "datetime":
        raise ValueError(literal.kind)
    return moment(literal.text)


_CONVERTERS: dict[str, Callable[[Field, Literal], object]] = {
    "id": _identity, "reference": _identity, "boolean": _boolean, "date": _date, "datetime": _datetime,
    **dict.fromkeys(NUMBERS, _number),
}  # fmt: skip
