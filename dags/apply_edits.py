"""Apply edits: what agents changed in the sidebar reaches Salesforce at once, and never over somebody else's value.

### What
Woken by the edit queue itself (a notification of the database), and every minute in case nobody heard. Per org: claim,
read, compare per field, send on condition that the record did not move, read back, settle. Emits `field_edits` when
edits were settled. Without edits everything is skipped.

### When it fails
* *refused_edits*: Salesforce refused some edits; the others were applied, nothing is to be repeated. Look at
  `field_edit.error_code` and `error_detail`: the agents see the same sentence.
* *Salesforce refused n of m edits*: most of them, and it is usually one permission or rule.
* *Salesforce … did not answer*: edits stay queued; those that were sent are looked up before they are sent again.
* Conflicts fail nothing: they are how edits are meant to end when somebody else was faster.

### How to re-run
Clear `apply_edits`: Salesforce is read before anything is sent again. A run that met refusals stays red.
"""

from __future__ import annotations

from datetime import timedelta

import pendulum
from airflow.sdk import AssetOrTimeSchedule, CronTriggerTimetable, dag, get_current_context, task
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from contact_sync import stages
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
    # a branch is decided by the task that ran: nobody's edit waits for a task that only says "all well"
    @task.branch(task_id="apply_edits", outlets=[assets.field_edits])
    def apply(run_id: str) -> str | None:
        with wiring.opened() as edges:

            def run(org_id: str) -> dict[str, int]:
                salesforce = edges.salesforce_of(org_id, lane="edit")
                return stages.apply_edits.run(edges.db, salesforce, org_id=org_id, run_id=run_id)

            orgs = [row["org_id"] for row in edges.db.all("list_orgs_with_edits")]
            nothing_new = None
            try:
                wiring.each(orgs, run, news=("applied", "conflict", "rejected", "parked", "unparked"))
            except AirflowSkipException as skip:
                nothing_new = skip
            # asked of the queue: an earlier try of this run may have brought edits to their end, and left no XCom
            [counts] = edges.db.all("count_settled_edits", run_id=run_id)
        if nothing_new and not counts["settled"]:
            raise nothing_new
        get_current_context()["ti"].xcom_push("counts", dict(counts))
        return "refused_edits" if counts["rejected"] else None

    @task
    def refused_edits() -> None:
        counts = get_current_context()["ti"].xcom_pull(task_ids="apply_edits", key="counts")
        raise AirflowFailException(
            f"Salesforce refused {counts['rejected']} of {counts['claimed']} edits;"
            " see error_code and error_detail of field_edit"
        )

    apply() >> refused_edits()  # type: ignore[call-arg, misc]  # Airflow hands in run_id


apply_edits()
