"""backfill: plan days of an org to be read again."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from contact_sync import backfill, errors
from contact_sync.cli import output, words


def add_commands(commands: words.Commands) -> None:
    parser = words.declare(
        commands,
        "backfill",
        run,
        about="Plan days (UTC) to be read again from Salesforce; load_salesforce_contacts reads and proves them.",
        example="backfill --from 2026-01-01 --to 2026-02-01 --dry-run",
        changes=True,
    )
    parser.add_argument("--org", metavar="ORG_ID", help="this org only (default: all connected ones)")
    parser.add_argument(
        "--from", dest="start", metavar="TIME", required=True, help="first day, or a time in UTC"
    )
    parser.add_argument(
        "--to", dest="end", metavar="TIME", required=True, help="the day after the last; cut at the watermark"
    )
    parser.add_argument(
        "--fields", type=words.names, default=[], metavar="NAMES", help="fields to read beside those in use"
    )


def run(arguments: argparse.Namespace) -> None:
    """Plan, and say what is to be read."""
    start, end = backfill.parse_time(arguments.start), backfill.parse_time(arguments.end)
    with words.opened_database() as db:
        connected = [row["org_id"] for row in db.all("select_connected_orgs")]
        if not connected and not arguments.org:
            raise errors.StopError("nothing connected: run `python -m contact_sync connect` first")
        plans = [
            backfill.plan(db, org_id, start, end, fields=arguments.fields, dry_run=arguments.dry_run)
            for org_id in ([arguments.org] if arguments.org else connected)
        ]
    document = {
        "dry_run": arguments.dry_run,
        "orgs": [
            {"org_id": plan.org_id, **plan.counts(), "reason": plan.reason, "fields": list(plan.fields)}
            for plan in plans
        ],
    }
    output.answer(arguments, document, _lines(plans, is_dry=arguments.dry_run))


def _lines(plans: list[backfill.Plan], *, is_dry: bool) -> Iterator[str]:
    for plan in plans:
        yield f"org {plan.org_id}: {plan.reason or _told(plan, is_dry=is_dry)}"
    if not is_dry and any(plan.planned for plan in plans):
        yield "load_salesforce_contacts reads them; by hand: python -m contact_sync run load_salesforce_contacts"


def _told(plan: backfill.Plan, *, is_dry: bool) -> str:
    first, last = plan.windows[0][0], plan.windows[-1][1]
    verb = "would be" if is_dry else "are"
    waiting = len(plan.windows) - plan.planned
    return (
        f"{plan.planned} windows {verb} planned from {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC"
        + (f", {waiting} wait already" if waiting else "")
    )
