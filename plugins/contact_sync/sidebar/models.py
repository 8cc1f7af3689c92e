"""What travels over the sidebar's HTTP, as documented in its OpenAPI. Fields that are absent are left out, not null."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AllowInfNan,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
)

#: The largest id: a bigint of Postgres.
LARGEST_ID = 2**63 - 1
#: As the database has it for ids of workspaces.
WORKSPACE_PATTERN = r"^[A-Za-z0-9_.-]{1,64}$"
FIELD_PATTERN = r"^[A-Za-z][A-Za-z0-9_.]{0,254}$"

EditStatus = Literal[
    "queued", "applying", "applied", "conflict", "rejected", "discarded", "superseded", "parked"
]


def _storable(text: str) -> str:
    """NUL and halves of surrogate pairs are legal JSON that no database column takes."""
    if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("holds a character that cannot be stored")
    return text


Text = Annotated[StrictStr, AfterValidator(_storable)]
Value = StrictBool | StrictInt | Annotated[StrictFloat, AllowInfNan(False)] | Text | list[Text] | None


class OpenEdit(BaseModel):
    """An edit that is under way, or ended without success and was not followed by another."""

    edit_id: int
    status: Literal["queued", "applying", "parked", "conflict", "rejected"]
    value: Any = Field(description="The value that was asked for.")
    reason: str | None = Field(default=None, description="Why it waits, or was not taken.")


class Item(BaseModel):
    """One chosen field of "Customize view"."""

    name: str = Field(description="Salesforce's API name.")
    label: str
    type: str = Field(description="Salesforce's field type.")
    value: Any
    editable: bool
    read_only_reason: str | None = None
    as_of: datetime | None = Field(description="Salesforce's clock at the read that gave this value.")
    stale: datetime | None = Field(
        default=None, description="Since when it can no longer be read, or is kept by a hold."
    )
    edit: OpenEdit | None = None


class Sidebar(BaseModel):
    """What an agent sees of one contact. ``reason`` and ``hint`` are there where there is no match."""

    workspace_id: str
    respond_id: int
    match_status: Literal["matched", "ambiguous", "unmatched"]
    matched_by: str | None = None
    salesforce_id: str | None = None
    salesforce_url: str | None = Field(default=None, description='"View in Salesforce".')
    as_of: datetime | None = None
    refreshed_at: datetime | None = None
    reason: str | None = None
    hint: str | None = Field(default=None, description="A sentence: how to get a match.")
    candidate_count: int | None = None
    fields: list[Item] = Field(description="The chosen fields in their order; empty without a match.")

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "workspace_id": "demo",
                    "respond_id": 104711,
                    "match_status": "matched",
                    "matched_by": "email",
                    "salesforce_id": "003000000000001AAA",
                    "salesforce_url": "https://acme.my.salesforce.com/lightning/r/Contact/003000000000001AAA/view",
                    "as_of": "2026-01-01T12:00:00Z",
                    "refreshed_at": "2026-01-01T12:00:02Z",
                    "fields": [
                        {
                            "name": "Title",
                            "label": "Title",
                            "type": "string",
                            "value": "Countess",
                            "editable": True,
                            "as_of": "2026-01-01T12:00:00Z",
                            "edit": {
                                "edit_id": 7,
                                "status": "queued",
                                "value": "Programmer",
                                "reason": None,
                            },
                        }
                    ],
                },
                {
                    "workspace_id": "demo",
                    "respond_id": 104712,
                    "match_status": "unmatched",
                    "reason": "no_identifier",
                    "hint": "Give this contact an e-mail address or a phone number, then it can be compared"
                    " with Salesforce.",
                    "fields": [],
                },
            ]
        }
    )


class NewEdit(BaseModel):
    """An agent's wish. ``base_value`` is what the agent saw: nobody else's change is overwritten."""

    workspace_id: str | None = Field(default=None, description="The token's, if it is given at all.")
    respond_id: Annotated[StrictInt, Field(ge=1, le=LARGEST_ID)]
    field_name: Annotated[StrictStr, Field(pattern=FIELD_PATTERN)]
    base_value: Value = None
    new_value: Value

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "respond_id": 104711,
                    "field_name": "Title",
                    "base_value": "Countess",
                    "new_value": "Programmer",
                }
            ]
        },
    )


class Edit(BaseModel):
    """One edit, and what became of it."""

    edit_id: int
    workspace_id: str
    respond_id: int | None
    salesforce_id: str
    field_name: str
    base_value: Any
    new_value: Any
    stored_value: Any = Field(description="What Salesforce holds after the edit, read back.")
    status: EditStatus
    error_code: str | None
    error_detail: str | None = Field(description="A sentence for the agent.")
    changed_by_salesforce: bool
    after_edit_id: int | None
    reverts_edit_id: int | None
    requested_by: str
    requested_at: datetime
    sent_at: datetime | None
    settled_at: datetime | None

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "edit_id": 7,
                    "workspace_id": "demo",
                    "respond_id": 104711,
                    "salesforce_id": "003000000000001AAA",
                    "field_name": "Title",
                    "base_value": "Countess",
                    "new_value": "Programmer",
                    "stored_value": None,
                    "status": "queued",
                    "error_code": None,
                    "error_detail": None,
                    "changed_by_salesforce": False,
                    "after_edit_id": None,
                    "reverts_edit_id": None,
                    "requested_by": "agent@example.org",
                    "requested_at": "2026-01-01T12:00:00Z",
                    "sent_at": None,
                    "settled_at": None,
                }
            ]
        },
    )


class Heard(BaseModel):
    """What became of a webhook."""

    outcome: Literal["taken", "ignored", "quarantined", "repeated"]


class Health(BaseModel):
    """The service answers, and so does its database."""

    status: Literal["ok"] = "ok"


class FieldProblem(BaseModel):
    """One of several faults of a request."""

    field: str
    code: str
    detail: str


class Problem(BaseModel):
    """A problem document (RFC 9457). ``code`` is for programs, ``detail`` for people."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    field: str | None = None
    errors: list[FieldProblem] | None = None

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "about:blank",
                    "title": "Unprocessable Content",
                    "status": 422,
                    "detail": "Phone cannot be edited. E-mail and phone fields decide whose data is shown here;"
                    " change them in Salesforce.",
                    "code": "email_or_phone",
                    "field": "Phone",
                }
            ]
        }
    )
