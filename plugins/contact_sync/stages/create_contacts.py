"""Create respond contacts for new Salesforce records: once, tagged, and only the wanted ones."""

from __future__ import annotations

import time
from dataclasses import dataclass

from contact_sync import database, tenants
from contact_sync.respond_io import session as respond_session
from contact_sync.stages import _creation, _crew, _ledger, _turns

STAGE = "create_contacts"

#: Calls that one creation may cost: two look-ups, create, read back, tag.
CALLS_EACH = 5
Pace = _turns.Pace
FOUR_MINUTES = Pace(seconds=240.0)


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
    pace: Pace = FOUR_MINUTES,
) -> dict[str, int]:
    """Plan creations for the records made since the switch, then work through the plan at the given pace.

    A dry run plans, counts and undoes it. Returns counts: ``planned`` and ``skipped_RULE`` in all, ``calls`` that
    the plan may cost, and what this run ``created``, ``tagged``, ``adopted``, ``rejected``, ``postponed``.
    Raises RetryError if respond.io answers nothing or breaks off three creations in a row (what was begun is looked
    up again before anything is sent twice), StopError if it refuses us.
    """
    deadline = time.monotonic() + pace.seconds
    with (
        _turns.taken(db, f"create:{workspace_id}", patience_seconds=pace.patience_seconds) as is_ours,
        _ledger.recorded(db, run_id=run_id, stage=STAGE, scope=workspace_id) as counts,
    ):
        workspace = tenants.known_workspace(db, workspace_id)
        if is_ours and workspace["org_id"] is not None:
            counts |= _plan(db, workspace, wishes)
            if not wishes.dry_run:
                _work(db, respond, workspace, wishes.limit, deadline, counts)
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
    def following(tried: list[str]) -> database.Row | None:
        return db.one("select_next_creation", workspace_id=workspace["workspace_id"], tried=tried)

    def advance(row: database.Row) -> str:
        return _creation.advance(db, respond, workspace, row)

    crew = _crew.Crew(advance, following, limit=limit, deadline=deadline)
    crew.work(counts, lambda: f"{workspace['workspace_id']}: {counts}")
