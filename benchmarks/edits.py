"""How soon is an agent's edit in Salesforce, and what do a thousand of them cost?

With ``--home DIR`` of a running demo: single edits through its sidebar service, Airflow doing the work, timed until the
stand-in holds the value. Without: many edits queued at once, sent by the stage, beside one call per record, both at
100 ms latency.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from benchmarks import extract_peers, ground, report, sandbox
from benchmarks.report import Figure
from contact_sync import edits
from contact_sync.stages import (
    apply_edits,
    extract_salesforce_contacts,
    gate_contacts,
    load_salesforce_contacts,
    match_contacts,
    materialize_sidebar,
    normalize_contacts,
)

LATENCY_SECONDS = 0.1
#: The peer is slow: so many of its updates tell its pace.
ONE_BY_ONE = 50
FIELD = "Title"
_PATIENCE_SECONDS = 120.0
_PAUSE_SECONDS = 0.05
_RESPOND_CONTACTS = """
INSERT INTO respond_contact (workspace_id, respond_id, org_id, email, content_hash, seen_at, written_by)
SELECT %(workspace)s, row_number() OVER (ORDER BY salesforce_id), org_id, email, '', now(), 'walk'
  FROM salesforce_contact
"""
_CLAIMED = """
SELECT edit_id, extract(epoch FROM claimed_at - requested_at)::float AS seconds
  FROM field_edit WHERE edit_id = ANY (%(edit_ids)s)
"""
_MATCHED = """
SELECT DISTINCT ON (m.salesforce_id) m.respond_id, m.salesforce_id, s.fields ->> %(field)s AS value
  FROM contact_match m JOIN sidebar_fields s USING (workspace_id, respond_id)
 WHERE m.workspace_id = %(workspace)s
 ORDER BY m.salesforce_id, m.respond_id
 LIMIT %(count)s
"""


def main() -> int:
    """Measure and publish."""
    parser = report.arguments("edits", __doc__, rows=1_000, what="edits, and with --home 100")
    parser.set_defaults(rows=None)
    parser.add_argument("--home", type=Path, help="the home of a running demo (bin/demo --home DIR)")
    parser.add_argument(
        "--pause",
        type=float,
        default=2.0,
        help="seconds between two edits of a demo, so that each comes alone (default 2)",
    )
    options = parser.parse_args()
    if options.home:
        figures, settings = in_demo(options.home, options.rows or 100, options.pause)
    else:
        figures, settings = by_stage(options.rows or 1_000)
    return report.publish("edits", settings, figures, is_json=options.json)


def by_stage(rows: int) -> tuple[list[Figure], dict[str, Any]]:
    """Send ``rows`` edits of as many contacts by the stage, then others one by one."""
    with ground.folder("edits") as directory, ground.server(directory) as server:
        home = directory / "sandbox"
        sandbox.make(home, rows)
        with ground.ground(server, "bench") as place, ground.stand_ins(home, is_https=True) as served:
            org_id = _prepared(place, served, rows)
            served.delay("salesforce", LATENCY_SECONDS)
            seconds, calls = _sent(place, served, org_id, rows)
            peer = one_by_one(place, served)
            settings = {
                "rows": rows,
                "latency_ms": LATENCY_SECONDS * 1000,
                "postgres": ground.settings(server),
            }
    figures = [
        Figure(name="calls_per_1000", value=1000 * calls / rows, unit="calls", limit=60),
        Figure(name="edits_per_second", value=rows / seconds, unit="edits/s"),
    ]
    if peer is None:
        return figures, {**settings, "absent": ["simple-salesforce"]}
    vs = Figure(
        name="vs_one_by_one", value=rows / seconds / peer, unit="times", limit=20, is_more_better=True
    )
    rate = Figure(name="one_by_one_edits_per_second", value=peer, unit="edits/s")
    return [*figures, vs, rate], {**settings, "absent": [], "one_by_one_edits": ONE_BY_ONE}


def _prepared(place: ground.Ground, served: ground.StandIns, rows: int) -> str:
    """Mirror, match and show everybody; queue one edit for each. Returns the org's id."""
    report.progress(f"{rows:,} matched contacts, one edit each")
    with ground.opened(place, served) as opened:
        org_id = ground.connect(place, opened, [FIELD], is_editing=True)
        session = opened.salesforce_of(org_id, lane="extract")
        extract_salesforce_contacts.run(place.db, session, org_id=org_id, run_id="bench")
        load_salesforce_contacts.run(place.db, session, org_id=org_id, run_id="bench")
    place.sql(_RESPOND_CONTACTS, workspace=ground.WORKSPACE)
    for stage in (normalize_contacts, gate_contacts, match_contacts, materialize_sidebar):
        stage.run(place.db, org_id=org_id, run_id="bench")
    matched = place.sql(_MATCHED, workspace=ground.WORKSPACE, field=FIELD, count=rows)
    if len(matched) != rows:
        raise SystemExit(f"only {len(matched)} of {rows} contacts are matched")
    for row in matched:
        wish = edits.Wish(
            workspace_id=ground.WORKSPACE,
            respond_id=row["respond_id"],
            field_name=FIELD,
            base_value=row["value"],
            new_value=f"Head of Thing {row['respond_id']}",
            requested_by="bench",
        )
        edits.queue_edit(place.db, wish)
    return org_id


