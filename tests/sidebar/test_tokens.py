"""Bearer tokens: who is believed, and who is not."""

from __future__ import annotations

import time
from typing import Any

import jwt
import pytest

from contact_sync import errors
from contact_sync.sidebar import tokens

KEY = tokens.signing_key("a secret")
NOW = int(time.time())
CLAIMS = {
    "workspace_id": "acme",
    "scope": "read",
    "sub": "ada",
    "iat": NOW,
    "exp": NOW + 60,
    "aud": tokens.AUDIENCE,
}


def signed(key: bytes = KEY, algorithm: str = "HS256", **claims: Any) -> str:
    return jwt.encode({**CLAIMS, **claims}, key, algorithm=algorithm)


def test_a_minted_token_names_its_workspace_agent_and_scope() -> None:
    token = tokens.mint(KEY, workspace_id="acme", agent="ada", can_edit=False, seconds=60)
    assert tokens.read(KEY, token) == tokens.Bearer(
        workspace_id="acme", agent="ada", scopes=frozenset({"read"})
    )


def test_a_token_that_may_edit_may_read() -> None:
    token = tokens.mint(KEY, workspace_id="acme", agent="ada", can_edit=True, seconds=60)
    bearer = tokens.read(KEY, token)
    assert bearer is not None
    assert bearer.scopes == {"read", "edit"}


@pytest.mark.parametrize(
    "token",
    [
        "",
        "no token",
        "a.b.c",
        signed(key=tokens.signing_key("another secret")),
        signed(algorithm="HS512", key=KEY + KEY),
        jwt.encode(CLAIMS, "", algorithm="none"),
        signed(exp=NOW - 60),
        signed(iat=NOW + 600),
        signed(aud="somebody else"),
        signed(workspace_id=""),
        signed(workspace_id=7),
        signed(scope=["read", "edit"]),
    ],
)
def test_what_we_did_not_sign_for_now_and_here_is_not_believed(token: str) -> None:
    assert tokens.read(KEY, token) is None


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_token_without_one_of_its_claims_is_not_believed(claim: str) -> None:
    token = jwt.encode({name: value for name, value in CLAIMS.items() if name != claim}, KEY, "HS256")
    assert tokens.read(KEY, token) is None


def test_without_a_secret_nothing_is_signed() -> None:
    with pytest.raises(errors.StopError, match="CONTACT_SYNC_SECRET"):
        tokens.signing_key("")
