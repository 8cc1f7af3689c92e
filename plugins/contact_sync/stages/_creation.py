"""One creation: claim the person's keys, look up, adopt or create, read back, tag, record.

respond.io has no idempotency key, so what protects against doubles is the order: ``claimed_at`` is committed after
a look-up found nobody and before the call. After a crash or an unclear answer the contact is looked up again; one
that is younger than ``claimed_at`` was made by us, an older one is adopted, and none at all means nothing was created.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Literal

from contact_sync import database, errors, records
from contact_sync.respond_io import changes, contacts
from contact_sync.respond_io import session as respond_session
from contact_sync.stages import (
    _person,
    _respond_mirror,
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
        # where nothing is in doubt there is nothing to wait for: the task's own retry meets the record again
        seconds = UNCLEAR_SECONDS if error.is_ambiguous else (error.retry_after_seconds or 0.0)
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
        return _resume(db, respond, workspace, person, row)
    if person is None:
        return _skip(db, workspace, row["salesforce_id"], "no_key")
    if not _claim(db, workspace, person):
        return _skip(db, workspace, person.salesforce_id, "same_person")
    found = _look_up(db, respond, workspace, person)
    if found is None:
        return _create(db, respond, workspace, person)
    return _record(db, workspace, person.salesforce_id, person.identifier, found, "adopted")


def _create(
    db: database.Database, respond: respond_session.Session, workspace: database.Row, person: _person.Person
) -> Outcome:
    if not person.first_name:
        raise errors.RejectError(
            "no_name", "the record has neither a first nor a last name; respond.io needs one"
        )
    # committed before the call: what is found younger than this is ours
    db.execute("begin_creation", workspace_id=workspace["workspace_id"], salesforce_id=person.salesforce_id)
    fields = changes.ContactFields(
        first_name=person.first_name, last_name=person.last_name, email=person.email, phone=person.phone
    )
    try:
        changes.create(respond, person.identifier, fields)
    except errors.RejectError as error:
        found = _look_up(db, respond, workspace, person) if error.status in (400, 409) else None
        if found is None:
            raise
        return _record(db, workspace, person.salesforce_id, person.identifier, found, "adopted")
    found = contacts.get(respond, person.identifier)
    if found is None:
        raise errors.RetryError(
            f"respond.io took the creation for {person.salesforce_id} and does not show it yet; it is looked up again",
            is_ambiguous=True,
        )
    return _tag_and_record(db, respond, workspace, person.salesforce_id, person.identifier, found)


def _resume(
    db: database.Database,
    respond: respond_session.Session,
    workspace: database.Row,
    person: _person.Person | None,
    row: database.Row,
) -> Outcome:
    """After a crash or an unclear answer: look first, also under keys that the record lost meanwhile."""
    salesforce_id = row["salesforce_id"]
    claimed = _person.claimed_identifiers(db, workspace, salesforce_id)
    identifiers = list(dict.fromkeys([*(person.identifiers if person else []), *claimed]))
    found = _ask(respond, identifiers)
    if found is None:
        return _replan(db, workspace, row)
    identifier = person.identifier if person else identifiers[0]
    if found.created_at is not None and found.created_at >= row["claimed_at"] - CLOCK_SKEW:
        return _tag_and_record(db, respond, workspace, salesforce_id, identifier, found)
    return _record(db, workspace, salesforce_id, identifier, found, "adopted")


def _replan(db: database.Database, workspace: database.Row, row: database.Row) -> Outcome:
    """Nobody is there; once the vendor must have finished what it began, that proves that nothing was created."""
    place = {"workspace_id": workspace["workspace_id"], "salesforce_id": row["salesforce_id"]}
    if db.execute("postpone_fresh_creation", seconds=UNCLEAR_SECONDS, **place):
        return "postponed"
    with db.transaction() as tx:
        _settle(tx, workspace, row["salesforce_id"], "planned")
    return "replanned"


def _tag_and_record(
    db: database.Database,
    respond: respond_session.Session,
    workspace: database.Row,
    salesforce_id: str,
    identifier: str,
    found: records.RespondContact,
) -> Outcome:
    """Tag, then record all in one transaction. A tag that fails now is put on by a later run."""
    if not workspace["tag_created"]:
        return _record(db, workspace, salesforce_id, identifier, found, "tagged")
    try:
        changes.add_tags(respond, f"id:{found.respond_id}", [_respond_mirror.OUR_TAG])
    except errors.ContactSyncError as error:
        outcome = _record(db, workspace, salesforce_id, identifier, found, "created")
        if isinstance(error, errors.StopError):
            raise
        return outcome
    return _record(db, workspace, salesforce_id, identifier, _tagged(found), "tagged")


def _tag_late(
    db: database.Database, respond: respond_session.Session, workspace: database.Row, row: database.Row
) -> Outcome:
    """Put the tag on; a contact that was deleted meanwhile is done without it."""
    tags = [_respond_mirror.OUR_TAG] if workspace["tag_created"] else []
    refusal: dict[str, str] = {}
    try:
        changes.add_tags(respond, f"id:{row['respond_id']}", tags)
    except errors.RejectError as error:
        tags, refusal = [], {"error_code": error.code, "error_detail": error.detail}
    with db.transaction() as tx:
        _settle(tx, workspace, row["salesforce_id"], "tagged", tags=tags, **refusal)
    return "tagged"


def _record(
    db: database.Database,
    workspace: database.Row,
    salesforce_id: str,
    identifier: str,
    found: records.RespondContact,
    outcome: Literal["created", "tagged", "adopted"],
) -> Outcome:
    """Mirror, creation, keys, match and sidebar row, all or nothing."""
    workspace_id, org_id = workspace["workspace_id"], workspace["org_id"]
    steps = ("created", "tagged") if outcome == "tagged" else (outcome,)
    tags = [tag for tag in found.tags if tag == _respond_mirror.OUR_TAG] if outcome != "adopted" else []
    with db.transaction() as tx:
        _respond_mirror.write(tx, workspace_id, [found], written_by="create")
        for status in steps:
            _settle(
                tx,
                workspace,
                salesforce_id,
                status,
                identifier=identifier.partition(":")[0],
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
    return dataclasses.replace(found, tags=(*found.tags, _respond_mirror.OUR_TAG))


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
    return _ask(respond, person.identifiers)


def _ask(respond: respond_session.Session, identifiers: Iterable[str]) -> records.RespondContact | None:
    found = (contacts.get(respond, identifier) for identifier in identifiers)
    return next((contact for contact in found if contact is not None), None)


def _skip(db: database.Database, workspace: database.Row, salesforce_id: str, rule: str) -> Outcome:
    with db.transaction() as tx:
        _settle(tx, workspace, salesforce_id, "skipped", rule=rule)
    return "skipped"


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
