"""Extract respond.io contacts: the rolling walk through each workspace's list.

### What
Every 2 minutes, for each connected workspace: go on with the walk at the rate that respond.io allows, until the next
run takes over, so that no turn in the rate is lost; write contacts whose content is news, ask one by one for those that
an agent just opened, mark as gone those that two walks did not meet and that answer 404.
Emits `respond_contacts` at its end when the mirror changed or a webhook's news wait; a run without news is skipped.
A task holds its slot for 2 minutes; beyond 8 workspaces, or one for four slots of Airflow's `parallelism`, each task
walks several of them one after the other.

### When it fails
* *respond.io POST /contact/list: no answer*: the walk goes on at the same page next time, nothing is lost.
* *respond.io … answered 401*: the workspace's token is wrong or was revoked; correct the connection.

### How to re-run
Clear the task or wait 2 minutes: a page read again writes only what differs. `status` tells how far the walk is.
"""

from __future__ import annotations

from datetime import timedelta

import pendulum
from airflow.sdk import dag, task

from contact_sync import stages
from contact_sync.airflow_side import assets, wiring

EVERY = timedelta(minutes=2)


@dag(
    schedule=EVERY,
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    # the next run waits for this one's walk and takes over
    max_active_runs=2,
    doc_md=__doc__,
    tags=["contact-sync"],
    default_args={"retries": 1, "retry_delay": timedelta(seconds=10)},
)
def extract_respond_contacts() -> None:
    @task
    def list_workspaces() -> list[list[str]]:
        with wiring.opened() as edges:
            found = [row["workspace_id"] for row in edges.db.all("select_connected_workspaces")]
            return wiring.chunks(found, at_most=wiring.lasting_tasks())

    @task(task_id="extract_respond_contacts", outlets=[assets.respond_contacts])
    def extract(workspace_ids: list[str], run_id: str) -> dict[str, int]:
        pace = wiring.lasting_pace(wiring.run_after() + EVERY, len(workspace_ids), is_rolling=True)
        with wiring.opened() as edges:
            return wiring.each(
                workspace_ids,
                lambda workspace_id: stages.extract_respond_contacts.run(
                    edges.db,
                    edges.respond_of(workspace_id, lane="extract"),
                    workspace_id=workspace_id,
                    run_id=run_id,
                    pace=pace,
                ),
                news=("written", "gone", "heard"),
            )

    extract.expand(workspace_ids=list_workspaces())


extract_respond_contacts()
