"""Log-in: the token endpoint with client credentials, JWT bearer, refresh token and authorization code (PKCE).

Imitates "OAuth Authorization Flows" in Salesforce Help; errors are objects, not lists.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

import jwt

from sandbox.salesforce import sessions
from sandbox.salesforce.errors import OAuthError
from sandbox.salesforce.exchange import Answer, Call, site
from sandbox.salesforce.org import Org

_JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@site.add("POST", "/services/oauth2/token")
def token(call: Call) -> Answer:
    """Imitates "OAuth Endpoints" (Salesforce Help): one endpoint, the flow is in ``grant_type``."""
    form = _form(call)
    flow = _FLOWS.get(form.get("grant_type", ""))
    if flow is None:
        raise OAuthError("unsupported_grant_type", "grant type not supported")
    return Answer(200, flow(call, form))


@site.add("GET", "/services/oauth2/authorize")
def authorize(call: Call) -> Answer:
    """Imitates "OAuth 2.0 Web Server Flow": the integration user approves at once and is sent back with a code."""
    params = call.params
    if params.get("client_id") != call.org.consumer_key:
        raise OAuthError("invalid_client_id", "client identifier invalid")
    if not params.get("redirect_uri"):
        raise OAuthError("redirect_uri_mismatch", "redirect_uri must match configuration")
    if params.get("response_type") != "code":
        raise OAuthError("unsupported_response_type", "response type must be code")
    if params.get("code_challenge") and params.get("code_challenge_method") != "S256":
        raise OAuthError("invalid_request", "code challenge method must be S256")
    user_id = call.org.store.integration_user_id
    back = {"code": sessions.issue_code(call.org, user_id, params.get("code_challenge"))}
    if "state" in params:
        back["state"] = params["state"]
    joiner = "&" if "?" in params["redirect_uri"] else "?"
    return Answer(302, None, {"Location": f"{params['redirect_uri']}{joiner}{urlencode(back)}"})


@site.add("GET", "/services/oauth2/success")
def success(call: Call) -> Answer:
    """Imitates the page where apps without a callback of their own end up: the code is in its address."""
    return Answer(200, b"Remote Access Application Authorization: done", {"content-type": "text/plain"})


@site.add("POST", "/services/oauth2/revoke")
def revoke(call: Call) -> Answer:
    """Imitates "Revoke OAuth Tokens": an access token or a refresh token dies."""
    ended = _form(call).get("token", "")
    if sessions.take(call.org, ended, "refresh"):
        sessions.spend(call.org, ended)
    elif not sessions.end(call.org, ended):
        raise OAuthError("unsupported_token_type", "this token type is not supported")
    return Answer(200)


@site.add("GET", "/id/{org_id}/{user_id}")
def identity(call: Call) -> Answer:
    """Imitates "Identity URLs": who a token belongs to; refusals are plain text."""
    try:
        user_id = sessions.user_of(call.org, call.headers.get("authorization"))
    except Exception as exc:  # noqa: BLE001 - the endpoint answers every refusal alike
        del exc
        return Answer(403, b"Bad_OAuth_Token", {"content-type": "text/plain"})
    store = call.org.store
    return Answer(
        200,
        {
            "id": f"{call.base_url}/id/{store.org_id}/{user_id}",
            "user_id": user_id,
            "organization_id": store.org_id,
            "active": True,
            "urls": {"rest": f"{call.base_url}/services/data/v{{version}}/"},
        },
    )


def _form(call: Call) -> dict[str, str]:
    return dict(parse_qsl(call.body.decode("utf-8", "replace"), keep_blank_values=True)) or dict(call.params)


def _client_credentials(call: Call, form: Mapping[str, str]) -> dict[str, Any]:
    _check_app(call, form, needs_secret=True)
    return _granted(call, call.org.store.integration_user_id)


def _jwt_bearer(call: Call, form: Mapping[str, str]) -> dict[str, Any]:
    certificate = call.org.switch("jwt_certificate")
    if certificate is None:
        raise OAuthError("invalid_client", "invalid client credentials")
    claims = _claims(call, form.get("assertion", ""), certificate)
    if claims.get("iss") != call.org.consumer_key:
        raise OAuthError("invalid_client_id", "client identifier invalid")
    if int(claims["exp"]) - call.org.store.now() > call.org.switch("jwt_longest_seconds"):
        raise OAuthError("invalid_grant", "assertion expiration is too far in the future")
    found = (
        call.org.store.read()
        .execute('SELECT Id FROM "User" WHERE Username = ? COLLATE NOCASE AND IsActive', (claims.get("sub"),))
        .fetchone()
    )
    if found is None:
        raise OAuthError("invalid_grant", "user hasn't approved this consumer")
    answer = _granted(call, found[0])
    if call.org.switch("jwt_answers_are_short"):
        del answer["issued_at"], answer["signature"]
    return answer


def _claims(call: Call, assertion: str, certificate: str) -> dict[str, Any]:
    audiences = [
        "https://login.salesforce.com", "https://test.salesforce.com", "http://login.salesforce.com",
        call.base_url, call.base_url.replace("http://", "https://"),
    ]  # fmt: skip
    try:
        key = _public_key(certificate)
        return jwt.decode(
            assertion,
            key,
            algorithms=["RS256"],
            audience=audiences,
            options={"verify_exp": True, "verify_iat": False},
        )
    except jwt.InvalidAudienceError as exc:
        raise OAuthError("invalid_grant", "audience is invalid") from exc
    except jwt.ExpiredSignatureError as exc:
        raise OAuthError("invalid_grant", "expired authorization code") from exc
    except (jwt.InvalidTokenError, ValueError) as exc:
        raise OAuthError("invalid_grant", "invalid assertion") from exc


def _public_key(pem: str) -> Any:
    if "BEGIN CERTIFICATE" not in pem:
        return pem
    from cryptography import x509

    return x509.load_pem_x509_certificate(pem.encode()).public_key()


def _refresh(call: Call, form: Mapping[str, str]) -> dict[str, Any]:
    _check_app(call, form, needs_secret=False)
    given = form.get("refresh_token", "")
    found = sessions.take(call.org, given, "refresh")
    if found is None or found["ended"]:
        if found is not None and found["grant_id"]:
            # a rotated token used again looks stolen: the whole grant goes
            sessions.end_grant(call.org, found["grant_id"])
        raise OAuthError("invalid_grant", "expired access/refresh token")
    answer = _granted(call, found["user_id"])
    if call.org.switch("rotates_refresh_tokens"):
        answer["refresh_token"] = sessions.issue_refresh(call.org, found["user_id"], found["grant_id"])
        sessions.spend(call.org, given)
    return answer


def _authorization_code(call: Call, form: Mapping[str, str]) -> dict[str, Any]:
    _check_app(call, form, needs_secret="code_verifier" not in form)
    code = form.get("code", "")
    found = sessions.take(call.org, code, "code")
    if found is None or found["ended"]:
        raise OAuthError("invalid_grant", "expired authorization code")
    if found["challenge"] and found["challenge"] != _challenge(form.get("code_verifier", "")):
        raise OAuthError("invalid_grant", "invalid code verifier")
    sessions.spend(call.org, code)
    refresh = sessions.issue_refresh(call.org, found["user_id"])
    return _granted(call, found["user_id"]) | {"refresh_token": refresh}


def _password(call: Call, form: Mapping[str, str]) -> dict[str, Any]:
    """Off by default in new orgs; the refusal looks like a wrong password."""
    raise OAuthError("invalid_grant", "authentication failure")


_FLOWS: dict[str, Callable[[Call, Mapping[str, str]], dict[str, Any]]] = {
    "client_credentials": _client_credentials,
    _JWT_BEARER: _jwt_bearer,
    "refresh_token": _refresh,
    "authorization_code": _authorization_code,
    "password": _password,
}


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def _check_app(call: Call, form: Mapping[str, str], *, needs_secret: bool) -> None:
    key, secret = _app_credentials(call, form)
    if key != call.org.consumer_key:
        raise OAuthError("invalid_client_id", "client identifier invalid")
    if (needs_secret or secret) and not hmac.compare_digest(
        secret.encode(), call.org.consumer_secret.encode()
    ):
        raise OAuthError("invalid_client", "invalid client credentials")


def _app_credentials(call: Call, form: Mapping[str, str]) -> tuple[str, str]:
    scheme, _, encoded = call.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return form.get("client_id", ""), form.get("client_secret", "")
    try:
        key, _, secret = base64.b64decode(encoded).decode().partition(":")
    except (binascii.Error, ValueError) as exc:
        raise OAuthError("invalid_client", "invalid client credentials") from exc
    return key, secret


def _granted(call: Call, user_id: str) -> dict[str, Any]:
    org = call.org
    if not org.switch("api_enabled"):
        raise OAuthError("invalid_app_access", "user is not admin approved to access this app")
    identity_url = f"{call.base_url}/id/{org.store.org_id}/{user_id}"
    issued_at = str(int(org.store.clock() * 1000))
    return {
        "access_token": sessions.issue(org, user_id),
        "signature": _signature(org, identity_url + issued_at),
        "scope": "api refresh_token",
        "instance_url": org.switch("instance_url") or call.base_url,
        "id": identity_url,
        "token_type": "Bearer",
        "issued_at": issued_at,
    }


def _signature(org: Org, text: str) -> str:
    return base64.b64encode(hmac.digest(org.consumer_secret.encode(), text.encode(), "sha256")).decode()
