"""Rows that become visible under an older stamp: the count of the last minutes, and what Salesforce has settled."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contact_sync import errors
from contact_sync.salesforce import query, replication
from contact_sync.stages import _auditing, _settling, load_salesforce_contacts
from sandbox.salesforce.objects import CONTACT
from tests.raw_sql import RawSql
from tests.stages.conftest import SalesforceSide
from tests.stages.test_extract_salesforce_contacts import mirrored, person

DATA = "/services/data/v{version}"
MINUTE = 60


def now() -> int:
    return int(time.time())


def commit(salesforce: SalesforceSide, salesforce_id: str, *, minutes_ago: float, **cells: Any) -> None:
    """Let a change become visible now that was saved so many minutes ago."""
    stamp = now() - int(minutes_ago * MINUTE)
    salesforce.store.update_columns(CONTACT, salesforce_id, {"SystemModstamp": stamp, **cells})


def settled_minutes_ago(raw: RawSql, minutes: int) -> None:
    """What settled last is so old, and both logs may be asked again."""
    raw(
        "UPDATE salesforce_org SET settled_until = now() - %(minutes)s * interval '1 minute',"
        " settled_asked_at = NULL",
        minutes=minutes,
    )


def asked(salesforce: SalesforceSide) -> list[str]:
    """The routes that were called since the journal was emptied."""
    requests = salesforce.steer("GET", "/journal").json()["requests"]
    return [request["route"].removeprefix(DATA) for request in requests]


def settled_age(raw: RawSql) -> float:
    return float(raw.value("SELECT extract(epoch FROM now() - settled_until) FROM salesforce_org"))


# The count of the last fifteen minutes


def test_5000_contacts_on_one_stamp_half_of_them_visible_late(
    salesforce: SalesforceSide, raw: RawSql
) -> None:
    """The first half is big news, read by the load; the second half is found by the count, read by Id."""
    salesforce.extract("empty")
    raw("UPDATE salesforce_org SET settled_asked_at = now(), deletes_asked_at = now()")
    raw("UPDATE extract_window SET read_until = now() - interval '10 minutes'")
    stamp = now() - 5 * MINUTE

    def half(number: int) -> None:
        salesforce.store.insert_contacts(
            {"LastName": f"Person {number}-{n}", "SystemModstamp": stamp, "CreatedDate": stamp}
            for n in range(2_500)
        )

    half(1)
    assert salesforce.extract("first half")["planned"] == 1
    loaded = load_salesforce_contacts.run(
        salesforce.db, salesforce.session, org_id=salesforce.org_id, run_id="load"
    )
    assert loaded["rows_landed"] == 2_500
    half(2)
    assert salesforce.extract("second half")["rows_late"] == 2_500
    assert raw.value("SELECT count(*) FROM salesforce_contact") == 5_000
    assert raw.value("SELECT count(DISTINCT system_modstamp) FROM salesforce_contact") == 1
    assert salesforce.extract("third")["rows_late"] == 0


def test_a_late_change_of_a_contact_we_hold_is_found_by_the_count(
    salesforce: SalesforceSide, raw: RawSql
) -> None:
    salesforce_id = person(salesforce, Title="old")
    salesforce.extract("first")
    commit(salesforce, salesforce_id, minutes_ago=5, Title="new")
    assert salesforce.extract("second")["rows_late"] == 1
    assert mirrored(raw, salesforce_id)["payload"]["Title"] == "new"
    assert raw.column("SELECT rows_late FROM extract_window ORDER BY window_id") == [0, 1]


def test_only_a_difference_is_listed_and_only_what_is_missing_is_read(salesforce: SalesforceSide) -> None:
    ids = [person(salesforce, SystemModstamp=now() - 5 * MINUTE) for _ in range(3)]
    salesforce.extract("first")
    salesforce.extract("second")
    commit(salesforce, ids[0], minutes_ago=4)
    person(salesforce, SystemModstamp=now() - 3 * MINUTE)
    salesforce.steer("DELETE", "/journal")
    assert salesforce.extract("third")["rows_late"] == 2
    queries = [request["query"] for request in salesforce.steer("GET", "/journal").json()["requests"]]
    assert len(queries) == 4
    assert "COUNT" in queries[1]
    assert "FirstName" not in queries[2]
    assert queries[3].count("003") == 2


TOO_SLOW = [{"errorCode": "QUERY_TIMEOUT", "message": "Your query request was running for too long."}]


def test_a_count_that_is_too_slow_is_left_to_what_settles(salesforce: SalesforceSide, raw: RawSql) -> None:
    salesforce.extract("first")
    raw("UPDATE salesforce_org SET settled_asked_at = now(), deletes_asked_at = now()")
    changed = person(salesforce, SystemModstamp=now())
    # the first query brings the news, the second one counts
    fault = {"path": "*/queryAll", "nth": 2, "status": 400, "body": TOO_SLOW}
    salesforce.steer("POST", "/faults", fault)
    assert salesforce.extract("second")["audits_put_off"] == 1
    assert mirrored(raw, changed)


def test_more_than_one_listing_takes_is_left_to_what_settles(
    salesforce: SalesforceSide, raw: RawSql, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mass update in which one row stays in quarantine must not be listed every half minute."""
    monkeypatch.setattr(_auditing, "LISTED", 2)
    monkeypatch.setattr(_settling, "_STEPS", 50)
    salesforce.extract("first")
    raw("UPDATE salesforce_org SET settled_asked_at = now(), deletes_asked_at = now()")
    for _ in range(3):
        commit(salesforce, person(salesforce), minutes_ago=5)
    assert salesforce.extract("second")["audits_put_off"] == 1
    settled_minutes_ago(raw, 30)
    assert salesforce.extract("third")["rows_late"] == 3


