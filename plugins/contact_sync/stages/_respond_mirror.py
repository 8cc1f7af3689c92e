"""Respond contacts on their way into the mirror, whoever brings them: the walk, a look, a webhook, a creation."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from contact_sync import database, records, tenants, tombstones
from contact_sync.stages import _landing


def write(
    tx: database.Transaction,
    workspace_id: str,
    found: Sequence[records.RespondContact],
    *,
    written_by: str,
) -> int:
    """Write contacts into the mirror where their content is news; return how many were. Erased ones are left out."""
    found = _without_erased(tx, workspace_id, found)
    written = tx.execute(
        "upsert_respond_contacts",
        workspace_id=workspace_id,
        contacts=_landing.raw_text([_row(contact) for contact in found]),
        written_by=written_by,
        our_tag=tenants.CREATED_TAG,
    )
    ids = [contact.respond_id for contact in found]
    tx.execute("resolve_quarantined_contacts", workspace_id=workspace_id, respond_ids=ids)
    return written


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
        tx.execute(
            "insert_quarantined_contact",
            workspace_id=workspace_id,
            respond_id=contact.respond_id,
            raw=_landing.raw_text(_row(contact)),
            reason=reason,
        )

    kept = _without_erased(tx, workspace_id, found)
    quarantined = _landing.land(tx, kept, into=into, refuse=refuse)
    return written, quarantined


def _without_erased(
    tx: database.Transaction, workspace_id: str, found: Sequence[records.RespondContact]
) -> Sequence[records.RespondContact]:
    erased = tombstones.erased_contacts(
        tx, workspace_id=workspace_id, respond_ids=[contact.respond_id for contact in found]
    )
    return [contact for contact in found if contact.respond_id not in erased]


def _row(contact: records.RespondContact) -> records.Json:
    return {**dataclasses.asdict(contact), "payload": {**contact.payload, "tags": list(contact.tags)}}
