"""What an org's matching waits for, and what is withheld of one contact: as sentences that say what to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contact_sync import database

_WAITS = {
    "decision": "the quality gate holds the org back: python -m contact_sync approve shows it",
    "first_load": "the first load is not proven yet; everybody is matched when it is",
    "gate": "what was read is not judged yet ({due_for}): python -m contact_sync run gate_contacts",
}
_KEPT = {
    "unmatch": "It would lose its match, which is kept",
    "blank": "Its sidebar row would lose a value, which is kept",
}


def by_org(db: database.Database) -> dict[str, str]:
    """Return what the matching of each org waits for; orgs whose matching does not wait are left out."""
    return {row["org_id"]: _wait(row) for row in db.all("select_match_waits")}


def of_contact(db: database.Database, workspace_id: str, respond_id: int) -> str | None:
    """Return why a contact stays as it is whatever is changed of it; None if nothing is withheld."""
    row = db.one("select_withheld", workspace_id=workspace_id, respond_id=respond_id)
    if row is None:
        return None
    if row["kind"] is None:
        return f"Matching waits: {_wait(row)}."
    by = (
        f"the refusal of hold {row['hold_id']}" if row["decision"] == "rejected" else f"hold {row['hold_id']}"
    )
    return f"{_KEPT[row['kind']]} by {by}: python -m contact_sync approve {row['hold_id']} lets it go."


def _wait(row: Mapping[Any, Any]) -> str:
    return _WAITS[row["waits_for"]].format(due_for=str(row["due_for"]).replace("_", " "))
