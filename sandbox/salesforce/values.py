"""Checking and converting the values a caller wants to write into a record.

The codes are those of "StatusCode" in the SOAP API Developer Guide, the messages what the API says in practice.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any

from sandbox.salesforce import errors, ids, literals, objects
from sandbox.salesforce.errors import ApiError
from sandbox.salesforce.fields import NUMBERS, Field
from sandbox.salesforce.objects import SObject
from sandbox.salesforce.org import Org

_Converter = Callable[[Field, Any, bool], Any]

_EMAIL = re.compile(r"[^@\s,;<>()]+@[^@\s,;<>()]+\.[^@\s,;<>().]+")


def columns(
    org: Org,
    user_id: str,
    sobject: SObject,
    given: Mapping[str, Any],
    *,
    is_create: bool,
    is_text: bool = False,
) -> dict[str, Any]:
    """Return given values by column, checked and converted.

    ``is_text``: values come from CSV, where everything is text. Raises the error of the first bad value; fields the
    user may not write are collected into one error, as Salesforce does.
    """
    fields = [(_field(org, user_id, sobject, name), value) for name, value in given.items()]
    refused = [field.name for field, _ in fields if not _may_write(org, user_id, sobject, field, is_create)]
    if refused:
        names = ", ".join(refused)
        raise ApiError(
            400, "INVALID_FIELD_FOR_INSERT_UPDATE",
            f"Unable to create/update fields: {names}. Please check the security settings of this field and verify "
            "that it is read/write for your profile or permission set.",
            refused,
        )  # fmt: skip
    found = {field.name: _converted(org, field, value, is_text) for field, value in fields}
    _check_required(sobject, found, is_create)
    return found


def _field(org: Org, user_id: str, sobject: SObject, name: str) -> Field:
    field = sobject.field(name)
    if field is None or org.access(user_id, sobject, field) == "none":
        message = f"No such column '{name}' on sobject of type {sobject.name}"
        raise errors.bad_request("INVALID_FIELD", message)
    return field


def _may_write(org: Org, user_id: str, sobject: SObject, field: Field, is_create: bool) -> bool:
    is_open = field.is_createable if is_create else field.is_updateable
    return is_open and org.access(user_id, sobject, field) == "edit"


def _check_required(sobject: SObject, found: Mapping[str, Any], is_create: bool) -> None:
    required = [field.name for field in sobject.fields if _is_required(field)]
    missing = [name for name in required if (is_create or name in found) and found.get(name) is None]
    if missing:
        message = f"Required fields are missing: [{', '.join(missing)}]"
        raise ApiError(400, "REQUIRED_FIELD_MISSING", message, missing)


def _is_required(field: Field) -> bool:
    return field.is_createable and not field.is_nillable and not field.is_defaulted


def _converted(org: Org, field: Field, value: Any, is_text: bool) -> Any:
    if value is None or value == "":
        if field.type == "boolean":
            raise _mistyped(field, value)
        return None
    convert: _Converter = _CONVERTERS.get(field.type, _string)
    try:
        found = convert(field, value, is_text)
    except (ValueError, TypeError) as exc:
        raise _mistyped(field, value) from exc
    if field.type == "reference":
        _check_reference(org, field, found)
    return found


def _mistyped(field: Field, value: Any) -> ApiError:
    kind = {"datetime": "datetime", "date": "date", "boolean": "boolean"}.get(field.type, field.type)
    json_kind = (
        "VALUE_STRING" if isinstance(value, str) else "VALUE_NUMBER" if value is not None else "VALUE_NULL"
    )
    found = f"Cannot deserialize instance of {kind} from {json_kind} value {value}"
    message = f"{found} or request may be missing a required field"
    return errors.bad_request("JSON_PARSER_ERROR", message)


def _string(field: Field, value: Any, is_text: bool) -> str | None:
    if isinstance(value, (dict, list)):
        raise TypeError(field.name)
    text = (str(value).lower() if isinstance(value, bool) else str(value)).strip()
    if field.length and len(text) > field.length:
        message = f"{field.label}: data value too large: {text} (max length={field.length})"
        raise ApiError(400, "STRING_TOO_LONG", message, [field.name])
    return text or None


def _email(field: Field, value: Any, is_text: bool) -> str | None:
    text = _string(field, value, is_text)
    if text is not None and _EMAIL.fullmatch(text) is None:
        message = f"{field.label}: invalid email address: {text}"
        raise ApiError(400, "INVALID_EMAIL_ADDRESS", message, [field.name])
    return text


def _choice(field: Field, value: Any, is_text: bool) -> str | None:
    text = _string(field, value, is_text)
    chosen = (text or "").split(";") if field.type == "multipicklist" else [text]
    if field.is_restricted and text is not None:
        for choice in chosen:
            if choice not in field.picklist:
                message = f"{field.label}: bad value for restricted picklist field: {choice}"
                raise ApiError(400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message, [field.name])
    return text


def _boolean(field: Field, value: Any, is_text: bool) -> int:
    if is_text and str(value).lower() in ("true", "false", "1", "0"):
        return int(str(value).lower() in ("true", "1"))
    if isinstance(value, bool):
        return int(value)
    raise TypeError(field.name)


def _number(field: Field, value: Any, is_text: bool) -> float:
    if isinstance(value, bool) or not (is_text or isinstance(value, (int, float))):
        raise TypeError(field.name)
    number = float(value)
    if field.precision and abs(number) >= 10 ** (field.precision - field.scale):
        message = f"{field.label}: value outside of valid range on numeric field: {value}"
        raise ApiError(400, "NUMBER_OUTSIDE_VALID_RANGE", message, [field.name])
    return round(number, field.scale)


def _date(field: Field, value: Any, is_text: bool) -> str:
    return date.fromisoformat(str(value)[:10]).isoformat()


def _datetime(field: Field, value: Any, is_text: bool) -> int:
    return literals.moment(str(value))


def _reference(field: Field, value: Any, is_text: bool) -> str:
    found = ids.full_id(str(value))
    if found is None:
        message = f"{field.label}: id value of incorrect type: {value}"
        raise ApiError(400, "MALFORMED_ID", message, [field.name])
    return found


def _check_reference(org: Org, field: Field, record_id: str) -> None:
    targets: Iterable[SObject] = filter(None, map(objects.find, field.refers_to))
    if not any(org.store.row(target, record_id) for target in targets):
        raise ApiError(400, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", [field.name])


_CONVERTERS: dict[str, _Converter] = {
    "email": _email, "picklist": _choice, "multipicklist": _choice, "boolean": _boolean, "date": _date,
    "datetime": _datetime, "reference": _reference, **dict.fromkeys(NUMBERS, _number),
}  # fmt: skip
