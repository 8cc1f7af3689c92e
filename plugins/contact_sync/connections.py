"""Airflow connections as our records: how to log in to an org, how to reach a workspace.

Reads connections in the forms that Airflow itself writes (JSON or URI, in ``AIRFLOW_CONN_<ID>``), without
Airflow. Messages name the connection and what is missing, never a value.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from contact_sync import errors, records

#: Where Salesforce logs people in unless the org says otherwise.
LOGIN_URL = "https://login.salesforce.com"
RESPOND_URL = "https://api.respond.io/v2"

#: What an Authorization header can carry; anything else would be quoted by the client's own error.
_TOKEN = re.compile(r"[!-~]+")

_PREFIX = "extra__salesforce__"
_SHARED_HOSTS = ("login.salesforce.com", "test.salesforce.com")


def variable(conn_id: str) -> str:
    """The environment variable that holds a connection, as Airflow names it."""
    return f"AIRFLOW_CONN_{conn_id.upper()}"


def from_environment(conn_id: str, environ: Mapping[str, str]) -> Mapping[str, Any]:
    """Return the connection's fields: host, login, password, schema, port, extra (a dict).

    Raises StopError if it is not there or cannot be read.
    """
    text = environ.get(variable(conn_id), "").strip()
    if not text:
        raise errors.StopError(f"connection {conn_id} is missing: set {variable(conn_id)} (JSON or URI)")
    try:
        return _from_json(text) if text.startswith("{") else _from_uri(text)
    except ValueError:
        # the cause is left out on purpose: parsers quote the text, and the text holds secrets
        raise errors.StopError(
            f"connection {conn_id}: {variable(conn_id)} is neither JSON nor a URI"
        ) from None


def salesforce_connection(conn_id: str, fields: Mapping[str, Any]) -> records.SalesforceConnection:
    """Return how to log in. The flow follows from what is given: a refresh token, else JWT, else client
    credentials; with the app's key alone, or ``flow`` = ``authorization_code``, a person authorizes it once.

    Raises StopError if no flow is complete, or an address is none.
    """
    extra = _salesforce_extra(conn_id, fields)
    secret, private_key = str(extra.get("consumer_secret") or ""), _private_key(conn_id, extra)
    refresh_token = _text(extra.get("refresh_token"))
    has_flow = bool(secret or private_key or refresh_token)
    connection = records.SalesforceConnection(
        conn_id=conn_id,
        login_url=_login_url(conn_id, fields, extra),
        instance_url=_url(conn_id, "instance_url", extra.get("instance_url")),
        consumer_key=str(extra.get("consumer_key") or ""),
        consumer_secret=secret,
        username=_text(fields.get("login")),
        private_key=private_key,
        refresh_token=refresh_token,
        is_authorized=_is_authorized(conn_id, extra) or not has_flow,
        redirect_uri=_text(extra.get("redirect_uri")),
        burst_size=int(_number(conn_id, "burst_size", extra.get("burst_size"), usual=20, least=2)),
        burst_seconds=_number(conn_id, "burst_seconds", extra.get("burst_seconds"), usual=60, least=1),
    )
    _check_flow(connection)
    return connection


def respond_connection(conn_id: str, fields: Mapping[str, Any]) -> records.RespondConnection:
    """Return how to reach the workspace. An address without a path gets ``/v2``; no host means respond.io's.

    Raises StopError if the token is missing, or the address is none.
    """
    token = _text(fields.get("password"))
    if not token:
        raise errors.StopError(
            f"connection {conn_id}: the password is empty; put the workspace's API token there"
        )
    if not _TOKEN.fullmatch(token):
        raise errors.StopError(
            f"connection {conn_id}: the password is no API token; copy it again, in one piece"
        )
    base_url = _url(conn_id, "host", _address(fields)) or RESPOND_URL
    if not urlsplit(base_url).path:
        base_url += "/v2"
    return records.RespondConnection(conn_id=conn_id, base_url=base_url, token=token)


def _from_json(text: str) -> Mapping[str, Any]:
    fields = json.loads(text)
    extra = fields.get("extra")
    return {**fields, "extra": json.loads(extra) if isinstance(extra, str) and extra else extra or {}}


def _from_uri(text: str) -> Mapping[str, Any]:
    """``type://login:password@host:port/schema?extras``, as Airflow reads it; a host may bring its scheme."""
    scheme, _, rest = text.partition("://")
    if not scheme or not rest:
        raise ValueError
    inner, has_inner, remainder = rest.partition("://")
    is_nested = bool(has_inner) and inner.isalpha()
    parts = urlsplit(f"//{remainder if is_nested else rest}")
    host = unquote(parts.netloc.rpartition("@")[2].partition(":")[0])
    extra = dict(parse_qsl(parts.query, keep_blank_values=True))
    return {
        "host": f"{inner}://{host}" if is_nested and host else host,
        "login": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "schema": unquote(parts.path[1:]),
        "port": parts.port,
        "extra": json.loads(extra["__extra__"]) if "__extra__" in extra else extra,
    }


