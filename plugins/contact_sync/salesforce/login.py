"""The token request: client credentials, JWT bearer, refresh token, or the code of a person's authorization.

Salesforce Help, "OAuth Authorization Flows" and "OAuth Error Codes". No SOAP and no username-password. Keeps nothing;
whoever calls stores the answer.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime

import jwt

from contact_sync import answers, errors, records, transport
from contact_sync.salesforce import authorization

ROUTE = "/services/oauth2/token"

#: Salesforce accepts up to three to five minutes; the shorter is right everywhere.
_ASSERTION_SECONDS = 180
#: Every other 4xx is configuration: trying again only locks the door.
_PASSING = {408, 420, 425, 429}
_REFUSALS = [status for status in range(400, 500) if status not in _PASSING]

#: What to do about a refusal, by its code; the description's beginning, where one code says several things.
_ADVICE = {
    "inactive_org": "The org is locked, closed or suspended",
    "inactive_user": "Activate the integration user in Setup, Users",
    "invalid_app_access": "Let the user use the app: Setup, External Client App Manager, the app's policies",
    "invalid_client": "Correct consumer_secret in the connection's extra",
    "invalid_client_id": "Correct consumer_key in the connection's extra; a new app takes ten minutes to be known",
    "invalid_grant": "The grant is gone or was never given: correct the connection, or authorize it again",
    "invalid_grant: audience is invalid": "Correct login_url: log in where the user does",
    "invalid_grant: expired access/refresh token": "The grant was revoked: authorize again",
    "invalid_grant: expired authorization code": "A code lasts 15 minutes and works once: ask for a new one",
    "invalid_grant: no client credentials user enabled": "Choose a Run As user in the app's policies",
    "invalid_grant: user hasn't approved this consumer": "Pre-authorize the user in the app's policies",
    "invalid_grant: user is locked": "Unlock the integration user in Setup, Users",
    "redirect_uri_mismatch": "Put the app's callback URL into redirect_uri of the connection's extra",
    "unsupported_grant_type": "Enable this flow in the app's settings",
}


class LoginRefusedError(errors.StopError):
    """Salesforce refused the log-in. ``code`` is its own word, such as ``invalid_grant``."""

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code


def log_in(
    call: transport.Transport,
    connection: records.SalesforceConnection,
    *,
    refresh_token: str | None,
    headers: Mapping[str, str],
) -> records.SalesforceToken:
    """Ask for a token. ``refresh_token`` is used instead of the connection's own, which only seeds the first.

    Raises LoginRefusedError naming the connection and Salesforce's own reason; RetryError if it cannot answer now.
    """
    # a rotating refresh token is used up by the first attempt, so that one is not repeated blindly
    is_idempotent = not (connection.refresh_token or connection.is_authorized)
    form = _grant(connection, refresh_token)
    return _asked(call, connection, form, is_idempotent=is_idempotent, headers=headers)


def exchange(
    call: transport.Transport,
    connection: records.SalesforceConnection,
    *,
    asked: authorization.Asked,
    code: str,
    headers: Mapping[str, str],
) -> records.SalesforceToken:
    """Exchange the code of a person's authorization (PKCE) for a token with a refresh token; errors as ``log_in``."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "code_verifier": asked.verifier,
        "redirect_uri": asked.redirect_uri,
        **_client(connection),
    }
    token = _asked(call, connection, form, is_idempotent=False, headers=headers)
    if not token.refresh_token:
        raise LoginRefusedError(
            f"connection {connection.conn_id}: Salesforce gave no refresh token. Add the scope refresh_token to"
            " the app, then connect again",
            code="no_refresh_token",
        )
    return token


