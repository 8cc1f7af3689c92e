"""Create contacts: new Salesforce records appear in respond.io, once, tagged, and only the wanted ones.

### What
Woken by `contact_matches`, and every 5 minutes: `judge_bulk_imports` gives new records their verdict; `create_contacts`
plans, looks up, creates or adopts, tags and records at the rate that respond.io allows, until the next run takes over:
100,000 contacts in 28 hours, as `status` tells. Emits `respond_contacts`.

### When it fails
* *respond.io … no answer*: what was begun is looked up again before anything is sent twice; wait or clear the task.
* *respond.io … answered 401*: the workspace's token is wrong or was revoked; correct the connection.
* *no_refusal*: some were rejected or lack their tag, all others are done; `contact_creation` has the code and the text.
### How to re-run
Clear the task: every creation goes on where it stopped, nobody is created twice.
"""

from __future__ import annotations

import functools
from datetime import timedelta
from typing import Any

import pendulum
from airflow.sdk import AssetOrTimeSchedule, CronTriggerTimetable, Param, TriggerRule, dag, task

from contact_sync import stages
from contact_sync.airflow_side import assets, wiring

PARAMS = {
    "include_bulk_imports": Param(None, type=["null", "boolean"], title="Bulk imports too (empty: as set)"),
    "limit": Param(None, type=["null", "integer"], minimum=1, maximum=100_000, title="At most so many"),
    "dry_run": Param(False, type="boolean", title="Only say what would be done"),
}


@dag(
    schedule=AssetOrTimeSchedule(
        timetable=CronTriggerTimetable("*/5 * * * *", timezone="UTC"), assets=[assets.contact_matches]
    ),
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=2,  # the next run waits for this one and takes over
    params=PARAMS,
    doc_md=__doc__,
    tags=["contact-sync"],
    default_args={"retries": 1, "retry_delay": timedelta(seconds=10)},
)
def create_contacts() -> None:
    @task
    def list_orgs_to_judge() -> list[list[str]]:
        with wiring.opened() as edges:
            return wiring.chunks([row["org_id"] for row in edges.db.all("list_orgs_to_judge")])

    @task(task_id="judge_bulk_imports")
    def judge(org_ids: list[str], run_id: str) -> dict[str, int]:
        with wiring.opened() as edges:
            return wiring.each(
                org_ids,
                lambda org_id: stages.judge_bulk_imports.run(
                    edges.db, edges.salesforce_of(org_id, lane="create"), org_id=org_id, run_id=run_id
                ),
                news=("judged",),
            )

    # an org without a verdict delays its own creations, nobody else's
    @task(trigger_rule=TriggerRule.ALL_DONE)
    def list_workspaces_creating() -> list[list[str]]:
        with wiring.opened() as edges:
            rows = edges.db.all("list_workspaces_creating")
            return wiring.chunks([row["workspace_id"] for row in rows], at_most=wiring.lasting_tasks())

    @task(task_id="create_contacts", outlets=[assets.respond_contacts], trigger_rule=TriggerRule.NONE_FAILED)
    def create(workspace_ids: list[str], run_id: str, params: dict[str, Any]) -> dict[str, int]:
        pace = wiring.lasting_pace(wiring.next_minute_of(5), len(workspace_ids), every_minutes=5)
        wishes = stages.create_contacts.Wishes(**params)
        with wiring.opened() as edges:
            stage = functools.partial(
                stages.create_contacts.run, edges.db, run_id=run_id, wishes=wishes, pace=pace
            )
            return wiring.each(
                workspace_ids,
                lambda workspace: stage(edges.respond_of(workspace, lane="create"), workspace_id=workspace),
                news=("tagged", "created", "adopted", "rejected"),
            )

    (judged := judge.expand(org_ids=list_orgs_to_judge())) >> (workspaces := list_workspaces_creating())
    [judged, created := create.expand(workspace_ids=workspaces)] >> wiring.no_failure()
    created >> wiring.no_refusal()


create_contacts()
