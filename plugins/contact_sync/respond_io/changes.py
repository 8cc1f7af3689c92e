"""Writes to one workspace: create and tag; and the custom fields there are to write.

Shapes: respond.io Developer API, "Create a contact", "Add tags", "Create a tag", "List custom fields". There is no
idempotency key: after a RetryError with ``is_ambiguous`` look the contact up before sending anything again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from contact_sync import answers, errors, records
from contact_sync.respond_io import contacts
from contact_sync.respond_io import session as respond_session

TAG_ROUTE = "/contact/{identifier}/tag"
SPACE_TAG_ROUTE = "/space/tag"
CUSTOM_FIELD_ROUTE = "/space/custom_field"

#: What the vendor says of a creation in its queue is "try again in a few minutes".
QUEUED_SECONDS = 60.0

#: The vendor takes 1 to 10 names per call.
_TAGS_PER_CALL = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactFields:
    """What to write of a contact; None leaves a field alone. ``phone`` is E.164, ``country`` ISO 3166 alpha-2."""

    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    phone: str | None = None
    country: str | None = None
    language: str | None = None
    #: By name or slug. One unknown field refuses the whole write.
    custom_fields: Mapping[str, str | int | float | bool | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomField:
    """One custom field of the workspace. ``allowed_values`` is empty unless it is a list."""

    field_id: int
    name: str
    slug: str | None
    type: str
    allowed_values: tuple[str, ...] = ()


def create(session: respond_session.Session, identifier: str, fields: ContactFields) -> None:
    """Create the contact of ``email:…`` or ``phone:+…``; the vendor requires a first name and answers no id.

    Raises RejectError if it exists already (status 409 or 400), RetryError(is_ambiguous) if nobody knows. One that is
    queued (449) is not repeated here, for it may be made from the queue: RetryError asks for a minute at least.
    """
    answer = session.call(
        "POST", contacts.CONTACT_ROUTE, contacts.path(identifier), json=_body(fields), accept=(449,)
    )
    if answer.status_code == 449:
        asked = answers.retry_after(answer.headers.get("Retry-After"))
        raise errors.RetryError(
            f"respond.io POST {contacts.CONTACT_ROUTE} answered 449: it is in the queue. It is looked up later",
            retry_after_seconds=max(asked or 0.0, QUEUED_SECONDS),
        )


def add_tags(session: respond_session.Session, identifier: str, tags: Sequence[str]) -> None:
    """Add tags by name, ten per call; those already there stay, those the workspace lacks are made."""
    names = list(dict.fromkeys(tags))
    for start in range(0, len(names), _TAGS_PER_CALL):
        session.call(
            "POST",
            TAG_ROUTE,
            f"{contacts.path(identifier)}/tag",
            json=names[start : start + _TAGS_PER_CALL],
            # adding a tag twice comes to the same
            is_idempotent=True,
        )


def create_tag(
    session: respond_session.Session, name: str, *, description: str | None = None, color: str | None = None
) -> bool:
    """Make a tag of the workspace; False if it is there already, whatever its colour.

    That is a 409, a 400 that says so, or a 400 to a name alone, in which there is nothing else to refuse. Raises
    RejectError for any other 400. ``color`` is one of the vendor's words, such as ``tag-blue``.
    """
    tag = {"name": name, "description": description, "colorCode": color}
    given = {key: value for key, value in tag.items() if value is not None}
    try:
        answer = session.call("POST", SPACE_TAG_ROUTE, json=given, is_idempotent=True, accept=(409,))
    except errors.RejectError as error:
        if error.status == 400 and (len(given) == 1 or "exist" in error.detail.lower()):
            return False
        raise
    return answer.is_success


def custom_fields(session: respond_session.Session) -> list[CustomField]:
    """Return every custom field of the workspace."""
    return [_custom_field(item) for item in _items(session, CUSTOM_FIELD_ROUTE)]


def _body(fields: ContactFields) -> records.Json:
    named = {
        "firstName": fields.first_name,
        "lastName": fields.last_name,
        "email": fields.email,
        "phone": fields.phone,
        "countryCode": fields.country,
        "language": fields.language,
    }
    body: records.Json = {name: value for name, value in named.items() if value is not None}
    if fields.custom_fields:
        body["custom_fields"] = [
            {"name": name, "value": value} for name, value in fields.custom_fields.items()
        ]
    return body


def _items(session: respond_session.Session, route: str) -> Iterator[Mapping[str, Any]]:
    """Every item of a paged list of the workspace."""
    cursor: int | None = None
    while True:
        params = {"limit": 100} | ({} if cursor is None else {"cursorId": cursor})
        body = session.call_json("GET", route, params=params)
        yield from body.get("items") or []
        following = contacts.following_cursor(body.get("pagination"), f"GET {route}")
        if following is None:
            return
        if following == cursor:
            raise errors.RetryError(f"respond.io GET {route} gave the same cursor twice")
        cursor = following


def _custom_field(item: Mapping[str, Any]) -> CustomField:
    """``allowedValues`` is a list in the vendor's text and an object with ``listValues`` in its own client."""
    allowed = item.get("allowedValues") or []
    values = allowed.get("listValues") or [] if isinstance(allowed, Mapping) else allowed
    return CustomField(
        field_id=int(item["id"]),
        name=str(item["name"]),
        slug=item.get("slug") or None,
        type=str(item.get("dataType") or "text"),
        allowed_values=tuple(map(str, values)),
    )
