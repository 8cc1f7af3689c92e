"""The cases in which extractors lose, double or spoil contacts without saying so, each by its name.

Late commits (5,000 contacts on one stamp) are in test_late_commits, deletions in test_deletions, slow queries in
test_split_windows, merges in test_reconcile_contacts and test_match_contacts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from contact_sync import errors, records, tenants
from contact_sync.salesforce import bulk, query, wide
from contact_sync.stages import extract_salesforce_contacts, load_salesforce_contacts
from tests.raw_sql import RawSql
from tests.stages.conftest import OpenSalesforce, SalesforceSide
from tests.stages.house import House
from tests.stages.test_extract_salesforce_contacts import mirrored, person, windows

DATA = "/services/data/v{version}"


def everybody(raw: RawSql) -> int:
    return int(raw.value("SELECT count(*) FROM salesforce_contact"))


# What stands in the cells


@pytest.mark.parametrize("is_big", [False, True], ids=["by REST", "by Bulk"])
def test_a_name_that_looks_like_nothing_is_a_name(
    salesforce: SalesforceSide, raw: RawSql, monkeypatch: pytest.MonkeyPatch, is_big: bool
) -> None:
    names = ["Null", "null", "NA", "N/A", "None", "nan", "0123", "TRUE", "1e5"]
    if is_big:
        monkeypatch.setattr(extract_salesforce_contacts, "SMALL", 0)
    for name in names:
        person(salesforce, LastName=name, Title=name)
    salesforce.extract()
    load(salesforce)
    found = raw("SELECT last_name, payload ->> 'Title' AS title FROM salesforce_contact")
    assert {row["last_name"] for row in found} == {row["title"] for row in found} == set(names)


def test_a_contact_older_than_any_default_start_date_is_read(salesforce: SalesforceSide, raw: RawSql) -> None:
    the_year_2000 = 946684800
    salesforce_id = person(
        salesforce, SystemModstamp=the_year_2000, CreatedDate=the_year_2000, LastModifiedDate=the_year_2000
    )
    salesforce.extract()
    assert mirrored(raw, salesforce_id)["system_modstamp"].year == 2000


def test_a_contact_edited_twice_inside_one_window_has_its_second_values(
    salesforce: SalesforceSide, raw: RawSql
) -> None:
    salesforce_id = person(salesforce, Title="first")
    salesforce.extract("first")
    salesforce.steer("PATCH", f"/contacts/{salesforce_id}", {"Title": "second", "FirstName": "Ada"})
    salesforce.steer("PATCH", f"/contacts/{salesforce_id}", {"Title": "third"})
    assert salesforce.extract("second")["rows_landed"] == 1
    row = mirrored(raw, salesforce_id)
    assert (row["payload"]["Title"], row["first_name"]) == ("third", "Ada")


def test_a_contact_edited_again_while_its_window_is_read_ends_with_the_later_values(
    salesforce: SalesforceSide, raw: RawSql, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes under two stamps, the newer one first: the newer one wins, not the later row."""
    salesforce_id = person(salesforce, Title="old")
    original = query.pages
    just_now = time.strftime("%Y-%m-%dT%H:%M:%S.000+0000", time.gmtime(time.time() - 60))

    def twice(*arguments: Any, **options: Any) -> Iterator[records.QueryPage]:
        for page in original(*arguments, **options):
            newer = [
                row | {"Title": "new", "SystemModstamp": just_now}
                for row in page.records
                if row["Id"] == salesforce_id and "Title" in row
            ]
            yield replace(page, records=[*newer, *page.records], total_size=page.total_size + len(newer))

    with monkeypatch.context() as patched:
        patched.setattr(query, "pages", twice)
        salesforce.extract()
    assert raw("SELECT rows_landed, rows_distinct FROM extract_window") == [
        {"rows_landed": 2, "rows_distinct": 1}
    ]
    assert mirrored(raw, salesforce_id)["payload"]["Title"] == "new"


# Rights that go