def _asked(
    call: transport.Transport,
    connection: records.SalesforceConnection,
    form: Mapping[str, str],
    *,
    is_idempotent: bool,
    headers: Mapping[str, str],
) -> records.SalesforceToken:
    answer = call.call(
        "POST",
        connection.login_url + ROUTE,
        route=ROUTE,
        data=form,
        headers={"Accept": "application/json", **headers},
        is_idempotent=is_idempotent,
        accept=_REFUSALS,
    )
    if answer.is_success:
        return _token(connection, answers.json_object(answer, f"Salesforce POST {ROUTE}"))
    refusal = answers.read_error(answer)
    raise LoginRefusedError(
        f"connection {connection.conn_id}: Salesforce refused the log-in: {refusal.code}"
        f" ({refusal.text or 'no reason given'}). {_advice(refusal)}. Then run"
        f" `python -m contact_sync connect {connection.conn_id}`, or wait up to 15 minutes",
        code=refusal.code,
    )


def _advice(refusal: answers.VendorError) -> str:
    exact = _ADVICE.get(f"{refusal.code}: {refusal.text}")
    return exact or _ADVICE.get(refusal.code) or "Correct the connection"


def _client(connection: records.SalesforceConnection) -> Mapping[str, str]:
    """Who we are; an app without a secret proves itself by the verifier and the refresh token."""
    secret = {"client_secret": connection.consumer_secret} if connection.consumer_secret else {}
    return {"client_id": connection.consumer_key, **secret}


def _grant(connection: records.SalesforceConnection, refresh_token: str | None) -> Mapping[str, str]:
    if connection.refresh_token or connection.is_authorized:
        token = refresh_token or connection.refresh_token
        if token is None:
            raise LoginRefusedError(
                f"connection {connection.conn_id}: nobody has authorized it yet: run `python -m contact_sync connect"
                f" {connection.conn_id}`, or add consumer_secret, private_key or refresh_token to its extra",
                code="not_authorized",
            )
        return {"grant_type": "refresh_token", "refresh_token": token, **_client(connection)}
    if connection.private_key:
        return {
            "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
            "assertion": _assertion(connection, connection.private_key),
        }
    return {"grant_type": "client_credentials", **_client(connection)}


def _assertion(connection: records.SalesforceConnection, private_key: str) -> str:
    claims = {
        "iss": connection.consumer_key,
        "sub": connection.username,
        "aud": connection.login_url,
        "exp": int(time.time()) + _ASSERTION_SECONDS,
    }
    try:
        return jwt.encode(claims, private_key, algorithm="RS256")
    except (ValueError, jwt.PyJWTError):
        raise errors.StopError(
            f"connection {connection.conn_id}: private_key is no RSA key in PEM form"
        ) from None


def _token(connection: records.SalesforceConnection, body: records.Json) -> records.SalesforceToken:
    access_token, instance_url = body.get("access_token"), body.get("instance_url") or connection.instance_url
    if not access_token or not instance_url:
        raise errors.RetryError(
            f"connection {connection.conn_id}: the token answer lacks a token or an address"
        )
    org_id, user_id = _identity(str(body.get("id") or ""))
    return records.SalesforceToken(
        access_token=str(access_token),
        instance_url=str(instance_url).rstrip("/"),
        issued_at=_issued_at(body.get("issued_at")),
        refresh_token=body.get("refresh_token"),
        org_id=org_id,
        user_id=user_id,
    )


def _identity(url: str) -> tuple[str | None, str | None]:
    """Org and user of ``…/id/<org>/<user>``, as 18 characters."""
    parts = url.rstrip("/").split("/")
    if len(parts) < 3 or parts[-3] != "id":
        return None, None
    return eighteen(parts[-2]), eighteen(parts[-1])


def _issued_at(value: object) -> datetime:
    """Epoch milliseconds as text; JWT answers may lack it."""
    milliseconds = int(str(value)) if str(value).isdigit() else int(time.time() * 1000)
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def eighteen(salesforce_id: str) -> str:
    """The case-safe 18-character form of an id; what is not 15 long is returned as it is.

    Each suffix character holds, as five bits, which characters of a group of five are upper case.
    """
    if len(salesforce_id) != 15:
        return salesforce_id
    groups = (salesforce_id[start : start + 5] for start in (0, 5, 10))
    suffix = (sum(1 << i for i, letter in enumerate(group) if letter.isupper()) for group in groups)
    return salesforce_id + "".join("ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"[bits] for bits in suffix)
