"""Which contacts a list request asks for: ``search``, ``timezone`` and ``filter`` of ``POST /contact/list``.

The body's shape is the respond.io Developer API's (List contacts). All three keys must be there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.respond import answers
from sandbox.respond.contact import Contact

Predicate = Callable[[Contact], bool]

_STANDARD = ("firstName", "lastName", "phone", "email", "language", "countryCode", "status", "lifecycle")


@dataclass(frozen=True, slots=True)
class Condition:
    """One item of ``$and`` or ``$or``: the attribute's value is read from a contact and compared."""

    operator: str
    value: Any
    read: Callable[[Contact], Any]
    zone: ZoneInfo

    def holds(self, contact: Contact) -> bool:
        """Say whether ``contact`` fulfils the condition."""
        return _OPERATORS[self.operator](self.read(contact), self)


def parse(body: Mapping[str, Any]) -> Predicate:
    """Return the predicate of a list request's body. Raises ApiError 400 for a body the API would refuse."""
    if not {"search", "timezone", "filter"} <= set(body) or not isinstance(body["filter"], dict):
        raise answers.invalid()
    zone = _zone(body["timezone"])
    joined = set(body["filter"]) & {"$and", "$or"}
    if len(joined) != 1 or len(body["filter"]) != 1:
        raise answers.invalid()
    word = joined.pop()
    conditions = [_condition(item, zone) for item in _listed(body["filter"][word])]
    every = all if word == "$and" or not conditions else any
    search = str(body["search"] or "").casefold()

    def wanted(contact: Contact) -> bool:
        return _is_found(contact, search) and every(condition.holds(contact) for condition in conditions)

    return wanted


def created_between(body: Mapping[str, Any]) -> tuple[float, float]:
    """Return bounds on ``created_at`` (epoch seconds, inclusive) that the filter implies, so the store can skip."""
    low, high = float("-inf"), float("inf")
    zone = _zone(body["timezone"])
    for item in body["filter"].get("$and", []):
        if item.get("field") == "createdAt" and item.get("operator") == "isTimestampBetween":
            low = max(low, _instant(item["value"]["from"], zone))
            high = min(high, _instant(item["value"]["to"], zone))
    return low, high


def _listed(items: Any) -> list[Mapping[str, Any]]:
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise answers.invalid()
    return items


def _zone(name: Any) -> ZoneInfo:
    try:
        return ZoneInfo("UTC" if str(name).upper() == "UTC" else str(name))
    except (OSError, ValueError, KeyError) as exc:
        raise answers.invalid() from exc


def _condition(item: Mapping[str, Any], zone: ZoneInfo) -> Condition:
    if item.get("operator") not in _OPERATORS:
        raise answers.invalid()
    condition = Condition(item["operator"], item.get("value"), _reader(item), zone)
    if condition.operator.startswith("isTimestamp"):
        _check_instants(condition)
    return condition


def _reader(item: Mapping[str, Any]) -> Callable[[Contact], Any]:
    category, field = item.get("category"), item.get("field")
    if category == "contactTag":
        return lambda contact: contact["tags"]
    if category == "lifecycle":
        return lambda contact: contact["lifecycle"]
    if category != "contactField" or not isinstance(field, str):
        raise answers.invalid()
    if field == "createdAt":
        return lambda contact: contact["created_at"]
    if field == "assigneeUserId":
        return lambda contact: str(contact["assignee"]["id"]) if contact["assignee"] else None
    if field == "tags":
        return lambda contact: contact["tags"]
    if field in _STANDARD:
        return lambda contact: contact[field]
    return lambda contact: _custom(contact, field)


def _custom(contact: Contact, name: str) -> Any:
    wanted = name.casefold()
    held = contact["custom_fields"] or []
    return next((item["value"] for item in held if str(item["name"]).casefold() == wanted), None)


def _check_instants(condition: Condition) -> None:
    value = condition.value
    if condition.operator == "isTimestampBetween":
        if not isinstance(value, dict) or not {"from", "to"} <= set(value):
            raise answers.invalid()
        _instant(value["from"], condition.zone)
        _instant(value["to"], condition.zone)
    else:
        _instant(value, condition.zone)


def _instant(text: Any, zone: ZoneInfo) -> float:
    """Return epoch seconds of a wall-clock text (``2026-06-15 00:00``) in ``zone``."""
    try:
        return datetime.fromisoformat(str(text)).replace(tzinfo=zone).timestamp()
    except ValueError as exc:
        raise answers.invalid() from exc


def _is_found(contact: Contact, search: str) -> bool:
    if not search:
        return True
    full_name = f"{contact['firstName'] or ''} {contact['lastName'] or ''}"
    return any(
        search in str(text).casefold() for text in (full_name, contact["email"] or "", contact["phone"] or "")
    )


def _is_equal(held: Any, condition: Condition) -> bool:
    wanted = condition.value
    if isinstance(held, list):
        return wanted in held
    if held is None or wanted is None:
        return held is wanted
    return str(held).casefold() == str(wanted).casefold()


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")


def _as_set(value: Any) -> set[str]:
    items = value if isinstance(value, list) else [] if value is None else [value]
    return {str(item).casefold() for item in items}


def _is_after(held: Any, condition: Condition) -> bool:
    return float(held) > _instant(condition.value, condition.zone)


def _is_before(held: Any, condition: Condition) -> bool:
    return float(held) < _instant(condition.value, condition.zone)


def _is_within(held: Any, condition: Condition) -> bool:
    low, high = (_instant(condition.value[end], condition.zone) for end in ("from", "to"))
    return low <= float(held) <= high


def _is_between(held: Any, condition: Condition) -> bool:
    return _number(condition.value["from"]) <= _number(held) <= _number(condition.value["to"])


_OPERATORS: dict[str, Callable[[Any, Condition], bool]] = {
    "isEqualTo": _is_equal,
    "isNotEqualTo": lambda held, condition: not _is_equal(held, condition),
    "isTimestampAfter": _is_after,
    "isTimestampBefore": _is_before,
    "isTimestampBetween": _is_within,
    "exists": lambda held, _condition: held not in (None, "", []),
    "doesNotExist": lambda held, _condition: held in (None, "", []),
    "isGreaterThan": lambda held, condition: _number(held) > _number(condition.value),
    "isLessThan": lambda held, condition: _number(held) < _number(condition.value),
    "isBetween": _is_between,
    "hasAnyOf": lambda held, condition: bool(_as_set(held) & _as_set(condition.value)),
    "hasAllOf": lambda held, condition: _as_set(condition.value) <= _as_set(held),
    "hasNoneOf": lambda held, condition: not _as_set(held) & _as_set(condition.value),
}
