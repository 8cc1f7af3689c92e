"""status: how far each org is read, what each workspace has matched, what waits and what ran last."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from contact_sync import database, holds
from contact_sync.cli import access, ages, auditing, output, paces, waits, words

WINDOWS = 3

Item = Mapping[str, Any]


def add_commands(commands: words.Commands) -> None:
    parser = words.declare(
        commands,
        "status",
        run,
        about="Say how things stand: watermarks, windows, matches, backlog, latest runs, API calls of today."
        " With --audit, count contacts in Salesforce and here, over a range of stamps that has settled.",
        example="status --json\n  python -m contact_sync status --audit --from 2026-01-01",
    )
    auditing.add_options(parser)


def run(arguments: argparse.Namespace) -> int | None:
    """Read and print."""
    if auditing.is_asked(arguments):
        return auditing.run(arguments)
    with words.opened_database() as db:
        document: dict[str, Sequence[Item]] = {
            "orgs": _orgs(db),
            "workspaces": _workspaces(db),
            "stages": [dict(row) for row in db.all("select_latest_stage_runs")],
        }
    output.answer(arguments, document, _lines(document))
    return None


def _orgs(db: database.Database) -> list[Item]:
    windows = [dict(row) for row in db.all("select_latest_windows", windows=WINDOWS)]
    allowed, read = access.read(db), ages.read(db)
    held = [dict(row) for row in holds.in_force(db)]
    waiting = waits.by_org(db)
    return [
        {
            **row,
            **allowed[row["org_id"]],
            **read[row["org_id"]],
            "windows": [window for window in windows if window["org_id"] == row["org_id"]],
            "matching_waits": waiting.get(row["org_id"]),
            "holds": [hold for hold in held if hold["org_id"] == row["org_id"]],
        }
        for row in db.all("select_org_status")
    ]


def _workspaces(db: database.Database) -> list[Item]:
    counts, under_way = db.all("select_match_counts"), paces.read(db)
    queues = {row["workspace_id"]: dict(row) for row in db.all("select_edit_queues")}
    return [
        {
            **row,
            **under_way[row["workspace_id"]],
            "edits": {name: of for name, of in queues[row["workspace_id"]].items() if name != "workspace_id"},
            **{
                status: {
                    c["reason"]: c["contacts"]
                    for c in counts
                    if c["workspace_id"] == row["workspace_id"] and c["status"] == status
                }
                for status in ("matched", "ambiguous", "unmatched")
            },
        }
        for row in db.all("select_workspace_status")
    ]


def _lines(document: Mapping[str, Sequence[Item]]) -> Iterator[str]:
    if not document["orgs"]:
        yield "no org yet: python -m contact_sync connect CONN_ID"
    for org in document["orgs"]:
        yield from _org(org)
    for workspace in document["workspaces"]:
        yield from _workspace(workspace)
    headers = ("stage", "scope", "when", "status", "seconds", "counts")
    rows = [
        (
            run["stage"],
            run["scope"],
            f"{output.age(run['age_seconds'])} ago",
            run["status"],
            run["seconds"],
            _said(run),
        )
        for run in document["stages"]
    ]
    if rows:
        yield "latest runs"
        yield from output.table(headers, rows, indent="  ")


def _said(run: Item) -> str:
    return str(run["error"]) if run["error"] else output.counts(run["counts"])


def _org(org: Item) -> Iterator[str]:
    yield f"org {org['org_id']}  {output.visible(org['name'])}"
    if org["disconnected_at"]:
        yield f"  disconnected since {output.visible(org['disconnected_at'])}: nothing is read"
    yield f"  proven complete   {_reach(org)}"
    yield f"  settled           {_settled(org)}"
    yield f"  deletions         {_deletions(org)}"
    yield f"  waiting changes   {org['pending_changes']}{_oldest(org)}"
    yield f"  in quarantine     {org['quarantined_rows']}"
    if org["matching_waits"]:
        yield f"  matching          waits: {org['matching_waits']}"
    yield from map(_held, org["holds"])
    yield from access.lines(org)
    yield from ages.lines(org)
    headers = (
        "window",
        "kind",
        "status",
        "reported",
        "landed",
        "distinct",
        "changed",
        "quarantined",
        "erased",
        "late",
        "calls",
        "until",
    )
    counted = ("reported", "landed", "distinct", "merged", "quarantined", "erased", "late")
    names = ("window_id", "kind", "status", *(f"rows_{name}" for name in counted), "api_calls", "read_until")
    rows = [tuple(window[name] for name in names) for window in org["windows"]]
    yield from output.table(headers, rows, indent="  ")
    yield from (
        f"  window {window['window_id']}: {window['detail']}" for window in org["windows"] if window["detail"]
    )
    yield ""


def _held(hold: Item) -> str:
    where = (
        f"in workspace {hold['workspace_id']}" if hold["workspace_id"] else "so nobody of the org is matched"
    )
    what = f"{holds.KINDS[hold['kind']]}, {where}"
    return f"  ALERT: hold {hold['hold_id']}: {what}. python -m contact_sync approve shows it"


def _reach(org: Item) -> str:
    if org["watermark_at"] is None:
        return "never read"
    return f"until {output.visible(org['watermark_at'])} UTC, {output.age(org['watermark_age_seconds'])} ago"


def _settled(org: Item) -> str:
    if org["watermark_at"] is None:
        return "not asked yet"
    age = output.age(org["settled_age_seconds"])
    reach = "never" if age == "never" else f"until {output.visible(org['settled_until'])} UTC, {age} ago"
    detail = f"; {org['settled_detail']}" if org["settled_detail"] else ""
    if org["is_settled_late"]:
        return f"{reach}  ALERT: it stands still{detail}. News are read as ever; late commits are not proved absent"
    return reach + detail


def _deletions(org: Item) -> str:
    age = output.age(org["deletes_age_seconds"])
    known = f"known until {output.visible(org['deletes_until'])} UTC, {age} ago"
    reach = "not asked yet" if age == "never" else known
    if org["is_deletes_late"]:
        return f"{reach}  ALERT: Salesforce's log of them is not read; reconcile_contacts finds them daily"
    return reach


def _oldest(org: Item) -> str:
    return f", the oldest for {output.age(org['oldest_change_seconds'])}" if org["pending_changes"] else ""


def _workspace(workspace: Item) -> Iterator[str]:
    serves = f"serves org {workspace['org_id']}" if workspace["org_id"] else "serves no org"
    yield f"workspace {workspace['workspace_id']}  {output.visible(workspace['name'])}, {serves}"
    walked = output.age(workspace["walk_age_seconds"])
    yield f"  last whole walk   {walked if walked == 'never' else f'{walked} ago'}"
    yield from paces.lines(workspace)
    for status in ("matched", "ambiguous", "unmatched"):
        found = workspace[status]
        parts = ", ".join(f"{reason} {number}" for reason, number in found.items())
        yield f"  {status:<17} {sum(found.values())}{f'  ({parts})' if parts else ''}"
    yield f"  in quarantine     {workspace['quarantined_rows']}"
    if workspace["held_changes"]:
        yield f"  held changes      {workspace['held_changes']}: a person must decide"
    yield f"  waiting edits     {_edits(workspace['edits'])}"
    yield ""


def _edits(found: Item) -> str:
    told = ", ".join(f"{name} {found[name]}" for name in ("queued", "applying", "parked") if found[name])
    if found["oldest_seconds"] is not None:
        told += f", the oldest on its way for {output.age(found['oldest_seconds'])}"
    if found["is_late"]:
        why = ", ".join(found["waits_for"] or ["no reason noted: does the DAG apply_edits run?"])
        told += f"  ALERT: agents wait ({why})"
    return told or "none"
