"""Respond contacts on their way into the mirror, whoever brings them: the walk, a look, a webhook, a creation."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from contact_sync import database, records
from contact_sync.stages import _landing

#: The tag that tells contacts which we created; part of what ``content_hash`` watches.
OUR_TAG = "Auto-Create: Salesforce"


def write(
    tx: database.Transaction,
    workspace_id: str,
    found: Sequence[records.RespondContact],
    *,
    written_by: str,
) -> int:
    """Write contacts into the mirror where their content is news; return how many were."""
    return tx.execute(
        "upsert_respond_contacts",
        workspace_id=workspace_id,
        contacts=_landing.raw_text([_row(contact) for contact in found]),
        written_by=written_by,
        our_tag=OUR_TAG,
    )


def land(
    tx: database.Transaction,
    workspace_id: str,
    found: Sequence[records.RespondContact],
    *,
    written_by: str,
) -> tuple[int, int]:
    """Write what can be stored, quarantine the rest; return how many were written and quarantined."""
    written = 0

    def into(tx: database.Transaction, part: Sequence[records.RespondContact]) -> None:
        nonlocal written
        written += write(tx, workspace_id, part, written_by=written_by)

    def refuse(tx: database.Transaction, contact: records.RespondContact, reason: str) -> None:
        workspace = tx.one("select_workspace", workspace_id=workspace_id)
        tx.execute(
            "insert_quarantined_row",
            org_id=workspace["org_id"] if workspace else None,
            workspace_id=workspace_id,
            salesforce_id=None,
            window_id=None,
            raw=_landing.raw_text(_row(contact)),
            reason=reason,
        )

    quarantined = _landing.land(tx, found, into=into, refuse=refuse)
    return written, quarantined


def _row(contact: records.RespondContact) -> records.Json:
    return {**dataclasses.asdict(contact), "payload": {**contact.payload, "tags": list(contact.tags)}}