def test_a_phone_whose_permission_goes_between_two_runs_keeps_its_numbers(
    salesforce: SalesforceSide, raw: RawSql
) -> None:
    salesforce_id = person(salesforce, MobilePhone="+49 151 23456789", FirstName="Augusta")
    salesforce.extract("first")
    salesforce.steer("POST", "/permissions", {"field": "MobilePhone", "access": "none"})
    salesforce.steer("PATCH", f"/contacts/{salesforce_id}", {"FirstName": "Ada"})
    salesforce.extract("second")
    row = mirrored(raw, salesforce_id)
    assert (row["first_name"], row["mobile_phone"]) == ("Ada", "+49 151 23456789")
    assert raw.value("SELECT lost_at IS NOT NULL FROM salesforce_field WHERE name = 'MobilePhone'")


def test_a_phone_whose_permission_comes_back_is_read_for_everybody(
    salesforce: SalesforceSide, raw: RawSql
) -> None:
    salesforce_id = person(salesforce, MobilePhone="+49 151 23456789")
    salesforce.extract("first")
    salesforce.steer("POST", "/permissions", {"field": "MobilePhone", "access": "none"})
    salesforce.steer("PATCH", f"/contacts/{salesforce_id}", {"MobilePhone": "+49 151 99999999"})
    salesforce.extract("second")
    salesforce.steer("POST", "/permissions", {"field": "MobilePhone", "access": "edit"})
    tenants.refresh_fields(salesforce.db, salesforce.session, org_id=salesforce.org_id)
    raw("UPDATE extract_window SET read_until = read_until + interval '1 hour' WHERE kind = 'incremental'")
    salesforce.extract("third")
    assert mirrored(raw, salesforce_id)["mobile_phone"] == "+49 151 99999999"


# Connections and sessions that break


def load(salesforce: SalesforceSide, run_id: str = "load") -> dict[str, int]:
    return load_salesforce_contacts.run(
        salesforce.db, salesforce.session, org_id=salesforce.org_id, run_id=run_id
    )


def requests(salesforce: SalesforceSide, ending: str) -> list[dict[str, Any]]:
    found = salesforce.steer("GET", "/journal").json()["requests"]
    return [request for request in found if request["path"].endswith(ending) or ending in request["route"]]


@pytest.fixture
def pages(salesforce: SalesforceSide, open_salesforce: OpenSalesforce) -> SalesforceSide:
    """450 contacts in three pages of 200."""
    salesforce.steer("POST", "/settings", {"largest_page": 200})
    salesforce.store.insert_contacts({"LastName": f"Person {number}"} for number in range(450))
    return salesforce


def test_a_token_that_expires_before_the_third_page_costs_one_log_in(
    pages: SalesforceSide, raw: RawSql
) -> None:
    pages.steer("POST", "/faults", {"path": "*/query/*", "nth": 2, "effects": {"expire_token": True}})
    pages.steer("DELETE", "/journal")
    assert pages.extract()["rows_landed"] == 450
    assert everybody(raw) == 450
    assert len(requests(pages, "/oauth2/token")) == 1


def test_a_token_that_expires_in_the_middle_of_the_third_page(pages: SalesforceSide, raw: RawSql) -> None:
    """The page breaks off, and when it is asked for again the session is gone."""
    pages.steer("POST", "/faults", {"path": "*/query/*", "nth": 2, "cut_after_bytes": 200})
    pages.steer("POST", "/faults", {"path": "*/query/*", "nth": 2, "effects": {"expire_token": True}})
    pages.steer("DELETE", "/journal")
    assert pages.extract()["rows_landed"] == 450
    assert everybody(raw) == 450
    assert len(requests(pages, "/oauth2/token")) == 1
    assert windows(raw) == [("initial", "proven")]


@pytest.fixture
def sets(salesforce: SalesforceSide, monkeypatch: pytest.MonkeyPatch) -> SalesforceSide:
    """A big window of 45 contacts, planned; five sets of ten rows."""
    monkeypatch.setattr(extract_salesforce_contacts, "SMALL", 20)
    monkeypatch.setattr(bulk, "SET_ROWS", 10)
    monkeypatch.setattr(bulk, "_POLL_FIRST_SECONDS", 0.01)
    salesforce.store.insert_contacts({"LastName": f"Person {number}"} for number in range(45))
    assert salesforce.extract("plans")["planned"] == 1
    return salesforce


