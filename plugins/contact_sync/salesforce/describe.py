"""What the integration user may see and edit (REST API Developer Guide, "sObject Describe"), and the org's limits.

Describe is per user: a field without read permission is simply absent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contact_sync import errors, records
from contact_sync.salesforce import auth

_ROUTE = "/sobjects/{sobject}/describe"


def contact_fields(session: auth.Session) -> list[records.SalesforceField]:
    """Return the fields of Contact in Salesforce's order."""
    return sobject_fields(session, "Contact")


def sobject_fields(session: auth.Session, sobject: str) -> list[records.SalesforceField]:
    """Return the fields of an object; parents such as Account are read by the same call."""
    body = session.get_json(_ROUTE, f"/sobjects/{sobject}/describe")
    fields = body.get("fields")
    if not isinstance(fields, list):
        raise errors.RetryError(f"Salesforce GET {_ROUTE} answered without fields")
    return [_field(field) for field in fields]


def remaining_calls(session: auth.Session) -> tuple[int, int]:
    """Return the org's daily API calls: how many are left, and how many there are in all."""
    daily = session.get_json("/limits").get("DailyApiRequests") or {}
    return int(daily.get("Remaining", 0)), int(daily.get("Max", 0))


def _field(field: Mapping[str, Any]) -> records.SalesforceField:
    values = field.get("picklistValues") or []
    return records.SalesforceField(
        name=field["name"],
        label=field.get("label") or field["name"],
        type=field.get("type") or "string",
        length=field.get("length") or 0,
        updateable=bool(field.get("updateable")),
        calculated=bool(field.get("calculated")),
        nillable=bool(field.get("nillable", True)),
        restricted=bool(field.get("restrictedPicklist")),
        picklist=tuple(value["value"] for value in values if value.get("active", True)),
    )
