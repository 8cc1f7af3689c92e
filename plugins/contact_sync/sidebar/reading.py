"""One read of the sidebar: one statement, and its row as the agent's answer."""

from __future__ import annotations

import logging
from typing import Any

from contact_sync import database, errors
from contact_sync.sidebar import hints, models

log = logging.getLogger(__name__)


def read(db: database.Database, workspace_id: str, respond_id: int) -> models.Sidebar | None:
    """Return what an agent sees of a contact; None if the workspace has no such contact.

    A contact without a match is an answer too: its status, the reason, and how to get one.
    """
    row = db.one("select_sidebar", workspace_id=workspace_id, respond_id=respond_id)
    assert row is not None
    place: dict[str, Any] = {"workspace_id": workspace_id, "respond_id": respond_id}
    if row["salesforce_id"] is not None:
        return models.Sidebar(
            **place,
            match_status="matched",
            matched_by=row["matched_by"],
            salesforce_id=row["salesforce_id"],
            salesforce_url=row["salesforce_url"],
            as_of=row["as_of"],
            refreshed_at=row["refreshed_at"],
            fields=[_item(row, item) for item in row["layout"] or []],
        )
    return models.Sidebar(**place, **_miss(row), fields=[]) if row["is_known"] else None


def ask_for_news(db: database.Database, workspace_id: str, respond_id: int) -> None:
    """Let respond.io be asked for a contact that an agent just opened; the walk does it before anything else.

    What goes wrong is logged only: the agent has the answer already.
    """
    try:
        db.execute("ask_for_contact", workspace_id=workspace_id, respond_id=respond_id)
    except errors.ContactSyncError as error:
        log.warning("contact %s of workspace %s is not asked for: %s", respond_id, workspace_id, error)


def _miss(row: database.Row) -> dict[str, Any]:
    if not row["is_connected"]:
        return {
            "match_status": "unmatched",
            "reason": "not_connected",
            "hint": hints.hint("not_connected"),
        }
    reason = row["reason"] or "not_compared_yet"
    miss = {
        "match_status": row["status"] or "unmatched",
        "reason": reason,
        "hint": hints.hint(reason, row["hint"]),
    }
    return {**miss, "candidate_count": row["candidate_count"]} if row["status"] == "ambiguous" else miss


def _item(row: database.Row, layout: dict[str, Any]) -> models.Item:
    """A field's place in the layout, its value, and what goes on with it."""
    name = layout["name"]
    item = {key: value for key, value in layout.items() if key != "calculated"}
    # what follows other records is read again without a change of the contact
    is_read_again = layout.get("calculated") and name not in row["stale"]
    read_at = (row["as_of"], row["formulas_as_of"] if is_read_again else None)
    as_of = max((moment for moment in read_at if moment), default=None)
    more = {"stale": row["stale"].get(name), "edit": (row["edits"] or {}).get(name)}
    present = {key: value for key, value in more.items() if value is not None}
    return models.Item(**item, value=row["fields"].get(name), as_of=as_of, **present)
