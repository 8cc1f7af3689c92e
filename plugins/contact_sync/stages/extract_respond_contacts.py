"""Extract respond.io contacts: a rolling walk through the list, and proof of those that are gone."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence

from contact_sync import database, records
from contact_sync.respond_io import contacts
from contact_sync.respond_io import session as respond_session
from contact_sync.stages import _landing, _ledger

STAGE = "extract_respond_contacts"

#: The tag that tells contacts which we created; part of what ``content_hash`` watches.
OUR_TAG = "Auto-Create: Salesforce"
#: How many absent contacts are asked for one by one in a run; each costs a call.
GONE_BATCH = 50


def run(
    db: database.Database,
    respond: respond_session.Session,
    *,
    workspace_id: str,
    run_id: str,
    seconds: float = 90.0,
) -> dict[str, int]:
    """Go on with the walk for at most ``seconds``, or to its end; write contacts whose content is news.

    Returns counts: ``pages``, ``contacts`` met, ``written``, ``quarantined``, ``gone``, ``walks`` finished, and
    ``heard``: contacts whose news, by webhook too, still wait to be matched.
    Raises RetryError if respond.io does not answer: the walk goes on there next time. StopError if it refuses us.
    """
    with (
        db.advisory_lock(f"walk:{workspace_id}") as is_held,
        _ledger.recorded(db, run_id=run_id, stage=STAGE, scope=workspace_id) as counts,
    ):
        if is_held:
            _walk(db, respond, workspace_id, time.monotonic() + seconds, counts)
            heard = db.one("count_unmatched_news", workspace_id=workspace_id)
            counts["heard"] = heard["contacts"] if heard else 0
    return counts


def _walk(
    db: database.Database,
    respond: respond_session.Session,
    workspace_id: str,
    deadline: float,
    counts: _ledger.Counts,
) -> None:
    counts |= dict.fromkeys(("pages", "contacts", "written", "quarantined", "gone", "walks"), 0)
    walk = db.one("open_walk", workspace_id=workspace_id)
    assert walk is not None
    cursor = walk["cursor_id"]
    while counts["pages"] == 0 or time.monotonic() < deadline:
        page = contacts.list_page(respond, cursor)
        written, quarantined = _write_page(db, workspace_id, walk["walk_id"], page)
        counts["pages"] += 1
        counts["contacts"] += len(page.contacts)
        counts["written"] += written
        counts["quarantined"] += quarantined
        cursor = page.next_cursor
        if cursor is None:
            counts["walks"] = 1
            counts["gone"] = _mark_gone(db, respond, workspace_id)
            return


def _write_page(
    db: database.Database, workspace_id: str, walk_id: int, page: records.RespondPage
) -> tuple[int, int]:
    written = 0

    def into(tx: database.Transaction, part: Sequence[records.RespondContact]) -> None:
        nonlocal written
        written += write(tx, workspace_id, part, written_by="walk")

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

    with db.transaction() as tx:
        quarantined = _landing.land(tx, page.contacts, into=into, refuse=refuse)
        tx.execute(
            "insert_walk_seen", walk_id=walk_id, respond_ids=[contact.respond_id for contact in page.contacts]
        )
        tx.execute("advance_walk", walk_id=walk_id, cursor_id=page.next_cursor, contacts=len(page.contacts))
    return written, quarantined


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


def _row(contact: records.RespondContact) -> records.Json:
    return {**dataclasses.asdict(contact), "payload": {**contact.payload, "tags": list(contact.tags)}}


def _mark_gone(db: database.Database, respond: respond_session.Session, workspace_id: str) -> int:
    """Absent from two walks is a suspicion; only a 404 proves it."""
    absent = db.all("select_absent_contacts", workspace_id=workspace_id, batch_size=GONE_BATCH)
    gone = [row["respond_id"] for row in absent if contacts.get(respond, f"id:{row['respond_id']}") is None]
    with db.transaction() as tx:
        if gone:
            tx.execute("mark_contacts_gone", workspace_id=workspace_id, respond_ids=gone)
        tx.execute("delete_old_walks", workspace_id=workspace_id)
    return len(gone)
