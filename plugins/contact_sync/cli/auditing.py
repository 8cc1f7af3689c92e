"""status --audit: both counts of a settled range, side by side, and what accounts for a difference."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence

from contact_sync import audits, backfill, errors
from contact_sync.cli import output, words


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--audit", action="store_true", help="count contacts in Salesforce and here (two calls per org)"
    )
    parser.add_argument("--org", metavar="ORG_ID", help="audit this org only (default: all connected ones)")
    parser.add_argument(
        "--from", dest="start", metavar="TIME", help="stamps from this time on (default: all)"
    )
    parser.add_argument(
        "--to", dest="end", metavar="TIME", help="stamps before this time; cut at what has settled"
    )


def is_asked(arguments: argparse.Namespace) -> bool:
    """Tell whether ``--audit`` was given. Raises StopError for its options without it."""
    if not arguments.audit and (arguments.org or arguments.start or arguments.end):
        raise errors.StopError("--org, --from and --to belong to an audit: add --audit")
    return bool(arguments.audit)


def run(arguments: argparse.Namespace) -> int:
    """Count and compare; 1 if anything is missing here."""
    low, high = (backfill.parse_time(text) if text else None for text in (arguments.start, arguments.end))
    with words.opened_edges() as opened:
        connected = [row["org_id"] for row in opened.db.all("select_connected_orgs")]
        if not connected and not arguments.org:
            raise errors.StopError("nothing connected: run `python -m contact_sync connect` first")
        found = []
        for org_id in [arguments.org] if arguments.org else connected:
            span = audits.settled_range(opened.db, org_id, low, high)
            salesforce = opened.salesforce_of(org_id, lane="backfill")
            found.append(audits.run(opened.db, salesforce, org_id=org_id, span=span))
    output.answer(arguments, {"audits": [audit.document() for audit in found]}, _lines(found))
    return 0 if all(audit.is_complete for audit in found) else 1


def _lines(found: Sequence[audits.Audit]) -> Iterator[str]:
    for audit in found:
        low = output.visible(audit.range.low) if audit.range.low else "the oldest"
        yield f"org {audit.org_id}: SystemModstamp from {low} to {output.visible(audit.range.high)} UTC"
        theirs, ours = audit.salesforce, audit.mirror
        rows = [
            ("live", theirs.live, ours.live),
            ("deleted", theirs.deleted, ours.deleted),
            ("together", theirs.live + theirs.deleted, ours.live + ours.deleted),
        ]
        yield from output.table(("presence", "Salesforce counts", "mirror counts"), rows, indent="  ")
        yield f"  {_verdict(audit)}"


def _verdict(audit: audits.Audit) -> str:
    if audit.salesforce == audit.mirror:
        nobody = audit.salesforce == audits.Counts(live=0, deleted=0)
        return "equal: nobody has a stamp in this range" if nobody else "equal"
    if audit.difference is None:
        return f"they differ; give a range of at most {audits.LISTED} contacts to learn why"
    found = audit.difference
    reasons = (
        (found.missing, "missing here"),
        (found.older, "older here"),
        (found.quarantined, "in quarantine"),
        (found.erased, "erased on request"),
        (found.moved_on, "changed again or purged since they were read"),
    )
    said = ", ".join(f"{number} {reason}" for number, reason in reasons if number) or "alike by now"
    return f"they differ: {said}" + (
        "" if audit.is_complete else ". The next extraction fetches what is late"
    )
