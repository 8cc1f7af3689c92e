"""Restore tags: put our tag back on contacts that we created and that lost it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from contact_sync import database, errors, tenants
from contact_sync.respond_io import changes, contacts
from contact_sync.respond_io import session as respond_session
from contact_sync.stages import _ledger, _respond_mirror

STAGE = "restore_tags"

#: Contacts read at once; each costs a call or two.
BATCH = 200


def run(
    db: database.Database, respond: respond_session.Session, *, workspace_id: str, run_id: str
) -> dict[str, int]:
    """Tag what the mirror shows without its tag, after asking respond.io whether that is still so.

    What it refuses is noted on the creation and tried again by the next run.
    Returns counts: ``looked_at``, ``restored``, ``rejected``.
    Raises RetryError if respond.io does not answer, StopError if it refuses us.
    """
    with (
        db.advisory_lock(f"tags:{workspace_id}") as is_held,
        _ledger.recorded(db, run_id=run_id, stage=STAGE, scope=workspace_id) as counts,
    ):
        if not is_held or not tenants.known_workspace(db, workspace_id)["tag_created"]:
            return counts
        counts |= {"looked_at": 0, "restored": 0, "rejected": 0}
        for respond_id in _untagged(db, workspace_id):
            counts["looked_at"] += 1
            try:
                counts["restored"] += _restore(db, respond, workspace_id, respond_id)
            except errors.RejectError as error:
                counts["rejected"] += 1
                db.execute(
                    "note_refused_tag",
                    workspace_id=workspace_id,
                    respond_id=respond_id,
                    error_detail=error.detail,
                    run_id=run_id,
                )
    return counts


def _untagged(db: database.Database, workspace_id: str) -> Iterator[int]:
    after_id = 0
    while True:
        rows = db.all(
            "select_untagged_contacts",
            workspace_id=workspace_id,
            tag=tenants.CREATED_TAG,
            after_id=after_id,
            batch_size=BATCH,
        )
        yield from (row["respond_id"] for row in rows)
        if len(rows) < BATCH:
            return
        after_id = rows[-1]["respond_id"]


def _restore(
    db: database.Database, respond: respond_session.Session, workspace_id: str, respond_id: int
) -> int:
    found = contacts.get(respond, f"id:{respond_id}")
    if found is None:
        return 0
    tag = tenants.CREATED_TAG
    is_lost = tag not in found.tags
    if is_lost:
        changes.add_tags(respond, f"id:{respond_id}", [tag])
        found = dataclasses.replace(found, tags=(*found.tags, tag))
    with db.transaction() as tx:
        _respond_mirror.write(tx, workspace_id, [found], written_by="get")
        tx.execute("settle_refused_tag", workspace_id=workspace_id, respond_id=respond_id, tag=tag)
    return int(is_lost)
