"""Match contacts: changed values become keys, keys become matches, matches become sidebar rows.

### What
Woken by `salesforce_contacts` or `respond_contacts`, and every 5 minutes in case a doorbell was not heard. Works off
the change feed of each org: `normalize_contacts`, then `gate_contacts` where an org is due, `match_contacts`,
`materialize_sidebar`. Emits `contact_matches` when matches changed, `held_changes` when something was withheld. An org
whose first load is not proven waits, and says so: half its records would leave their contacts unmatched. So does one
whose first load, backfill or large delta the gate has not judged: nothing passes a gate that did not run.

### When it fails
* *the database did not answer*: the feed keeps its rows; the retry or the next run works them off.
* *changes are withheld*: all else went on; a person decides, `python -m contact_sync approve` or `approve_changes`.
* *Data Docs cannot be written*: the verdict stands; give the workers a directory that they may write.
* *the database refused the statement*: the schema is older than the code; run `python -m contact_sync migrate`.

### How to re-run
Clear the failed task. Each stage deletes the changes it consumed in the transaction that writes its result, so nothing
is done twice and nothing is skipped. To match everything anew, touch the workspace's settings.
"""

from __future__ import annotations

import functools
from datetime import timedelta

import pendulum
from airflow.sdk import AssetOrTimeSchedule, CronTriggerTimetable, TriggerRule, chain, dag, task

from contact_sync import stages
from contact_sync.airflow_side import assets, wiring


@dag(
    schedule=AssetOrTimeSchedule(
        timetable=CronTriggerTimetable("*/5 * * * *", timezone="UTC"),
        assets=assets.salesforce_contacts | assets.respond_contacts,
    ),
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    doc_md=__doc__,
    tags=["contact-sync"],
    default_args={"retries": 1, "retry_delay": timedelta(seconds=10)},
)
def match_contacts() -> None:
    @task
    def list_orgs_with_changes() -> list[list[str]]:
        with wiring.opened() as edges:
            return wiring.chunks([row["org_id"] for row in edges.db.all("list_orgs_with_changes")])

    @task(task_id="normalize_contacts")
    def normalize(org_ids: list[str], run_id: str) -> dict[str, int]:
        with wiring.opened() as edges:
            run = functools.partial(stages.normalize_contacts.run, edges.db, run_id=run_id)
            return wiring.each(org_ids, lambda org_id: run(org_id=org_id), news=("keys",))

    # each stage works off its own feed, whether the one before had nothing to do or failed for somebody
    @task(task_id="gate_contacts", trigger_rule=TriggerRule.ALL_DONE)
    def gate(org_ids: list[str], run_id: str) -> dict[str, int]:
        with wiring.opened() as edges:
            run = functools.partial(stages.gate_contacts.run, edges.db, run_id=run_id)
            return wiring.each(org_ids, lambda org_id: run(org_id=org_id), news=("judged",))

    @task(task_id="match_contacts", outlets=[assets.contact_matches], trigger_rule=TriggerRule.ALL_DONE)
    def match(org_ids: list[str], run_id: str) -> dict[str, int]:
        with wiring.opened() as edges:
            run = functools.partial(stages.match_contacts.run, edges.db, run_id=run_id)
            return wiring.each(org_ids, lambda org_id: run(org_id=org_id), news=("written",))

    @task(task_id="materialize_sidebar", trigger_rule=TriggerRule.ALL_DONE)
    def materialize(org_ids: list[str], run_id: str) -> dict[str, int]:
        with wiring.opened() as edges:
            run = functools.partial(stages.materialize_sidebar.run, edges.db, run_id=run_id)
            news = ("written", "removed", "layouts")
            return wiring.each(org_ids, lambda org_id: run(org_id=org_id), news=news)

    @task(trigger_rule=TriggerRule.ALL_DONE, outlets=[assets.held_changes])
    def ring_for_holds() -> int:
        with wiring.opened() as edges:
            return wiring.holds_to_ask_about(edges.db)

    orgs = list_orgs_with_changes()
    stages_in_order = [each.expand(org_ids=orgs) for each in (normalize, gate, match, materialize)]
    chain(*stages_in_order, ring_for_holds(), wiring.no_hold())
    stages_in_order >> wiring.no_failure()


match_contacts()
