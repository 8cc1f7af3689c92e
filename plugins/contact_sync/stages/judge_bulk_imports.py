"""Judge how new Salesforce records came in: by hand, or by a bulk import that the inbox may not want."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from datetime import timedelta

from contact_sync import database
from contact_sync.salesforce import auth, jobs
from contact_sync.stages import _ledger

STAGE = "judge_bulk_imports"

#: Jobs older than this cannot have saved a record that is new now.
_JOB_AGE = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Burst:
    """At least ``size`` records by one creator within ``seconds``."""

    size: int = 20
    seconds: float = 60.0


def run(
    db: database.Database,
    salesforce: auth.Session,
    *,
    org_id: str,
    run_id: str,
    settle_seconds: float = 120.0,
    burst: Burst | None = None,
) -> dict[str, int]:
    """Judge the org's records that are older than ``settle_seconds`` and read with all around them: by then their
    burst and job can be seen.

    A record is a bulk import if an ingest job of its creator ran when it was made, or if it is part of a burst, which
    is what the connection says unless ``burst`` is given.
    Returns counts: ``judged``, ``jobs`` seen.
    Raises RetryError or StopError as Salesforce answers; nothing is judged then.
    """
    connection = salesforce.connection
    burst = burst or Burst(size=connection.burst_size, seconds=connection.burst_seconds)
    with _ledger.recorded(db, run_id=run_id, stage=STAGE, scope=org_id) as counts:
        span = db.one(
            "select_unjudged_span", org_id=org_id, settle_seconds=settle_seconds, burst_seconds=burst.seconds
        )
        if span and span["contacts"]:
            loads = jobs.contact_loads(salesforce, span["first_at"] - _JOB_AGE)
            counts["jobs"] = len(loads)
            counts["judged"] = db.execute(
                "judge_contacts",
                org_id=org_id,
                jobs=json.dumps([dataclasses.asdict(job) for job in loads], default=str),
                first_at=span["first_at"],
                last_at=span["last_at"],
                burst_size=burst.size,
                burst_seconds=burst.seconds,
            )
    return counts
