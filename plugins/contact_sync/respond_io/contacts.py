"""Contacts of one workspace as our records: list and get. The vendor's spellings stop here.

Shapes: respond.io Developer API, "List the contacts" and "Get a contact". The list lags creates by tens of seconds,
and its order is not documented: never read after a write from it, never rely on direction.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from contact_sync import answers, errors, records
from contact_sync.respond_io import session as respond_session

LIST_ROUTE = "/contact/list"
CONTACT_ROUTE = "/contact/{identifier}"

_NAMED = {"id", "firstName", "lastName", "email", "phone", "countryCode", "tags", "created_at"}


def list_page(
    session: respond_session.Session,
    cursor: int | None,
    *,
    limit: int = 100,
    filter: Mapping[str, Any] | None = None,
) -> records.RespondPage:
    """Return one page after ``cursor`` (None: the first one), of 1 to 100 contacts.

    ``filter`` is the vendor's filter object; None means everyone. Wall-clock values in it are UTC.
    Raises RetryError if the vendor sends the same cursor back, for a walk must end.
    """
    params = {"limit": limit} | ({} if cursor is None else {"cursorId": cursor})
    body = session.call_json(
        "POST",
        LIST_ROUTE,
        params=params,
        json={"search": "", "timezone": "UTC", "filter": dict(filter or {"$and": []})},
        is_idempotent=True,
    )
    items = body.get("items")
    if not isinstance(items, list):
        raise errors.RetryError(f"respond.io POST {LIST_ROUTE} answered without items")
    next_cursor = following_cursor(body.get("pagination"), f"POST {LIST_ROUTE}")
    if next_cursor is not None and next_cursor == cursor:
        raise errors.RetryError(f"respond.io POST {LIST_ROUTE} gave the same cursor twice")
    return records.RespondPage(contacts=[contact(item) for item in items], next_cursor=next_cursor)


def get(session: respond_session.Session, identifier: str) -> records.RespondContact | None:
    """Return the contact of ``id:…``, ``email:…`` or ``phone:+…``, None if there is none. Sees creates at once."""
    answer = session.call("GET", CONTACT_ROUTE, path(identifier), accept=(404,))
    if answer.status_code == 404:
        return None
    return contact(answers.json_object(answer, f"respond.io GET {CONTACT_ROUTE}"))


def path(identifier: str) -> str:
    """The path of a contact; every reserved character is escaped, for an e-mail may hold a slash or a ``?``."""
    return f"/contact/{quote(identifier, safe=':+@')}"


def contact(item: Mapping[str, Any]) -> records.RespondContact:
    """Return the vendor's contact as our record: e-mail and phone byte for byte, an empty text as None."""
    respond_id = item.get("id")
    if not isinstance(respond_id, int):
        raise errors.RetryError("respond.io answered with a contact that has no id")
    return records.RespondContact(
        respond_id=records.RespondId(respond_id),
        first_name=item.get("firstName") or None,
        last_name=item.get("lastName") or None,
        email=item.get("email") or None,
        phone=item.get("phone") or None,
        country=item.get("countryCode") or None,
        tags=tuple(item.get("tags") or ()),
        created_at=_created_at(item.get("created_at")),
        payload={name: value for name, value in item.items() if name not in _NAMED},
    )


def _created_at(value: object) -> datetime | None:
    """Unix seconds; what is no time of this era is no reason to lose the contact."""
    try:
        return datetime.fromtimestamp(value, UTC) if isinstance(value, int | float) else None
    except (ValueError, OverflowError, OSError):
        return None


def following_cursor(pagination: object, call: str) -> int | None:
    """``cursorId`` of the ``next`` address, None on the last page.

    The address itself is never followed: its host and path are not reliable.
    """
    address = pagination.get("next") if isinstance(pagination, Mapping) else None
    if not address:
        return None
    values = parse_qs(urlsplit(str(address)).query).get("cursorId", [""])
    if not values[0].isdigit():
        raise errors.RetryError(f"respond.io {call} named a next page without a readable cursor")
    return int(values[0])
