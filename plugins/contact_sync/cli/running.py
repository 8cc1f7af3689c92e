"""run: a stage, or the whole road, by hand and without Airflow. For debugging; the DAGs call the same stages."""

from __future__ import annotations

import argparse
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from contact_sync import database, edges, errors, records, stages
from contact_sync.cli import output, words

Outcome = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A stage as this command calls it: per org or per workspace, with its edges opened."""

    name: str
    per: Literal["org", "workspace", "all"]
    #: Takes the edges, the org's or workspace's id (``all`` if it is about neither) and the run's id; returns counts.
    call: Callable[[edges.Edges, str, str], dict[str, int]]
    #: What it would do, where the stage knows that: ``counts``, and ``samples`` of ids by count.
    rehearse: Callable[[database.Database, str], Outcome] | None = None
    #: False: only by its name, not with ``all``.
    is_on_road: bool = True


def _extract_salesforce(opened: edges.Edges, org_id: str, run_id: str) -> dict[str, int]:
    salesforce = opened.salesforce_of(org_id, lane="extract")
    return stages.extract_salesforce_contacts.run(opened.db, salesforce, org_id=org_id, run_id=run_id)


def _load_salesforce(opened: edges.Edges, org_id: str, run_id: str) -> dict[str, int]:
    """Both lanes, one after the other; the counts are summed."""
    lanes: tuple[records.Lane, ...] = ("extract", "backfill")
    found = [
        stages.load_salesforce_contacts.run(
            opened.db, opened.salesforce_of(org_id, lane=lane), org_id=org_id, run_id=run_id
        )
        for lane in lanes
    ]
    return {name: sum(counts.get(name, 0) for counts in found) for name in {**found[0], **found[1]}}


def _extract_respond(opened: edges.Edges, workspace_id: str, run_id: str) -> dict[str, int]:
    respond = opened.respond_of(workspace_id, lane="extract")
    return stages.extract_respond_contacts.run(opened.db, respond, workspace_id=workspace_id, run_id=run_id)


def _normalize(opened: edges.Edges, org_id: str, run_id: str) -> dict[str, int]:
    return stages.normalize_contacts.run(opened.db, org_id=org_id, run_id=run_id)


def _gate(opened: edges.Edges, org_id: str, run_id: str) -> dict[str, int]:
    return stages.gate_contacts.run(opened.db, org_id=org_id, run_id=run_id)


def _match(opened: edges.Edges, org_id: str, run_id: str) -> dict[str, int]:
    return stages.match_contacts.run(opened.db, org_id=org_id, run_id=run_id)


def _materialize(opened: edges.Edges, org_id: str, run_id: str) -> dict[str, int]:
    return stages.materialize_sidebar.run(opened.db, org_id=org_id, run_id=run_id)


def _judge(opened: edges.Edges, org_id: str, run_id: str) -> dict[str, int]:
    salesforce = opened.salesforce_of(org_id, lane="create")
    return stages.judge_bulk_imports.run(opened.db, salesforce, org_id=org_id, run_id=run_id)


def _create(opened: edges.Edges, workspace_id: str, run_id: str) -> dict[str, int]:
    respond = opened.respond_of(workspace_id, lane="create")
    return stages.create_contacts.run(opened.db, respond, workspace_id=workspace_id, run_id=run_id)


def _apply_edits(opened: edges.Edges, org_id: str, run_id: str) -> dict[str, int]:
    salesforce = opened.salesforce_of(org_id, lane="edit")
    return stages.apply_edits.run(opened.db, salesforce, org_id=org_id, run_id=run_id)


def _reconcile(opened: edges.Edges, org_id: str, run_id: str) -> dict[str, int]:
    salesforce = opened.salesforce_of(org_id, lane="backfill")
    return stages.reconcile_contacts.run(opened.db, salesforce, org_id=org_id, run_id=run_id)


def _restore_tags(opened: edges.Edges, workspace_id: str, run_id: str) -> dict[str, int]:
    tagging = {row["workspace_id"] for row in opened.db.all("list_workspaces_tagging")}
    if workspace_id not in tagging:
        return {}
    respond = opened.respond_of(workspace_id, lane="create")
    return stages.restore_tags.run(opened.db, respond, workspace_id=workspace_id, run_id=run_id)


def _sweep(opened: edges.Edges, _scope: str, run_id: str) -> dict[str, int]:
    return stages.sweep_leftovers.run(opened.db, run_id=run_id)


def _plan_creations(db: database.Database, workspace_id: str) -> Outcome:
    counts, samples = stages.create_contacts.foresee(db, workspace_id=workspace_id)
    return {"counts": counts, "samples": samples}


def _due_edits(db: database.Database, org_id: str) -> Outcome:
    return {"counts": dict(db.one("count_edits_to_apply", org_id=org_id) or {})}


def _sweep_and_forget(db: database.Database, _scope: str) -> Outcome:
    """A rehearsal's database undoes all of it."""
    return {"counts": stages.sweep_leftovers.run(db, run_id="rehearsal")}


