"""What the integration user may see and edit (REST API Developer Guide, "sObject Describe").

Describe is per user: a field without read permission is simply absent. ``If-Modified-Since`` spares an answer when
nothing changed, but an org does not notice every permission: ask in full once a day, and whenever somebody says so.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx

from contact_sync import answers, errors, fields, records
from contact_sync.salesforce import auth

log = logging.getLogger(__name__)

_ROUTE = "/sobjects/{sobject}/describe"

#: The relationship that is described without being asked for: every org shows something of its accounts.
_ALWAYS = "Account"


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """The fields of Contact, and those of its parents by relationship, as ``Account.Name``."""

    fields: tuple[records.SalesforceField, ...]
    #: ``Last-Modified`` of each object's describe, where the org told one.
    versions: Mapping[str, str]


def description(
    session: auth.Session,
    remembered: Mapping[str, records.SalesforceField] | None = None,
    versions: Mapping[str, str] | None = None,
    parents: Collection[str] = (),
) -> Description:
    """Ask for Contact, its Account, and what ``parents``, names of relationships, lead to.

    An object unchanged since its version in ``versions`` keeps ``remembered``. A parent that may not be described any
    more has no fields.
    """
    known, since = remembered or {}, versions or {}
    told: dict[str, str] = {}
    own = _asked(session, "Contact", since, told)
    if own is None:
        own = [field for name, field in known.items() if "." not in name]
    wanted = {_ALWAYS, *parents}
    leading = {name: sobject for name, sobject in fields.parents(own).items() if name in wanted}
    shown = {name: [f for f in known.values() if fields.parent_of(f.name) == name] for name in leading}
    found: dict[str, list[records.SalesforceField] | None] = {"Contact": own}
    for sobject in leading.values():
        if sobject not in found:
            # an answer that nothing changed says nothing of a relationship that is new here
            is_new = any(not shown[name] for name, target in leading.items() if target == sobject)
            found[sobject] = _asked_of_parent(session, sobject, {} if is_new else since, told)
    related: list[records.SalesforceField] = []
    for name, sobject in leading.items():
        asked = found[sobject]
        related += shown[name] if asked is None else _of_parent(name, asked)
    return Description(fields=(*own, *related), versions=told)


def _of_parent(name: str, found: list[records.SalesforceField]) -> list[records.SalesforceField]:
    """One level deep: where a parent's own references lead is not told."""
    return [
        dataclasses.replace(
            field, name=f"{name}.{field.name}", updateable=False, relationship=None, refers_to=()
        )
        for field in found
        if fields.displayable(field)
    ]


def _asked_of_parent(
    session: auth.Session, sobject: str, since: Mapping[str, str], told: dict[str, str]
) -> list[records.SalesforceField] | None:
    try:
        return _asked(session, sobject, since, told)
    except errors.RejectError as error:
        # access to it was lost, or never there: Contact is read all the same
        log.warning("Salesforce does not describe %s: %s", sobject, error.code)
        return []


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
        relationship=field.get("relationshipName"),
        refers_to=tuple(field.get("referenceTo") or ()),
    )
