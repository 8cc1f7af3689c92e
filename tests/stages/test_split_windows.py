"""Windows that are too slow for Salesforce (QUERY_TIMEOUT): halves, and halves of halves, all of them proven."""

from __future__ import annotations

import itertools
import time
from typing import Any

import pytest

from contact_sync import errors
from contact_sync.salesforce import auth, query
from contact_sync.stages import _small_windows, load_salesforce_contacts
from tests.raw_sql import RawSql
from tests.stages.conftest import SalesforceSide
from tests.stages.test_extract_salesforce_contacts import mirrored, windows

#: 2026-01-01; the contacts' stamps are a day apart from then on.
NEW_YEAR = 1767225600
DAY = 86_400
PEOPLE = 10
#: What Salesforce answers when its own limit is reached.
TIMEOUT = [{"errorCode": "QUERY_TIMEOUT", "message": "Your query request was running for too long."}]


@pytest.fixture
def slow(salesforce: SalesforceSide) -> SalesforceSide:
    """Ten contacts, and an org that gives no more than three at once in time."""
    salesforce.store.insert_contacts(
        {"LastName": f"Person {day}", "SystemModstamp": NEW_YEAR + day * DAY} for day in range(PEOPLE)
    )
    salesforce.steer("POST", "/settings", {"query_timeout_rows": 3})
    salesforce.impatient()
    return salesforce


def everybody(raw: RawSql) -> int:
    return int(raw.value("SELECT count(*) FROM salesforce_contact"))


def watermark(side: SalesforceSide) -> Any:
    row = side.db.one("select_watermark", org_id=side.org_id)
    return row["read_until"] if row else None


def leaves(raw: RawSql) -> list[dict[str, Any]]:
    return raw(
        "SELECT status, read_from, read_before FROM extract_window w WHERE NOT EXISTS"
        " (SELECT FROM extract_window h WHERE h.split_from = w.window_id) ORDER BY read_from NULLS FIRST"
    )


def test_a_window_too_slow_is_read_in_halves(slow: SalesforceSide, raw: RawSql) -> None:
    assert slow.extract()["rows_landed"] == PEOPLE
    assert everybody(raw) == PEOPLE
    assert raw("SELECT status, rows_reported, rows_landed FROM extract_window WHERE split_from IS NULL") == [
        {"status": "split", "rows_reported": PEOPLE, "rows_landed": PEOPLE}
    ]
    assert {leaf["status"] for leaf in leaves(raw)} == {"proven"}


def test_each_split_has_two_halves_that_meet(slow: SalesforceSide, raw: RawSql) -> None:
    slow.extract()
    assert set(raw.column("SELECT count(*) FROM extract_window GROUP BY split_from")) == {1, 2}
    found = leaves(raw)
    assert (found[0]["read_from"], found[-1]["read_before"]) == (None, None)
    for earlier, later in itertools.pairwise(found):
        assert earlier["read_before"] == later["read_from"]


def test_the_watermark_is_the_clock_of_the_first_half_that_was_read(
    slow: SalesforceSide, raw: RawSql
) -> None:
    slow.extract()
    first = raw.value("SELECT min(queried_at) FROM extract_window WHERE status = 'proven'")
    assert watermark(slow) == first
    assert abs(first.timestamp() - time.time()) < 60


