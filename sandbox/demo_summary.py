"""What the demo tells after its first cycle: stages, writes, the truth check, one sidebar row, where to look."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sandbox import demo_database, demo_truth
from sandbox.demo_cycle import Cycle
from sandbox.demo_tenant import WORKSPACE


def verdict(database_url: str, stand_in_url: str) -> demo_truth.Verdict:
    """Ask the stand-in for the truth and compare the match table with it."""
    with urllib.request.urlopen(f"{stand_in_url}/_sandbox/truth", timeout=60) as answer:
        people = json.load(answer)["people"]
    matches = demo_database.ask(database_url, "matches", workspace_id=WORKSPACE)
    return demo_truth.compare(
        people, matches, demo_database.ask(database_url, "issues", workspace_id=WORKSPACE)
    )


def stages(database_url: str, cycle: Cycle) -> Iterator[str]:
    """Say per stage what it did and how long it took, and what failed."""
    yield f"The {'first ' if cycle.is_first else ''}cycle took {cycle.seconds:.1f} s. Its stages:"
    for run in demo_database.ask(database_url, "stage_runs", since=cycle.since):
        counts = ", ".join(f"{name} {int(n):,}" for name, n in sorted(run["counts"].items()) if n)
        failed = f"  ({run['failed']} failed)" if run["failed"] else ""
        yield f"  {run['stage']:<30} {run['seconds']:6.1f} s   {counts or 'nothing to do'}{failed}"
    yield from (f"  FAILED  {line}" for line in cycle.failures)


def writes(cycle: Cycle) -> Iterator[str]:
    """Say which rows of the results were written; none is the promise when nothing had changed."""
    tables = "mirrors, keys, matches, issues and sidebar rows"
    if not cycle.written:
        yield f"Rows written to {tables}: none, because nothing had changed."
        return
    yield f"Rows written to {tables}:"
    for table, (inserted, updated, deleted) in cycle.written.items():
        yield f"  {table:<30} {inserted:>8,} inserted {updated:>8,} updated {deleted:>8,} deleted"
    if not cycle.is_first:
        yield "  (this home had been filled before: only what changed since should be here)"


def truth(found: demo_truth.Verdict) -> Iterator[str]:
    """Say how right the matches are, and how the misses compare with what was expected, by reason."""
    yield "The truth check: the match table against what the stand-ins know about their people."
    yield f"  precision {found.precision:.4f}   {found.right:,} of {found.matches:,} matches are the right person's"
    yield f"  recall    {found.recall:.4f}   {found.right:,} of {found.expected:,} people who must match do"
    yield "  matched by " + ", ".join(f"{rule} {n:,}" for rule, n in found.by_rule.items())
    if found.unknown:
        yield f"  {found.unknown:,} more matches: of contacts whose truth is not known, such as loaded or created ones"
    yield "  no match, by reason              expected     found     agree"
    for kind in found.outcomes:
        name = f"{kind.status} {kind.reason}"
        yield f"    {name:<30} {kind.expected:>8,}  {kind.found:>8,}  {kind.agreed:>8,}"


def sidebar(database_url: str) -> Iterator[str]:
    """Show one sidebar row as an agent would see it."""
    rows = demo_database.ask(database_url, "sample_contact", workspace_id=WORKSPACE)
    if not rows:
        yield "No sidebar row yet."
        return
    person = rows[0]
    name = " ".join(filter(None, (person["first_name"], person["last_name"])))
    yield f"What an agent sees beside the chat with {name} (respond.io contact {person['respond_id']}):"
    fields = demo_database.ask(
        database_url, "sample_fields", workspace_id=WORKSPACE, respond_id=person["respond_id"]
    )
    for item in fields:
        yield f"  {item['label']:<24} {_shown(item['value'])}"
    yield f"  matched by {person['matched_by']}; View in Salesforce: {person['salesforce_url']}"


def _shown(value: Any) -> str:
    return "-" if value is None else str(value)


def where_to_look(home: Path, urls: Mapping[str, str], *, stays: bool) -> Iterator[str]:
    """Say where to look next; commands to paste work while the demo runs."""
    yield "Where to look next" + (":" if stays else " (without --once everything stays up, and these work):")
    yield from (f"  {name:<13} {url}" for name, url in urls.items())
    yield f"  a shell       source {_short(home / 'environment.sh')}    (then: psql, airflow, python -m contact_sync)"
    yield '  the matches   psql "$CONTACT_SYNC_DATABASE_URL" -c "SELECT * FROM match_overview"'
    yield '  the misses    psql "$CONTACT_SYNC_DATABASE_URL" -c "SELECT * FROM match_issue LIMIT 20"'
    yield "  the people    python -m contact_sync explain --help"
    yield f"  all logs      {_short(home / 'logs')}"


def _short(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