def _salesforce_extra(conn_id: str, fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """Extras without the prefix that older Airflow forms wrote; the plain name wins."""
    extra = fields.get("extra") or {}
    if isinstance(extra, str):
        try:
            extra = json.loads(extra)
        except ValueError:
            raise errors.StopError(f"connection {conn_id}: the extra is not JSON") from None
    if not isinstance(extra, Mapping):
        raise errors.StopError(f"connection {conn_id}: the extra is not a JSON object")
    old = {key.removeprefix(_PREFIX): value for key, value in extra.items() if key.startswith(_PREFIX)}
    return {**old, **{key: value for key, value in extra.items() if value not in (None, "")}}


def _login_url(conn_id: str, fields: Mapping[str, Any], extra: Mapping[str, Any]) -> str:
    """``login_url``, else ``domain`` (``login``, ``test`` or a My Domain), else a host that is a URL."""
    given = _url(conn_id, "login_url", extra.get("login_url"))
    if given:
        return given
    domain = _text(extra.get("domain"))
    if domain:
        return f"https://{domain.removesuffix('.salesforce.com')}.salesforce.com"
    host = str(fields.get("host") or "")
    return _url(conn_id, "host", host) or LOGIN_URL if "://" in host else LOGIN_URL


def _private_key(conn_id: str, extra: Mapping[str, Any]) -> str | None:
    path = _text(extra.get("private_key_file_path"))
    if extra.get("private_key") or not path:
        # a one-line environment variable carries the PEM's line ends as \n
        return (_text(extra.get("private_key")) or "").replace("\\n", "\n") or None
    try:
        return Path(path).read_text(encoding="ascii")
    except (OSError, ValueError):
        raise errors.StopError(f"connection {conn_id}: private_key_file_path cannot be read") from None


def _is_authorized(conn_id: str, extra: Mapping[str, Any]) -> bool:
    flow = _text(extra.get("flow"))
    if flow not in (None, "authorization_code"):
        raise errors.StopError(
            f"connection {conn_id}: flow can only be authorization_code; every other log-in follows from what is given"
        )
    return flow is not None


def _check_flow(connection: records.SalesforceConnection) -> None:
    name = f"connection {connection.conn_id}"
    if not connection.consumer_key:
        raise errors.StopError(
            f"{name}: consumer_key is missing from the extra (passwords are not supported)"
        )
    if connection.refresh_token or connection.is_authorized:
        return
    if connection.private_key:
        if not connection.username:
            raise errors.StopError(f"{name}: a private key needs the login, the user to act as")
        return
    if urlsplit(connection.login_url).hostname in _SHARED_HOSTS:
        raise errors.StopError(
            f"{name}: client credentials need the org's My Domain; set login_url or domain in the extra"
        )


def _address(fields: Mapping[str, Any]) -> str | None:
    """The host with or without a scheme, which is else in ``schema``; the port apart."""
    host = _text(fields.get("host"))
    if not host:
        return None
    address = host if "://" in host else f"{_text(fields.get('schema')) or 'https'}://{host}"
    port = fields.get("port")
    if not port:
        return address
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.hostname}:{port}{parts.path}"


def _url(conn_id: str, name: str, value: object) -> str | None:
    text = _text(value)
    if text is None:
        return None
    try:
        parts = urlsplit(text)
        is_address = parts.scheme in {"http", "https"} and bool(parts.hostname) and not parts.query
    except ValueError:
        is_address = False
    if not is_address:
        raise errors.StopError(f"connection {conn_id}: {name} is not a full http(s) address")
    return text.rstrip("/")


def _number(conn_id: str, name: str, value: object, *, usual: float, least: float) -> float:
    try:
        number = usual if _text(value) is None else float(str(value))
    except ValueError:
        number = math.nan
    if not least <= number <= 86_400:
        raise errors.StopError(f"connection {conn_id}: {name} is not a number from {least:g} to 86400")
    return number


def _text(value: object) -> str | None:
    return str(value).strip() or None if value is not None else None