#: The road in order, then what is beside it: the way back, and the daily work.
STAGES = (
    Stage(name="extract_salesforce_contacts", per="org", call=_extract_salesforce),
    Stage(name="load_salesforce_contacts", per="org", call=_load_salesforce),
    Stage(name="extract_respond_contacts", per="workspace", call=_extract_respond),
    Stage(name="normalize_contacts", per="org", call=_normalize),
    Stage(name="gate_contacts", per="org", call=_gate),
    Stage(name="match_contacts", per="org", call=_match),
    Stage(name="materialize_sidebar", per="org", call=_materialize),
    Stage(name="judge_bulk_imports", per="org", call=_judge),
    Stage(name="create_contacts", per="workspace", call=_create, rehearse=_plan_creations),
    Stage(name="apply_edits", per="org", call=_apply_edits, rehearse=_due_edits, is_on_road=False),
    Stage(name="reconcile_contacts", per="org", call=_reconcile, is_on_road=False),
    Stage(name="restore_tags", per="workspace", call=_restore_tags, is_on_road=False),
    Stage(name="sweep_leftovers", per="all", call=_sweep, rehearse=_sweep_and_forget, is_on_road=False),
)
ROAD = tuple(stage.name for stage in STAGES if stage.is_on_road)


def add_commands(commands: words.Commands) -> None:
    parser = words.declare(
        commands,
        "run",
        run,
        about="Run a stage for all connected orgs and workspaces, without Airflow. One failure stops no other."
        " With all, the road from both systems to the sidebar and to new contacts; edits and the daily work by name.",
        example="run all --workspace demo",
        changes=True,
    )
    parser.add_argument(
        "stage",
        metavar="STAGE",
        choices=("all", *(stage.name for stage in STAGES)),
        help=f"all ({', '.join(ROAD)}), or one of these, or"
        f" {', '.join(stage.name for stage in STAGES if not stage.is_on_road)}",
    )
    parser.add_argument("--org", metavar="ORG_ID", help="this org only")
    parser.add_argument("--workspace", metavar="WORKSPACE_ID", help="this workspace and its org only")


def run(arguments: argparse.Namespace) -> int:
    """Run what was asked for; 1 if any scope failed or has changes withheld."""
    wanted = [
        stage
        for stage in STAGES
        if stage.name == arguments.stage or (arguments.stage == "all" and stage.is_on_road)
    ]
    run_id = f"cli-{uuid.uuid4()}"
    with words.opened_edges(is_rehearsal=arguments.dry_run) as opened:
        scopes = _scopes(opened.db, org_id=arguments.org, workspace_id=arguments.workspace)
        todo = [(stage, scope) for stage in wanted for scope in scopes[stage.per]]
        if arguments.dry_run:
            outcomes = [_foreseen(opened, stage, scope) for stage, scope in todo]
        else:
            outcomes = [_outcome(opened, stage, scope, run_id) for stage, scope in todo]
    document = {"run_id": run_id, "dry_run": arguments.dry_run, "results": outcomes}
    output.answer(arguments, document, _lines(outcomes, is_dry=arguments.dry_run))
    return int(any(outcome["error"] or outcome["counts"].get("held") for outcome in outcomes))


def _scopes(db: database.Database, *, org_id: str | None, workspace_id: str | None) -> dict[str, list[str]]:
    """Return the orgs and workspaces concerned; StopError if there are none."""
    rows = [
        row
        for row in db.all("select_connected_workspaces")
        if org_id in (None, row["org_id"]) and workspace_id in (None, row["workspace_id"])
    ]
    orgs = {row["org_id"] for row in rows}
    if workspace_id is None:
        # an org is read before its first workspace is made
        orgs |= {
            row["org_id"]
            for row in db.all("select_orgs")
            if row["disconnected_at"] is None and org_id in (None, row["org_id"])
        }
    if not orgs:
        raise errors.StopError(
            f"nothing connected{' under this name' if org_id or workspace_id else ''}:"
            " run `python -m contact_sync connect` and `workspace set --org` first"
        )
    return {"org": sorted(orgs), "workspace": [row["workspace_id"] for row in rows], "all": ["all"]}


def _outcome(opened: edges.Edges, stage: Stage, scope: str, run_id: str) -> Outcome:
    try:
        counts, error = stage.call(opened, scope, run_id), None
    except errors.ContactSyncError as exc:
        counts, error = {}, str(exc)
    return {"stage": stage.name, "scope": scope, "counts": counts, "error": error}


def _foreseen(opened: edges.Edges, stage: Stage, scope: str) -> Outcome:
    """What waits for the stage: its own dry run, or the change feed; an extraction learns only by asking."""
    if stage.rehearse:
        return {"stage": stage.name, "scope": scope, **stage.rehearse(opened.db, scope), "error": None}
    pending = opened.db.one("count_pending_by_entity", org_id=scope) if stage.per == "org" else None
    is_fed = pending is not None and stage.name in pending
    counts = {"pending_changes": pending[stage.name]} if pending and is_fed else {}
    return {"stage": stage.name, "scope": scope, "counts": counts, "error": None}


def _lines(outcomes: list[Outcome], *, is_dry: bool) -> Iterator[str]:
    yield from output.table(
        ("stage", "scope", "result"),
        [(outcome["stage"], outcome["scope"], _result(outcome, is_dry=is_dry)) for outcome in outcomes],
    )


def _result(outcome: Outcome, *, is_dry: bool) -> str:
    if outcome["error"]:
        return f"failed: {outcome['error']}"
    if is_dry and not outcome["counts"]:
        return "would ask what is new"
    samples = (f"{name}: {', '.join(ids)} …" for name, ids in outcome.get("samples", {}).items())
    return "; ".join((output.counts(outcome["counts"]), *samples))
