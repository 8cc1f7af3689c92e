"""Reconcile contacts: once a day all ids are compared, tags are restored, leftovers are swept.

### What
Per org: list all ids at Salesforce and compare them with the mirror, both ways; fetch what is missing here, try
quarantined rows again, mark what is missing there as *purged* or *not_visible*; plan the reading of formula and
parent fields, whose changes move no stamp; count the day's matches. Per workspace: put removed tags back. Forget
what is past its time. Emits `salesforce_contacts` when the mirror changed.

### When it fails
* *reported … contacts and listed …*: the list had holes, so nothing was concluded; the retry lists again.
* *bulk job … is still InProgress*: the next try finds it. *no_refusal*: tags were refused; tomorrow's run tries again.
* Else as in `extract_salesforce_contacts`; nothing is marked as gone without a complete list.

### How to re-run
Clear the task, or trigger the DAG: comparing twice changes nothing the second time.
"""

from __future__ import annotations

from datetime import timedelta

import pendulum
from airflow.sdk import CronTriggerTimetable, dag, task
from airflow.sdk.types import OutletEventAccessorsProtocol

from contact_sync import stages
from contact_sync.airflow_side import assets, wiring


@dag(
    schedule=CronTriggerTimetable("17 3 * * *", timezone="UTC"),
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    doc_md=__doc__,
    tags=["contact-sync"],
    default_args={"retries": 2, "retry_delay": timedelta(minutes=1)},
)
def reconcile_contacts() -> None:
    @task
    def list_connected_orgs() -> list[list[str]]:
        with wiring.opened() as edges:
            return wiring.chunks([row["org_id"] for row in edges.db.all("select_connected_orgs")])

    @task
    def list_workspaces_tagging() -> list[list[str]]:
        with wiring.opened() as edges:
            return wiring.chunks([row["workspace_id"] for row in edges.db.all("list_workspaces_tagging")])

    @task(task_id="reconcile_contacts", outlets=[assets.salesforce_contacts, assets.maybe_planned_windows])
    def reconcile(
        org_ids: list[str], run_id: str, outlet_events: OutletEventAccessorsProtocol
    ) -> dict[str, int]:
        with wiring.opened() as edges:
            counts = wiring.each(
                org_ids,
                lambda org_id: stages.reconcile_contacts.run(
                    edges.db, edges.salesforce_of(org_id, lane="backfill"), org_id=org_id, run_id=run_id
                ),
                news=("fetched", "quarantined", "purged", "not_visible", "planned", "deferred"),
            )
        if counts.get("planned"):
            outlet_events[assets.maybe_planned_windows].add(assets.planned_windows)
        return counts

    @task(task_id="restore_tags")
    def restore(workspace_ids: list[str], run_id: str) -> dict[str, int]:
        with wiring.opened() as edges:
            return wiring.each(
                workspace_ids,
                lambda workspace_id: stages.restore_tags.run(
                    edges.db,
                    edges.respond_of(workspace_id, lane="create"),
                    workspace_id=workspace_id,
                    run_id=run_id,
                ),
                news=("restored", "rejected"),
            )

    @task(task_id="sweep_leftovers")
    def sweep(run_id: str) -> dict[str, int]:
        with wiring.opened() as edges:
            return stages.sweep_leftovers.run(edges.db, run_id=run_id)

    reconcile.expand(org_ids=list_connected_orgs())
    restore.expand(workspace_ids=list_workspaces_tagging()) >> [wiring.no_failure(), wiring.no_refusal()]
    sweep(run_id="{{ run_id }}")


reconcile_contacts()
