"""Extract Salesforce contacts: what changed since the watermark, in windows that prove themselves complete.

### What
Every 30 seconds, for each connected org whose turn it is: read the contacts whose `SystemModstamp` is at or after the
watermark, land and merge them, compare the count of the last 15 minutes with Salesforce's, fill newly chosen fields.
Every five minutes: ask how far Salesforce is settled and compare what newly settled; ask its log of deletions.
Emits `salesforce_contacts` when the mirror changed; a run without news is skipped. Rows that could not be taken are
news: the task is a success that counts them, `status` tells how many wait, `quarantined_row` why.

### When it fails
* *connection … Salesforce refused the log-in*: correct the connection, then clear the task.
* *window … does not add up*: rows were reported and did not arrive. The watermark stays; the next run reads again.
  If it repeats, look at `extract_window.detail` and `quarantined_row`.
* *Salesforce … no answer*: nothing is lost, the next run goes on from the watermark.
* Status *deferred* in `stage_run` and `extract_window`, the task a success: the day's API calls are used up. Asked
  again every five minutes, until it resumes by itself.

### How to re-run
Clear the task or wait 30 seconds: reading a window again writes only what differs.
"""

from __future__ import annotations

from datetime import timedelta

import pendulum
from airflow.sdk import dag, task
from airflow.sdk.types import OutletEventAccessorsProtocol

from contact_sync import stages
from contact_sync.airflow_side import assets, wiring


@dag(
    schedule=timedelta(seconds=30),
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    doc_md=__doc__,
    tags=["contact-sync"],
    default_args={"retries": 1, "retry_delay": timedelta(seconds=10)},
)
def extract_salesforce_contacts() -> None:
    @task
    def list_orgs_due() -> list[list[str]]:
        with wiring.opened() as edges:
            return wiring.chunks([row["org_id"] for row in edges.db.all("list_orgs_due")])

    @task(
        task_id="extract_salesforce_contacts",
        outlets=[assets.salesforce_contacts, assets.maybe_planned_windows],
    )
    def extract(
        org_ids: list[str], run_id: str, outlet_events: OutletEventAccessorsProtocol
    ) -> dict[str, int]:
        with wiring.opened() as edges:
            counts = wiring.each(
                org_ids,
                lambda org_id: stages.extract_salesforce_contacts.run(
                    edges.db, edges.salesforce_of(org_id, lane="extract"), org_id=org_id, run_id=run_id
                ),
                news=(
                    "rows_merged",
                    "rows_quarantined",
                    "rows_late",
                    "rows_purged",
                    "rows_refilled",
                    "fields_changed",
                    "planned",
                    "deferred",
                ),
            )
        if counts.get("planned"):
            outlet_events[assets.maybe_planned_windows].add(assets.planned_windows)
        return counts

    extract.expand(org_ids=list_orgs_due())


extract_salesforce_contacts()
