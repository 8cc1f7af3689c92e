"""When the org's day is short: which lanes go on, what is put off, and how it comes back by itself."""

from __future__ import annotations

import contextlib

import pytest

from contact_sync import backfill, errors, records, tenants
from contact_sync.salesforce import auth, quota
from contact_sync.stages import extract_salesforce_contacts, load_salesforce_contacts
from tests.raw_sql import RawSql
from tests.stages.conftest import OpenSalesforce, SalesforceSide
from tests.stages.editing import Editing
from tests.stages.house import WORKSPACE, House

LONG_AGO = 1767268800


@pytest.fixture
def editing(salesforce: SalesforceSide, house_of: House, open_salesforce: OpenSalesforce) -> Editing:
    """One matched contact whose title agents may edit; everything is read."""
    [salesforce_id] = salesforce.store.insert_contacts(
        [{"LastName": "Ada", "Email": "ada@example.com", "Title": "Dr", "SystemModstamp": LONG_AGO}]
    )
    tenants.choose_fields(salesforce.db, WORKSPACE, [tenants.FieldChoice(name="Title", is_editable=True)])
    tenants.set_workspace(salesforce.db, WORKSPACE, editing_enabled=True)
    salesforce.extract()
    house_of.contact(1, org_id=salesforce.org_id, email="ada@example.com")
    house_of.materialize(salesforce.org_id)
    return Editing(side=salesforce, house=house_of, open_salesforce=open_salesforce, ids=(salesforce_id,))


def use_up(side: SalesforceSide, share: float) -> None:
    """Somebody's programs use this share of the org's day; an edit's answer tells all workers."""
    side.steer("POST", "/faults", {"path": "*/limits", "effects": {"exhaust_quota": share}})
    side.session.lane = "edit"
    with contextlib.suppress(errors.QuotaError):
        side.session.call("GET", "/limits")


def worker(editing: Editing, lane: records.Lane) -> auth.Session:
    session = editing.open_salesforce(editing.side.org_id)
    session.lane = lane
    return session


def extract(editing: Editing, run_id: str) -> dict[str, int]:
    return extract_salesforce_contacts.run(
        editing.db, worker(editing, "extract"), org_id=editing.side.org_id, run_id=run_id
    )


def calls(side: SalesforceSide) -> int:
    requests = side.steer("GET", "/journal").json()["requests"]
    return sum(request["path"].startswith("/services/data") for request in requests)


def roll_on(editing: Editing) -> None:
    """The next day: nothing of the last hours is used any more, and what was heard of it is old."""
    editing.side.steer("POST", "/faults", {"effects": {"exhaust_quota": False}})
    editing.house.raw(
        "UPDATE api_limit SET heard_at = now() - make_interval(secs => %(s)s), asked_at = NULL",
        s=quota.STOPPING_SECONDS + 1,
    )


def test_with_90_percent_used_extraction_is_put_off_and_edits_go(editing: Editing, raw: RawSql) -> None:
    use_up(editing.side, 0.9)
    edit = editing.wish(1, "Dr", "Professor")
    before = calls(editing.side)
    assert extract(editing, "deferred") == {"deferred": 1}
    assert calls(editing.side) == before
    assert raw.value("SELECT status FROM stage_run WHERE run_id = 'deferred'") == "deferred"
    assert editing.apply()["applied"] == 1
    assert editing.status(edit) == "applied"


def test_what_was_put_off_resumes_by_itself(editing: Editing, raw: RawSql) -> None:
    use_up(editing.side, 0.9)
    editing.change(1, Title="Professor")
    extract(editing, "today")
    extract(editing, "still today")
    statuses = "SELECT status FROM extract_window ORDER BY window_id"
    # the same window each time: days of half minutes must not pile up
    assert raw.column(statuses) == ["proven", "deferred"]
    roll_on(editing)
    assert extract(editing, "tomorrow")["rows_merged"] == 1
    assert raw.column(statuses) == ["proven", "proven"]


def test_a_window_taken_up_again_has_todays_clock(editing: Editing, raw: RawSql) -> None:
    use_up(editing.side, 0.9)
    extract(editing, "today")
    raw(
        "UPDATE extract_window SET read_until = '2026-01-01', queried_at = '2026-01-01' WHERE status = 'deferred'"
    )
    roll_on(editing)
    extract(editing, "tomorrow")
    assert raw.value("SELECT min(read_until) > now() - interval '1 minute' FROM extract_window")


def test_a_used_up_day_is_asked_about_every_five_minutes(editing: Editing, raw: RawSql) -> None:
    raw("UPDATE salesforce_org SET polled_at = NULL")
    use_up(editing.side, 0.9)
    extract(editing, "today")
    assert editing.db.all("list_orgs_due") == []
    raw("UPDATE stage_run SET started_at = started_at - interval '5 minutes'")
    assert [row["org_id"] for row in editing.db.all("list_orgs_due")] == [editing.side.org_id]


def test_a_backfill_stops_long_before_the_sync(editing: Editing, raw: RawSql) -> None:
    use_up(editing.side, 0.6)
    day = backfill.parse_time("2026-01-01")
    backfill.plan(editing.db, editing.side.org_id, day, backfill.parse_time("2026-01-02"))
    counts = load_salesforce_contacts.run(
        editing.db, worker(editing, "backfill"), org_id=editing.side.org_id, run_id="backfill"
    )
    assert counts["deferred"] == 1
    assert raw.column("SELECT status FROM extract_window WHERE kind = 'backfill'") == ["deferred"]
    assert "deferred" not in extract(editing, "sync")


def test_a_used_up_day_puts_edits_off_without_losing_one(editing: Editing, raw: RawSql) -> None:
    use_up(editing.side, 1.0)
    edit = editing.wish(1, "Dr", "Professor")
    assert editing.apply()["deferred"] == 1
    assert editing.status(edit) in ("queued", "applying")
    roll_on(editing)
    editing.apply()
    assert editing.status(edit) == "applied"
    assert editing.writes(1) == ["Professor"]


def test_no_access_is_a_failure_and_says_which(editing: Editing) -> None:
    editing.side.steer("POST", "/settings", {"api_enabled": False})
    with pytest.raises(errors.StopError, match=r"API_DISABLED_FOR_ORG.*API Enabled"):
        extract(editing, "refused")
