"""Apply edits: what agents changed in the sidebar reaches Salesforce at once, and never over somebody else's value.

### What
Woken by the edit queue itself (a notification of the database), and every minute in case nobody heard. Per org: claim,
read, compare per field, send on condition that the record did not move, read back, settle. Emits `field_edits` when
edits were settled. Without edits everything is skipped.

### When it fails
* *most edits were refused*: look at `field_edit.error_code` and `error_detail`; it is usually one permission or rule.
* *Salesforce … did not answer*: edits stay queued; those that were sent are looked up before they are sent again.
* Single conflicts and refusals do not fail the run: they are in `field_edit` and in the run's counts.

### How to re-run
Clear the task: Salesforce is read before anything is sent again.
"""

from __future__ import annotations

from datetime import timedelta

import pendulum
from airflow.sdk import AssetOrTimeSchedule, CronTriggerTimetable, dag, task

from contact_sync import errors, stages
from contact_sync.airflow_side import assets, wiring


@dag(
    schedule=AssetOrTimeSchedule(
        timetable=CronTriggerTimetable("* * * * *", timezone="UTC"), assets=[assets.edit_queue]
    ),
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    doc_md=__doc__,
    tags=["contact-sync"],
    default_args={"retries": 1, "retry_delay": timedelta(seconds=10)},
)
def apply_edits() -> None:
    @task(task_id="apply_edits", outlets=[assets.field_edits])
    def apply(run_id: str) -> dict[str, int]:
        with wiring.opened() as edges:

            def run(org_id: str) -> dict[str, int]:
                salesforce = edges.salesforce_of(org_id, lane="edit")
                counts = stages.apply_edits.run(edges.db, salesforce, org_id=org_id, run_id=run_id)
                if stages.apply_edits.is_failing(counts):
                    raise errors.StopError(
                        f"org {org_id}: most edits were refused ({counts}); see field_edit.error_code"
                    )
                return counts

            orgs = [row["org_id"] for row in edges.db.all("list_orgs_with_edits")]
            return wiring.each(orgs, run, news=("applied", "conflict", "rejected", "parked", "unparked"))

    apply()  # type: ignore[call-arg, misc]  # Airflow hands in run_id


apply_edits()
