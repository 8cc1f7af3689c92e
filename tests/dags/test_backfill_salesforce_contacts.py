"""The backfill, run by Airflow against the stand-in: by parameters, as a rehearsal, and refused."""

from __future__ import annotations

import pytest
from airflow.dag_processing.dagbag import DagBag

from contact_sync import database
from tests.conftest import SECRET
from tests.dags.test_extract_salesforce_contacts import Vendor, org, vendor
from tests.raw_sql import RawSql

DAG = "backfill_salesforce_contacts"

__all__ = ["org", "vendor"]


@pytest.fixture
def backfill(
    hasty_bag: DagBag,
    database_url: str,
    raw: RawSql,
    org: str,
    vendor: Vendor,
    monkeypatch: pytest.MonkeyPatch,
) -> dict[str, object]:
    """What a run is triggered with; the org is loaded up to the sixth of January, its contact is of the third."""
    monkeypatch.setenv(database.URL_VARIABLE, database_url)
    monkeypatch.setenv("CONTACT_SYNC_SECRET", SECRET)
    # 2026-01-03 12:00 UTC
    vendor.store.insert_contacts([{"LastName": "Hopper", "SystemModstamp": 1767441600}])
    raw.insert(
        "extract_window",
        org_id=org,
        kind="initial",
        read_until="2026-01-06Z",
        status="proven",
        rows_reported=0,
    )
    raw.insert(
        "salesforce_contact",
        org_id=org,
        salesforce_id="003000000000001AAA",
        system_modstamp="2025-01-01Z",
        read_at="2025-01-01Z",
    )
    return {"from": "2026-01-02", "to": "2026-01-05"}


def run(hasty_bag: DagBag, **conf: object) -> tuple[str, dict[str, set[str]]]:
    # all of them each time: in one process a run's values would stay in the DAG's own parameters
    given = {
        "from": None,
        "to": None,
        "fields": [],
        "object": "Contact",
        "org": None,
        "dry_run": False,
        **conf,
    }
    done = hasty_bag.dags[DAG].test(logical_date=None, run_conf=given)
    states: dict[str, set[str]] = {}
    for instance in done.get_task_instances():
        states.setdefault(instance.task_id, set()).add(str(instance.state))
    return str(done.state), states


def windows(raw: RawSql) -> list[str]:
    return raw.column("SELECT status FROM extract_window WHERE kind = 'backfill' ORDER BY window_id")


def test_success_means_that_each_day_is_proven(
    hasty_bag: DagBag, backfill: dict[str, object], vendor: Vendor, raw: RawSql
) -> None:
    with vendor.up():
        state, tasks = run(hasty_bag, **backfill)
    assert (state, tasks["load_salesforce_contacts"]) == ("success", {"success"})
    assert windows(raw) == ["proven"] * 3
    assert raw.value("SELECT count(*) FROM salesforce_contact") == 2


def test_a_rehearsal_plans_and_reads_nothing(
    hasty_bag: DagBag, backfill: dict[str, object], raw: RawSql
) -> None:
    state, tasks = run(hasty_bag, **backfill, dry_run=True)
    assert (state, tasks["plan_backfill"]) == ("success", {"success"})
    assert tasks["load_salesforce_contacts"] == {"skipped"}
    assert windows(raw) == []


def test_a_run_without_a_range_fails_and_plans_nothing(
    hasty_bag: DagBag, backfill: dict[str, object], raw: RawSql
) -> None:
    state, _ = run(hasty_bag)
    assert state == "failed"
    assert windows(raw) == []


def test_another_object_is_refused_and_nothing_planned(
    hasty_bag: DagBag, backfill: dict[str, object], raw: RawSql
) -> None:
    state, tasks = run(hasty_bag, **backfill, object="Lead")
    assert (state, tasks["plan_backfill"]) == ("failed", {"failed"})
    assert windows(raw) == []


def test_airflow_refuses_what_is_no_date(hasty_bag: DagBag, backfill: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="does not match"):
        run(hasty_bag, **{**backfill, "from": "yesterday"})
