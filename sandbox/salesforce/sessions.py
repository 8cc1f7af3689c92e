"""Access tokens: issuing, recognizing, ending. A token that isn't used for ``session_seconds`` is dead."""

from __future__ import annotations

import secrets
from typing import Any

from sandbox.salesforce import errors
from sandbox.salesforce.org import Org

INVALID_SESSION = "Session expired or invalid"


def issue(org: Org, user_id: str) -> str:
    """Return a new access token of a user; it survives a restart."""
    token = f"{org.store.org_id[:15]}!{secrets.token_urlsafe(48)}"
    _keep(org, token, "access", user_id)
    org.sessions[token] = [user_id, org.store.clock()]
    return token


def issue_refresh(org: Org, user_id: str, grant_id: str | None = None) -> str:
    """Return a new refresh token; tokens of one grant share ``grant_id``."""
    token = f"5Aep{secrets.token_urlsafe(48)}"
    _keep(org, token, "refresh", user_id, grant_id or secrets.token_hex(8))
    return token


def issue_code(org: Org, user_id: str, challenge: str | None) -> str:
    """Return an authorization code; ``challenge`` is PKCE's."""
    code = f"aPrx{secrets.token_urlsafe(32)}"
    _keep(org, code, "code", user_id, None, challenge)
    return code


def user_of(org: Org, authorization: str | None) -> str:
    """Return whose live token this is. Raises 401 INVALID_SESSION_ID."""
    scheme, _, token = (authorization or "").partition(" ")
    found = _session(org, token) if scheme.lower() in ("bearer", "oauth") else None
    now = org.store.clock()
    if found is None or now - found[1] > org.switch("session_seconds"):
        raise errors.ApiError(401, "INVALID_SESSION_ID", INVALID_SESSION)
    found[1] = now
    return str(found[0])


def end(org: Org, token: str | None = None) -> int:
    """End one access token, or all of them; return how many ended."""
    org.sessions.clear()
    where, values = ("AND token = ?", [token]) if token else ("", [])
    with org.store.writing() as connection:
        ended = connection.execute(
            " ".join(["UPDATE token SET ended = 1 WHERE kind = 'access' AND ended = 0", where]), values
        )
        return ended.rowcount


def take(org: Org, token: str, kind: str) -> dict[str, Any] | None:
    """Return a live refresh token's or code's row, or None."""
    row = (
        org.store.read()
        .execute(
            "SELECT user_id, grant_id, challenge, ended FROM token WHERE token = ? AND kind = ?",
            (token, kind),
        )
        .fetchone()
    )
    return None if row is None else dict(zip(("user_id", "grant_id", "challenge", "ended"), row, strict=True))


def end_grant(org: Org, grant_id: str) -> None:
    """End every refresh token of a grant: what happens when an already rotated one is used again."""
    with org.store.writing() as connection:
        connection.execute("UPDATE token SET ended = 1 WHERE grant_id = ?", (grant_id,))


def spend(org: Org, token: str) -> None:
    """End one refresh token or code."""
    with org.store.writing() as connection:
        connection.execute("UPDATE token SET ended = 1 WHERE token = ?", (token,))


def _session(org: Org, token: str) -> list[Any] | None:
    known = org.sessions.get(token)
    if known is not None:
        return known
    row = (
        org.store.read()
        .execute(
            "SELECT user_id, used_at FROM token WHERE token = ? AND kind = 'access' AND ended = 0", (token,)
        )
        .fetchone()
    )
    if row is None:
        return None
    return org.sessions.setdefault(token, list(row))


def _keep(
    org: Org, token: str, kind: str, user_id: str, grant_id: str | None = None, challenge: str | None = None
) -> None:
    now = org.store.clock()
    with org.store.writing() as connection:
        connection.execute(
            "INSERT INTO token (token, kind, user_id, app, grant_id, challenge, issued_at, used_at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (token, kind, user_id, org.app_name, grant_id, challenge, now, now),
        )
