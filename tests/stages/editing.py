"""A matched contact whose fields may be edited, on the Salesforce stand-in."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

from contact_sync import database, edits
from contact_sync.stages import apply_edits
from tests.stages.conftest import OpenSalesforce, SalesforceSide
from tests.stages.house import WORKSPACE, House

_runs = itertools.count(1)

#: The stand-in's user who is not us.
SOMEBODY = "0055g0000000002AAA"


@dataclass(frozen=True, slots=True, kw_only=True)
class Editing:
    """``wish`` queues an edit of a contact's field, ``apply`` sends what is queued, ``held`` reads Salesforce."""

    side: SalesforceSide
    house: House
    open_salesforce: OpenSalesforce
    ids: tuple[str, ...]

    @property
    def db(self) -> database.Database:
        return self.side.db

    def wish(self, contact: int, base: Any, new: Any, *, field: str = "Title", **options: Any) -> int:
        wish = edits.Wish(
            workspace_id=options.pop("workspace_id", WORKSPACE),
            respond_id=contact,
            field_name=field,
            base_value=base,
            new_value=new,
            requested_by="ann",
        )
        return int(edits.queue_edit(self.db, wish, **options)["edit_id"])

    def apply(self) -> dict[str, int]:
        """Run the stage as one worker with a session of its own."""
        session = self.open_salesforce(self.side.org_id)
        session.lane = "edit"
        return apply_edits.run(self.db, session, org_id=self.side.org_id, run_id=f"apply-{next(_runs)}")

    def edit(self, edit_id: int) -> dict[str, Any]:
        row = edits.get(self.db, WORKSPACE, edit_id)
        assert row is not None
        return dict(row)

    def status(self, edit_id: int) -> str:
        return str(self.edit(edit_id)["status"])

    def held(self, contact: int, field: str = "Title") -> Any:
        return self.side.steer("GET", f"/contacts/{self.ids[contact - 1]}").json()[field]

    def change(self, contact: int, **fields: Any) -> None:
        """Somebody changes the record in Salesforce."""
        self.side.steer("PATCH", f"/contacts/{self.ids[contact - 1]}", fields)

    def writes(self, contact: int, field: str = "Title") -> list[Any]:
        """The values that the field was given since it was made, by anybody, in order."""
        history = self.side.steer("GET", f"/contacts/{self.ids[contact - 1]}/history").json()["history"]
        changes = [event["changes"] or {} for event in history if event["action"] == "updated"]
        return [change[field][1] for change in changes if field in change]

    def fault(self, **fault: Any) -> None:
        self.side.steer("POST", "/faults", fault)

    def calls(self, method: str, ending: str) -> int:
        requests = self.side.steer("GET", "/journal").json()["requests"]
        return sum(r["method"] == method and r["path"].endswith(ending) for r in requests)