def test_a_range_too_slow_to_be_listed_is_noted_and_stops_nothing(
    salesforce: SalesforceSide, raw: RawSql, monkeypatch: pytest.MonkeyPatch
) -> None:
    salesforce.extract("first")
    settled_minutes_ago(raw, 30)
    commit(salesforce, person(salesforce), minutes_ago=20)

    def slow(*_: Any) -> Any:
        raise query.QueryTimeoutError("too slow")

    monkeypatch.setattr(_settling, "_compare_step", slow)
    salesforce.extract("second")
    assert settled_age(raw) > 25 * MINUTE
    assert "too slow" in raw.value("SELECT settled_detail FROM salesforce_org")


def test_what_is_purged_does_not_make_every_count_differ(salesforce: SalesforceSide, raw: RawSql) -> None:
    salesforce_id = person(salesforce, SystemModstamp=now() - 5 * MINUTE)
    salesforce.extract("first")
    salesforce.steer("DELETE", f"/contacts/{salesforce_id}")
    salesforce.extract("second")
    salesforce.steer("POST", f"/contacts/{salesforce_id}/purge")
    raw("UPDATE salesforce_contact SET presence = 'purged'")
    salesforce.steer("DELETE", "/journal")
    salesforce.extract("third")
    assert len(asked(salesforce)) == 2


# What Salesforce has settled


def test_the_first_run_settles_up_to_its_minute(salesforce: SalesforceSide, raw: RawSql) -> None:
    salesforce.extract()
    assert 0 <= settled_age(raw) < 2 * MINUTE


def test_a_contact_that_changed_twice_and_late_is_found_when_that_has_settled(
    salesforce: SalesforceSide, raw: RawSql
) -> None:
    """Both stamps lie in the audited minutes: the counts are alike, the stamps are not."""
    salesforce_id = person(salesforce, SystemModstamp=now() - 9 * MINUTE, Title="first change")
    salesforce.extract("first")
    commit(salesforce, salesforce_id, minutes_ago=6, Title="second change")
    assert salesforce.extract("by count")["rows_late"] == 0
    settled_minutes_ago(raw, 10)
    assert salesforce.extract("settled")["rows_late"] == 1
    assert mirrored(raw, salesforce_id)["payload"]["Title"] == "second change"


def test_a_commit_later_than_the_audited_minutes_is_found_when_it_has_settled(
    salesforce: SalesforceSide, raw: RawSql
) -> None:
    salesforce.extract("first")
    late = person(salesforce, SystemModstamp=now() - 40 * MINUTE)
    assert salesforce.extract("by count")["rows_late"] == 0
    settled_minutes_ago(raw, 45)
    assert salesforce.extract("settled")["rows_late"] == 1
    assert mirrored(raw, late)
    assert settled_age(raw) < 2 * MINUTE


def test_a_row_that_a_lying_server_left_out_is_found_when_it_has_settled(
    salesforce: SalesforceSide, raw: RawSql
) -> None:
    """Window and count agreed with each other, and were wrong."""
    salesforce_id = person(salesforce, SystemModstamp=now() - 20 * MINUTE)
    salesforce.extract("first")
    raw("DELETE FROM salesforce_contact")
    settled_minutes_ago(raw, 30)
    assert salesforce.extract("second")["rows_late"] == 1
    assert mirrored(raw, salesforce_id)


