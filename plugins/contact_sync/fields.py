"""From an org's describe to what may be read, shown and edited. Pure; conversion of values is in ``values``.

Rules come from Salesforce's Object Reference (field types) and the product's own: e-mail and phone fields are never
edited, because the match hangs on them.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from contact_sync.records import SalesforceField

#: Read with every contact, whatever a workspace chose to show.
SYSTEM_FIELDS: tuple[str, ...] = (
    "Id",
    "IsDeleted",
    "MasterRecordId",
    "CreatedDate",
    "CreatedById",
    "LastModifiedDate",
    "LastModifiedById",
    "SystemModstamp",
)

#: Identity and match fields by API name, and the ``salesforce_contact`` column each fills.
MIRROR_COLUMNS: Mapping[str, str] = {
    "FirstName": "first_name",
    "LastName": "last_name",
    "Email": "email",
    "Phone": "phone",
    "MobilePhone": "mobile_phone",
    "HomePhone": "home_phone",
    "OtherPhone": "other_phone",
    "MailingCountry": "country",
}

#: Compound and binary types: Bulk API 2.0 refuses to query them, and their parts are fields of their own.
_UNSHOWN_TYPES = frozenset({"address", "location", "base64", "anytype", "complexvalue"})

#: Types whose values ``values.to_salesforce`` knows how to convert.
EDITABLE_TYPES = frozenset(
    {
        "string",
        "textarea",
        "url",
        "encryptedstring",
        "combobox",
        "picklist",
        "multipicklist",
        "boolean",
        "int",
        "long",
        "double",
        "currency",
        "percent",
        "date",
        "datetime",
        "time",
        "reference",
    }
)


#: No name is longer; comparing a longer text with every name would take minutes.
_NAME_CHARACTERS = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOnly:
    """Why a field cannot be edited: a short code for programs, a sentence for the agent."""

    code: str
    sentence: str


def of_row(row: Mapping[Any, Any]) -> SalesforceField:
    """Return the record of a row of ``salesforce_field``."""
    return SalesforceField(
        name=row["name"],
        label=row["label"],
        type=row["type"],
        length=row["length"],
        updateable=row["updateable"],
        calculated=row["calculated"],
        nillable=row["nillable"],
        restricted=row["restricted"],
        picklist=tuple(row["picklist"]),
        relationship=row.get("relationship"),
        refers_to=tuple(row.get("refers_to") or ()),
    )


def displayable(field: SalesforceField) -> bool:
    """Return whether ``field`` holds a value that can be read in bulk and shown as one text."""
    return field.type.lower() not in _UNSHOWN_TYPES


def read_only(field: SalesforceField) -> ReadOnly | None:
    """Return why nobody may edit ``field``, None if it may be made editable. The first reason that holds counts."""
    kind = field.type.lower()
    reasons = {
        "parent_field": ("." in field.name, "It belongs to a related record; change it in Salesforce."),
        "email_or_phone": (
            kind in ("email", "phone"),
            "E-mail and phone fields decide whose data is shown here; change them in Salesforce.",
        ),
        "unsupported_type": (
            kind in _UNSHOWN_TYPES,
            "Values of this kind can only be changed in Salesforce.",
        ),
        "calculated": (field.calculated, "Salesforce calculates this value from other fields."),
        "not_updateable": (not field.updateable, "Salesforce does not let this connection change it."),
        "unknown_type": (
            kind not in EDITABLE_TYPES,
            "Values of this kind can only be changed in Salesforce.",
        ),
    }
    for code, (holds, sentence) in reasons.items():
        if holds:
            return ReadOnly(code=code, sentence=sentence)
    return None


def read_only_reason(field: SalesforceField) -> str | None:
    """Return the sentence of ``read_only``, None if ``field`` may be made editable."""
    reason = read_only(field)
    return reason.sentence if reason else None


def canonical_name(name: str, names: Iterable[str]) -> str | None:
    """Return ``name`` as Salesforce spells it, None if it is not among ``names``. API names have no case."""
    folded = name.strip().casefold()
    return next((known for known in names if known.casefold() == folded), None)


def nearest_names(name: str, names: Iterable[str]) -> list[str]:
    """Return at most three of ``names`` that somebody who typed ``name`` may have meant, likeliest first."""
    if len(name) > _NAME_CHARACTERS:
        return []
    spelled = {known.casefold(): known for known in names}
    close = difflib.get_close_matches(name.strip().casefold(), spelled, n=3, cutoff=0.6)
    return [spelled[folded] for folded in close]


def select_list(chosen: Sequence[str], described: Mapping[str, SalesforceField]) -> list[str]:
    """Return the API names to read: system, identity and match fields, then ``chosen``, each once.

    Names come out in Salesforce's spelling. What the describe does not know (deleted, or permission lost) and what
    cannot be shown is left out: asking for it would fail the whole query with ``INVALID_FIELD``.
    """
    wanted = [known for name in (*MIRROR_COLUMNS, *chosen) if (known := _readable_name(name, described))]
    return list(dict.fromkeys((*SYSTEM_FIELDS, *wanted)))


def _readable_name(name: str, described: Mapping[str, SalesforceField]) -> str | None:
    known = name if name in described else canonical_name(name, (*described, *SYSTEM_FIELDS))
    if known is None or known not in described:
        return known
    return known if displayable(described[known]) else None


def parents(described: Iterable[SalesforceField]) -> dict[str, str]:
    """Return by relationship, such as ``Owner``, the object whose describe tells its fields.

    A reference that may lead to records of several objects shows what these have in common: the object ``Name``
    (Object Reference, "Name").
    """
    return {
        field.relationship: field.refers_to[0] if len(field.refers_to) == 1 else "Name"
        for field in described
        if field.relationship and field.refers_to and "." not in field.name
    }


def undescribed_parents(names: Iterable[str], described: Mapping[str, SalesforceField]) -> set[str]:
    """Return the relationships that ``names`` lead over and of whose fields none is described yet."""
    known = parents(described.values())
    shown = {parent_of(name) for name in described}
    spelled = {canonical_name(parent, known) for name in names if (parent := parent_of(name))}
    return {relationship for relationship in spelled if relationship and relationship not in shown}


def parent_of(name: str) -> str | None:
    """Return the relationship a field's name begins with, None for a field of Contact itself."""
    parent, dot, _ = name.strip().partition(".")
    return parent if dot else None
