"""What do matching and materializing cost, measured in bare hash joins of the same keys on the same server?

Mirrors and keys are filled in SQL, the feed as its triggers would; then the stages run as they always do.
"""

from __future__ import annotations

import statistics
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks import ground, match_keys, match_peers, match_people, report
from benchmarks.report import Figure
from contact_sync import database, statements
from contact_sync.stages import match_contacts, materialize_sidebar, normalize_contacts

BARE_JOIN = """
CREATE UNLOGGED TABLE bare_join AS
SELECT r.workspace_id, r.respond_id, r.kind, s.salesforce_id
  FROM respond_key r JOIN salesforce_key s USING (org_id, kind, key)
"""
#: The same where a key is shared by many: their pairs would be more than all others together.
BARE_JOIN_BUT_HUB = f"{BARE_JOIN} WHERE r.key <> '{match_people.HUB_KEY}'"
HUB_CANDIDATES = "SELECT count(*) FROM candidate WHERE phone_key = %(key)s"
OUTCOME = (
    "contact_match",
    "match_issue",
    "sidebar_fields",
    "sidebar_layout",
    "salesforce_key",
    "respond_key",
)
READS = 1_000
#: How often a match, a materialization and a change of one per cent are timed; the middle one of each counts.
ROUNDS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a stage took: seconds, and how many bare joins these are."""

    seconds: float
    joins: float


def main() -> int:
    """Measure and publish."""
    options = report.arguments("match", __doc__, rows=1_000_000, what="contacts on each side").parse_args()
    with ground.folder("match") as directory, ground.server(directory) as server:
        with ground.ground(server, "hub") as place:
            hub_joins, hub_figures = hub(place, options.rows)
        with ground.ground(server, "plain") as place:
            figures, match_joins = plain(place, options.rows)
            figures += match_peers.pandas_merge(place.url)
            found, absent = match_peers.splink_link(place.url)
            figures += found
            settings = {
                "rows": options.rows,
                "fields": len(match_people.SHOWN),
                "hub_rows": match_people.hub_size(options.rows),
                "absent": absent,
                "postgres": ground.settings(server),
            }
    hub_ratio = Figure(name="hub_ratio", value=hub_joins / match_joins, unit="ratio", limit=1.25)
    figures += [hub_ratio, *hub_figures]
    figures += match_keys.figures(options.rows)
    return report.publish("match", settings, figures, is_json=options.json)


def plain(place: ground.Ground, rows: int) -> tuple[list[Figure], float]:
    """Measure on an ordinary population; return the figures, and how many bare joins the match took."""
    report.progress(f"filling {rows:,} contacts on each side")
    match_people.fill(place.sql, rows)
    timed_by: dict[str, list[Measured]] = {"match": [], "sidebar": [], "delta": []}
    for number in range(ROUNDS):
        match_people.put_back(place.sql)
        # the stages run in processes of their own: no connection is older than its round
        place.db.close()
        joins = _bare_joins(place.sql)
        for name, act in (("match", matched), ("sidebar", materialized), ("delta", everything)):
            if name == "delta":
                match_people.change(place.sql, rows // 100, f"moved{number}")
            seconds = rested(place, act)
            after = _bare_joins(place.sql)
            # a machine is not equally quick all the time: what counts are the joins just before and just after
            timed_by[name].append(Measured(seconds=seconds, joins=seconds / statistics.median(joins + after)))
            joins = after
            report.progress(f"{name}: {seconds:.2f} s, {timed_by[name][-1].joins:.2f} joins")
    match, sidebar, delta = (_middle(timed_by[name]) for name in ("match", "sidebar", "delta"))
    figures = [
        Figure(name="match_ratio", value=match.joins, unit="joins", limit=8, aim=5),
        Figure(name="sidebar_ratio", value=sidebar.joins, unit="joins", limit=4),
        Figure(name="delta_ratio", value=delta.joins, unit="joins", limit=0.6),
        Figure(name="quiet_writes", value=quiet_writes(place), unit="rows", limit=0),
        Figure(name="bare_join_seconds", value=match.seconds / match.joins, unit="s"),
        Figure(name="match_seconds", value=match.seconds, unit="s"),
        Figure(name="sidebar_seconds", value=sidebar.seconds, unit="s"),
        Figure(name="delta_seconds", value=delta.seconds, unit="s"),
        *reads(place, rows),
    ]
    return figures, match.joins


def _middle(rounds: list[Measured]) -> Measured:
    return sorted(rounds, key=lambda measured: measured.joins)[len(rounds) // 2]


def hub(place: ground.Ground, rows: int) -> tuple[float, list[Figure]]:
    """Measure the match with one phone that very many share on each side; return how many bare joins it took."""
    report.progress(f"filling {rows:,} contacts on each side, with one phone shared by many")
    match_people.fill(place.sql, rows, has_hub=True)
    joins = _bare_joins(place.sql, BARE_JOIN_BUT_HUB)
    seconds = rested(place, matched)
    joins += _bare_joins(place.sql, BARE_JOIN_BUT_HUB)
    report.progress(f"match: {seconds:.2f} s")
    figures = [
        Figure(name="hub_seconds", value=seconds, unit="s"),
        Figure(name="hub_candidates", value=hub_candidates(place), unit="rows", limit=0),
    ]
    return seconds / statistics.median(joins), figures


def hub_candidates(place: ground.Ground) -> int:
    """Match those who hold the shared key once more, undone; return how many candidates it makes."""
    place.sql(match_people.REQUEUE_HUB, org=match_people.ORG, key=match_people.HUB_KEY)
    with place.db.transaction(is_undone=True) as tx:
        match_contacts.match_changed(place.db, tx, org_id=match_people.ORG, hands=1)
        with tx._driver().cursor() as cursor:
            cursor.execute(HUB_CANDIDATES, {"key": match_people.HUB_KEY})
            [count] = cursor.fetchone()
    return int(count)


def _bare_joins(sql: ground.Sql, text: str = BARE_JOIN) -> list[float]:
    seconds = [bare_join(sql, text) for _ in range(3)]
    report.progress(f"bare hash join: {statistics.median(seconds):.2f} s")
    return seconds


def bare_join(sql: ground.Sql, text: str = BARE_JOIN) -> float:
    """Join all keys by hash into an unlogged table; return the seconds."""
    sql("SET enable_mergejoin = off")
    sql("SET enable_nestloop = off")
    sql("DROP TABLE IF EXISTS bare_join")
    sql("CHECKPOINT")
    seconds = timed(lambda: sql(text))
    sql("RESET enable_mergejoin")
    sql("RESET enable_nestloop")
    return seconds


def matched(db: database.Database) -> None:
    """Match what the feed names."""
    match_contacts.run(db, org_id=match_people.ORG, run_id="bench")


def materialized(db: database.Database) -> None:
    """Materialize what the feed names."""
    materialize_sidebar.run(db, org_id=match_people.ORG, run_id="bench")


def everything(db: database.Database) -> None:
    """Normalize, match and materialize what the feed names."""
    normalize_contacts.run(db, org_id=match_people.ORG, run_id="bench")
    matched(db)
    materialized(db)


def quiet_writes(place: ground.Ground) -> int:
    """Look at everybody again with nothing changed; return how many rows were written."""
    report.progress("everybody again, nothing changed")
    # once uncounted: keys of near misses, which the filling left out, are written here
    match_people.requeue(place.sql)
    everything(place.db)
    match_people.requeue(place.sql)
    before = place.written(*OUTCOME)
    everything(place.db)
    return place.written(*OUTCOME) - before


def reads(place: ground.Ground, rows: int) -> list[Figure]:
    """Measure an agent's read, alone and while every row is materialized anew."""
    report.progress("reads beside materialization")
    numbers = [1 + n * 7919 % rows for n in range(READS)]
    alone = [read_seconds(place.db, number) for number in numbers]
    match_people.retitle(place.sql)
    worker = threading.Thread(target=materialized, args=(place.db,))
    worker.start()
    beside: list[float] = []
    while worker.is_alive():
        beside.append(read_seconds(place.db, numbers[len(beside) % READS]))
    worker.join()
    ratio = ground.percentile(beside, 0.99) / ground.percentile(alone, 0.99)
    return [
        Figure(name="read_p99_ratio", value=ratio, unit="ratio", limit=3),
        Figure(name="reads_beside", value=len(beside), unit="reads"),
        Figure(name="read_p99_ms", value=ground.percentile(alone, 0.99) * 1000, unit="ms"),
        Figure(name="read_buffers", value=read_buffers(place.sql), unit="pages", limit=8),
    ]


def read_seconds(db: database.Database, respond_id: int) -> float:
    """Read one contact as the sidebar does; return the seconds."""
    return timed(lambda: db.one("select_sidebar", workspace_id=match_people.WORKSPACE, respond_id=respond_id))


def read_buffers(sql: ground.Sql) -> int:
    """Return how many pages one read of a matched contact touches, as EXPLAIN counts them."""
    sql("VACUUM ANALYZE sidebar_fields, field_edit, sidebar_layout")
    number = sql.value("SELECT min(respond_id) FROM sidebar_fields WHERE match_status = 'matched'")
    text = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statements.get('select_sidebar').text}"
    # the first run also reads the catalogue
    for _ in range(2):
        [plan] = sql.value(text, workspace_id=match_people.WORKSPACE, respond_id=number)
    return int(plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"])


def rested(place: ground.Ground, act: Callable[[database.Database], None]) -> float:
    """As ``timed``, after a vacuum and a checkpoint: no step tidies up or writes out what another one changed."""
    place.sql("VACUUM")
    place.sql("CHECKPOINT")
    return timed(lambda: act(place.db))


def timed(act: Callable[[], object]) -> float:
    """Return how many seconds ``act`` takes."""
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(main())
