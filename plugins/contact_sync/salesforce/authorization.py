"""A person authorizes us once: the address to open, and what comes back from there.

Salesforce Help, "OAuth 2.0 Web Server Flow for Web App Integration", with PKCE (RFC 7636, S256). Nothing is kept here.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from contact_sync import errors, records

#: Where the browser ends up unless the app has a callback of its own: a page of Salesforce's that shows nothing.
_DONE = "/services/oauth2/success"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is kept of a question until its answer comes."""

    #: Comes back with the answer.
    state: str
    #: Secret until the code is exchanged.
    verifier: str = field(repr=False)
    redirect_uri: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Question(Asked):
    """What a person is asked: an address for their browser."""

    url: str


def question(connection: records.SalesforceConnection) -> Question:
    """Return a new question for a connection's app."""
    state, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(64)
    redirect_uri = connection.redirect_uri or connection.login_url + _DONE
    asked = {
        "response_type": "code",
        "client_id": connection.consumer_key,
        "redirect_uri": redirect_uri,
        "scope": "api refresh_token",
        "state": state,
        "code_challenge": _challenge(verifier),
        "code_challenge_method": "S256",
    }
    url = f"{connection.login_url}/services/oauth2/authorize?{urlencode(asked)}"
    return Question(url=url, state=state, verifier=verifier, redirect_uri=redirect_uri)


def code_of(pasted: str, *, conn_id: str, state: str) -> str:
    """Return the code of what a person pasted: the address they were sent to, or the code alone.

    Raises StopError if it is neither, answers another question, or says that they refused.
    """
    text = pasted.strip()
    found = parse_qs(urlsplit(text).query) if "?" in text else {}
    again = f"run `python -m contact_sync connect {conn_id}` for a new address"
    if "error" in found:
        raise errors.StopError(
            f"connection {conn_id}: Salesforce did not authorize it: {found['error'][0]}"
            f" ({found.get('error_description', ['no reason given'])[0]}); {again}"
        )
    if "code" not in found:
        if not text or "/" in text or " " in text:
            raise errors.StopError(
                f"connection {conn_id}: that is neither a code nor the address you were sent to; {again}"
            )
        return unquote(text)
    if not secrets.compare_digest(found.get("state", [""])[0].encode(), state.encode()):
        raise errors.StopError(f"connection {conn_id}: this address answers an older question; {again}")
    return found["code"][0]


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
