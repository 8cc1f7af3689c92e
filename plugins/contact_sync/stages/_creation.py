"""One creation: claim the person's keys, look up, adopt or create, read back, tag, record.

respond.io has no idempotency key, so what protects against doubles is the order: ``claimed_at`` is committed after
a look-up found nobody and before the call. After a crash or an unclear answer the contact is looked up again; one
that is younger than ``claimed_at`` was made by us, an older one is adopted, and none at all means nothing was created.
"""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from contact_sync import database, errors, records
from contact_sync.respond_io import changes, contacts
from contact_sync.respond_io import session as respond_session
from contact_sync.stages import (
    _person,
    extract_respond_contacts,
    match_contacts,
    materialize_sidebar,
    normalize_contacts,
)

Outcome = Literal["tagged", "created", "adopted", "skipped", "rejected", "postponed", "replanned"]

#: An unclear answer is looked up after this long, when the vendor has finished what it began.
UNCLEAR_SECONDS = 60.0
#: Their clock may be behind ours, and their creation times are whole seconds.
CLOCK_SKEW = timedelta(seconds=5)


def advance(
    db: database.Database, respond: respond_session.Session, workspace: database.Row, row: database.Row
) -> Outcome:
    """Take one creation as far as it goes now. Errors that concern this record alone end on its row."""
    place = {"workspace_id": workspace["workspace_id"], "salesforce_id": row["salesforce_id"]}
    try:
        return _advance(db, respond, workspace, row)
    except errors.RejectError as error:
        with db.transaction() as tx:
            _settle(
                tx,
                workspace,
                row["salesforce_id"],
                "rejected",
                error_code=error.code,
                error_detail=error.detail,
            )
            tx.execute("release_claims", **place)
        return "rejected"
    except errors.RetryError as error:
        seconds = UNCLEAR_SECONDS if error.is_ambiguous else (error.retry_after_seconds or UNCLEAR_SECONDS)
        db.execute(
            "postpone_creation", seconds=seconds, error_code="unclear", error_detail=str(error), **place
        )
        raise


def _advance(
    db: database.Database, respond: respond_session.Session, workspace: database.Row, row: database.Row
) -> Outcome:
    if row["status"] == "created":
        return _tag_late(db, respond, workspace, row)
    person = _person.read(db, workspace, row["salesforce_id"])
    if row["status"] == "creating":
        return _resume(db, respond, workspace, person, row["claimed_at"])
    if person is None:
        _skip(db, workspace, row["salesforce_id"], "no_key")
        return "skipped"
    if not _claim(db, workspace, person):
        _skip(db, workspace, person.salesforce_id, "same_person")
        return "skipped"
    found = _look_up(db, respond, workspace, person)
    if found:
        return _record(db, workspace, person, found, "adopted")
    return _create(db, respond, workspace, person)


def _create(
    db: database.Database, respond: respond_session.Session, workspace: database.Row, person: _person.Person
) -> Outcome:
    place = {"workspace_id": workspace["workspace_id"], "salesforce_id": person.salesforce_id}
    # committed before the call: what is found younger than this is ours
    db.execute("begin_creation", claimed_at=datetime.now(UTC), **place)
    fields = changes.ContactFields(
        first_name=person.first_name, last_name=person.last_name, email=person.email, phone=person.phone
    )
    try:
        changes.create(respond, person.identifier, fields)
    except errors.RejectError as error:
        found = _look_up(db, respond, workspace, person) if error.status in (400, 409) else None
        if found is None:
            raise
        return _record(db, workspace, person, found, "adopted")
    found = contacts.get(respond, person.identifier)
    if found is None:
        raise errors.RetryError(
            f"respond.io took the creation for {person.salesforce_id} and does not show it yet; it is looked up again",
            is_ambiguous=True,
        )
    return _tag_and_record(db, respond, workspace, person, found)


def _resume(
    db: database.Database,
    respond: respond_session.Session,
    workspace: database.Row,
    person: _person.Person | None,
    claimed_at: datetime,
) -> Outcome:
    """After a crash or an unclear answer: look first."""
    if person is None:
        raise errors.RejectError("no_key", "the record lost its e-mail and phone while it was being created")
    found = _ask(respond, person)
    if found is None:
        with db.transaction() as tx:
            _settle(tx, workspace, person.salesforce_id, "planned")
        return "replanned"
    if found.created_at is not None and found.created_at >= claimed_at - CLOCK_SKEW:
        return _tag_and_record(db, respond, workspace, person, found)
    return _record(db, workspace, person, found, "adopted")


