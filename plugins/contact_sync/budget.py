"""Who may call a vendor, and when: counts calls by lane, and shares one rate limit among all workers.

The state is in Postgres, so all workers on all machines stand in the same line. It never sleeps: callers do.
"""

from __future__ import annotations

from contact_sync import database, errors, records

#: Up to which share of the org's daily calls, everybody's counted, each lane goes on. The rest is for the
#: lanes above it and for the org's other programs. An edit is never stopped by us.
SHARES: dict[records.Lane, float] = {"edit": 1.0, "create": 0.95, "extract": 0.85, "backfill": 0.5}

#: Who goes first where all lanes share one rate: what an agent waits for, then what creates contacts.
_RANKS: dict[records.Lane, int] = {"edit": 0, "create": 1}


def count_calls(db: database.Database, org_id: records.OrgId, lane: records.Lane, calls: int = 1) -> None:
    """Add ``calls`` to today's (UTC) count of the org's lane."""
    db.execute("count_calls", org_id=org_id, lane=lane, calls=calls)


def check_share(lane: records.Lane, used: int | None, most: int | None) -> None:
    """Raise QuotaError if the lane's share of the org's day is used up; unknown figures stop nobody."""
    if used is None or not most or SHARES[lane] >= 1.0 or used < most * SHARES[lane]:
        return
    raise errors.QuotaError(
        f"lane {lane} stops at {SHARES[lane]:.0%} of the org's daily API calls, and {used} of {most} are used."
        " The run is deferred and resumes later"
    )


def try_slot(
    db: database.Database, bucket_id: str, per_second: float, *, lane: records.Lane, is_yielding: bool = True
) -> float | None:
    """Reserve the next free moment of a bucket; return the seconds to wait for it, 0.0 if it is now.

    None, and nothing reserved, while a lane before ``lane`` is at work and the caller yields to it. A generic cell
    rate algorithm without burst: reservations stand ``1 / per_second`` seconds apart, first come, first served. The
    slot is used up whether or not the caller calls.
    """
    row = db.one(
        "take_slot",
        bucket_id=bucket_id,
        interval_seconds=1 / per_second,
        rank=_RANKS.get(lane, len(_RANKS)),
        is_yielding=is_yielding,
    )
    return None if row is None else float(row["wait_seconds"])


def penalty(db: database.Database, bucket_id: str, seconds: float) -> None:
    """Keep the bucket closed for ``seconds`` from now, as a 429's ``Retry-After`` asks; all workers wait."""
    db.execute("delay_bucket", bucket_id=bucket_id, delay_seconds=seconds)