def test_an_open_transaction_holds_back_what_has_settled_and_nothing_else(
    salesforce: SalesforceSide, raw: RawSql, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting, other = person(salesforce), person(salesforce)
    salesforce.extract("first")
    settled_minutes_ago(raw, 30)
    began = now() - 20 * MINUTE
    monkeypatch.setattr(salesforce.store, "clock", lambda: began)
    salesforce.steer("PATCH", f"/contacts/{waiting}?lag_seconds=3600", {"Title": "open"})
    monkeypatch.undo()
    salesforce.steer("PATCH", f"/contacts/{other}", {"Title": "news"})
    salesforce.extract("second")
    assert mirrored(raw, other)["payload"]["Title"] == "news"
    assert abs(raw.value("SELECT extract(epoch FROM settled_until) FROM salesforce_org") - began) <= 1
    raw("UPDATE salesforce_org SET settled_asked_at = NULL")
    salesforce.extract("third")
    assert "open since then" in raw.value("SELECT settled_detail FROM salesforce_org")


def test_what_commits_at_last_is_found_by_its_old_stamp(
    salesforce: SalesforceSide, raw: RawSql, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = person(salesforce)
    salesforce.extract("first")
    settled_minutes_ago(raw, 30)
    with monkeypatch.context() as patched:
        patched.setattr(salesforce.store, "clock", lambda: now() - 20 * MINUTE)
        salesforce.steer("PATCH", f"/contacts/{waiting}?lag_seconds=1260", {"Title": "at last"})
    salesforce.extract("open")
    assert mirrored(raw, waiting)["payload"]["Title"] is None
    with monkeypatch.context() as patched:
        patched.setattr(salesforce.store, "clock", lambda: now() + 2 * MINUTE)
        raw("UPDATE salesforce_org SET settled_asked_at = NULL")
        salesforce.extract("committed")
    assert mirrored(raw, waiting)["payload"]["Title"] == "at last"
    assert settled_age(raw) < 2 * MINUTE


def test_a_quiet_run_costs_three_calls_at_most(salesforce: SalesforceSide, raw: RawSql) -> None:
    """Even one in which both logs are due: each run asks one of them."""
    person(salesforce)
    salesforce.extract("first")
    settled_minutes_ago(raw, 6)
    raw("UPDATE salesforce_org SET deletes_asked_at = NULL, deletes_until = now() - interval '6 minutes'")
    calls = []
    for run_id in ("second", "third", "fourth"):
        salesforce.steer("DELETE", "/journal")
        salesforce.extract(run_id)
        calls.append(asked(salesforce))
    read = ["/queryAll", "/queryAll"]
    updated, deleted = "/sobjects/{object}/updated", "/sobjects/{object}/deleted"
    assert calls == [[*read, updated], [*read, deleted], read]


def test_a_delta_costs_six_calls_at_most(salesforce: SalesforceSide, raw: RawSql) -> None:
    salesforce.extract("first")
    settled_minutes_ago(raw, 6)
    for _ in range(100):
        person(salesforce, SystemModstamp=now() - 3 * MINUTE)
    person(salesforce, SystemModstamp=now())
    salesforce.steer("DELETE", "/journal")
    assert salesforce.extract("second")["rows_late"] == 100
    assert len(asked(salesforce)) <= 6


def test_a_range_of_less_than_a_minute_is_not_asked_for(salesforce: SalesforceSide, raw: RawSql) -> None:
    """Salesforce cuts seconds, and refuses an empty range."""
    salesforce.extract("first")
    raw("UPDATE salesforce_org SET settled_until = now(), settled_asked_at = NULL, deletes_asked_at = now()")
    salesforce.steer("DELETE", "/journal")
    salesforce.extract("second")
    assert "/sobjects/{object}/updated" not in asked(salesforce)


def test_an_org_that_slept_for_two_months_settles_all_of_it(salesforce: SalesforceSide, raw: RawSql) -> None:
    """The log reaches 30 days back; the comparison reaches as far as is needed."""
    salesforce.extract("first")
    missed = person(salesforce, SystemModstamp=now() - 50 * 24 * 60 * MINUTE)
    settled_minutes_ago(raw, 60 * 24 * 60)
    assert salesforce.extract("second")["rows_late"] == 1
    assert mirrored(raw, missed)
    assert settled_age(raw) < 2 * MINUTE


def test_a_refused_log_is_noted_and_stops_nothing(salesforce: SalesforceSide, raw: RawSql) -> None:
    salesforce.extract("first")
    settled_minutes_ago(raw, 30)
    refusal = [{"errorCode": "INSUFFICIENT_ACCESS", "message": "no"}]
    salesforce.steer("POST", "/faults", {"path": "*/updated", "status": 400, "body": refusal, "times": None})
    changed = person(salesforce, SystemModstamp=now())
    salesforce.extract("second")
    assert mirrored(raw, changed)
    assert settled_age(raw) > 25 * MINUTE
    assert raw.value("SELECT settled_detail FROM salesforce_org").endswith("INSUFFICIENT_ACCESS")


def test_an_outage_of_the_log_fails_the_run_after_its_news_are_in(
    salesforce: SalesforceSide, raw: RawSql
) -> None:
    salesforce.extract("first")
    salesforce.impatient()
    settled_minutes_ago(raw, 30)
    salesforce.steer("POST", "/faults", {"path": "*/updated", "status": 503, "times": None})
    changed = person(salesforce, SystemModstamp=now())
    with pytest.raises(errors.RetryError):
        salesforce.extract("second")
    assert mirrored(raw, changed)


def test_too_much_for_one_listing_is_compared_in_steps(
    salesforce: SalesforceSide, raw: RawSql, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_auditing, "LISTED", 5)
    monkeypatch.setattr(_settling, "_STEPS", 20)
    salesforce.extract("first")
    for minute in range(20):
        person(salesforce, SystemModstamp=now() - (minute + 5) * MINUTE)
    settled_minutes_ago(raw, 30)
    assert salesforce.extract("second")["rows_late"] == 20
    assert settled_age(raw) < 2 * MINUTE


def test_more_than_a_run_compares_goes_on_in_the_next(
    salesforce: SalesforceSide, raw: RawSql, monkeypatch: pytest.MonkeyPatch
) -> None:
    salesforce.extract("first")
    for minute in range(20):
        person(salesforce, SystemModstamp=now() - (minute + 16) * MINUTE)
    settled_minutes_ago(raw, 40)
    with monkeypatch.context() as patched:
        patched.setattr(_auditing, "LISTED", 3)
        patched.setattr(_settling, "_STEPS", 2)
        first = salesforce.extract("second")["rows_late"]
    assert 0 < first < 20
    assert settled_age(raw) > 16 * MINUTE
    assert "it goes on" in raw.value("SELECT settled_detail FROM salesforce_org")
    raw("UPDATE salesforce_org SET settled_asked_at = NULL")
    assert first + salesforce.extract("third")["rows_late"] == 20
    assert raw.value("SELECT settled_detail FROM salesforce_org") is None


def test_a_log_with_too_many_ids_is_asked_for_a_shorter_range(
    salesforce: SalesforceSide, raw: RawSql
) -> None:
    salesforce.extract("first")
    settled_minutes_ago(raw, 60)
    refusal = [{"errorCode": "EXCEEDED_ID_LIMIT", "message": "too many Ids"}]
    salesforce.steer("POST", "/faults", {"path": "*/updated", "status": 400, "body": refusal})
    salesforce.extract("second")
    assert 25 * MINUTE < settled_age(raw) < 35 * MINUTE


def test_half_of_a_log_settles_half_of_the_range(
    salesforce: SalesforceSide, raw: RawSql, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Salesforce may say that it covers more than it was asked for."""
    salesforce.extract("first")
    settled_minutes_ago(raw, 60)
    calls = iter(range(10))

    def half(_: Any, start: datetime, end: datetime) -> replication.Updated:
        if next(calls) == 0:
            raise errors.RejectError("EXCEEDED_ID_LIMIT", "too many Ids", status=400)
        return replication.Updated(salesforce_ids=(), latest_date_covered=datetime.now(UTC))

    monkeypatch.setattr(replication, "updated", half)
    salesforce.extract("second")
    assert 25 * MINUTE < settled_age(raw) < 35 * MINUTE


def test_what_has_settled_never_moves_back(salesforce: SalesforceSide, raw: RawSql) -> None:
    salesforce.extract("first")
    before = raw.value("SELECT settled_until FROM salesforce_org")
    long_ago = datetime.now(UTC) - timedelta(days=1)
    salesforce.db.execute("move_settled", org_id=salesforce.org_id, settled_until=long_ago)
    assert raw.value("SELECT settled_until FROM salesforce_org") == before
