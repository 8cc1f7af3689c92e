"""What a created contact is made of, and with what less if respond.io refuses a part of it."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterator
from dataclasses import dataclass

import phonenumbers

from contact_sync import database, errors, tenants
from contact_sync.respond_io import changes
from contact_sync.respond_io import session as respond_session
from contact_sync.stages import _person

log = logging.getLogger(__name__)

_TAG_COLOR = "tag-blue"
_TAG_DESCRIPTION = "Created from a new Salesforce contact. Put back daily where it is removed."
#: Types of custom fields that take a Salesforce id.
_TEXT_TYPES = frozenset({"text", "textArea"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """One way to create a person. ``lacks`` names what was left out of it: email, phone, or nothing."""

    identifier: str
    fields: changes.ContactFields
    lacks: str | None = None


def drafts(person: _person.Person, id_field: str | None) -> Iterator[Draft]:
    """Yield the ways to create a person, the whole one first: a later one leaves out what may have been refused."""
    own = {id_field: person.salesforce_id} if id_field else {}
    whole = changes.ContactFields(
        first_name=person.first_name,
        last_name=person.last_name,
        email=person.email,
        phone=person.phone,
        country=country(person.phone),
        custom_fields=own,
    )
    yield Draft(identifier=person.identifier, fields=whole)
    if own:
        yield Draft(identifier=person.identifier, fields=dataclasses.replace(whole, custom_fields={}))
    if person.phone and person.email:
        by_email = dataclasses.replace(whole, phone=None, country=None)
        yield Draft(identifier=f"email:{person.email}", fields=by_email, lacks="phone")
        yield Draft(
            identifier=person.identifier, fields=dataclasses.replace(whole, email=None), lacks="email"
        )


def country(phone: str | None) -> str | None:
    """Return the ISO 3166-1 code of the country that an E.164 number belongs to; None if it is no one country's."""
    if not phone:
        return None
    region = phonenumbers.region_code_for_number(phonenumbers.parse(phone, None))
    return region if region and region.isalpha() and region != "ZZ" else None


def make_tag(db: database.Database, respond: respond_session.Session, workspace_id: str) -> None:
    """Let the workspace have our tag with a colour and a description, once, where contacts are created and tagged.

    One that is there keeps its own; adding a tag that is not there would make it, grey and unexplained. That is all a
    refusal means, so it stops nothing: the next run tries again.
    """
    workspace = tenants.known_workspace(db, workspace_id)
    is_used = workspace["tag_created"] and workspace["auto_create_since"] is not None
    if not is_used or workspace["tag_made_at"] is not None:
        return
    try:
        _make_tag(respond, workspace_id)
    except (errors.RejectError, errors.StopError) as error:
        reason = error.code if isinstance(error, errors.RejectError) else error
        log.warning("workspace %s did not get its tag: %s", workspace_id, reason)
    else:
        db.execute("mark_tag_made", workspace_id=workspace_id)


def _make_tag(respond: respond_session.Session, workspace_id: str) -> None:
    try:
        changes.create_tag(respond, tenants.CREATED_TAG, description=_TAG_DESCRIPTION, color=_TAG_COLOR)
    except errors.RejectError as error:
        if error.status != 400:
            raise
        is_new = changes.create_tag(respond, tenants.CREATED_TAG)
        log.warning(
            "workspace %s: respond.io refused our tag in colour and with a description (%s); %s",
            workspace_id,
            error.code,
            "it was made plain" if is_new else "one of that name is there",
        )


def known_id_field(respond: respond_session.Session, workspace: database.Row) -> str | None:
    """Return how to name the custom field that keeps Salesforce ids, None if none is wanted or the workspace lacks it.

    An unknown custom field would refuse the whole contact ("Create a contact").
    """
    wanted = str(workspace["id_field"] or "").casefold()
    if not wanted:
        return None
    for field in changes.custom_fields(respond):
        if wanted in (field.name.casefold(), (field.slug or "").casefold()) and field.type in _TEXT_TYPES:
            return field.slug or field.name
    log.warning(
        "workspace %s has no custom text field %s: contacts are created without their Salesforce id",
        workspace["workspace_id"],
        workspace["id_field"],
    )
    return None
