"""Approve changes: what the brake or the quality gate withheld is put to a person, and the answer remembered.

### What
Woken by `held_changes`, and every 5 minutes. Each open hold becomes one question under *Required actions*; no worker
waits for the answer. *Approve* lets the next run apply the change if it affects no more rows than approved, *Reject*
leaves the rows as they are. A hold can as well be decided by `python -m contact_sync approve`; the first decision
counts, and that command alone overrules a refusal. A question that nobody answers for 30 minutes ends as *Decide
later*, and the next run puts it again together with what was withheld meanwhile. Without an open hold everything is
skipped.

### When it fails
* *the database did not answer*: the hold stays open; the retry or the next run goes on.
* *params_input*: the number of rows given is none; answer the next run's question.

### How to re-run
Clear `list_open_holds`: what is still open is asked again.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pendulum
from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import AssetOrTimeSchedule, CronTriggerTimetable, Param, dag, task
from airflow.sdk.exceptions import AirflowSkipException

from contact_sync import holds
from contact_sync.airflow_side import approval, assets, wiring

UP_TO = Param(
    None,
    type=["null", "integer"],
    minimum=1,
    title="At most so many rows",
    description="Empty: as many as the question names.",
)
#: Airflow maps at most 1,024; the rest is asked about when these are decided.
MOST_QUESTIONS = 100


@dag(
    schedule=AssetOrTimeSchedule(
        timetable=CronTriggerTimetable("*/5 * * * *", timezone="UTC"), assets=[assets.held_changes]
    ),
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    doc_md=__doc__,
    tags=["contact-sync"],
    default_args={"retries": 1, "retry_delay": timedelta(seconds=10)},
)
def approve_changes() -> None:
    @task
    def list_open_holds() -> list[approval.Question]:
        with wiring.opened() as edges:
            return [approval.question(row) for row in holds.open_holds(edges.db)[:MOST_QUESTIONS]]

    @task(task_id="record_decision")
    def record(asked: tuple[approval.Question, dict[str, Any] | None]) -> str:
        question, answer = asked
        with wiring.opened() as edges:
            decision = approval.record(edges.db, question, answer)
        if decision is None:
            raise AirflowSkipException(f"hold {question['hold_id']}: no decision, or it was decided before")
        return decision

    questions = list_open_holds()
    ask = HITLOperator.partial(
        task_id="ask_person",
        options=list(approval.OPTIONS),
        defaults=approval.LATER,
        params={"approved_up_to": UP_TO},
        response_timeout=timedelta(minutes=30),
    ).expand_kwargs(questions.map(approval.shown))
    decisions = record.expand(asked=questions.zip(ask.output))
    [ask, decisions] >> wiring.no_failure()


approve_changes()
