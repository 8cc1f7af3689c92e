"""What the daily comparison finds: rows missing here, rows missing there, formulas, quarantined rows, counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contact_sync import errors
from contact_sync.salesforce import replication
from contact_sync.stages import (
    _auditing,
    _listing,
    _windows,
    extract_salesforce_contacts,
    load_salesforce_contacts,
    reconcile_contacts,
)
from tests.raw_sql import RawSql
from tests.stages.conftest import SalesforceSide
from tests.stages.house import House
from tests.stages.test_extract_salesforce_contacts import mirrored, person, windows


def reconcile(salesforce: SalesforceSide, run_id: str = "daily") -> dict[str, int]:
    salesforce.session.lane = "backfill"
    try:
        return reconcile_contacts.run(
            salesforce.db, salesforce.session, org_id=salesforce.org_id, run_id=run_id
        )
    finally:
        salesforce.session.lane = "extract"


def load(salesforce: SalesforceSide) -> dict[str, int]:
    salesforce.session.lane = "backfill"
    try:
        return load_salesforce_contacts.run(
            salesforce.db, salesforce.session, org_id=salesforce.org_id, run_id="load"
        )
    finally:
        salesforce.session.lane = "extract"


def forget(raw: RawSql, *salesforce_ids: str) -> None:
    raw("DELETE FROM salesforce_contact WHERE salesforce_id = ANY (%(ids)s)", ids=list(salesforce_ids))


def presence(raw: RawSql, salesforce_id: str) -> str:
    return str(mirrored(raw, salesforce_id)["presence"])


def hide(salesforce: SalesforceSide, raw: RawSql, number: int = 1, **cells: Any) -> str:
    """A contact that the mirror has and Salesforce lists no more."""
    house = House(salesforce.db, raw)
    return house.person(number, org_id=salesforce.org_id, **cells)


# The comparison


def test_equal_mirrors_change_nothing(salesforce: SalesforceSide, raw: RawSql) -> None:
    person(salesforce)
    salesforce.extract()
    before = raw.versions("salesforce_contact")
    counts = reconcile(salesforce)
    assert (counts["ids"], counts["purged"], counts["not_visible"]) == (1, 0, 0)
    assert "fetched" not in counts
    assert raw.versions("salesforce_contact") == before


def test_before_the_first_load_nothing_is_compared(salesforce: SalesforceSide, raw: RawSql) -> None:
    person(salesforce)
    assert "ids" not in reconcile(salesforce)
    assert windows(raw) == []


def test_a_contact_missing_here_is_fetched_by_a_window_that_proves_it(
    salesforce: SalesforceSide, raw: RawSql
) -> None:
    found = person(salesforce, Title="Dr")
    salesforce.extract()
    forget(raw, found)
    assert reconcile(salesforce)["fetched"] == 1
    assert mirrored(raw, found)["payload"]["Title"] == "Dr"
    assert ("reconcile", "proven") in windows(raw)


def test_comparing_twice_changes_nothing_the_second_time(salesforce: SalesforceSide, raw: RawSql) -> None:
    found = person(salesforce)
    salesforce.extract()
    forget(raw, found)
    reconcile(salesforce, "first")
    before = raw.versions("salesforce_contact")
    assert "fetched" not in reconcile(salesforce, "second")
    assert raw.versions("salesforce_contact") == before


def test_a_contact_with_an_older_stamp_here_is_fetched(salesforce: SalesforceSide, raw: RawSql) -> None:
    found = person(salesforce)
    salesforce.extract()
    raw(
        "UPDATE salesforce_contact SET system_modstamp = system_modstamp - interval '1 day', last_name = 'Old'"
    )
    reconcile(salesforce)
    assert mirrored(raw, found)["last_name"] == "Lovelace"


def test_the_window_leaves_the_watermark_where_it_was(salesforce: SalesforceSide, raw: RawSql) -> None:
    watermark = "SELECT max(read_until) FROM extract_window WHERE kind IN ('initial', 'incremental')"
    found = person(salesforce)
    salesforce.extract()
    forget(raw, found)
    before = raw.value(watermark)
    reconcile(salesforce)
    assert raw.value(watermark) == before


def test_many_missing_contacts_are_left_to_the_load(
    salesforce: SalesforceSide, raw: RawSql, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [person(salesforce) for _ in range(3)]
    salesforce.extract()
    forget(raw, *found)
    monkeypatch.setattr(extract_salesforce_contacts, "SMALL", 2)
    assert reconcile(salesforce)["planned"] == 2
    assert windows(raw)[1:] == [("reconcile", "planned"), ("formula", "planned")]
    load(salesforce)
    assert raw.value("SELECT count(*) FROM salesforce_contact") == 3


def test_a_big_list_comes_by_bulk(
    salesforce: SalesforceSide, raw: RawSql, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [person(salesforce) for _ in range(5)]
    salesforce.extract()
    hidden = hide(salesforce, raw)
    forget(raw, found[0])
    monkeypatch.setattr(extract_salesforce_contacts, "SMALL", 4)
    monkeypatch.setattr(_listing, "_SET_ROWS", 2)
    counts = reconcile(salesforce)
    assert (counts["ids"], counts["fetched"], counts["not_visible"]) == (5, 1, 1)
    assert presence(raw, hidden) == "not_visible"
    assert raw.value("SELECT count(*) FROM salesforce_listing") == 0


@pytest.fixture
def big(salesforce: SalesforceSide, monkeypatch: pytest.MonkeyPatch) -> SalesforceSide:
    """An org whose ids are listed by Bulk; its journal is empty."""
    for _ in range(5):
        person(salesforce)
    salesforce.extract()
    monkeypatch.setattr(extract_salesforce_contacts, "SMALL", 4)
    salesforce.steer("DELETE", "/journal")
    return salesforce


def jobs_made(salesforce: SalesforceSide) -> int:
    requests = salesforce.steer("GET", "/journal").json()["requests"]
    return sum(
        request["method"] == "POST" and request["path"].endswith("/jobs/query") for request in requests
    )


def test_a_list_that_takes_long_is_gone_on_with_by_the_next_try(
    big: SalesforceSide, raw: RawSql, monkeypatch: pytest.MonkeyPatch
) -> None:
    big.steer("POST", "/settings", {"bulk_seconds": 3600})
    with monkeypatch.context() as patched:
        patched.setattr(_listing, "_JOB_SECONDS", 0.0)
        with pytest.raises(errors.RetryError, match="still InProgress"):
            reconcile(big)
    raw("UPDATE salesforce_org SET listing_begun_at = listing_begun_at - interval '1 hour'")
    later = hide(big, raw, read_at=datetime.now(UTC) - timedelta(minutes=30))
    big.steer("DELETE", "/settings")
    assert reconcile(big, "retry")["ids"] == 5
    assert jobs_made(big) == 1
    # it was read after the list began, whatever came between
    assert presence(raw, later) == "live"
    assert raw.value("SELECT listing_job_id IS NULL FROM salesforce_org")


def test_a_list_whose_job_failed_is_made_anew(big: SalesforceSide, raw: RawSql) -> None:
    outcome = {"state": "Failed", "errorMessage": "InternalServerError: sorry"}
    big.steer("POST", "/settings", {"bulk_outcome": outcome})
    with pytest.raises(errors.RejectError):
        reconcile(big)
    big.steer("DELETE", "/settings")
    assert reconcile(big, "retry")["ids"] == 5
    assert jobs_made(big) == 2


def test_a_list_of_the_day_before_yesterday_is_made_anew(big: SalesforceSide, raw: RawSql) -> None:
    raw(
        "UPDATE salesforce_org"
        " SET listing_job_id = '750000000000001AAA', listing_begun_at = now() - interval '49 hours'"
    )
    assert reconcile(big)["ids"] == 5
    assert jobs_made(big) == 1


def test_without_the_asynchronous_api_a_big_list_comes_by_rest(
    salesforce: SalesforceSide, raw: RawSql, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [person(salesforce) for _ in range(5)]
    salesforce.extract()
    hidden = hide(salesforce, raw)
    forget(raw, found[0])
    monkeypatch.setattr(extract_salesforce_contacts, "SMALL", 4)
    refusal = [{"errorCode": "FUNCTIONALITY_NOT_ENABLED", "message": "Async API not enabled"}]
    fault = {"path": "*/jobs/query", "status": 403, "body": refusal, "times": None}
    salesforce.steer("POST", "/faults", fault)
    counts = reconcile(salesforce)
    assert (counts["ids"], counts["fetched"], counts["not_visible"]) == (5, 1, 1)
    assert presence(raw, hidden) == "not_visible"


def test_from_a_list_with_holes_nothing_is_concluded(
    salesforce: SalesforceSide, raw: RawSql, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = person(salesforce)
    salesforce.extract()
    monkeypatch.setattr(_listing, "_copy_pages", lambda *_: None)
    with pytest.raises(errors.RetryError, match="reported 1 contacts and listed 0; nothing was compared"):
        reconcile(salesforce)
    assert presence(raw, found) == "live"


# Presence


def test_a_contact_missing_there_is_not_visible(salesforce: SalesforceSide, raw: RawSql) -> None:
    salesforce.extract()
    hidden = hide(salesforce, raw)
    assert reconcile(salesforce)["not_visible"] == 1
    assert presence(raw, hidden) == "not_visible"


def test_a_contact_seen_as_deleted_before_is_purged(salesforce: SalesforceSide, raw: RawSql) -> None:
    salesforce.extract()
    gone = hide(salesforce, raw, presence="deleted")
    assert reconcile(salesforce)["purged"] == 1
    assert presence(raw, gone) == "purged"


def purge(salesforce: SalesforceSide, raw: RawSql) -> str:
    """A contact that was read, then deleted and purged, two minutes ago: the log goes by whole minutes."""
    gone = person(salesforce)
    salesforce.extract()
    raw("UPDATE salesforce_contact SET read_at = read_at - interval '5 minutes'")
    salesforce.steer("DELETE", f"/contacts/{gone}")
    salesforce.steer("POST", f"/contacts/{gone}/purge")
    with salesforce.store.writing() as connection:
        connection.execute("UPDATE deletion SET deleted_at = deleted_at - 120")
    return gone


def test_the_log_of_deletions_proves_a_purge(salesforce: SalesforceSide, raw: RawSql) -> None:
    gone = purge(salesforce, raw)
    assert reconcile(salesforce)["purged"] == 1
    assert presence(raw, gone) == "purged"


def test_what_the_log_proves_later_is_purged_then(salesforce: SalesforceSide, raw: RawSql) -> None:
    gone = purge(salesforce, raw)
    raw("UPDATE salesforce_contact SET presence = 'not_visible'")
    assert reconcile(salesforce)["purged"] == 1
    assert presence(raw, gone) == "purged"


def test_where_the_log_is_too_short_the_contact_is_not_visible(
    salesforce: SalesforceSide, raw: RawSql, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_short(*_: Any) -> None:
        raise replication.LogTooShortError("INVALID_REPLICATION_DATE", "too long ago")

    salesforce.extract()
    hidden = hide(salesforce, raw)
    monkeypatch.setattr(replication, "deleted", too_short)
    reconcile(salesforce)
    assert presence(raw, hidden) == "not_visible"


@pytest.mark.parametrize("calls", [0, 1])
def test_the_log_is_asked_only_while_somebody_is_missing(
    salesforce: SalesforceSide, raw: RawSql, calls: int
) -> None:
    def asked() -> int:
        requests = salesforce.steer("GET", "/journal").json()["requests"]
        return sum(request["path"].endswith("/deleted") for request in requests)

    if calls:
        purge(salesforce, raw)
    else:
        salesforce.extract()
    before = asked()
    reconcile(salesforce)
    assert asked() == before + calls


@pytest.mark.parametrize("code", ["EXCEEDED_ID_LIMIT", "API_DISABLED_FOR_ORG"])
def test_a_log_that_is_refused_proves_nothing_and_stops_nothing(
    salesforce: SalesforceSide, raw: RawSql, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    def refused(*_: Any) -> None:
        raise errors.RejectError(code, "too much")

    salesforce.extract()
    hidden = hide(salesforce, raw)
    monkeypatch.setattr(replication, "deleted", refused)
    assert reconcile(salesforce)["not_visible"] == 1
    assert presence(raw, hidden) == "not_visible"


def test_what_was_read_after_the_list_began_is_left_alone(salesforce: SalesforceSide, raw: RawSql) -> None:
    salesforce.extract()
    young = hide(salesforce, raw)
    raw("UPDATE salesforce_contact SET read_at = now() + interval '1 minute'")
    assert reconcile(salesforce)["not_visible"] == 0
    assert presence(raw, young) == "live"


def test_a_contact_that_is_listed_again_comes_back(salesforce: SalesforceSide, raw: RawSql) -> None:
    found = person(salesforce)
    salesforce.extract()
    raw("UPDATE salesforce_contact SET presence = 'not_visible'")
    assert reconcile(salesforce)["fetched"] == 1
    assert presence(raw, found) == "live"


# Quarantine, formulas, counts


def test_a_quarantined_row_is_tried_again(salesforce: SalesforceSide, raw: RawSql) -> None:
    found = person(salesforce, Title="\x00")
    salesforce.extract()
    salesforce.steer("PATCH", f"/contacts/{found}", {"Title": "Dr"})
    assert reconcile(salesforce)["fetched"] == 1
    assert mirrored(raw, found)["payload"]["Title"] == "Dr"
    assert raw.value("SELECT count(*) FROM quarantined_row WHERE resolved_at IS NULL") == 0


def test_a_row_still_bad_stays_in_quarantine_once(salesforce: SalesforceSide, raw: RawSql) -> None:
    person(salesforce, Title="\x00")
    salesforce.extract()
    assert reconcile(salesforce)["quarantined"] == 1
    assert raw.value("SELECT count(*) FROM quarantined_row WHERE resolved_at IS NULL") == 1
    assert ("reconcile", "proven") in windows(raw)


def test_a_parents_new_name_arrives_though_no_stamp_moved(salesforce: SalesforceSide, raw: RawSql) -> None:
    [account] = salesforce.store.insert_accounts([{"Name": "Acme"}])
    found = person(salesforce, AccountId=account)
    salesforce.extract()
    salesforce.steer("POST", "/accounts", {"Id": account, "Name": "Acme Ltd"})
    assert reconcile(salesforce)["planned"] == 1
    load(salesforce)
    assert mirrored(raw, found)["payload"]["Account.Name"] == "Acme Ltd"
    assert ("formula", "proven") in windows(raw)


def test_without_formula_or_parent_fields_nothing_is_planned(
    salesforce: SalesforceSide, house_of: House
) -> None:
    house_of.choose("Title")
    salesforce.extract()
    assert reconcile(salesforce)["planned"] == 0


def test_the_days_matches_are_counted_once_a_day(
    salesforce: SalesforceSide, raw: RawSql, house_of: House
) -> None:
    house_of.contact(1, org_id=salesforce.org_id)
    house_of.match(salesforce.org_id)
    reconcile(salesforce, "first")
    reconcile(salesforce, "second")
    [row] = raw("SELECT matched, ambiguous, unmatched, reasons FROM match_day")
    assert (row["matched"], row["ambiguous"], row["unmatched"]) == (0, 0, 1)
    assert row["reasons"] == {"no_identifier": 1}


# Deaths


def test_a_death_in_the_middle_is_made_good_by_the_next_run(
    salesforce: SalesforceSide, raw: RawSql, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = person(salesforce)
    salesforce.extract()
    forget(raw, found)

    def die(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(_windows, "close", die)
        with pytest.raises(KeyboardInterrupt):
            reconcile(salesforce, "dies")
    assert ("reconcile", "running") in windows(raw)
    salesforce.extract("meanwhile")
    assert reconcile(salesforce, "lives")["fetched"] == 1
    assert [window for window in windows(raw) if window[0] == "reconcile"] == [
        ("reconcile", "failed"),
        ("reconcile", "proven"),
    ]


def test_another_comparison_of_the_org_is_left_alone(salesforce: SalesforceSide) -> None:
    with salesforce.db.advisory_lock(f"reconcile:{salesforce.org_id}"):
        assert reconcile(salesforce) == {}


def test_ids_are_asked_for_in_batches(salesforce: SalesforceSide, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_auditing, "IDS_A_CALL", 2)
    made = [person(salesforce) for _ in range(5)]
    selection = _windows.Selection(names=("Id",), payload_types={})
    pages = list(reconcile_contacts._pages(salesforce.session, selection, made))
    assert [page.total_size for page in pages] == [2, 4, 5]
