"""Create respond contacts for new Salesforce records: once, tagged, and only the wanted ones."""

from __future__ import annotations

import time
from dataclasses import dataclass

from contact_sync import database, errors, tenants
from contact_sync.respond_io import session as respond_session
from contact_sync.stages import _creation, _ledger

STAGE = "create_contacts"

#: Calls that one creation may cost: two look-ups, create, read back, tag.
CALLS_EACH = 5
#: So many unanswered creations in a row end the run.
PATIENCE = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What one run may do otherwise; ``include_bulk_imports`` None leaves the workspace's switch in force."""

    include_bulk_imports: bool | None = None
    limit: int | None = None
    dry_run: bool = False


def run(
    db: database.Database,
    respond: respond_session.Session,
    *,
    workspace_id: str,
    run_id: str,
    wishes: Wishes = Wishes(),
    seconds: float = 240.0,
) -> dict[str, int]:
    """Plan creations for the records made since the switch, then work through the plan for at most ``seconds``.

    A dry run plans, counts and undoes it. Returns counts: ``planned`` and ``skipped_RULE`` in all, ``calls`` that
    the plan may cost, and what this run ``created``, ``tagged``, ``adopted``, ``rejected``, ``postponed``.
    Raises RetryError if respond.io answers nothing or breaks off three creations in a row (what was begun is looked
    up again before anything is sent twice), StopError if it refuses us.
    """
    with (
        db.advisory_lock(f"create:{workspace_id}") as is_held,
        _ledger.recorded(db, run_id=run_id, stage=STAGE, scope=workspace_id) as counts,
    ):
        workspace = tenants.known_workspace(db, workspace_id)
        if is_held and workspace["org_id"] is not None:
            counts |= _plan(db, workspace, wishes)
            if not wishes.dry_run:
                _work(db, respond, workspace, wishes.limit, time.monotonic() + seconds, counts)
    return counts


def _plan(db: database.Database, workspace: database.Row, wishes: Wishes) -> dict[str, int]:
    wanted = wishes.include_bulk_imports
    include_bulk_imports = workspace["include_bulk_imports"] if wanted is None else wanted
    tenant = {"workspace_id": workspace["workspace_id"], "org_id": workspace["org_id"]}
    with db.transaction(is_undone=wishes.dry_run) as tx:
        tx.execute("skip_switched_off", workspace_id=workspace["workspace_id"])
        if workspace["auto_create_since"] is not None:
            tx.execute("create_planning_tables")
            if tx.execute("insert_looked_at", **tenant):
                tx.execute("upsert_plans", include_bulk_imports=include_bulk_imports, **tenant)
        rows = tx.all("count_creations", workspace_id=workspace["workspace_id"])
    planned = sum(row["creations"] for row in rows if row["status"] == "planned")
    skipped = {f"skipped_{row['rule']}": row["creations"] for row in rows if row["status"] == "skipped"}
    return {"planned": planned, "calls": planned * CALLS_EACH, **skipped}


def _work(
    db: database.Database,
    respond: respond_session.Session,
    workspace: database.Row,
    limit: int | None,
    deadline: float,
    counts: _ledger.Counts,
) -> None:
    done = failures = 0
    silence: errors.RetryError | None = None
    tried: list[str] = []
    while (limit is None or done < limit) and time.monotonic() < deadline:
        row = db.one("select_next_creation", workspace_id=workspace["workspace_id"], tried=tried)
        if row is None:
            break
        try:
            outcome, failures = _creation.advance(db, respond, workspace, row), 0
        except errors.RetryError as error:
            # one contact that is stuck must not hold up the others; three in a row are the vendor
            outcome, failures, silence = "postponed", failures + 1, error
            tried.append(row["salesforce_id"])
            if failures == PATIENCE:
                raise
        counts[outcome] = counts.get(outcome, 0) + 1
        done += 1
    # a vendor that is down must not look like a quiet day; what is merely unclear is looked up in a minute
    if silence is not None and failures == done and not silence.is_ambiguous:
        raise silence
