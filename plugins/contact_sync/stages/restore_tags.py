"""Restore tags: put our tag back on contacts that we created and that lost it."""

from __future__ import annotations

import dataclasses

from contact_sync import database, errors, tenants
from contact_sync.respond_io import changes, contacts
from contact_sync.respond_io import session as respond_session
from contact_sync.stages import _ledger, _respond_mirror

STAGE = "restore_tags"

#: Contacts looked at in a run; each costs a call or two.
BATCH = 200


def run(
    db: database.Database, respond: respond_session.Session, *, workspace_id: str, run_id: str
) -> dict[str, int]:
    """Tag what the mirror shows without its tag, after asking respond.io whether that is still so.

    Returns counts: ``looked_at``, ``restored``, ``rejected``.
    Raises RetryError if respond.io does not answer, StopError if it refuses us.
    """
    with (
        db.advisory_lock(f"tags:{workspace_id}") as is_held,
        _ledger.recorded(db, run_id=run_id, stage=STAGE, scope=workspace_id) as counts,
    ):
        if not is_held or not tenants.known_workspace(db, workspace_id)["tag_created"]:
            return counts
        tag = _respond_mirror.OUR_TAG
        rows = db.all("select_untagged_contacts", workspace_id=workspace_id, tag=tag, batch_size=BATCH)
        counts |= {"looked_at": len(rows), "restored": 0, "rejected": 0}
        for row in rows:
            try:
                counts["restored"] += _restore(db, respond, workspace_id, row["respond_id"])
            except errors.RejectError:
                counts["rejected"] += 1
    return counts


def _restore(
    db: database.Database, respond: respond_session.Session, workspace_id: str, respond_id: int
) -> int:
    found = contacts.get(respond, f"id:{respond_id}")
    if found is None:
        return 0
    tag = _respond_mirror.OUR_TAG
    is_lost = tag not in found.tags
    if is_lost:
        changes.add_tags(respond, f"id:{respond_id}", [tag])
        found = dataclasses.replace(found, tags=(*found.tags, tag))
    with db.transaction() as tx:
        _respond_mirror.write(tx, workspace_id, [found], written_by="get")
    return int(is_lost)
