"""What the walk does beside its pages: contacts just opened, contacts just made, and proof of those that are gone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from contact_sync import database
from contact_sync.respond_io import contacts
from contact_sync.respond_io import session as respond_session
from contact_sync.stages import _respond_mirror

#: How many opened contacts are asked for between two pages; each costs a call.
_OPENED_BATCH = 10
#: How many absent contacts are asked for at the end of a walk.
_GONE_BATCH = 50
#: A walk that takes longer is passed by: contacts created meanwhile are asked for so often.
_NEW_SECONDS = 60.0


def read_opened(
    db: database.Database, respond: respond_session.Session, workspace_id: str
) -> tuple[int, int]:
    """Ask for contacts that an agent opened, before anything else; return how many, and how many were news."""
    waiting = db.all("select_looks", workspace_id=workspace_id, batch_size=_OPENED_BATCH)
    first = respond.in_lane("edit") if waiting else respond
    written = 0
    for row in waiting:
        found = contacts.get(first, f"id:{row['respond_id']}")
        with db.transaction() as tx:
            if found is not None:
                written += _respond_mirror.land(tx, workspace_id, [found], written_by="get")[0]
            tx.execute("settle_looks", workspace_id=workspace_id, respond_ids=[row["respond_id"]])
    return len(waiting), written


def read_new(db: database.Database, respond: respond_session.Session, workspace_id: str) -> int:
    """Ask for contacts created since we last asked, if a long walk is under way; return how many were news."""
    due = db.one("select_search_for_new", workspace_id=workspace_id, every_seconds=_NEW_SECONDS)
    if due is None:
        return 0
    began = datetime.now(UTC)
    cursor, written = None, 0
    while True:
        page = contacts.list_page(respond, cursor, filter=_created_between(due["since"], began))
        with db.transaction() as tx:
            written += _respond_mirror.land(tx, workspace_id, page.contacts, written_by="walk")[0]
        cursor = page.next_cursor
        if cursor is None:
            db.execute("mark_sought_new", walk_id=due["walk_id"], sought_new_at=began)
            return written


def mark_gone(db: database.Database, respond: respond_session.Session, workspace_id: str) -> int:
    """Absent from two walks is a suspicion; only a 404 proves it. Return how many are gone."""
    absent = db.all("select_absent_contacts", workspace_id=workspace_id, batch_size=_GONE_BATCH)
    asked = [row["respond_id"] for row in absent]
    gone = [respond_id for respond_id in asked if contacts.get(respond, f"id:{respond_id}") is None]
    with db.transaction() as tx:
        if asked:
            tx.execute("settle_looks", workspace_id=workspace_id, respond_ids=asked)
        if gone:
            tx.execute("mark_contacts_gone", workspace_id=workspace_id, respond_ids=gone)
        tx.execute("delete_old_walks", workspace_id=workspace_id)
        tx.execute("delete_old_looks", workspace_id=workspace_id)
    return len(gone)


def _created_between(since: datetime, until: datetime) -> dict[str, object]:
    """The vendor's filter, whose times have no seconds: "List the contacts", ``isTimestampBetween``, in UTC."""
    # tomorrow: nobody's clock is so far ahead, and what is created while we page must not shift the pages
    span = {
        "from": f"{since.astimezone(UTC):%Y-%m-%d %H:%M}",
        "to": f"{until + timedelta(days=1):%Y-%m-%d %H:%M}",
    }
    condition = {
        "category": "contactField",
        "field": "createdAt",
        "operator": "isTimestampBetween",
        "value": span,
    }
    return {"$and": [condition]}