def until_loaded(salesforce: SalesforceSide) -> int:
    """Run the load as the scheduler would, again after each failure; return how often it ran."""
    for attempt in range(1, 10):
        try:
            load(salesforce, f"load {attempt}")
        except errors.RetryError:
            continue
        return attempt
    raise AssertionError("never loaded")


def test_a_token_that_expires_in_the_middle_of_the_third_set(sets: SalesforceSide, raw: RawSql) -> None:
    sets.steer("POST", "/faults", {"path": "*/results", "nth": 3, "cut_after_bytes": 300})
    sets.steer("POST", "/faults", {"path": "*/results", "nth": 3, "effects": {"expire_token": True}})
    sets.steer("DELETE", "/journal")
    until_loaded(sets)
    assert everybody(raw) == 45
    assert windows(raw) == [("initial", "proven")]
    assert len(requests(sets, "/oauth2/token")) == 1
    assert raw.value("SELECT rows_landed FROM extract_window") == 45


@pytest.mark.parametrize("after", [-1, 0, 1, 500, 3_000])
def test_a_connection_cut_after_so_many_bytes_of_a_set_loses_and_doubles_nobody(
    sets: SalesforceSide, raw: RawSql, after: int
) -> None:
    sets.steer("POST", "/faults", {"path": "*/results", "nth": 2, "cut_after_bytes": after})
    until_loaded(sets)
    assert everybody(raw) == 45
    assert raw("SELECT status, rows_reported, rows_landed, rows_distinct FROM extract_window") == [
        {"status": "proven", "rows_reported": 45, "rows_landed": 45, "rows_distinct": 45}
    ]


@pytest.mark.parametrize("after", [-1, 1, 2_000])
def test_a_connection_cut_after_so_many_bytes_of_a_page_loses_and_doubles_nobody(
    pages: SalesforceSide, raw: RawSql, after: int
) -> None:
    pages.steer("POST", "/faults", {"path": "*/query*", "nth": 3, "cut_after_bytes": after})
    pages.extract()
    assert everybody(raw) == 450
    assert raw.value("SELECT rows_landed FROM extract_window") == 450


# Servers that lie


def change_pages(
    monkeypatch: pytest.MonkeyPatch, change: Callable[[records.QueryPage], records.QueryPage]
) -> None:
    original = query.pages

    def changed(*arguments: Any, **options: Any) -> Iterator[records.QueryPage]:
        return map(change, original(*arguments, **options))

    monkeypatch.setattr(query, "pages", changed)


def test_a_server_that_reports_less_than_it_gives_is_not_believed(
    salesforce: SalesforceSide, raw: RawSql, monkeypatch: pytest.MonkeyPatch
) -> None:
    person(salesforce)
    person(salesforce)
    with monkeypatch.context() as patched:
        change_pages(patched, lambda page: replace(page, total_size=page.total_size - 1))
        with pytest.raises(errors.RetryError, match="Salesforce reported 1 rows, 2 landed"):
            salesforce.extract("lied to")
    assert windows(raw) == [("initial", "failed")]
    assert salesforce.extract("told the truth")["rows_landed"] == 2


