"""Extract respond.io contacts: a rolling walk through the list, and beside it those just opened, just made, or gone."""

from __future__ import annotations

import time
from concurrent import futures

from contact_sync import database, records
from contact_sync.respond_io import contacts
from contact_sync.respond_io import session as respond_session
from contact_sync.stages import _content, _ledger, _looks, _respond_mirror, _turns

STAGE = "extract_respond_contacts"

write = _respond_mirror.write
Pace = _turns.Pace
ONE_WALK = Pace()


def run(
    db: database.Database,
    respond: respond_session.Session,
    *,
    workspace_id: str,
    run_id: str,
    pace: Pace = ONE_WALK,
) -> dict[str, int]:
    """Go on with the walk at the rate that respond.io allows, to its end; write contacts whose content is news.

    A rolling run begins the next walk at once; it ends early with the first walk ever, and with news of a contact
    that an agent just opened. Those go first. Returns counts: ``pages``, ``contacts`` met, ``written``,
    ``quarantined``, ``opened`` ones asked for, ``gone``, ``walks`` finished, and ``heard``: contacts whose news, by
    webhook too, still wait to be matched.
    Raises RetryError if respond.io does not answer: the walk goes on there next time. StopError if it refuses us.
    """
    deadline = time.monotonic() + pace.seconds
    with (
        _turns.taken(db, f"walk:{workspace_id}", patience_seconds=pace.patience_seconds) as is_ours,
        _ledger.recorded(db, run_id=run_id, stage=STAGE, scope=workspace_id) as counts,
    ):
        if is_ours:
            names = ("pages", "contacts", "written", "quarantined", "opened", "gone", "walks")
            counts |= dict.fromkeys(names, 0)
            # here, because creations are counted call by call
            _content.make_tag(db, respond, workspace_id)
            walker = _Walker(db, respond, workspace_id, deadline, counts)
            while walker.walk() and pace.is_rolling:
                pass
            counts["heard"] = walker.count_heard()
    return counts


class _Walker:
    """One run's steps. A page is fetched while the one before it is written, so that no turn in the rate is lost."""

    def __init__(
        self,
        db: database.Database,
        respond: respond_session.Session,
        workspace_id: str,
        deadline: float,
        counts: _ledger.Counts,
    ) -> None:
        self._db = db
        self._respond = respond
        self._workspace_id = workspace_id
        self._deadline = deadline
        self._counts = counts

    def walk(self) -> bool:
        """Go on with the open walk, or begin one; True if it is finished and there is time for another."""
        walk = self._db.one("open_walk", workspace_id=self._workspace_id)
        assert walk is not None
        with futures.ThreadPoolExecutor(1) as ahead:
            coming = ahead.submit(contacts.list_page, self._respond, walk["cursor_id"])
            while True:
                page = coming.result()
                is_last = page.next_cursor is None
                is_next = not is_last and self._has_time()
                if is_next:
                    coming = ahead.submit(contacts.list_page, self._respond, page.next_cursor)
                self._write_page(walk["walk_id"], page)
                self._look_around()
                if not is_next:
                    break
        if is_last:
            self._counts["walks"] += 1
            self._counts["gone"] += _looks.mark_gone(self._db, self._respond, self._workspace_id)
        # nobody is matched before the first walk is over: matching must hear of it now
        return is_last and not walk["is_first"] and self._has_time()

    def count_heard(self) -> int:
        """Return how many contacts' news still wait to be matched."""
        heard = self._db.one("count_unmatched_news", workspace_id=self._workspace_id)
        return heard["contacts"] if heard else 0

    def _has_time(self) -> bool:
        return time.monotonic() < self._deadline

    def _write_page(self, walk_id: int, page: records.RespondPage) -> None:
        met = [contact.respond_id for contact in page.contacts]
        with self._db.transaction() as tx:
            written, quarantined = _respond_mirror.land(
                tx, self._workspace_id, page.contacts, written_by="walk"
            )
            tx.execute("insert_walk_seen", walk_id=walk_id, respond_ids=met)
            tx.execute("advance_walk", walk_id=walk_id, cursor_id=page.next_cursor, contacts=len(met))
        self._count(pages=1, contacts=len(met), written=written, quarantined=quarantined)

    def _look_around(self) -> None:
        opened, written = _looks.read_opened(self._db, self._respond, self._workspace_id)
        if written:
            # an agent waits in front of the contact: matching must hear of it now
            self._deadline = time.monotonic()
        written += _looks.read_new(self._db, self._respond, self._workspace_id)
        self._count(opened=opened, written=written)

    def _count(self, **more: int) -> None:
        for name, number in more.items():
            self._counts[name] += number
