"""What does it cost to bring an org's contacts here, whole and a few at a time?

The whole org against COPY of the same bytes from a local file; polls by the calls that the stand-in's journal counts;
a tenth of the org first, and one of ten thousand, to see what grows.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import extract_peers, ground, report, sandbox
from benchmarks.report import Figure
from contact_sync import edges, errors
from contact_sync.salesforce import auth, bulk
from contact_sync.stages import extract_salesforce_contacts, load_salesforce_contacts

SHOWN = ("Title", "Department", "Account.Name", "Description")
CHANGED = 100
#: Polls that find as many changes; the middle one's time counts.
_DELTAS = 3
#: The org whose poll the large one's is compared with.
_LEAST = 10_000
#: Rows of one file that the peer copies.
_SET_ROWS = 1_000_000
#: An org of more contacts is not read a second time: what a replay writes does not hang on the size.
_REPLAYED = 100_000
_MIRROR = ("salesforce_contact", "pending_change")


@dataclass(frozen=True, slots=True, kw_only=True)
class Org:
    """What one org of a size took."""

    rows: int
    fields: int
    megabytes: float
    load_seconds: float
    copy_seconds: float
    peak_mb: float
    quiet_calls: int
    delta_calls: int
    delta_seconds: float
    #: None where the org is too large to be read twice.
    replay_writes: int | None


def main() -> int:
    """Measure and publish."""
    parser = report.arguments("extract", __doc__, rows=1_000_000, what="contacts in the org")
    parser.add_argument(
        "--peer-rows",
        type=report.positive,
        default=100_000,
        help="contacts that peers read (default 100,000)",
    )
    options = parser.parse_args()
    with ground.folder("extract") as directory, ground.server(directory) as server:
        sizes = {
            "least": max(min(options.rows, _LEAST), 2_500),
            "small": max(options.rows // 10, 2_500),
            "large": max(options.rows, 2_500),
        }
        least, small, large = (measured(server, directory, name, rows) for name, rows in sizes.items())
        peers, absent = extract_peers.measure(server, directory / "peers", options.peer_rows)
        settings = {
            "rows": large.rows,
            "small_rows": small.rows,
            "least_rows": least.rows,
            "fields": large.fields,
            "csv_megabytes": round(large.megabytes, 1),
            "peer_rows": options.peer_rows,
            "peer_latency_ms": 100,
            "absent": absent,
            "postgres": ground.settings(server),
        }
    return report.publish("extract", settings, [*compared(least, small, large), *peers], is_json=options.json)


def compared(least: Org, small: Org, large: Org) -> list[Figure]:
    """Return the figures of the large org, how they grew from the small one, and a poll's from the least one."""
    seconds = {"small": small.load_seconds, "large": large.load_seconds}
    tenfold = seconds["large"] / seconds["small"] * 10 * small.rows / large.rows
    replayed = [org.replay_writes for org in (small, large) if org.replay_writes is not None]
    return [
        *(Figure(name="replay_writes", value=sum(replayed), unit="rows", limit=0) for _ in replayed[:1]),
        Figure(
            name="land_ratio", value=large.load_seconds / large.copy_seconds, unit="copies", limit=10, aim=6
        ),
        Figure(name="peak_mb", value=large.peak_mb, unit="MB", limit=250),
        Figure(name="peak_growth", value=large.peak_mb / small.peak_mb, unit="ratio", limit=1.25),
        Figure(name="growth", value=tenfold, unit="ratio", limit=11),
        Figure(name="quiet_calls", value=large.quiet_calls, unit="calls", limit=3),
        Figure(name="delta_calls", value=large.delta_calls, unit="calls", limit=6),
        Figure(name="delta_growth", value=large.delta_seconds / least.delta_seconds, unit="ratio", limit=2),
        Figure(name="load_seconds", value=large.load_seconds, unit="s"),
        Figure(name="copy_seconds", value=large.copy_seconds, unit="s"),
        Figure(name="load_rows_per_second", value=large.rows / large.load_seconds, unit="rows/s"),
    ]


def measured(server: Any, directory: Path, name: str, rows: int) -> Org:
    """Load an org of ``rows`` contacts into a database of its own, then poll it."""
    report.progress(f"making {rows:,} contacts")
    home = directory / name
    sandbox.make(home, rows)
    with (
        ground.ground(server, name) as place,
        ground.stand_ins(home) as served,
        ground.opened(place, served) as opened,
    ):
        return _measured(place, served, opened, rows)