def test_a_job_that_reports_less_than_it_gives_is_not_believed(
    sets: SalesforceSide, raw: RawSql, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = bulk.wait

    def modest(*arguments: Any, **options: Any) -> bulk.Job:
        job = original(*arguments, **options)
        return replace(job, rows=job.rows - 1)

    monkeypatch.setattr(bulk, "wait", modest)
    with pytest.raises(errors.RetryError, match="Salesforce reported 44 rows, 45 landed"):
        load(sets)
    assert windows(raw) == [("initial", "failed")]


def test_a_row_left_out_and_not_counted_is_found_by_the_audits(
    salesforce: SalesforceSide, raw: RawSql, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer agrees with itself: only the counts and stamps that are asked for apart tell."""
    left_out = person(salesforce, LastName="Left out", SystemModstamp=time.time() // 1 - 60)

    def without(page: records.QueryPage) -> records.QueryPage:
        kept = [row for row in page.records if row.get("LastName") != "Left out"]
        return replace(page, records=kept, total_size=len(kept))

    with monkeypatch.context() as patched:
        change_pages(patched, without)
        raw("UPDATE salesforce_org SET settled_asked_at = now()")
        salesforce.extract("first")
    assert mirrored(raw, left_out) == {}
    assert salesforce.extract("second")["rows_late"] == 1
    assert mirrored(raw, left_out)


# Quotas and rights of the org


def use_up_90_percent(salesforce: SalesforceSide) -> None:
    """The org's day is short: nine tenths of its calls are made."""
    person(salesforce)
    calls = salesforce.session.call("GET", "/limits").json()["DailyApiRequests"]
    used = calls["Max"] - calls["Remaining"]
    salesforce.steer("POST", "/settings", {"daily_api_requests": max(int(used / 0.9), used + 1)})


def test_with_90_percent_of_the_quota_used_the_run_is_put_off_and_is_no_failure(
    salesforce: SalesforceSide, open_salesforce: OpenSalesforce, raw: RawSql
) -> None:
    for _ in range(30):
        salesforce.session.call("GET", "/limits")
    use_up_90_percent(salesforce)
    session = open_salesforce(salesforce.org_id)
    counts = extract_salesforce_contacts.run(salesforce.db, session, org_id=salesforce.org_id, run_id="first")
    assert counts.get("deferred") == 1
    assert raw.value("SELECT status FROM stage_run WHERE run_id = 'first'") == "deferred"
    assert {status for _, status in windows(raw)} <= {"deferred", "proven"}


def test_on_the_next_day_the_run_that_was_put_off_brings_everybody(
    salesforce: SalesforceSide, open_salesforce: OpenSalesforce, raw: RawSql
) -> None:
    for _ in range(30):
        salesforce.session.call("GET", "/limits")
    use_up_90_percent(salesforce)
    org_id = salesforce.org_id
    extract_salesforce_contacts.run(salesforce.db, open_salesforce(org_id), org_id=org_id, run_id="today")
    salesforce.steer("DELETE", "/settings")
    raw("UPDATE api_usage SET day = day - 1")
    forget_the_limits(raw)
    extract_salesforce_contacts.run(salesforce.db, open_salesforce(org_id), org_id=org_id, run_id="tomorrow")
    assert everybody(raw) == 1
    assert windows(raw)[-1][1] == "proven"


def forget_the_limits(raw: RawSql) -> None:
    """A new day: what Salesforce said of the last one holds no more."""
    if raw.value("SELECT to_regclass('contact_sync.api_limit') IS NOT NULL"):
        raw("DELETE FROM api_limit")


def test_without_the_asynchronous_api_a_big_window_is_read_by_rest(sets: SalesforceSide, raw: RawSql) -> None:
    refusal = [{"errorCode": "FUNCTIONALITY_NOT_ENABLED", "message": "Async API not enabled"}]
    sets.steer("POST", "/faults", {"path": "*/jobs/query", "status": 403, "body": refusal, "times": None})
    assert load(sets)["rows_landed"] == 45
    assert windows(raw) == [("initial", "proven")]
    assert requests(sets, "/results") == []


def test_without_any_api_the_connection_is_named(salesforce: SalesforceSide, raw: RawSql) -> None:
    salesforce.steer("POST", "/settings", {"api_enabled": False})
    with pytest.raises(errors.StopError, match="salesforce_default"):
        salesforce.extract()


# Many fields


def test_a_select_list_longer_than_any_address_is_read_whole(
    salesforce: SalesforceSide, raw: RawSql, house_of: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wide, "LONGEST", 400)
    monkeypatch.setattr(wide, "_FIELDS", 120)
    house_of.choose("Title", "Department", "Account.Name", "LeadSource", "AssistantName", "Description")
    ids = [person(salesforce, Title=f"Dr {n}", Department="Sales", AssistantName="Eve") for n in range(210)]
    salesforce.extract("first")
    for number, salesforce_id in enumerate(ids):
        found = mirrored(raw, salesforce_id)["payload"]
        assert (found["Title"], found["Department"], found["AssistantName"]) == (
            f"Dr {number}",
            "Sales",
            "Eve",
        )
