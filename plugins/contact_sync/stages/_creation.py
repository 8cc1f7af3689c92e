"""One creation: claim the person's keys, look up, adopt or create, read back, tag, record.

respond.io has no idempotency key, so what protects against doubles is the order: ``claimed_at`` is committed after
a look-up found nobody and before the call. After a crash or an unclear answer the contact is looked up again; one
that is younger than ``claimed_at`` was made by us, an older one is adopted, and none at all means nothing was created.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from contact_sync import database, errors, records, tenants
from contact_sync.respond_io import changes, contacts
from contact_sync.respond_io import session as respond_session
from contact_sync.stages import _content, _creation_row, _person

Outcome = Literal["tagged", "created", "adopted", "skipped", "rejected", "postponed", "replanned"]

#: An unclear answer is looked up after this long, when the vendor has finished what it began.
UNCLEAR_SECONDS = 60.0
#: Their clock may be behind ours, and their creation times are whole seconds.
CLOCK_SKEW = timedelta(seconds=5)
#: So often a contact may be sent without ever arriving; each time it waits twice as long: eight hours in all.
ATTEMPTS = 10


@dataclass(frozen=True, slots=True)
class Creator:
    """Creates contacts of one workspace in one run; ``id_field`` is the custom field that gets the Salesforce id."""

    db: database.Database
    respond: respond_session.Session
    workspace: database.Row
    run_id: str
    id_field: str | None = None

    def advance(self, row: database.Row) -> Outcome:
        """Take one creation as far as it goes now. Errors that concern this record alone end on its row.

        Raises RetryError if respond.io does not answer, StopError if it refuses us.
        """
        creation = _creation_row.CreationRow(self.db, self.workspace, row["salesforce_id"], self.run_id)
        try:
            return self._advance(creation, row)
        except errors.RejectError as error:
            return "rejected" if creation.reject(error) else "postponed"
        except errors.RetryError as error:
            # where nothing is in doubt there is nothing to wait for: the task's own retry meets the record again
            seconds = UNCLEAR_SECONDS if error.is_ambiguous else (error.retry_after_seconds or 0.0)
            creation.postpone(str(error), seconds=seconds)
            raise

    def _advance(self, creation: _creation_row.CreationRow, row: database.Row) -> Outcome:
        if row["status"] == "created":
            return self._tag_late(creation, row["respond_id"])
        if row["status"] == "planned" and creation.is_overtaken():
            return "skipped"
        person = _person.read(self.db, self.workspace, creation.salesforce_id)
        if row["status"] == "creating":
            return self._resume(creation, person, row)
        if person is None:
            creation.skip("no_key")
            return "skipped"
        if not creation.claim(person):
            creation.skip("same_person")
            return "skipped"
        found = self._look_up(person)
        if found is not None:
            return self._adopt(creation, person.identifier, found)
        return self._create(creation, person)

    def _create(self, creation: _creation_row.CreationRow, person: _person.Person) -> Outcome:
        if not person.first_name:
            raise errors.RejectError(
                "no_name", "the record has neither a first nor a last name; respond.io needs one"
            )
        if not creation.begin():
            return "postponed"
        refusal: errors.RejectError | None = None
        for draft in _content.drafts(person, self.id_field):
            try:
                self._send(creation, draft)
            except errors.RejectError as error:
                # one that is there may be refused as a conflict or as invalid, and so may a number or an address
                found = self._look_up(person) if refusal is None and error.status in (400, 409) else None
                if found is not None:
                    return self._adopt(creation, person.identifier, found)
                refusal = refusal or error
                if error.status != 400:
                    break
            else:
                return self._read_back(creation, draft, refusal)
        assert refusal is not None
        raise refusal

    def _send(self, creation: _creation_row.CreationRow, draft: _content.Draft) -> None:
        """Create it. What respond.io says it did not do uses up no attempt, however long that goes on."""
        try:
            changes.create(self.respond, draft.identifier, draft.fields)
        except errors.RetryError as error:
            if not error.is_ambiguous:
                creation.discount_attempt()
            raise

    def _read_back(
        self,
        creation: _creation_row.CreationRow,
        draft: _content.Draft,
        refusal: errors.RejectError | None,
    ) -> Outcome:
        """The answer names no id: ask for the contact by what it was created under."""
        found = self._ask([draft.identifier])
        if found is None:
            raise errors.RetryError(
                f"respond.io took the creation for {creation.salesforce_id} and does not show it yet; it is looked up"
                " again",
                is_ambiguous=True,
            )
        note = None
        if draft.lacks and refusal:
            note = errors.RejectError(f"{draft.lacks}_refused", refusal.detail, status=refusal.status)
        return self._tag_and_record(
            creation, _creation_row.Found(contact=found, identifier=draft.identifier, note=note)
        )

    def _resume(
        self, creation: _creation_row.CreationRow, person: _person.Person | None, row: database.Row
    ) -> Outcome:
        """After a crash or an unclear answer: look first, also under keys that the record lost meanwhile."""
        claimed = _person.claimed_identifiers(self.db, self.workspace, creation.salesforce_id)
        identifiers = list(dict.fromkeys([*(person.identifiers if person else []), *claimed]))
        found = self._ask(identifiers)
        if found is None:
            return self._replan(creation, row["attempts"])
        identifier = person.identifier if person else identifiers[0]
        if found.created_at is not None and found.created_at >= row["claimed_at"] - CLOCK_SKEW:
            return self._tag_and_record(creation, _creation_row.Found(contact=found, identifier=identifier))
        return self._adopt(creation, identifier, found)

    def _replan(self, creation: _creation_row.CreationRow, attempts: int) -> Outcome:
        """Nobody is there; once the vendor must have finished what it began, that proves that nothing was created."""
        if creation.is_fresh(seconds=UNCLEAR_SECONDS):
            return "postponed"
        if attempts >= ATTEMPTS:
            raise errors.RejectError(
                "never_arrived",
                f"respond.io took or broke off this creation {attempts} times and shows no contact",
            )
        creation.plan_again(seconds=UNCLEAR_SECONDS * 2 ** (attempts - 1) if attempts > 1 else 0.0)
        return "replanned"

    def _adopt(
        self, creation: _creation_row.CreationRow, identifier: str, found: records.RespondContact
    ) -> Outcome:
        creation.record(_creation_row.Found(contact=found, identifier=identifier), "adopted")
        return "adopted"

    def _tag_and_record(self, creation: _creation_row.CreationRow, found: _creation_row.Found) -> Outcome:
        """Tag, then record all in one transaction. A tag that fails now is put on by a later run."""
        if not self.workspace["tag_created"]:
            creation.record(found, "tagged")
            return "tagged"
        try:
            changes.add_tags(self.respond, f"id:{found.contact.respond_id}", [tenants.CREATED_TAG])
        except errors.ContactSyncError as error:
            creation.record(found, "created")
            if isinstance(error, errors.StopError):
                raise
            return "created"
        tagged = dataclasses.replace(found.contact, tags=(*found.contact.tags, tenants.CREATED_TAG))
        creation.record(dataclasses.replace(found, contact=tagged), "tagged")
        return "tagged"

    def _tag_late(self, creation: _creation_row.CreationRow, respond_id: int) -> Outcome:
        """Put the tag on; a contact that was deleted meanwhile is done without it."""
        tags = [tenants.CREATED_TAG] if self.workspace["tag_created"] else []
        try:
            changes.add_tags(self.respond, f"id:{respond_id}", tags)
        except errors.RejectError as error:
            # the vendor answers alike for a contact that is gone and for a tag that it does not take
            is_there = self._ask([f"id:{respond_id}"]) is not None
            creation.settle_tag(respond_id, [], error if is_there else None)
        else:
            creation.settle_tag(respond_id, tags)
        return "tagged"

    def _look_up(self, person: _person.Person) -> records.RespondContact | None:
        """The mirror first, which costs no call, then respond.io under each spelling. A mirrored contact is asked for
        by its id: it may be gone.
        """
        known = self.db.all(
            "select_respond_by_keys",
            workspace_id=self.workspace["workspace_id"],
            kinds=list(person.kinds),
            keys=list(person.keys),
        )
        for row in known:
            found = self._ask([f"id:{row['respond_id']}"])
            # the mirror is minutes old: its e-mail or phone may have changed since
            if found is not None and row["value"] == (found.email if row["kind"] == "email" else found.phone):
                return found
        return self._ask(person.identifiers)

    def _ask(self, identifiers: Iterable[str]) -> records.RespondContact | None:
        found = (self._held_by(identifier) for identifier in identifiers)
        return next((contact for contact in found if contact is not None), None)

    def _held_by(self, identifier: str) -> records.RespondContact | None:
        try:
            return contacts.get(self.respond, identifier)
        except errors.RejectError as error:
            # an old spelling may be no number to the vendor, and then it is nobody's; whether the one that is created
            # under will do, the creation itself is told
            if error.status != 400:
                raise
            return None
