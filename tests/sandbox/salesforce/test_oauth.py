"""The token endpoint: every flow, rotation, refusals as objects."""

from __future__ import annotations

import base64
import hashlib
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from sandbox.salesforce.store import Store
from tests.sandbox.salesforce.asking import switch
from tests.sandbox.salesforce.conftest import DATA, KEY, SECRET, Clock

APP = {"client_id": KEY, "client_secret": SECRET}


def token(client: httpx.Client, **form: str) -> httpx.Response:
    return client.post("/services/oauth2/token", data=form)


def test_client_credentials_answer_who_and_where(anonymous: httpx.Client, store: Store) -> None:
    answer = anonymous.post(
        "/services/oauth2/token", data={"grant_type": "client_credentials"}, auth=(KEY, SECRET)
    )
    told = answer.json()
    assert told["instance_url"] == "http://org.example"
    assert told["id"] == f"http://org.example/id/{store.org_id}/{store.integration_user_id}"
    assert told["issued_at"] == "1790000000000"
    assert told["access_token"].startswith(f"{store.org_id[:15]}!")
    assert "expires_in" not in told
    assert "refresh_token" not in told


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "client_credentials", "client_id": KEY, "client_secret": "wrong"}, "invalid_client"),
        (
            {"grant_type": "client_credentials", "client_id": "wrong", "client_secret": SECRET},
            "invalid_client_id",
        ),
        ({"grant_type": "password", **APP, "username": "u", "password": "p"}, "invalid_grant"),
        ({"grant_type": "refresh_token", **APP, "refresh_token": "unknown"}, "invalid_grant"),
        ({"grant_type": "device"}, "unsupported_grant_type"),
        ({}, "unsupported_grant_type"),
    ],
)
def test_refusals_are_objects(anonymous: httpx.Client, form: dict[str, str], error: str) -> None:
    answer = token(anonymous, **form)
    assert answer.status_code == 400
    assert answer.json()["error"] == error
    assert set(answer.json()) == {"error", "error_description"}


def test_a_session_dies_when_it_is_not_used(client: httpx.Client, clock: Clock) -> None:
    clock.advance(7199)
    assert client.get("/limits").status_code == 200
    clock.advance(7199)
    assert client.get("/limits").status_code == 200
    clock.advance(7201)
    answer = client.get("/limits")
    assert answer.status_code == 401
    assert answer.json() == [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]


@pytest.mark.parametrize("header", ["", "Bearer ", "Bearer nonsense", "Basic abc"])
def test_no_token_no_service(anonymous: httpx.Client, header: str) -> None:
    assert anonymous.get(f"{DATA}/limits", headers={"Authorization": header}).status_code == 401


def code(client: httpx.Client, **params: str) -> str:
    asked = {"response_type": "code", "client_id": KEY, "redirect_uri": "http://app.example/back", **params}
    answer = client.get("/services/oauth2/authorize", params=asked)
    assert answer.status_code == 302
    return parse_qs(urlsplit(answer.headers["Location"]).query)["code"][0]


def test_a_code_is_worth_one_grant(anonymous: httpx.Client) -> None:
    given = code(anonymous)
    first = token(anonymous, grant_type="authorization_code", code=given, **APP)
    assert {"access_token", "refresh_token"} <= set(first.json())
    assert (
        token(anonymous, grant_type="authorization_code", code=given, **APP).json()["error"]
        == "invalid_grant"
    )


def test_pkce_needs_the_verifier(anonymous: httpx.Client) -> None:
    verifier = "v" * 43
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    given = code(anonymous, code_challenge=challenge, code_challenge_method="S256")
    form = {"grant_type": "authorization_code", "code": given, "client_id": KEY}
    assert token(anonymous, **form, code_verifier="wrong").status_code == 400
    assert token(anonymous, **form, code_verifier=verifier).status_code == 200


def refreshed(client: httpx.Client, refresh_token: str) -> httpx.Response:
    return token(client, grant_type="refresh_token", refresh_token=refresh_token, **APP)


