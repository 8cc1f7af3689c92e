"""How a window fails: it says so, the watermark stays, nothing is lost, and the next run completes it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from contact_sync import errors, records
from contact_sync.salesforce import query
from contact_sync.stages import _windows
from tests.raw_sql import RawSql
from tests.stages.conftest import SalesforceSide
from tests.stages.test_extract_salesforce_contacts import mirrored, person, windows

Pages = Callable[..., Iterator[records.QueryPage]]


def rewrite_pages(
    monkeypatch: pytest.MonkeyPatch, change: Callable[[records.QueryPage], records.QueryPage]
) -> None:
    """Let every page come changed."""
    original: Pages = query.pages

    def pages(*arguments: Any, **options: Any) -> Iterator[records.QueryPage]:
        return map(change, original(*arguments, **options))

    monkeypatch.setattr(query, "pages", pages)


def change_rows(monkeypatch: pytest.MonkeyPatch, **cells: Any) -> None:
    """Let the row whose LastName is Bad come with other values."""

    def changed(record: records.Json) -> records.Json:
        return {**record, **cells} if record.get("LastName") == "Bad" else record

    rewrite_pages(monkeypatch, lambda page: replace(page, records=[changed(row) for row in page.records]))


def test_a_window_that_does_not_add_up_is_read_again_then_fails_loudly(
    salesforce: SalesforceSide, raw: RawSql, monkeypatch: pytest.MonkeyPatch
) -> None:
    person(salesforce)
    rewrite_pages(monkeypatch, lambda page: replace(page, total_size=page.total_size + 1))
    with pytest.raises(errors.RetryError, match="does not add up: Salesforce reported 2 rows, 1 landed"):
        salesforce.extract()
    assert windows(raw) == [("initial", "failed")]


def test_a_failed_window_leaves_the_watermark_where_it_was(
    salesforce: SalesforceSide, raw: RawSql, monkeypatch: pytest.MonkeyPatch
) -> None:
    salesforce.extract("first")
    with monkeypatch.context() as patched:
        rewrite_pages(patched, lambda page: replace(page, total_size=page.total_size + 1))
        with pytest.raises(errors.RetryError):
            salesforce.extract("second")
    salesforce.extract("third")
    assert windows(raw) == [("initial", "proven"), ("incremental", "failed"), ("incremental", "proven")]
    [_, second, third] = raw.column("SELECT read_from FROM extract_window ORDER BY window_id")
    assert second == third


def test_a_window_short_once_is_proven_at_its_second_reading(
    salesforce: SalesforceSide, raw: RawSql, monkeypatch: pytest.MonkeyPatch
) -> None:
    person(salesforce)
    extra = iter([1])
    rewrite_pages(monkeypatch, lambda page: replace(page, total_size=page.total_size + next(extra, 0)))
    salesforce.extract()
    assert windows(raw) == [("initial", "proven")]


def test_rows_that_landed_and_are_not_in_the_mirror_prove_nothing(
    salesforce: SalesforceSide, raw: RawSql, monkeypatch: pytest.MonkeyPatch
) -> None:
    person(salesforce)
    monkeypatch.setattr(_windows, "_merge_rows", lambda *_: (0, 0))
    with pytest.raises(errors.RetryError, match="Salesforce reported 1 rows, 1 landed"):
        salesforce.extract()
    assert windows(raw) == [("initial", "failed")]


def test_an_outage_loses_nothing(salesforce: SalesforceSide, raw: RawSql) -> None:
    salesforce.extract("first")
    salesforce.impatient()
    changed = person(salesforce, SystemModstamp=time.time() // 1)
    salesforce.steer("POST", "/faults", {"path": "*/queryAll", "status": 503, "times": None})
    with pytest.raises(errors.RetryError):
        salesforce.extract("second")
    salesforce.steer("DELETE", "/faults")
    salesforce.extract("third")
    assert mirrored(raw, changed)
    assert windows(raw) == [("initial", "proven"), ("incremental", "failed"), ("incremental", "proven")]


def test_an_outage_between_pages_lands_nothing_in_the_mirror(salesforce: SalesforceSide, raw: RawSql) -> None:
    salesforce.steer("POST", "/settings", {"largest_page": 200})
    salesforce.store.insert_contacts({"LastName": f"Person {number}"} for number in range(450))
    salesforce.impatient()
    salesforce.steer("POST", "/faults", {"path": "*/query/*", "nth": 2, "status": 503})
    with pytest.raises(errors.RetryError):
        salesforce.extract("first")
    assert raw.value("SELECT count(*) FROM salesforce_contact") == 0
    salesforce.extract("second")
    assert raw.value("SELECT count(*) FROM salesforce_contact") == 450
    assert raw.value("SELECT count(*) FROM salesforce_landing") == 0


def test_a_death_between_landing_and_merge_is_made_good_by_the_next_run(
    salesforce: SalesforceSide, raw: RawSql, monkeypatch: pytest.MonkeyPatch
) -> None:
    salesforce_id = person(salesforce)

    def die(*_: Any) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(_windows, "merge_landed", die)
        with pytest.raises(KeyboardInterrupt):
            salesforce.extract("first")
    assert windows(raw) == [("initial", "running")]
    assert raw.value("SELECT count(*) FROM salesforce_landing") == 1
    salesforce.extract("second")
    assert windows(raw) == [("initial", "failed"), ("initial", "proven")]
    assert mirrored(raw, salesforce_id)
    assert raw.value("SELECT count(*) FROM salesforce_landing") == 0


def test_a_used_up_quota_defers_the_window_and_is_no_failure(salesforce: SalesforceSide, raw: RawSql) -> None:
    salesforce.session.quota.used = salesforce.session.quota.most = 1000
    assert salesforce.extract("first")["deferred"] == 1
    assert windows(raw) == [("initial", "deferred")]
    assert raw.value("SELECT status FROM stage_run") == "deferred"
    salesforce.session.quota.used = 0
    salesforce.extract("second")
    assert windows(raw)[-1] == ("initial", "proven")


def test_a_window_put_off_between_pages_leaves_nothing_behind(
    salesforce: SalesforceSide, raw: RawSql, monkeypatch: pytest.MonkeyPatch
) -> None:
    person(salesforce)

    def used_up(*_: Any) -> int:
        raise errors.QuotaError("used up")

    with monkeypatch.context() as patched:
        patched.setattr(_windows, "merge_landed", used_up)
        assert salesforce.extract("first")["deferred"] == 1
    salesforce.extract("second")
    assert raw.value("SELECT count(*) FROM salesforce_landing") == 0


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"Id": "short"}, "18 characters"),
        ({"Id": None}, "18 characters"),
        ({"SystemModstamp": "yesterday"}, "SystemModstamp"),
        ({"SystemModstamp": None}, "SystemModstamp"),
        ({"CreatedDate": "2026-02-30T00:00:00.000+0000"}, "CreatedDate"),
        ({"LastModifiedDate": "infinity"}, "LastModifiedDate"),
        ({"CreatedById": "nobody"}, "CreatedById"),
        ({"MasterRecordId": "nobody"}, "MasterRecordId"),
        ({"FirstName": "half a pair \ud83d"}, "valid value"),
    ],
)
def test_a_row_that_breaks_a_rule_is_quarantined_with_the_rule(
    salesforce: SalesforceSide,
    raw: RawSql,
    monkeypatch: pytest.MonkeyPatch,
    cells: dict[str, Any],
    reason: str,
) -> None:
    person(salesforce)
    person(salesforce, LastName="Bad")
    change_rows(monkeypatch, **cells)
    counts = salesforce.extract()
    assert (counts["rows_merged"], counts["rows_quarantined"]) == (1, 1)
    [found] = raw.column("SELECT reason FROM quarantined_row")
    assert reason in found
    assert windows(raw) == [("initial", "proven")]


def test_a_late_row_that_breaks_a_rule_leaves_the_proof_alone(
    salesforce: SalesforceSide, raw: RawSql, monkeypatch: pytest.MonkeyPatch
) -> None:
    salesforce.extract("first")
    person(salesforce, LastName="Bad", SystemModstamp=time.time() // 1 - 60)
    change_rows(monkeypatch, CreatedDate="never")
    assert salesforce.extract("second")["rows_late"] == 0
    assert windows(raw)[-1] == ("incremental", "proven")
    assert raw.value("SELECT count(*) FROM quarantined_row") == 1


def test_a_value_of_another_type_than_described_is_kept_as_it_came(
    salesforce: SalesforceSide, raw: RawSql
) -> None:
    """An administrator may change a field's type at any time; the describe is a day old at most."""
    salesforce_id = person(salesforce, Title="not a number")
    raw("UPDATE salesforce_field SET type = 'double' WHERE name = 'Title'")
    salesforce.extract()
    assert mirrored(raw, salesforce_id)["payload"]["Title"] == "not a number"


@pytest.mark.parametrize(
    ("type", "value", "kept"),
    [
        ("double", "23.0", "23"),
        ("double", '"23"', "23"),
        ("double", '"1.5E2"', "150"),
        ("double", '"many"', '"many"'),
        ("boolean", '"true"', "true"),
        ("boolean", '"maybe"', '"maybe"'),
        ("datetime", '"2022-03-17T16:21:26.000+0000"', '"2022-03-17T16:21:26Z"'),
        ("datetime", '"2022-03-17T16:21:26.000Z"', '"2022-03-17T16:21:26Z"'),
        ("datetime", '"soon"', '"soon"'),
        ("string", '""', "null"),
        ("string", "null", "null"),
    ],
)
def test_rest_and_bulk_spellings_become_one(raw: RawSql, type: str, value: str, kept: str) -> None:
    found = raw.value("SELECT canonical_value(%(value)s::jsonb, %(type)s)::text", value=value, type=type)
    assert found == kept
