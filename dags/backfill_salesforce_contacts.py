"""Backfill Salesforce contacts: read chosen days again, each day's window proven.

### What
Never runs by itself. `airflow backfill create --dag-id backfill_salesforce_contacts --from-date … --to-date …` makes
one run per day; a manual run takes `from` and `to` (UTC, `to` exclusive, cut at the watermark), `fields` to read beside
those in use, one `org`, and `dry_run`, which counts contacts and calls. Days are read in the backfill lane and in a
pool of their own. Newer rows are never overwritten. Success means that every day is proven.

### When it fails
* *the range …*, *no field …*, *not supported*: correct the parameter. *first load is not proven*: wait for it.
* *not proven yet*: the retries wait for `load_salesforce_contacts`. *failed: …*: clear `plan_backfill` and the rest.
* The loading task is *skipped*: nothing was to be read, or the quota is used up; `load_salesforce_contacts` goes on.

### How to re-run
Clear the loading task: half-read days go on. With `plan_backfill`: what is unproven is read again; if nothing is, all.
"""

from __future__ import annotations

from datetime import timedelta

import pendulum
from airflow.sdk import Param, TriggerRule, dag, task

from contact_sync import backfill, stages
from contact_sync.airflow_side import assets, pools, timetable, wiring

TIME = r"^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?$"


@dag(
    schedule=timetable.BackfillTimetable(),
    start_date=pendulum.datetime(2000, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    doc_md=__doc__,
    tags=["contact-sync"],
    default_args={"retries": 1, "retry_delay": timedelta(seconds=10)},
    params={
        "from": Param(None, type=["null", "string"], pattern=TIME, title="From (UTC)"),
        "to": Param(None, type=["null", "string"], pattern=TIME, title="To (UTC, exclusive)"),
        "fields": Param([], type="array", items={"type": "string"}, title="Fields beside those in use"),
        "object": Param("Contact", type="string", title="Contact: nothing else is read"),
        "org": Param(None, type=["null", "string"], pattern="^[a-zA-Z0-9]{18}$", title="One org only"),
        "dry_run": Param(False, type="boolean", title="Only say what would be read"),
    },
)
def backfill_salesforce_contacts() -> None:
    @task
    def list_orgs() -> list[list[str]]:
        with wiring.opened() as edges:
            org_id, rows = wiring.parameters()["org"], edges.db.all("select_connected_orgs")
            return wiring.chunks([org_id] if org_id else [row["org_id"] for row in rows])

    @task(task_id="plan_backfill")
    def plan(org_ids: list[str]) -> dict[str, int]:
        wishes = {name: wiring.parameters()[name] for name in ("fields", "dry_run")}
        with wiring.opened() as edges:
            backfill.check_object(wiring.parameters()["object"])
            return wiring.each(
                org_ids,
                lambda org_id: backfill.plan(edges.db, org_id, *wiring.asked_range(), **wishes).counts(),
                news=("windows",),
            )

    # the retries wait for another run that is reading in the same lane
    @task(
        task_id="load_salesforce_contacts",
        outlets=[assets.salesforce_contacts],
        trigger_rule=TriggerRule.NONE_FAILED,
        retries=10,
        pool=pools.BACKFILL,
        retry_delay=timedelta(seconds=30),
    )
    def load(org_ids: list[str], run_id: str) -> dict[str, int]:
        with wiring.opened() as edges:

            def read(org_id: str) -> dict[str, int]:
                lane = edges.salesforce_of(org_id, lane="backfill")
                counts = stages.load_salesforce_contacts.run(edges.db, lane, org_id=org_id, run_id=run_id)
                backfill.check_proven(edges.db, org_id, *wiring.asked_range())
                return counts

            return wiring.each([] if wiring.parameters()["dry_run"] else org_ids, read, news=("windows",))

    orgs = list_orgs()
    plan.expand(org_ids=orgs) >> load.expand(org_ids=orgs)


backfill_salesforce_contacts()
