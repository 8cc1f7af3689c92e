"""The record of a stage's run: begun before the work, ended with its counts whatever happens."""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Iterator

from contact_sync import database, errors

log = logging.getLogger(__name__)

Counts = dict[str, int]


@contextlib.contextmanager
def recorded(db: database.Database, *, run_id: str, stage: str, scope: str) -> Iterator[Counts]:
    """Yield the counts to fill in. ``scope`` is the org or workspace worked on.

    A used-up quota ends the run as *deferred*, which is a success that resumes later; a count ``held`` ends it as
    *held*: something waits for a person. Any other error ends it as *failed* and leaves.
    """
    counts: Counts = {}
    db.execute("start_stage_run", run_id=run_id, stage=stage, scope=scope)
    status, error = "failed", "its worker stopped"
    try:
        yield counts
        status, error = "held" if counts.get("held") else "succeeded", ""
    except errors.QuotaError as exc:
        counts["deferred"] = 1
        status, error = "deferred", str(exc)
    except errors.ContactSyncError as exc:
        error = str(exc)
        raise
    finally:
        db.execute(
            "finish_stage_run",
            run_id=run_id,
            stage=stage,
            scope=scope,
            status=status,
            counts=json.dumps(counts),
            error=error or None,
        )
        log.info("%s of %s %s: %s", stage, scope, status, counts)
