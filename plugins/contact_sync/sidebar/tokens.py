"""The sidebar's bearer tokens: a JWT (RFC 7519) for one workspace and agent, signed with a key of our own secret.

Claims: ``workspace_id``, ``scope`` (``read`` or ``read edit``), ``sub`` (the agent), ``iat``, ``exp``, ``aud``.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Literal

import jwt
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from contact_sync import errors

AUDIENCE = "contact-sync-sidebar"
Scope = Literal["read", "edit"]

_ALGORITHM = "HS256"
_CLAIMS = ["workspace_id", "scope", "sub", "iat", "exp", "aud"]
#: Clocks of two machines differ by a little.
_LEEWAY_SECONDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Bearer:
    """Who calls, and what for."""

    workspace_id: str
    agent: str
    scopes: frozenset[str]


def signing_key(secret: str) -> bytes:
    """Return the key derived from CONTACT_SYNC_SECRET (HKDF, RFC 5869). StopError if the secret is empty."""
    if not secret:
        raise errors.StopError("CONTACT_SYNC_SECRET is not set: sidebar tokens cannot be signed or checked")
    return HKDF(SHA256(), 32, salt=None, info=b"contact-sync sidebar_token").derive(secret.encode())


def mint(key: bytes, *, workspace_id: str, agent: str, can_edit: bool, seconds: int) -> str:
    """Return a token that opens one workspace for ``seconds``."""
    now = int(time.time())
    claims = {
        "workspace_id": workspace_id,
        "scope": "read edit" if can_edit else "read",
        "sub": agent,
        "iat": now,
        "exp": now + seconds,
        "aud": AUDIENCE,
    }
    return jwt.encode(claims, key, algorithm=_ALGORITHM)


def read(key: bytes, token: str) -> Bearer | None:
    """Return whom a token names; None if it is forged, expired, for somebody else or no token at all."""
    try:
        claims = jwt.decode(
            token,
            key,
            algorithms=[_ALGORITHM],
            audience=AUDIENCE,
            leeway=_LEEWAY_SECONDS,
            options={"require": _CLAIMS},
        )
    except jwt.PyJWTError:
        return None
    workspace_id, agent, scope = claims["workspace_id"], claims["sub"], claims["scope"]
    if not all(isinstance(claim, str) and claim for claim in (workspace_id, agent, scope)):
        return None
    return Bearer(workspace_id=workspace_id, agent=agent, scopes=frozenset(scope.split()))