def _tag_and_record(
    db: database.Database,
    respond: respond_session.Session,
    workspace: database.Row,
    person: _person.Person,
    found: records.RespondContact,
) -> Outcome:
    """Tag, then record all in one transaction. A tag that fails now is put on by a later run."""
    if not workspace["tag_created"]:
        return _record(db, workspace, person, found, "tagged")
    try:
        changes.add_tags(respond, f"id:{found.respond_id}", [extract_respond_contacts.OUR_TAG])
    except (errors.RetryError, errors.RejectError):
        return _record(db, workspace, person, found, "created")
    return _record(db, workspace, person, _tagged(found), "tagged")


def _tag_late(
    db: database.Database, respond: respond_session.Session, workspace: database.Row, row: database.Row
) -> Outcome:
    tags: list[str] = []
    if workspace["tag_created"]:
        tags = [extract_respond_contacts.OUR_TAG]
        changes.add_tags(respond, f"id:{row['respond_id']}", tags)
    with db.transaction() as tx:
        _settle(tx, workspace, row["salesforce_id"], "tagged", tags=tags)
    return "tagged"


def _record(
    db: database.Database,
    workspace: database.Row,
    person: _person.Person,
    found: records.RespondContact,
    outcome: Literal["created", "tagged", "adopted"],
) -> Outcome:
    """Mirror, creation, keys, match and sidebar row, all or nothing."""
    workspace_id, org_id = workspace["workspace_id"], workspace["org_id"]
    steps = ("created", "tagged") if outcome == "tagged" else (outcome,)
    tags = (
        [tag for tag in found.tags if tag == extract_respond_contacts.OUR_TAG] if outcome != "adopted" else []
    )
    with db.transaction() as tx:
        extract_respond_contacts.write(tx, workspace_id, [found], written_by="create")
        for status in steps:
            _settle(
                tx,
                workspace,
                person.salesforce_id,
                status,
                identifier=person.identifier.partition(":")[0],
                respond_id=found.respond_id,
                tags=tags,
            )
        for name in ("create_normalize_tables", "create_match_tables", "create_sidebar_tables"):
            tx.execute(name)
        tx.execute("mark_respond_changed", workspace_id=workspace_id, respond_id=found.respond_id)
        normalize_contacts.process(tx, org_id=org_id)
        match_contacts.process(tx, org_id=org_id)
        materialize_sidebar.process(tx, org_id=org_id)
    return outcome


def _tagged(found: records.RespondContact) -> records.RespondContact:
    return dataclasses.replace(found, tags=(*found.tags, extract_respond_contacts.OUR_TAG))


def _claim(db: database.Database, workspace: database.Row, person: _person.Person) -> bool:
    """Claim all keys in one transaction, or none."""
    place = {"workspace_id": workspace["workspace_id"], "salesforce_id": person.salesforce_id}
    wanted = {"kinds": list(person.kinds), "keys": list(person.keys)}
    with db.transaction() as tx:
        tx.execute("claim_keys", **place, **wanted)
        foreign = tx.one("count_foreign_claims", **place, **wanted)
        is_ours = not (foreign and foreign["claims"])
        if not is_ours:
            tx.execute("release_claims", **place)
    return is_ours


def _look_up(
    db: database.Database, respond: respond_session.Session, workspace: database.Row, person: _person.Person
) -> records.RespondContact | None:
    """The mirror first, which costs no call, then respond.io under each spelling. A mirrored contact is asked for
    by its id: it may be gone.
    """
    known = db.all(
        "select_respond_by_keys",
        workspace_id=workspace["workspace_id"],
        kinds=list(person.kinds),
        keys=list(person.keys),
    )
    for row in known:
        found = contacts.get(respond, f"id:{row['respond_id']}")
        if found is not None:
            return found
    return _ask(respond, person)


def _ask(respond: respond_session.Session, person: _person.Person) -> records.RespondContact | None:
    found = (contacts.get(respond, identifier) for identifier in person.identifiers)
    return next((contact for contact in found if contact is not None), None)


def _skip(db: database.Database, workspace: database.Row, salesforce_id: str, rule: str) -> None:
    with db.transaction() as tx:
        _settle(tx, workspace, salesforce_id, "skipped", rule=rule)


def _settle(
    tx: database.Transaction, workspace: database.Row, salesforce_id: str, status: str, **outcome: Any
) -> None:
    tx.execute(
        "settle_creation",
        workspace_id=workspace["workspace_id"],
        salesforce_id=salesforce_id,
        status=status,
        rule=outcome.get("rule"),
        identifier=outcome.get("identifier"),
        respond_id=outcome.get("respond_id"),
        tags=outcome.get("tags", []),
        error_code=outcome.get("error_code"),
        error_detail=outcome.get("error_detail"),
    )