def _measured(place: ground.Ground, served: ground.StandIns, opened: edges.Edges, rows: int) -> Org:
    org_id = ground.connect(place, opened, SHOWN)
    session = opened.salesforce_of(org_id, lane="extract")
    names, copy_seconds, megabytes = _job_done(place, served, session, org_id)
    report.progress(f"COPY of {megabytes:,.0f} MB: {copy_seconds:.2f} s; loading")
    load = _loaded(place, served, org_id)
    if load["counts"]["rows_landed"] != rows:
        raise SystemExit(f"not all {rows} contacts landed: {load['counts']}")
    report.progress(f"load: {load['seconds']:.2f} s; polling")
    # gigabytes that the load and its copies left to the disk: no poll's commit waits for them
    place.sql("CHECKPOINT")
    os.sync()
    poll(place, session, org_id)
    _, quiet = _poll_counted(place, served, session, org_id)
    deltas = []
    for number in range(_DELTAS):
        _change(served, f"Head of {number}")
        deltas.append(_poll_counted(place, served, session, org_id))
    return Org(
        rows=rows,
        fields=len(names),
        megabytes=megabytes,
        load_seconds=load["seconds"],
        copy_seconds=copy_seconds,
        peak_mb=load["peak_mb"],
        quiet_calls=quiet,
        delta_calls=max(calls for _, calls in deltas),
        delta_seconds=statistics.median(seconds for seconds, _ in deltas),
        replay_writes=_replay(place, session, org_id) if rows <= _REPLAYED else None,
    )


def poll(place: ground.Ground, session: auth.Session, org_id: str) -> dict[str, int]:
    """Run the small extraction once."""
    return extract_salesforce_contacts.run(place.db, session, org_id=org_id, run_id="bench")


def _job_done(
    place: ground.Ground, served: ground.StandIns, session: auth.Session, org_id: str
) -> tuple[list[str], float, float]:
    """Let the load make its job and wait until it is complete; time COPY of its results.

    Returns the fields read, the middle of three times in seconds, and the megabytes.
    """
    # so that the load finds the job unfinished, and leaves it to the next run
    served.steer("salesforce", "POST", "/settings", {"bulk_polls": 2})
    poll(place, session, org_id)
    try:
        load_salesforce_contacts.run(place.db, session, org_id=org_id, run_id="bench", job_seconds=0)
    except errors.RetryError:
        report.progress("the bulk job is on its way")
    [window] = place.sql("SELECT bulk_job_id, fields FROM extract_window WHERE is_big AND status = 'running'")
    job = bulk.wait(session, window["bulk_job_id"])
    files = _downloaded(session, job, served.directory)
    place.sql("DROP TABLE IF EXISTS public.plain")
    columns = ", ".join(f'"{name}" text' for name in window["fields"])
    place.sql(f"CREATE UNLOGGED TABLE public.plain ({columns})")
    times = []
    for _ in range(3):
        place.sql("TRUNCATE public.plain")
        began = time.perf_counter()
        for path in files:
            place.sql.copy_file("COPY public.plain FROM STDIN WITH (FORMAT csv, HEADER)", path)
        times.append(time.perf_counter() - began)
    place.sql("DROP TABLE public.plain")
    return window["fields"], statistics.median(times), sum(path.stat().st_size for path in files) / 1e6


def _downloaded(session: auth.Session, job: bulk.Job, directory: Path) -> list[Path]:
    files: list[Path] = []
    locator: str | None = None
    while not files or locator:
        path = directory / f"results-{len(files)}.csv"
        with (
            bulk.results(session, job, locator=locator, max_rows=_SET_ROWS) as found,
            path.open("wb") as file,
        ):
            while chunk := found.read(1 << 20):
                file.write(chunk)
            locator = found.next_locator
        files.append(path)
    return files


def _loaded(place: ground.Ground, served: ground.StandIns, org_id: str) -> dict[str, Any]:
    """Run the load in a process of its own, whose memory is told."""
    wanted = {
        "database_url": place.url,
        "connection": served.lookup(ground.SALESFORCE),
        "secret": served.secrets["consumer_secret"],
        "org_id": org_id,
    }
    command = [sys.executable, "-m", "benchmarks.load_worker"]
    ran = subprocess.run(command, input=json.dumps(wanted), stdout=subprocess.PIPE, text=True, check=True)
    told: dict[str, Any] = json.loads(ran.stdout)
    return told


def _poll_counted(
    place: ground.Ground, served: ground.StandIns, session: auth.Session, org_id: str
) -> tuple[float, int]:
    served.forget("salesforce")
    began = time.perf_counter()
    poll(place, session, org_id)
    return time.perf_counter() - began, len(served.calls("salesforce"))


def _change(served: ground.StandIns, title: str) -> None:
    """Let somebody change contacts."""
    found = served.steer("salesforce", "GET", f"/contacts?limit={CHANGED}")["contacts"]
    for contact in found:
        served.steer("salesforce", "PATCH", f"/contacts/{contact['Id']}", {"Title": title})


def _replay(place: ground.Ground, session: auth.Session, org_id: str) -> int:
    """Read the whole org again, as if for the first time; return how many rows of mirror and feed that wrote."""
    report.progress("everything again")
    place.sql("DELETE FROM extract_window")
    before = place.written(*_MIRROR)
    poll(place, session, org_id)
    counts = load_salesforce_contacts.run(place.db, session, org_id=org_id, run_id="bench")
    report.progress(f"read {counts['rows_landed']:,} rows again")
    return place.written(*_MIRROR) - before


if __name__ == "__main__":
    sys.exit(main())
