"""Whom a log-in belongs to, in words a person recognizes: the org's name and size, and the user's name."""

from __future__ import annotations

import contextlib

from contact_sync import errors
from contact_sync.salesforce import auth, query

_RECORD_COUNT = "/limits/recordCount"


def org_name(session: auth.Session) -> str | None:
    """Return the org's own name."""
    return _first(session, "Organization", "Name")


def user_name(session: auth.Session, user_id: str | None) -> str | None:
    """Return the user's log-in name, None if the user may not read users."""
    if user_id is None:
        return None
    with contextlib.suppress(errors.RejectError):
        return _first(session, "User", "Username", where=f"Id = {query.text_literal(user_id)}")
    return None


def approximate_contacts(session: auth.Session) -> int | None:
    """Return about how many contacts the org holds, None where it does not say.

    "Record Count", REST API Developer Guide: counted now and then, without deleted ones, and told to users with the
    permission View Setup and Configuration; an object it knows nothing of is left out.
    """
    try:
        body = session.get_json(_RECORD_COUNT, f"{_RECORD_COUNT}?sObjects=Contact")
    except errors.ContactSyncError:
        # nobody needs it: what is really wrong keeps the calls from working that matter
        return None
    counts = [item.get("count") for item in body.get("sObjects") or () if item.get("name") == "Contact"]
    return counts[0] if counts and isinstance(counts[0], int) else None


def _first(session: auth.Session, sobject: str, field: str, *, where: str = "") -> str | None:
    page = next(query.pages(session, query.select([field], where=where, sobject=sobject)))
    return str(page.records[0][field]) if page.records else None
