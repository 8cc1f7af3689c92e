"""The vocabulary: frozen, typed records that the rooms of the house hand to each other. No behaviour beyond reading."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NewType

OrgId = NewType("OrgId", str)
WorkspaceId = NewType("WorkspaceId", str)
SalesforceId = NewType("SalesforceId", str)
RespondId = NewType("RespondId", int)

#: Lanes of the API budget, most urgent first.
Lane = Literal["edit", "create", "extract", "backfill"]

#: Why a raw value is no key.
KeyReason = Literal[
    "empty",
    "placeholder",
    "no_country",
    "no_area_code",
    "too_short",
    "too_long",
    "invalid",
    "several_values",
]

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """What one raw e-mail or phone became: a key to compare by, or the reason why there is none.

    Exactly one of ``key`` and ``reason`` is None.
    """

    #: The comparable form: a lower-case address, or digits with a leading ``+``.
    key: str | None
    #: Phones only: E.164 for dialling and creating; may differ from ``key`` where numbers have aliases.
    e164: str | None = None
    reason: KeyReason | None = None
    #: Phones that name no country only: their digits without trunk zeros, for near misses.
    national: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SalesforceConnection:
    """How to log in to one org. ``conn_id`` names it in messages; everything else is configuration or secret."""

    conn_id: str
    login_url: str
    instance_url: str | None = None
    consumer_key: str = field(default="", repr=False)
    consumer_secret: str = field(default="", repr=False)
    #: Set for the JWT bearer flow: the user we act as, and the PEM text of the private key.
    username: str | None = None
    private_key: str | None = field(default=None, repr=False)
    #: Set for the refresh-token flow; only seeds the first one.
    refresh_token: str | None = field(default=None, repr=False)
    #: A person authorizes us once, by ``connect``; the refresh token is known to the database only.
    is_authorized: bool = False
    #: Where Salesforce sends that person back to, with the code.
    redirect_uri: str | None = None
    #: So many contacts that one user made within so many seconds count as a bulk import.
    burst_size: int = 20
    burst_seconds: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RespondConnection:
    """How to reach one respond.io workspace: base URL up to and including ``/v2``, and its bearer token."""

    conn_id: str
    base_url: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SalesforceToken:
    """What the token endpoint answered. ``instance_url`` is authoritative for every later call."""

    access_token: str = field(repr=False)
    instance_url: str
    issued_at: datetime
    #: The new refresh token, where the org rotates them.
    refresh_token: str | None = field(default=None, repr=False)
    #: The integration user and org, as the identity URL of the answer names them.
    user_id: str | None = None
    org_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SalesforceField:
    """One field of the describe, as the integration user sees it."""

    name: str
    label: str
    type: str
    length: int = 0
    updateable: bool = False
    calculated: bool = False
    nillable: bool = True
    restricted: bool = False
    #: Active picklist values, in order; empty for other types.
    picklist: tuple[str, ...] = ()
    #: References only: what its record is called in queries, and the objects that may be of.
    relationship: str | None = None
    refers_to: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryPage:
    """One page of a REST query: records as Salesforce gave them, without their ``attributes``."""

    total_size: int
    records: list[Json]
    #: Path of the next page, None on the last one.
    next_path: str | None
    #: The server's clock (``Date`` header), UTC.
    server_date: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RespondContact:
    """One respond.io contact as the vendor gave it; ``payload`` keeps what we do not name."""

    respond_id: RespondId
    first_name: str | None
    last_name: str | None
    email: str | None
    phone: str | None
    country: str | None
    tags: tuple[str, ...] = ()
    created_at: datetime | None = None
    payload: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RespondPage:
    """One page of the contact list; ``next_cursor`` is None on the last one."""

    contacts: list[RespondContact]
    next_cursor: int | None
