"""The token request: client credentials, JWT bearer or refresh token (Salesforce Help, "OAuth Authorization Flows").

No SOAP and no username-password. Keeps nothing; whoever calls stores the answer.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime

import jwt

from contact_sync import answers, errors, records, transport

ROUTE = "/services/oauth2/token"

#: Salesforce accepts up to three to five minutes; the shorter is right everywhere.
_ASSERTION_SECONDS = 180
#: Every other 4xx is configuration: trying again only locks the door.
_PASSING = {408, 420, 425, 429}
_REFUSALS = [status for status in range(400, 500) if status not in _PASSING]


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
    answer = call.call(
        "POST",
        connection.login_url + ROUTE,
        route=ROUTE,
        data=_grant(connection, refresh_token),
        headers={"Accept": "application/json", **headers},
        # a rotating refresh token is used up by the first attempt, so that one is not repeated blindly
        is_idempotent=connection.refresh_token is None,
        accept=_REFUSALS,
    )
    if not answer.is_success:
        refusal = answers.read_error(answer)
        raise LoginRefusedError(
            f"connection {connection.conn_id}: Salesforce refused the log-in: {refusal.code}"
            f" ({refusal.text or 'no reason given'}). Correct the connection, then run again",
            code=refusal.code,
        )
    return _token(connection, answers.json_object(answer, f"Salesforce POST {ROUTE}"))


def _grant(connection: records.SalesforceConnection, refresh_token: str | None) -> Mapping[str, str]:
    client = {"client_id": connection.consumer_key, "client_secret": connection.consumer_secret}
    if connection.refresh_token:
        token = refresh_token or connection.refresh_token
        return {"grant_type": "refresh_token", "refresh_token": token, **client}
    if connection.private_key:
        return {
            "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
            "assertion": _assertion(connection, connection.private_key),
        }
    return {"grant_type": "client_credentials", **client}


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
