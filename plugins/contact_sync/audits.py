"""An audit that a person asks for: how many contacts Salesforce counts now in a range of stamps, and how many we hold.

Only what has settled can be compared: below ``salesforce_org.settled_until`` no transaction is open in Salesforce.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from contact_sync import database, errors, tombstones
from contact_sync.salesforce import auth, query

#: Where the counts differ, Ids are listed to say why, of ranges with at most so many contacts.
LISTED = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """Stamps from ``low`` (None: the oldest) up to, without, ``high``."""

    low: datetime | None
    high: datetime

    def where(self) -> str:
        bounds = [f"SystemModstamp < {query.datetime_literal(self.high)}"]
        if self.low:
            bounds.insert(0, f"SystemModstamp >= {query.datetime_literal(self.low)}")
        return " AND ".join(bounds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Contacts by presence."""

    live: int
    deleted: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Why counts differ, by Id: the first two are rows we should have, the others are as they should be."""

    missing: int
    older: int
    quarantined: int
    erased: int
    #: In the mirror's range and not in Salesforce's: changed again or purged since it was read.
    moved_on: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """Both counts, and where they differ why; ``difference`` None also if there was too much to list."""

    org_id: str
    range: Range
    salesforce: Counts
    mirror: Counts
    difference: Difference | None

    @property
    def is_complete(self) -> bool:
        """Nothing is missing here: the counts are equal, or what differs is accounted for."""
        if self.salesforce == self.mirror:
            return True
        return self.difference is not None and not (self.difference.missing or self.difference.older)

    def document(self) -> dict[str, object]:
        return {
            "org_id": self.org_id,
            "from": self.range.low,
            "to": self.range.high,
            "salesforce": asdict(self.salesforce),
            "mirror": asdict(self.mirror),
            "is_equal": self.salesforce == self.mirror,
            "is_complete": self.is_complete,
            "difference": asdict(self.difference) if self.difference else None,
        }


def settled_range(db: database.Database, org_id: str, low: datetime | None, high: datetime | None) -> Range:
    """Return the range that can be compared: ``high`` None or beyond it is cut at ``settled_until``.

    Raises StopError for an empty or future range, an unknown org, and before anything has settled.
    """
    row = db.one("select_settled_until", org_id=org_id)
    if row is None:
        raise errors.StopError(f"org {org_id} is not connected: run `python -m contact_sync connect`")
    if low and high and low >= high:
        raise errors.StopError(f"the range is empty: from {low:%Y-%m-%dT%H:%M:%SZ} is not before to")
    if low and low > row["asked_at"]:
        raise errors.StopError(f"the range is in the future: it begins {low:%Y-%m-%dT%H:%M:%SZ}")
    settled = row["settled_until"]
    if settled is None:
        raise errors.StopError(
            f"org {org_id}: nothing has settled yet; extract_salesforce_contacts asks after the first load"
        )
    if low and low >= settled:
        raise errors.StopError(
            f"org {org_id} has settled until {settled:%Y-%m-%dT%H:%M:%SZ} only: later stamps may still appear"
            " in Salesforce, so their counts prove nothing"
        )
    end = min(high, settled) if high else settled
    return Range(low=low.replace(microsecond=0) if low else None, high=end.replace(microsecond=0))


def run(db: database.Database, salesforce: auth.Session, *, org_id: str, span: Range) -> Audit:
    """Count now, there and here; where the counts differ list Ids and stamps to say why. Changes nothing."""
    theirs = _theirs(salesforce, span)
    row = db.one("count_mirrored_between", org_id=org_id, low=span.low, high=span.high)
    assert row is not None
    ours = Counts(live=row["live"], deleted=row["deleted"])
    is_listable = theirs.live + theirs.deleted <= LISTED
    difference = _difference(db, salesforce, org_id, span) if theirs != ours and is_listable else None
    return Audit(org_id=org_id, range=span, salesforce=theirs, mirror=ours, difference=difference)


def _theirs(salesforce: auth.Session, span: Range) -> Counts:
    everybody, _ = query.count(salesforce, query.select_count(where=span.where()))
    deleted, _ = query.count(salesforce, query.select_count(where=f"{span.where()} AND IsDeleted = true"))
    return Counts(live=everybody - deleted, deleted=deleted)


def _difference(db: database.Database, salesforce: auth.Session, org_id: str, span: Range) -> Difference:
    pages = query.pages(salesforce, query.select(["Id", "SystemModstamp"], where=span.where()))
    listed = [(row["Id"], row["SystemModstamp"]) for page in pages for row in page.records]
    ids = [salesforce_id for salesforce_id, _ in listed]
    missing, older, quarantined = [], 0, 0
    for row in db.all("select_unmirrored", org_id=org_id, ids=ids, stamps=[stamp for _, stamp in listed]):
        if row["is_quarantined"]:
            quarantined += 1
        elif row["is_there"]:
            older += 1
        else:
            missing.append(row["salesforce_id"])
    with db.transaction() as tx:
        known = tombstones.without_erased_ids(tx, org_id=org_id, ids=missing)
    unlisted = db.one("count_unlisted", org_id=org_id, low=span.low, high=span.high, ids=ids)
    assert unlisted is not None
    return Difference(
        missing=len(known),
        older=older,
        quarantined=quarantined,
        erased=len(missing) - len(known),
        moved_on=unlisted["contacts"],
    )
