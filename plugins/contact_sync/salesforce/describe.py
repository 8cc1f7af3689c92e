"""What the integration user may see and edit (REST API Developer Guide, "sObject Describe").

Describe is per user: a field without read permission is simply absent. ``If-Modified-Since`` spares an answer when
nothing changed, but an org does not notice every permission: ask in full once a day, and whenever somebody says so.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx

from contact_sync import answers, errors, fields, records
from contact_sync.salesforce import auth

_ROUTE = "/sobjects/{sobject}/describe"

#: Parents whose fields may be shown, one level deep, and the reference that leads there.
PARENTS = {"Account": "AccountId"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """The fields of Contact, and those of its parents as ``Account.Name``."""

    fields: tuple[records.SalesforceField, ...]
    #: ``Last-Modified`` of each object's describe, where the org told one.
    versions: Mapping[str, str]


def description(
    session: auth.Session,
    remembered: Mapping[str, records.SalesforceField] | None = None,
    versions: Mapping[str, str] | None = None,
) -> Description:
    """Ask for Contact and its parents. An object unchanged since its version in ``versions`` keeps ``remembered``."""
    known, since = remembered or {}, versions or {}
    told: dict[str, str] = {}
    own = _asked(session, "Contact", since, told)
    if own is None:
        own = [field for name, field in known.items() if "." not in name]
    names = {field.name for field in own}
    parents: list[records.SalesforceField] = []
    for parent in (parent for parent, reference in PARENTS.items() if reference in names):
        asked = _asked(session, parent, since, told)
        if asked is None:
            parents += [field for name, field in known.items() if name.startswith(f"{parent}.")]
        else:
            parents += [_of_parent(parent, field) for field in asked if fields.displayable(field)]
    return Description(fields=(*own, *parents), versions=told)


def _of_parent(parent: str, field: records.SalesforceField) -> records.SalesforceField:
    return dataclasses.replace(field, name=f"{parent}.{field.name}", updateable=False)


def _asked(
    session: auth.Session, sobject: str, since: Mapping[str, str], told: dict[str, str]
) -> list[records.SalesforceField] | None:
    """Return the fields of an object in Salesforce's order, None if nothing changed; put its version into ``told``."""
    headers = {"If-Modified-Since": since[sobject]} if sobject in since else {}
    answer = session.call("GET", _ROUTE, f"/sobjects/{sobject}/describe", accept={304}, headers=headers)
    version = answer.headers.get("Last-Modified") or since.get(sobject)
    if version and _is_settled(version, answer):
        told[sobject] = version
    if answer.status_code == 304:
        return None
    found = answers.json_object(answer, f"Salesforce GET {_ROUTE}").get("fields")
    if not isinstance(found, list):
        raise errors.RetryError(f"Salesforce GET {_ROUTE} answered without fields")
    return [_field(field) for field in found]


def _is_settled(version: str, answer: httpx.Response) -> bool:
    """Versions have whole seconds: of two changes in one second the second would go unnoticed."""
    changed, now = answers.http_date(version), answers.http_date(answer.headers.get("Date"))
    return changed is not None and now is not None and now - changed >= timedelta(seconds=2)


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