def test_a_refresh_token_lasts_unless_it_rotates(anonymous: httpx.Client) -> None:
    first = token(anonymous, grant_type="authorization_code", code=code(anonymous), **APP).json()[
        "refresh_token"
    ]
    assert "refresh_token" not in refreshed(anonymous, first).json()
    switch(anonymous, rotates_refresh_tokens=True)
    second = refreshed(anonymous, first).json()["refresh_token"]
    assert refreshed(anonymous, second).status_code == 200


def test_a_rotated_token_used_again_ends_the_grant(anonymous: httpx.Client) -> None:
    switch(anonymous, rotates_refresh_tokens=True)
    first = token(anonymous, grant_type="authorization_code", code=code(anonymous), **APP).json()[
        "refresh_token"
    ]
    second = refreshed(anonymous, first).json()["refresh_token"]
    assert refreshed(anonymous, first).json()["error"] == "invalid_grant"
    assert refreshed(anonymous, second).json()["error"] == "invalid_grant"


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    """A key pair of a server."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def assertion(key: rsa.RSAPrivateKey, **claims: object) -> str:
    usual = {"iss": KEY, "sub": "integration@contact-sync.example", "aud": "https://login.salesforce.com"}
    return jwt.encode({**usual, "exp": int(time.time()) + 120, **claims}, key, algorithm="RS256")


def public_pem(key: rsa.RSAPrivateKey) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()


@pytest.mark.parametrize(
    ("claims", "status", "description"),
    [
        ({}, 200, None),
        ({"exp": lambda now: str(now + 100)}, 200, None),
        ({"aud": "https://elsewhere.example"}, 400, "audience is invalid"),
        ({"sub": "nobody@example.com"}, 400, "user hasn't approved this consumer"),
        ({"iss": "another"}, 400, "client identifier invalid"),
        ({"exp": lambda now: now - 100}, 400, "expired authorization code"),
        ({"exp": lambda now: now + 3600}, 400, "assertion expiration is too far in the future"),
    ],
)
def test_a_jwt_is_believed_only_if_everything_fits(
    anonymous: httpx.Client,
    clock: Clock,
    key: rsa.RSAPrivateKey,
    claims: dict[str, Any],
    status: int,
    description: str | None,
) -> None:
    clock.seconds = time.time()
    # times are told when the test runs, which may be long after it was collected
    claims = {name: value(int(clock.seconds)) if callable(value) else value for name, value in claims.items()}
    switch(anonymous, jwt_certificate=public_pem(key))
    grant = "urn:ietf:params:oauth:grant-type:jwt-bearer"
    answer = token(anonymous, grant_type=grant, assertion=assertion(key, **claims))
    assert answer.status_code == status
    assert answer.json().get("error_description") == description


def test_a_jwt_of_another_key_is_refused(anonymous: httpx.Client, key: rsa.RSAPrivateKey) -> None:
    switch(anonymous, jwt_certificate=public_pem(key))
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    grant = "urn:ietf:params:oauth:grant-type:jwt-bearer"
    assert (
        token(anonymous, grant_type=grant, assertion=assertion(stranger)).json()["error"] == "invalid_grant"
    )


def test_the_identity_url_tells_the_user(client: httpx.Client, store: Store) -> None:
    url = f"http://org.example/id/{store.org_id}/{store.integration_user_id}"
    assert client.get(url).json()["user_id"] == store.integration_user_id
    refused = client.get(url, headers={"Authorization": "Bearer nonsense"})
    assert (refused.status_code, refused.text) == (403, "Bad_OAuth_Token")


def test_a_revoked_token_is_dead(client: httpx.Client) -> None:
    mine = client.headers["Authorization"].removeprefix("Bearer ")
    assert client.post("http://org.example/services/oauth2/revoke", data={"token": mine}).status_code == 200
    assert client.get("/limits").status_code == 401


def test_an_org_without_api_access_says_so(client: httpx.Client) -> None:
    switch(client, api_enabled=False)
    answer = client.get("/limits")
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (403, "API_DISABLED_FOR_ORG")
