"""The row of one creation: its keys claimed, its status settled, and all that belongs to it recorded at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from contact_sync import database, errors, records, tenants
from contact_sync.stages import (
    _person,
    _respond_mirror,
    match_contacts,
    materialize_sidebar,
    normalize_contacts,
)

#: How a creation ends well.
Made = Literal["created", "tagged", "adopted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A contact at respond.io, the identifier it was found by, and what to note about it."""

    contact: records.RespondContact
    identifier: str
    note: errors.RejectError | None = None


@dataclass(frozen=True, slots=True)
class CreationRow:
    """One creation of a workspace; what is refused is written down with ``run_id``."""

    db: database.Database
    workspace: database.Row
    salesforce_id: str
    run_id: str

    @property
    def place(self) -> dict[str, Any]:
        """What names it in every statement."""
        return {"workspace_id": self.workspace["workspace_id"], "salesforce_id": self.salesforce_id}

    def claim(self, person: _person.Person) -> bool:
        """Claim all keys in one transaction, or none."""
        wanted = {"kinds": list(person.kinds), "keys": list(person.keys)}
        with self.db.transaction() as tx:
            tx.execute("claim_keys", **self.place, **wanted)
            foreign = tx.one("count_foreign_claims", **self.place, **wanted)
            is_ours = not (foreign and foreign["claims"])
            if not is_ours:
                tx.execute("release_claims", **self.place)
        return is_ours

    def is_overtaken(self) -> bool:
        """Whether it was skipped now: hours after it was planned the record may be matched, ambiguous or deleted."""
        return bool(self.db.all("skip_overtaken", **self.place))

    def begin(self) -> bool:
        """Note that we set out to create: what is found younger than this is ours. Committed before the call.

        False if another worker did so in between.
        """
        return bool(self.db.execute("begin_creation", **self.place))

    def skip(self, rule: str) -> None:
        """Leave it, by this rule; its keys are free again."""
        with self.db.transaction() as tx:
            self._settle(tx, "skipped", rule=rule)
            tx.execute("release_claims", **self.place)

    def reject(self, error: errors.RejectError) -> bool:
        """Give it up with the vendor's code and sentence; its keys are free again.

        False if it was settled meanwhile: by another worker, or by a person who took it from the plan.
        """
        with self.db.transaction() as tx:
            refused = {"error_code": error.code, "error_detail": error.detail}
            is_ours = bool(tx.execute("reject_creation", **self.place, **refused, run_id=self.run_id))
            if is_ours:
                tx.execute("release_claims", **self.place)
        return is_ours

    def discount_attempt(self) -> None:
        """Do not count this attempt: respond.io said that it did nothing."""
        self.db.execute("discount_attempt", **self.place)

    def plan_again(self, *, seconds: float) -> None:
        """Plan it anew, once so many seconds have passed: it is proved that nothing was created."""
        with self.db.transaction() as tx:
            self._settle(tx, "planned")
        if seconds:
            self.postpone("it was begun before and never arrived", seconds=seconds)

    def postpone(self, why: str, *, seconds: float) -> None:
        """Look at it again later, in the status it has."""
        self.db.execute(
            "postpone_creation", seconds=seconds, error_code="unclear", error_detail=why, **self.place
        )

    def is_fresh(self, *, seconds: float) -> bool:
        """Postpone it until so many seconds have passed since its call; False if they have."""
        return bool(self.db.execute("postpone_fresh_creation", seconds=seconds, **self.place))

    def settle_tag(self, respond_id: int, tags: list[str], refusal: errors.RejectError | None = None) -> None:
        """Note that a contact created before has its tag, or why not; one that was refused is tried again daily."""
        with self.db.transaction() as tx:
            self._settle(tx, "tagged", tags=tags)
            if refusal:
                tx.execute(
                    "note_refused_tag",
                    workspace_id=self.workspace["workspace_id"],
                    respond_id=respond_id,
                    error_detail=refusal.detail,
                    run_id=self.run_id,
                )

    def record(self, found: Found, outcome: Made) -> None:
        """Mirror, creation, keys, match and sidebar row, all or nothing."""
        steps = ("created", "tagged") if outcome == "tagged" else (outcome,)
        ours = [tag for tag in found.contact.tags if tag == tenants.CREATED_TAG]
        noted = {"error_code": found.note.code, "error_detail": found.note.detail} if found.note else {}
        respond_id = found.contact.respond_id
        with self.db.transaction() as tx:
            _respond_mirror.write(tx, self.workspace["workspace_id"], [found.contact], written_by="create")
            for status in steps:
                self._settle(
                    tx,
                    status,
                    identifier=found.identifier.partition(":")[0],
                    respond_id=respond_id,
                    tags=[] if outcome == "adopted" else ours,
                    **noted,
                )
            for name in ("create_normalize_tables", "create_match_tables", "create_sidebar_tables"):
                tx.execute(name)
            tx.execute(
                "mark_respond_changed", workspace_id=self.workspace["workspace_id"], respond_id=respond_id
            )
            normalize_contacts.process(tx, org_id=self.workspace["org_id"])
            match_contacts.process(tx, org_id=self.workspace["org_id"])
            materialize_sidebar.process(tx, org_id=self.workspace["org_id"])

    def _settle(self, tx: database.Transaction, status: str, **outcome: Any) -> None:
        tx.execute(
            "settle_creation",
            **self.place,
            status=status,
            rule=outcome.get("rule"),
            identifier=outcome.get("identifier"),
            respond_id=outcome.get("respond_id"),
            tags=outcome.get("tags", []),
            error_code=outcome.get("error_code"),
            error_detail=outcome.get("error_detail"),
        )
