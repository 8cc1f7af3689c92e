"""Create respond contacts for new Salesforce records: once, tagged, and only the wanted ones."""

from __future__ import annotations

import dataclasses
import logging
import time
from dataclasses import dataclass

from contact_sync import database, tenants, tombstones
from contact_sync.respond_io import session as respond_session
from contact_sync.stages import _content, _creation, _crew, _ledger, _turns

log = logging.getLogger(__name__)

STAGE = "create_contacts"

#: Calls that one creation may cost: two look-ups, create, read back, tag.
CALLS_EACH = 5
#: Records that a dry run names per rule.
SAMPLES = 5

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

    A dry run plans, counts, names samples in the log and undoes it. While the gate holds the org, what is planned is
    held, and what was begun is finished. Returns counts: ``planned``, ``held`` and ``skipped_RULE`` in all, ``calls``
    that the plan may cost, and what this run ``created``, ``tagged``, ``adopted``, ``rejected``, ``postponed``.
    Raises RetryError if respond.io answers nothing or breaks off three creations in a row (what was begun is looked
    up again before anything is sent twice), StopError if it refuses us.
    """
    deadline = time.monotonic() + pace.seconds
    with _ledger.recorded(db, run_id=run_id, stage=STAGE, scope=workspace_id) as counts:
        workspace = tenants.known_workspace(db, workspace_id)
        if workspace["org_id"] is None:
            return counts
        if wishes.dry_run:
            counts |= _foreseen(db, workspace_id, wishes)
            return counts
        # before our turn: whoever works now goes on with it, and a run's wishes are not lost
        with db.transaction() as tx:
            counts |= _planned(tx, workspace, wishes)
        with _turns.taken(db, f"create:{workspace_id}", patience_seconds=pace.patience_seconds) as is_ours:
            if is_ours:
                with db.transaction() as tx:
                    tx.execute("skip_switched_off", workspace_id=workspace_id)
                    counts |= _counted(tx, workspace_id)
                crew = _crew.Crew(limit=wishes.limit, deadline=deadline)
                _work(_creation.Creator(db, respond, workspace, run_id), crew, counts, wishes)
            else:
                log.info("%s: planned; the run under way creates them", workspace_id)
    return counts


def _foreseen(db: database.Database, workspace_id: str, wishes: Wishes) -> dict[str, int]:
    counts, samples = foresee(db, workspace_id=workspace_id, include_bulk_imports=wishes.include_bulk_imports)
    for name, salesforce_ids in samples.items():
        log.info("%s: would be %s: %s …", workspace_id, name, ", ".join(salesforce_ids))
    return counts


def foresee(
    db: database.Database, *, workspace_id: str, include_bulk_imports: bool | None = None
) -> tuple[dict[str, int], dict[str, list[str]]]:
    """Plan and undo it; return the counts, and by count's name some Salesforce ids that it stands for.

    ``calls`` is what the plan may cost at respond.io, ``seconds`` how long that takes at the rate it allows.
    """
    workspace = tenants.known_workspace(db, workspace_id)
    wishes = Wishes(include_bulk_imports=include_bulk_imports, dry_run=True)
    if workspace["org_id"] is None:
        return {}, {}
    with db.transaction(is_undone=True) as tx:
        tx.execute("skip_switched_off", workspace_id=workspace_id)
        counts = _planned(tx, workspace, wishes)
        rows = tx.all("select_plan_samples", workspace_id=workspace_id, samples=SAMPLES)
    counts["seconds"] = round(counts["calls"] / respond_session.CALLS_PER_SECOND)
    return counts, {_name(row): list(row["salesforce_ids"]) for row in rows}


def progress(db: database.Database, workspace_id: str | None = None) -> list[database.Row]:
    """Return how far one workspace's creations are, or each one's; see ``select_creation_progress``."""
    usual = respond_session.CALLS_PER_SECOND * 3600 / CALLS_EACH
    return db.all("select_creation_progress", workspace_id=workspace_id, usual_per_hour=usual)


def _planned(tx: database.Transaction, workspace: database.Row, wishes: Wishes) -> dict[str, int]:
    wanted = wishes.include_bulk_imports
    include_bulk_imports = workspace["include_bulk_imports"] if wanted is None else wanted
    tenant = {"workspace_id": workspace["workspace_id"], "org_id": workspace["org_id"]}
    wait = tx.one("select_match_wait", org_id=workspace["org_id"])
    is_held = bool(wait and wait["waits_for"] == "decision")
    if not is_held:
        tx.execute("hold_creations", workspace_id=workspace["workspace_id"], is_held=False)
    tx.execute("skip_overtaken", workspace_id=workspace["workspace_id"], salesforce_id=None)
    if workspace["auto_create_since"] is not None:
        tx.execute("create_planning_tables")
        if tx.execute("insert_looked_at", **tenant):
            if tombstones.are_there(tx, org_id=workspace["org_id"]):
                tombstones.load_pads(tx)
                tx.execute("mark_erased", org_id=workspace["org_id"])
            tx.execute("upsert_plans", include_bulk_imports=include_bulk_imports, **tenant)
        if wanted and wishes.limit is not None and not workspace["include_bulk_imports"]:
            # the wish of one run for so many, not of those that follow for all the others
            tx.execute("skip_bulk_imports", workspace_id=workspace["workspace_id"], keep=wishes.limit)
    if is_held:
        tx.execute("hold_creations", workspace_id=workspace["workspace_id"], is_held=True)
    return _counted(tx, workspace["workspace_id"])


def _counted(tx: database.Transaction, workspace_id: str) -> dict[str, int]:
    rows = tx.all("count_creations", workspace_id=workspace_id)
    counts = {_name(row): row["creations"] for row in rows if row["status"] in ("planned", "held", "skipped")}
    planned = counts.pop("planned", 0)
    return {"planned": planned, "calls": planned * CALLS_EACH, **counts}


def _name(row: database.Row) -> str:
    """``planned``, ``held``, or ``skipped_RULE``."""
    return f"{row['status']}_{row['rule']}" if row["rule"] else str(row["status"])


def _work(creator: _creation.Creator, crew: _crew.Crew, counts: _ledger.Counts, wishes: Wishes) -> None:
    db, workspace_id = creator.db, creator.workspace["workspace_id"]
    leaves = wishes.include_bulk_imports is False

    def following(tried: list[str]) -> database.Row | None:
        return db.one(
            "select_next_creation", workspace_id=workspace_id, tried=tried, leaves_bulk_imports=leaves
        )

    if following([]) is not None:
        id_field = _content.known_id_field(creator.respond, creator.workspace)
        equipped = dataclasses.replace(creator, id_field=id_field)
        crew.work(equipped.advance, following, counts, say=lambda: _said(db, workspace_id))


def _said(db: database.Database, workspace_id: str) -> str:
    """One line for the task's log."""
    found = next(iter(progress(db, workspace_id)), None)
    if found is None:
        return f"{workspace_id}: nothing planned"
    end = f", expected to end {found['expected_end_at']:%Y-%m-%d %H:%M} UTC" if found["left_over"] else ""
    return f"{workspace_id}: {found['done']} done, {found['left_over']} left, {found['per_hour']:.0f} an hour{end}"