def test_the_watermark_moves_only_when_both_halves_are_proven(
    slow: SalesforceSide, raw: RawSql, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = _small_windows._read_or_plan
    proven: list[Any] = []

    def breaking(*arguments: Any) -> Any:
        if len(proven) == 2:
            raise errors.RetryError("no answer")
        outcome = original(*arguments)
        proven.append(outcome)
        return outcome

    with monkeypatch.context() as patched:
        patched.setattr(_small_windows, "_read_or_plan", breaking)
        with pytest.raises(errors.RetryError):
            slow.extract("breaks")
    assert 0 < everybody(raw) < PEOPLE
    assert watermark(slow) is None
    slow.extract("whole")
    assert everybody(raw) == PEOPLE
    assert watermark(slow) is not None
    assert raw.value("SELECT count(*) FROM extract_window WHERE status IN ('planned', 'running')") == 0


def test_after_a_split_the_sync_goes_on_from_the_watermark(slow: SalesforceSide, raw: RawSql) -> None:
    slow.extract("first")
    [changed] = raw.column("SELECT min(salesforce_id) FROM salesforce_contact")
    slow.steer("PATCH", f"/contacts/{changed}", {})
    assert slow.extract("second")["rows_landed"] == 1
    assert windows(raw)[-1] == ("incremental", "proven")
    assert raw.value("SELECT count(*) FROM extract_window WHERE kind = 'refill'") == 0


def test_a_halved_window_again_writes_nothing(slow: SalesforceSide, raw: RawSql) -> None:
    slow.extract("first")
    before = raw.versions("salesforce_contact")
    raw("DELETE FROM extract_window")
    assert slow.extract("second")["rows_merged"] == 0
    assert raw.versions("salesforce_contact") == before


def test_news_that_are_too_slow_are_halved_as_well(slow: SalesforceSide, raw: RawSql) -> None:
    slow.extract("first")
    raw("DELETE FROM salesforce_contact")
    raw("UPDATE extract_window SET read_until = '2026-01-03' WHERE split_from IS NULL")
    slow.extract("second")
    assert ("incremental", "split") in windows(raw)
    assert raw.value("SELECT min(system_modstamp)::date::text FROM salesforce_contact") == "2026-01-03"
    assert watermark(slow).timestamp() == pytest.approx(time.time(), abs=60)


def test_one_second_that_is_too_slow_is_left_to_the_load(salesforce: SalesforceSide, raw: RawSql) -> None:
    """A second cannot be halved; Bulk API reads it by its own chunks."""
    stamps = [NEW_YEAR, *[NEW_YEAR + DAY] * 5, NEW_YEAR + 2 * DAY]
    ids = salesforce.store.insert_contacts({"LastName": "Person", "SystemModstamp": s} for s in stamps)
    salesforce.steer("POST", "/settings", {"query_timeout_rows": 3})
    assert salesforce.extract("halves")["planned"] == 1
    assert everybody(raw) == 2
    assert watermark(salesforce) is None
    assert salesforce.extract("waits") == {"waiting": 1}
    load_salesforce_contacts.run(salesforce.db, salesforce.session, org_id=salesforce.org_id, run_id="load")
    assert all(mirrored(raw, salesforce_id) for salesforce_id in ids)
    assert watermark(salesforce) is not None
    assert salesforce.extract("goes on")["rows_landed"] == 0


def test_where_not_even_the_oldest_stamp_comes_in_time_the_range_begins_with_salesforce(
    slow: SalesforceSide, raw: RawSql, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, asked = query.oldest_stamp, []

    def slow_at_first(session: auth.Session) -> str | None:
        asked.append(session)
        if len(asked) == 1:
            raise query.QueryTimeoutError("too slow")
        return original(session)

    monkeypatch.setattr(query, "oldest_stamp", slow_at_first)
    slow.extract()
    assert everybody(raw) == PEOPLE
    assert raw.value("SELECT min(read_before)::date::text FROM extract_window") < "2013"


def test_a_slow_page_of_a_window_begins_it_anew_in_halves(salesforce: SalesforceSide, raw: RawSql) -> None:
    salesforce.store.insert_contacts(
        {"LastName": f"Person {n}", "SystemModstamp": NEW_YEAR + n * DAY} for n in range(300)
    )
    salesforce.steer("POST", "/settings", {"largest_page": 200})
    salesforce.steer("POST", "/faults", {"path": "*/query/*", "status": 400, "body": TIMEOUT})
    assert salesforce.extract("first")["rows_landed"] == 300
    assert everybody(raw) == 300
    assert raw.value("SELECT rows_landed FROM extract_window WHERE split_from IS NULL") == 300


def test_halves_of_a_backfill_keep_its_bounds(slow: SalesforceSide, raw: RawSql) -> None:
    window = slow.db.one(
        "insert_window", org_id=slow.org_id, kind="backfill", read_from="2026-01-02T00:00:00Z", fields=["Id"]
    )
    assert window is not None
    raw("UPDATE extract_window SET read_until = '2026-01-04T00:00:00Z'")
    rows = slow.db.all(
        "split_window", window_id=window["window_id"], earliest="2026-01-02T00:00:00Z", detail="too slow"
    )
    bounds = raw("SELECT read_from, read_until FROM extract_window WHERE split_from IS NOT NULL ORDER BY 1")
    assert len(rows) == 2
    days = [(row["read_from"].day, row["read_until"].day) for row in bounds]
    assert days == [(2, 3), (3, 4)]
    raw(
        "UPDATE extract_window SET status = 'running' WHERE split_from IS NOT NULL;"
        " UPDATE extract_window SET status = 'proven', rows_reported = 0, queried_at = now()"
        " WHERE split_from IS NOT NULL"
    )
    [whole] = raw("SELECT read_until, finished_at FROM extract_window WHERE status = 'split'")
    assert whole["read_until"].day == 4
    assert whole["finished_at"] is not None
    assert watermark(slow) is None
