"""Load Salesforce contacts: first loads, big windows and refills, by Bulk API 2.0.

### What
Woken by `planned_windows`, and every 5 minutes. Per org: make one bulk job per planned window, stream its results into
the mirror set by set, prove the whole. Emits `salesforce_contacts` when the mirror changed.

### When it fails
* *bulk job … is still InProgress*: the job goes on at Salesforce; the next run finds it by its id.
* *window … does not add up*: rows were reported and did not arrive; it is read once more, then fails. The watermark
  stays, and the next small window plans it anew.
* *cannot be read by Bulk API*: look at the job in Salesforce (Setup, Bulk Data Load Jobs).
* Status *deferred*, the task a success: the day's API calls, or the lane's share, are used up; it goes on by itself.

### How to re-run
Clear the task: a window goes on with the sets of results that were not merged.
"""

from __future__ import annotations

from datetime import timedelta

import pendulum
from airflow.sdk import AssetOrTimeSchedule, CronTriggerTimetable, dag, task

from contact_sync import records, stages
from contact_sync.airflow_side import assets, pools, wiring


@dag(
    schedule=AssetOrTimeSchedule(
        timetable=CronTriggerTimetable("*/5 * * * *", timezone="UTC"), assets=[assets.planned_windows]
    ),
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    doc_md=__doc__,
    tags=["contact-sync"],
    default_args={"retries": 1, "retry_delay": timedelta(seconds=10)},
)
def load_salesforce_contacts() -> None:
    @task
    def list_orgs_with_big_windows() -> list[list[str]]:
        with wiring.opened() as edges:
            return wiring.chunks([row["org_id"] for row in edges.db.all("list_orgs_with_big_windows")])

    @task(outlets=[assets.salesforce_contacts], max_active_tis_per_dagrun=2)
    def load(org_ids: list[str], lane: records.Lane, run_id: str) -> dict[str, int]:
        with wiring.opened() as edges:
            return wiring.each(
                org_ids,
                lambda org_id: stages.load_salesforce_contacts.run(
                    edges.db, edges.salesforce_of(org_id, lane=lane), org_id=org_id, run_id=run_id
                ),
                news=("windows", "deferred"),
            )

    orgs = list_orgs_with_big_windows()
    # backfills and refills have a lane of their own, so that a first load never waits for them
    news = load.override(task_id="load_salesforce_contacts", pool=pools.LOAD)
    rest = load.override(task_id="load_salesforce_contacts_backfill", pool=pools.BACKFILL)
    news.partial(lane="extract").expand(org_ids=orgs)
    rest.partial(lane="backfill").expand(org_ids=orgs)


load_salesforce_contacts()
