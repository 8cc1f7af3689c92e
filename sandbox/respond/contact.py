"""A contact in the vendor's shape: identifiers, which fields may be written, and what a written value must look like.

Shapes and rules are those of the respond.io Developer API v2 (Contact API) and of the vendor's own SDK types.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from sandbox.respond import answers

Contact = dict[str, Any]

IdentifierKind = Literal["id", "email", "phone"]

#: Writable through create, update, create_or_update and merge; everything else has an endpoint of its own.
WRITABLE = (
    "firstName",
    "lastName",
    "phone",
    "email",
    "language",
    "profilePic",
    "countryCode",
    "custom_fields",
)

_E164 = re.compile(r"\+[1-9]\d{1,14}")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_SHAPES: dict[str, re.Pattern[str]] = {
    "phone": _E164,
    "email": _EMAIL,
    "language": re.compile(r"[a-z]{2}"),
    "countryCode": re.compile(r"[A-Z]{2}"),
}


@dataclass(frozen=True, slots=True)
class Identifier:
    """The path parameter that names a contact: ``id:123``, ``email:a@example.com`` or ``phone:+6012345678``."""

    kind: IdentifierKind
    value: str


def parse_identifier(
    text: str, *, allowed: tuple[IdentifierKind, ...] = ("id", "email", "phone")
) -> Identifier:
    """Return the identifier in ``text`` (percent-decoded, ``+`` kept). Raises ApiError 400 for anything else."""
    kind, _, value = text.partition(":")
    if kind == "id" and "id" in allowed and value.isdecimal():
        return Identifier("id", value)
    if kind == "email" and "email" in allowed and _EMAIL.fullmatch(value):
        return Identifier("email", value)
    if kind == "phone" and "phone" in allowed and re.fullmatch(r"\+?\d+", value):
        return Identifier("phone", value if value.startswith("+") else f"+{value}")
    raise answers.invalid()


def new_contact(contact_id: int, created_at: int) -> Contact:
    """Return an empty contact, every field of the vendor's shape present."""
    return {
        "id": contact_id,
        "firstName": "",
        "lastName": None,
        "phone": None,
        "email": None,
        "language": None,
        "profilePic": None,
        "countryCode": None,
        "custom_fields": None,
        "status": "closed",
        "tags": [],
        "assignee": None,
        "lifecycle": None,
        "isBlocked": False,
        "created_at": created_at,
    }


def check_fields(
    body: Mapping[str, Any], *, custom_fields: Iterable[Mapping[str, Any]], needs_name: bool
) -> None:
    """Raise ApiError 400 unless ``body`` may be written; one unknown custom field refuses the whole request."""
    if needs_name and not (isinstance(body.get("firstName"), str) and body["firstName"].strip()):
        raise answers.invalid()
    for name, value in body.items():
        if name not in WRITABLE:
            raise answers.invalid(f"Validation error. {name} is not allowed")
        if name != "custom_fields":
            _check_text(name, value)
    _check_custom(body.get("custom_fields"), list(custom_fields))


def write_fields(
    contact: Contact, body: Mapping[str, Any], custom_fields: Iterable[Mapping[str, Any]]
) -> Contact:
    """Return ``contact`` with the fields present in ``body`` written; ``null`` clears."""
    written = {**contact, **{name: value for name, value in body.items() if name != "custom_fields"}}
    if body.get("custom_fields"):
        fields = list(custom_fields)
        held = {item["name"]: item["value"] for item in contact["custom_fields"] or []}
        for item in body["custom_fields"]:
            held[find_field(fields, item["name"])["name"]] = item["value"]
        written["custom_fields"] = [{"name": name, "value": value} for name, value in held.items()]
    return written


def find_field(fields: Iterable[Mapping[str, Any]], name: Any) -> Mapping[str, Any]:
    """Return the custom field called ``name`` by display name, slug or id. Raises ApiError 400 for an unknown one."""
    wanted = str(name).casefold()
    for item in fields:
        if wanted in (str(item["name"]).casefold(), str(item["slug"]).casefold(), str(item["id"])):
            return item
    raise answers.invalid(f"Custom field {name} not found in the workspace")


def check_tags(body: Any) -> list[str]:
    """Return the tag names of a bare JSON array: 1 to 10, unique, up to 255 characters. Raises ApiError 400."""
    if not isinstance(body, list) or not 1 <= len(body) <= 10:
        raise answers.invalid()
    if not all(isinstance(tag, str) and 0 < len(tag) <= 255 for tag in body) or len(set(body)) != len(body):
        raise answers.invalid()
    return body


def _check_text(name: str, value: Any) -> None:
    if value is None and name != "firstName":
        return
    if not isinstance(value, str):
        raise answers.invalid()
    shape = _SHAPES.get(name)
    if shape is not None and not shape.fullmatch(value):
        raise answers.invalid(f"Validation error. {name} is not valid")


def _check_custom(items: Any, fields: list[Mapping[str, Any]]) -> None:
    if items is None:
        return
    if not isinstance(items, list) or not all(isinstance(item, dict) and "name" in item for item in items):
        raise answers.invalid()
    for item in items:
        field = find_field(fields, item["name"])
        value = item.get("value")
        if value is not None and not _FITS[field["dataType"]](value, field):
            raise answers.invalid(f"Validation error. {item['name']} does not take that value")


def _is_text(value: Any, _field: Mapping[str, Any]) -> bool:
    return isinstance(value, str)


def _is_date(value: Any, _field: Mapping[str, Any]) -> bool:
    try:
        return isinstance(value, str) and len(value) == 10 and bool(date.fromisoformat(value))
    except ValueError:
        return False


#: What a custom field takes, by data type (respond.io Developer API, "Custom field values").
_FITS: dict[str, Callable[[Any, Mapping[str, Any]], bool]] = {
    "text": _is_text,
    "textArea": _is_text,
    "url": _is_text,
    "list": lambda value, field: value in field["allowedValues"],
    "checkbox": lambda value, _field: isinstance(value, bool),
    "number": lambda value, _field: isinstance(value, int | float) and not isinstance(value, bool),
    "email": lambda value, _field: isinstance(value, str) and bool(_EMAIL.fullmatch(value)),
    "date": _is_date,
    "time": lambda value, _field: bool(re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", str(value))),
}
