"""Two hands: some thousand changed contacts are worked on in two transactions side by side, half of them in each.

The first claims the changes and commits last: while they are off the feed both halves are written, and whatever fails
before leaves them there. A contact is in the hand that its id tells. Whatever two hands cannot settle between them is
done again by one: a loss that the brake must weigh, a row that others keep too long (docs/decisions/0021).
"""

from __future__ import annotations

import contextlib
import itertools
import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent import futures
from typing import Literal, TypeVar

from contact_sync import database, errors

log = logging.getLogger(__name__)

Result = TypeVar("Result")

#: Contacts from which on a second hand is worth its while.
LEAST = 2_000
#: Last bits of an id that do not tell whose it is: 64 ids in a row, which share pages, are one hand's.
BITS = 6

_CONTACT = ("workspace_id", "respond_id")


class OneHandError(errors.ContactSyncError):
    """Both hands' work was undone: one must do it alone. Never leaves a stage."""


class Hands:
    """One open transaction, or two side by side; two are obtained from :func:`joined`.

    Each keeps erasures and disconnects out by locks of its own: should one die, the other still does.
    """

    def __init__(
        self,
        first: database.Transaction,
        second: database.Transaction | None = None,
        helper: futures.Executor | None = None,
    ) -> None:
        self.first = first
        self.second = second
        self._helper = helper

    @property
    def are_two(self) -> bool:
        """Whether a second transaction works beside the first."""
        return self.second is not None

    def each(self, work: Callable[[database.Transaction, int], Result]) -> list[Result]:
        """Do ``work(transaction, number)`` with every hand at a time; return its results in the hands' order."""
        if self.second is None or self._helper is None:
            return [work(self.first, 0)]
        beside = self._helper.submit(work, self.second, 1)
        try:
            mine = work(self.first, 0)
        finally:
            # nobody else may touch its transaction before
            futures.wait([beside])
        return [mine, beside.result()]

    def swap(self, hand_over: str, take: str) -> int:
        """Give each hand its own contacts of a working table, each of them once, by the two statements' names.

        Returns how many the two had listed twice.
        """
        if self.second is None:
            return 0
        given = self.each(lambda tx, hand: tx.tuples(hand_over, hand=hand, bits=BITS))

        def taken(tx: database.Transaction, hand: int) -> int:
            tx.execute("create_handed_contacts")
            tx.copy_rows("handed_contact", _CONTACT, given[1 - hand])
            return tx.execute(take)

        return sum(map(len, given)) - sum(self.each(taken))

    def tell_first(self) -> None:
        """Let the first hand know who would lose something by the second's, too."""
        if self.second is not None:
            self.first.copy_rows("losing_contact", _CONTACT, self.second.tuples("list_losing_contacts"))

    def must_be_one(self, why: str) -> None:
        """Raise OneHandError where there are two."""
        if self.are_two:
            raise OneHandError(why)


@contextlib.contextmanager
def joined(db: database.Database, first: database.Transaction, *, org_id: str, hands: int) -> Iterator[Hands]:
    """Yield as many hands, one or two; a second one commits at the end, before the first does.

    Raises OneHandError if either met something that passes: a row that is kept too long, a deadlock.
    """
    if hands < 2:
        yield Hands(first)
        return
    try:
        with futures.ThreadPoolExecutor(1, thread_name_prefix="hand") as helper, db.transaction() as second:
            for tx in (first, second):
                tx.execute("limit_patience")
            held = second.one("try_to_hold_off_erasures", org_id=org_id)
            if held is None or not held["is_held"]:
                raise OneHandError("an erasure waits")
            # the first one's comes after it
            second.execute("leave_flushing_to_a_later_commit")
            yield Hands(first, second, helper)
    except errors.RetryError as error:
        raise OneHandError(str(error)) from None


def deal(
    tx: database.Transaction,
    *,
    org_id: str,
    entities: list[str],
    kind: Literal["unmatch", "blank"],
    hands: int,
) -> list[list[int]]:
    """Return the ids of the changes that wait, shared between two hands if these may be two and it is worth it."""
    rows = tx.all("deal_changes", org_id=org_id, entities=entities, kind=kind, least=LEAST, hands=hands)
    return [row["change_ids"] for row in rows] or [[]]


def together(shares: list[list[int]]) -> list[int]:
    """Return all that was dealt. The first hand claims it, whose commit is the last."""
    return list(itertools.chain.from_iterable(shares))


def added(counts: Sequence[dict[str, int]]) -> dict[str, int]:
    """Return the sums of the hands' counts."""
    return {name: sum(each[name] for each in counts) for name in counts[0]}


def with_both(work: Callable[[int], Result]) -> Result:
    """Return ``work(2)``, or ``work(1)`` if that raises OneHandError; the argument is how many hands it may use."""
    try:
        return work(2)
    except OneHandError as reason:
        log.info("two hands gave way to one: %s", reason)
        return work(1)