def _sent(place: ground.Ground, served: ground.StandIns, org_id: str, rows: int) -> tuple[float, int]:
    """Apply everything that is queued, in a session of its own, as a task does; return seconds and calls."""
    report.progress("applying")
    served.forget("salesforce")
    began = time.perf_counter()
    with ground.opened(place, served) as opened:
        session = opened.salesforce_of(org_id, lane="edit")
        counts = apply_edits.run(place.db, session, org_id=org_id, run_id="bench")
    seconds = time.perf_counter() - began
    if counts["applied"] != rows:
        raise SystemExit(f"not all {rows} edits were applied: {counts}")
    return seconds, len(served.calls("salesforce"))


def one_by_one(place: ground.Ground, served: ground.StandIns) -> float | None:
    """Update contacts by simple-salesforce, a call each; return edits per second, None if it is not installed."""
    report.progress("the same by simple-salesforce, one by one")
    try:
        client = extract_peers.simple_client(served)
    except ImportError:
        return None
    ids = place.sql("SELECT salesforce_id FROM salesforce_contact LIMIT %(count)s", count=ONE_BY_ONE)
    began = time.perf_counter()
    for row in ids:
        client.Contact.update(row["salesforce_id"], {FIELD: "Head of Nothing"})
    return len(ids) / (time.perf_counter() - began)


def in_demo(home: Path, rows: int, pause_seconds: float) -> tuple[list[Figure], dict[str, Any]]:
    """Send single edits through a running demo; each waits until the one before is in Salesforce."""
    demo = json.loads((home / "demo.json").read_text(encoding="utf-8"))
    seconds: dict[int, float] = {}
    with httpx.Client(timeout=30) as http:
        for number, row in enumerate(_editable(demo, rows), start=1):
            edit_id, taken = _edit_seconds(http, demo, row, f"Bench {number} {time.time():.0f}")
            seconds[edit_id] = taken
            report.progress(f"edit {number}: {taken:.2f} s")
            time.sleep(pause_seconds)
    if not seconds:
        raise SystemExit("no matched contact of the demo shows an editable Title: switch editing on first")
    waited = _waited_seconds(demo, list(seconds))
    ours = [seconds[edit_id] - waited[edit_id] for edit_id in seconds]
    figures = [
        Figure(name="p50_seconds", value=ground.percentile(list(seconds.values()), 0.5), unit="s"),
        Figure(
            name="p95_seconds",
            value=ground.percentile(list(seconds.values()), 0.95),
            unit="s",
            limit=5,
            aim=3,
        ),
        Figure(name="max_seconds", value=max(seconds.values()), unit="s"),
        # from the commit of the edit to its claim: Airflow hears, schedules and starts the task
        Figure(name="airflow_p50_seconds", value=ground.percentile(list(waited.values()), 0.5), unit="s"),
        # the rest: the door, reading, comparing, sending
        Figure(name="ours_p50_seconds", value=ground.percentile(ours, 0.5), unit="s"),
    ]
    return figures, {
        "edits": len(seconds),
        "pause_seconds": pause_seconds,
        "polled_every_ms": _PAUSE_SECONDS * 1000,
    }


def _waited_seconds(demo: dict[str, Any], edit_ids: list[int]) -> dict[int, float]:
    """Return how long each edit lay in the queue before a task claimed it."""
    sql = ground.Sql(demo["database_url"])
    rows = sql(_CLAIMED, edit_ids=edit_ids)
    sql.close()
    return {row["edit_id"]: row["seconds"] for row in rows}


def _editable(demo: dict[str, Any], count: int) -> Iterator[dict[str, Any]]:
    """Yield matched contacts of the demo: respond_id, salesforce_id and the title that its agents see."""
    sql = ground.Sql(demo["database_url"])
    rows = sql(_MATCHED, workspace=demo["workspace_id"], field=FIELD, count=count)
    sql.close()
    yield from rows


def _edit_seconds(
    http: httpx.Client, demo: dict[str, Any], row: dict[str, Any], value: str
) -> tuple[int, float]:
    """Post one edit; return its id, and the seconds from then until the stand-in holds the value."""
    wish = {
        "workspace_id": demo["workspace_id"],
        "respond_id": row["respond_id"],
        "field_name": FIELD,
        "base_value": row["value"],
        "new_value": value,
    }
    headers = {"Authorization": f"Bearer {demo['sidebar_token']}"}
    began = time.perf_counter()
    answer = http.post(f"{demo['sidebar_url']}/api/v1/edits", json=wish, headers=headers)
    if answer.status_code != 202:
        raise SystemExit(
            f"the sidebar refused the edit ({answer.status_code}): {answer.json().get('detail')}"
        )
    held = f"{demo['salesforce_url']}/_sandbox/contacts/{row['salesforce_id']}"
    while http.get(held).json()[FIELD] != value:
        if time.perf_counter() - began > _PATIENCE_SECONDS:
            raise SystemExit(
                f"an edit was not in Salesforce after {_PATIENCE_SECONDS:g} s: is the demo well?"
            )
        time.sleep(_PAUSE_SECONDS)
    return int(answer.json()["edit_id"]), time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(main())
