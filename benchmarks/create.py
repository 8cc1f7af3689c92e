"""Do creating and walking use the rate that respond.io allows, never refused, and how many calls does a contact cost?

Counted by the stand-in's journal. Contacts with an e-mail and a phone first, then a third as many with one key; then
a walk over a hundred times as many that were there before.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import ground, report
from benchmarks.report import Figure
from contact_sync import tenants
from contact_sync.respond_io import session as respond_session
from contact_sync.stages import create_contacts, extract_respond_contacts, match_contacts, normalize_contacts
from sandbox import places
from sandbox.respond.store import Store

#: What respond.io allows per organization ("API Documentation", rate limits).
ALLOWED_PER_SECOND = 5
#: Contacts that the walk meets, for each one created: a page.
WALKED_PER_ROW = 100
PEOPLE = """
INSERT INTO salesforce_contact (org_id, salesforce_id, first_name, last_name, email, mobile_phone, created_at,
                                system_modstamp, read_at, is_bulk_import, bulk_judged_at)
SELECT %(org_id)s, '003' || lpad(n::text, 15, '0'), 'Ada', 'Person ' || n, 'ada.' || n || '@example.com',
       CASE WHEN %(keys)s = 2 THEN '+49171' || (2000000 + n) END, now(), now(), now(), false, now()
  FROM generate_series(%(first)s, %(last)s) AS n
"""


def main() -> int:
    """Measure and publish."""
    options = report.arguments("create", __doc__, rows=60, what="contacts with two keys").parse_args()
    with (
        ground.folder("create") as directory,
        ground.server(directory) as server,
        ground.ground(server, "bench") as place,
    ):
        furnish(directory / "sandbox", options.rows * WALKED_PER_ROW)
        with ground.stand_ins(directory / "sandbox") as served:
            figures = measure(place, served, options.rows)
        settings = {
            "rows": options.rows,
            "rows_with_one_key": one_key_rows(options.rows),
            "walked": options.rows * WALKED_PER_ROW,
            "allowed_per_second": ALLOWED_PER_SECOND,
            "postgres": ground.settings(server),
        }
    return report.publish("create", settings, figures, is_json=options.json)


def furnish(directory: Path, contacts: int) -> None:
    """Let respond.io have contacts before the stand-in is started; none has a key."""
    held = places.Places(directory)
    held.respond.parent.mkdir(parents=True, exist_ok=True)
    store = Store(held.respond)
    store.insert_contacts({"firstName": f"There {number}"} for number in range(contacts))
    store.close()


def one_key_rows(rows: int) -> int:
    """Return how many contacts have one key only."""
    return max(rows // 3, 1)


def measure(place: ground.Ground, served: ground.StandIns, rows: int) -> list[Figure]:
    """Create contacts of both kinds; return the figures."""
    with ground.opened(place, served) as edges:
        org_id = ground.connect(place, edges, ["Title"])
        tenants.set_workspace(place.db, ground.WORKSPACE, auto_create=True)
        session = edges.respond_of(ground.WORKSPACE, lane="create")
        phases = []
        for first, count, keys in ((1, rows, 2), (rows + 1, one_key_rows(rows), 1)):
            report.progress(f"creating {count:,} contacts with {keys} keys each")
            place.sql(PEOPLE, org_id=org_id, first=first, last=first + count - 1, keys=keys)
            normalize_contacts.run(place.db, org_id=org_id, run_id="bench")
            match_contacts.run(place.db, org_id=org_id, run_id="bench")
            served.forget("respond")
            began = time.perf_counter()
            counts = create_contacts.run(
                place.db,
                session,
                workspace_id=ground.WORKSPACE,
                run_id="bench",
                pace=create_contacts.Pace(seconds=1e6),
            )
            phases.append((time.perf_counter() - began, served.calls("respond")))
            if counts.get("tagged", 0) + counts.get("created", 0) != count:
                raise SystemExit(f"not all {count} contacts were created: {counts}")
        return [
            *summed(phases, rows),
            *walked(place, edges.respond_of(ground.WORKSPACE, lane="extract"), served),
        ]


def walked(place: ground.Ground, session: respond_session.Session, served: ground.StandIns) -> list[Figure]:
    """Walk once over all contacts; return the figures."""
    report.progress("walking")
    served.forget("respond")
    began = time.perf_counter()
    pace = extract_respond_contacts.Pace(seconds=1e6)
    extract_respond_contacts.run(place.db, session, workspace_id=ground.WORKSPACE, run_id="walk", pace=pace)
    allowed = ALLOWED_PER_SECOND * (time.perf_counter() - began)
    calls = served.calls("respond")
    refused = sum(call["status"] == 429 for call in calls)
    return [
        Figure(
            name="walk_rate_ratio", value=len(calls) / allowed, unit="ratio", limit=0.95, is_more_better=True
        ),
        Figure(name="walk_rate_limited", value=refused, unit="calls", limit=0),
    ]


def summed(phases: Sequence[tuple[float, list[dict[str, Any]]]], rows: int) -> list[Figure]:
    """Return the figures of both runs: each took so long and made these calls."""
    (seconds, calls), (one_key_seconds, one_key_calls) = phases
    everything = [*calls, *one_key_calls]
    allowed = ALLOWED_PER_SECOND * (seconds + one_key_seconds)
    refused = sum(call["status"] == 429 for call in everything)
    return [
        Figure(
            name="rate_ratio", value=len(everything) / allowed, unit="ratio", limit=0.95, is_more_better=True
        ),
        Figure(name="rate_limited", value=refused, unit="calls", limit=0),
        Figure(name="calls_per_contact", value=len(calls) / rows, unit="calls", limit=5),
        Figure(
            name="calls_per_contact_one_key",
            value=len(one_key_calls) / one_key_rows(rows),
            unit="calls",
            limit=4,
        ),
        Figure(name="contacts_per_hour", value=3600 * rows / seconds, unit="contacts"),
    ]


if __name__ == "__main__":
    sys.exit(main())
