"""Whom a contact is created for: the names and usable keys of one live Salesforce record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from contact_sync import database, keys

#: The vendor's limit is not published; names longer than this are cut rather than refused.
NAME_CHARACTERS = 255
#: Where people are reached, best first.
_FIELDS = ("Email", "MobilePhone", "Phone", "HomePhone", "OtherPhone")


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """What is created: names, and the usable keys. ``phone`` is E.164; a person has at least one key.

    ``first_name`` is the only name where there is one, and empty where there is none.
    """

    salesforce_id: str
    first_name: str
    last_name: str | None
    email: str | None
    phone: str | None
    kinds: tuple[str, ...]
    keys: tuple[str, ...]

    @property
    def identifier(self) -> str:
        """The phone where there is one: agents write to it."""
        return f"phone:{self.phone}" if self.phone else f"email:{self.email}"

    @property
    def identifiers(self) -> list[str]:
        """Every spelling under which the contact may be there already."""
        held = [("phone", self.phone), ("email", self.email), *zip(self.kinds, self.keys, strict=True)]
        return _identifiers([(kind, key) for kind, key in held if key])


def read(db: database.Database, workspace: database.Row, salesforce_id: str) -> Person | None:
    """Return the person behind a live record, None if it has no usable key."""
    rows = db.all(
        "select_person_to_create",
        workspace_id=workspace["workspace_id"],
        org_id=workspace["org_id"],
        salesforce_id=salesforce_id,
    )
    if not rows:
        return None
    names = [name.strip() for name in (rows[0]["first_name"], rows[0]["last_name"]) if name and name.strip()]
    return Person(
        salesforce_id=salesforce_id,
        first_name=names[0][:NAME_CHARACTERS] if names else "",
        last_name=names[1][:NAME_CHARACTERS] if len(names) > 1 else None,
        email=_best(rows, "email", "key"),
        phone=_best(rows, "phone", "e164"),
        kinds=tuple(row["kind"] for row in rows),
        keys=tuple(row["key"] for row in rows),
    )


def claimed_identifiers(db: database.Database, workspace: database.Row, salesforce_id: str) -> list[str]:
    """Return every spelling of the keys that a record claimed, phones first, whatever the record holds now."""
    rows = db.all("select_claimed_keys", workspace_id=workspace["workspace_id"], salesforce_id=salesforce_id)
    return _identifiers([(row["kind"], row["key"]) for row in rows])


def _identifiers(held: Sequence[tuple[str, str]]) -> list[str]:
    """Every spelling of every key, each once, in the order given."""
    spelt = (
        f"{kind}:{spelling}"
        for kind, key in held
        for spelling in (keys.phone_spellings(key) if kind == "phone" else (key,))
    )
    return list(dict.fromkeys(spelt))


def _best(rows: Sequence[database.Row], kind: str, column: str) -> str | None:
    """The value of the first field in the order that people are reached by."""
    fitting = sorted(
        (row for row in rows if row["kind"] == kind), key=lambda row: _FIELDS.index(row["source_field"])
    )
    return str(fitting[0][column]) if fitting else None
