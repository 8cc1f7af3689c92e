"""What is read again beside the news: days of a backfill, and formulas whose values no stamp tells of."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contact_sync import backfill, records
from contact_sync.salesforce import query
from contact_sync.sidebar import reading
from tests.raw_sql import RawSql
from tests.stages.conftest import SalesforceSide
from tests.stages.house import WORKSPACE, House
from tests.stages.test_extract_salesforce_contacts import mirrored, person, windows
from tests.stages.test_reconcile_contacts import load, reconcile

DAYS_AGO = 5


def backfilled(salesforce: SalesforceSide) -> None:
    """Plan the day of ``DAYS_AGO``."""
    day = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=DAYS_AGO)
    assert backfill.plan(salesforce.db, salesforce.org_id, day, day + timedelta(days=1)).planned == 1


def then(monkeypatch: pytest.MonkeyPatch, change: Any) -> None:
    """Let something happen once, after the next page was read and before it is merged."""
    pages = query.pages
    changes = [change]

    def interrupted(*arguments: Any, **options: Any) -> Iterator[records.QueryPage]:
        for page in pages(*arguments, **options):
            if changes:
                changes.pop()()
            yield page

    monkeypatch.setattr(query, "pages", interrupted)


@pytest.fixture
def old(salesforce: SalesforceSide) -> str:
    """A contact last changed on the day of ``DAYS_AGO``, mirrored; somebody older was there before."""
    noon = time.time() // 86_400 * 86_400 - DAYS_AGO * 86_400 + 43_200
    person(salesforce, SystemModstamp=noon - 100 * 86_400)
    found = person(salesforce, Title="Clerk", SystemModstamp=noon)
    salesforce.extract()
    return found


def test_a_newer_row_that_the_sync_brings_meanwhile_is_not_overwritten(
    salesforce: SalesforceSide, old: str, raw: RawSql, monkeypatch: pytest.MonkeyPatch
) -> None:
    backfilled(salesforce)

    def news() -> None:
        salesforce.steer("PATCH", f"/contacts/{old}", {"Title": "Countess"})
        salesforce.session.lane = "extract"
        assert salesforce.extract("news")["rows_merged"] == 1
        salesforce.session.lane = "backfill"

    then(monkeypatch, news)
    assert load(salesforce)["rows_landed"] == 1
    assert mirrored(raw, old)["payload"]["Title"] == "Countess"
    assert ("backfill", "proven") in windows(raw)


def test_a_backfill_leaves_the_watermark_and_the_news_to_the_sync(
    salesforce: SalesforceSide, old: str, raw: RawSql
) -> None:
    before = raw.value("SELECT max(read_until) FROM extract_window WHERE kind = 'initial'")
    backfilled(salesforce)
    load(salesforce)
    salesforce.extract("next")
    read_from = raw.value("SELECT read_from FROM extract_window WHERE kind = 'incremental'")
    assert timedelta(0) <= before - read_from <= timedelta(minutes=1)


def test_a_backfill_repairs_what_the_mirror_has_lost(
    salesforce: SalesforceSide, old: str, raw: RawSql
) -> None:
    raw("DELETE FROM salesforce_contact WHERE salesforce_id = %(id)s", id=old)
    backfilled(salesforce)
    assert load(salesforce)["rows_merged"] == 1
    assert mirrored(raw, old)["payload"]["Title"] == "Clerk"


def test_a_formula_that_changed_without_a_stamp_arrives_with_its_age(
    salesforce: SalesforceSide, house_of: House, raw: RawSql
) -> None:
    [account] = salesforce.store.insert_accounts([{"Name": "Acme"}])
    found = person(salesforce, AccountId=account, Title="CEO", Email="ada@example.com")
    house_of.choose("Title", "Full_Title__c")
    house_of.contact(1, org_id=salesforce.org_id, email="ada@example.com")
    salesforce.extract()
    house_of.materialize(salesforce.org_id)
    stamp = mirrored(raw, found)["system_modstamp"]
    salesforce.steer("POST", "/accounts", {"Id": account, "Name": "Globex"})
    raw("UPDATE extract_window SET queried_at = queried_at - interval '1 hour', read_until = read_until")
    raw("UPDATE salesforce_contact SET read_at = read_at - interval '1 hour'")
    house_of.materialize(salesforce.org_id)

    assert reconcile(salesforce)["planned"] == 1
    load(salesforce)
    house_of.materialize(salesforce.org_id)
    contact = mirrored(raw, found)
    assert (contact["payload"]["Full_Title__c"], contact["system_modstamp"]) == ("CEO at Globex", stamp)
    seen = reading.read(salesforce.db, WORKSPACE, 1)
    assert seen is not None
    _, formula = seen.fields
    read_again_at = raw.value("SELECT queried_at FROM extract_window WHERE kind = 'formula'")
    assert (formula.value, formula.as_of) == ("CEO at Globex", read_again_at)


def test_a_formula_that_did_not_change_grows_no_older(
    salesforce: SalesforceSide, house_of: House, raw: RawSql
) -> None:
    person(salesforce, Title="CEO", Email="ada@example.com")
    house_of.choose("Title", "Full_Title__c")
    house_of.contact(1, org_id=salesforce.org_id, email="ada@example.com")
    salesforce.extract()
    raw("UPDATE salesforce_contact SET read_at = read_at - interval '1 hour'")
    house_of.materialize(salesforce.org_id)
    reconcile(salesforce)
    before = raw.versions("sidebar_fields", "salesforce_contact")
    load(salesforce)
    house_of.materialize(salesforce.org_id)
    assert raw.versions("sidebar_fields", "salesforce_contact") == before
    seen = reading.read(salesforce.db, WORKSPACE, 1)
    assert seen is not None
    title, formula = seen.fields
    assert title.as_of is not None
    assert formula.as_of is not None
    assert formula.as_of - title.as_of >= timedelta(minutes=59)
