"""backfill: plan days of an org to be read again, and read them here if asked to."""

from __future__ import annotations

import argparse
import uuid
from collections.abc import Iterator
from typing import Any

from contact_sync import backfill, errors, stages
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
    parser.add_argument("--object", default="Contact", metavar="NAME", help="Contact; nothing else is read")
    parser.add_argument(
        "--now",
        action="store_true",
        help="read them here until every day is proven; Ctrl-C stops, and the same command goes on with the rest",
    )


def run(arguments: argparse.Namespace) -> None:
    """Plan, say what is to be read, and read it if that is asked for."""
    backfill.check_object(arguments.object)
    start, end = backfill.parse_time(arguments.start), backfill.parse_time(arguments.end)
    with words.opened_database() as db:
        connected = [row["org_id"] for row in db.all("select_connected_orgs")]
        if not connected and not arguments.org:
            raise errors.StopError("nothing connected: run `python -m contact_sync connect` first")
        plans = backfill.plan_all(
            db,
            [arguments.org] if arguments.org else connected,
            start,
            end,
            fields=arguments.fields,
            dry_run=arguments.dry_run,
        )
    document = {
        "dry_run": arguments.dry_run,
        "orgs": [
            {
                "org_id": plan.org_id,
                **plan.counts(),
                "reason": plan.reason,
                "fields": list(plan.fields),
                "samples": plan.samples(),
            }
            for plan in plans
        ],
    }
    is_read = arguments.now and not arguments.dry_run
    if is_read:
        document["read"] = {plan.org_id: _read(plan) for plan in plans if plan.windows}
    output.answer(
        arguments, document, [*_lines(plans, is_dry=arguments.dry_run), *_told_of(document, is_read)]
    )


def _lines(plans: list[backfill.Plan], *, is_dry: bool) -> Iterator[str]:
    for plan in plans:
        yield f"org {plan.org_id}: {plan.reason or _told(plan, is_dry=is_dry)}"


def _read(plan: backfill.Plan) -> dict[str, int]:
    """Read an org's planned days in the backfill lane, also those that an earlier run left; return the counts."""
    with words.opened_edges() as edges:
        counts = stages.load_salesforce_contacts.run(
            edges.db,
            edges.salesforce_of(plan.org_id, lane="backfill"),
            org_id=plan.org_id,
            run_id=f"cli-{uuid.uuid4()}",
        )
        waiting = backfill.check_proven(edges.db, plan.org_id, plan.windows[0][0], plan.windows[-1][1])
    return {**counts, "deferred": waiting}


def _told_of(document: dict[str, Any], is_read: bool) -> Iterator[str]:
    if is_read:
        for org_id, counts in document["read"].items():
            outcome = "some days are put off for the quota" if counts["deferred"] else "every day is proven"
            yield f"org {org_id}: {outcome}: {output.counts(counts)}"
    elif not document["dry_run"] and any(org["planned"] for org in document["orgs"]):
        yield "load_salesforce_contacts reads them within 5 minutes; here and now: the same command with --now"


def _told(plan: backfill.Plan, *, is_dry: bool) -> str:
    first, last = plan.windows[0][0], plan.windows[-1][1]
    verb = "would be" if is_dry else "are"
    waiting, counts = len(plan.windows) - plan.planned, plan.counts()
    return (
        f"{plan.planned} windows {verb} planned from {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC"
        + (f", {waiting} wait already or are proven" if waiting else "")
        + f"; about {counts['contacts']} contacts, {counts['calls']} API calls of the backfill lane"
    )
