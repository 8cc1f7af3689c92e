"""Whom a log-in belongs to, in words a person recognizes: the org's name and the user's."""

from __future__ import annotations

import contextlib

from contact_sync import errors
from contact_sync.salesforce import auth, query


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


def _first(session: auth.Session, sobject: str, field: str, *, where: str = "") -> str | None:
    page = next(query.pages(session, query.select([field], where=where, sobject=sobject)))
    return str(page.records[0][field]) if page.records else None
