"""What can be audited at all; the audit itself is tested through its command, against the stand-in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from contact_sync import audits, database, errors
from tests.raw_sql import RawSql
from tests.stages.house import ORG, House

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def settled(db: database.Database, raw: RawSql) -> database.Database:
    """An org that has settled until noon."""
    House(db, raw).org(settled_until=NOON)
    return db


def test_without_bounds_everything_that_has_settled_is_audited(settled: database.Database) -> None:
    assert audits.settled_range(settled, ORG, None, None) == audits.Range(low=None, high=NOON)


def test_an_end_beyond_what_has_settled_is_cut(settled: database.Database) -> None:
    day = timedelta(days=1)
    assert audits.settled_range(settled, ORG, NOON - day, NOON + day).high == NOON
    assert audits.settled_range(settled, ORG, NOON - 2 * day, NOON - day).high == NOON - day


def test_bounds_are_cut_to_seconds_like_stamps(settled: database.Database) -> None:
    half = timedelta(seconds=0.5)
    hour = timedelta(hours=1)
    found = audits.settled_range(settled, ORG, NOON - 2 * hour + half, NOON - hour + half)
    assert found == audits.Range(low=NOON - 2 * hour, high=NOON - hour)


def test_a_range_is_half_open_in_soql() -> None:
    where = audits.Range(low=NOON, high=NOON + timedelta(hours=1)).where()
    assert where == "SystemModstamp >= 2026-01-01T12:00:00Z AND SystemModstamp < 2026-01-01T13:00:00Z"


@pytest.mark.parametrize(
    ("low", "high", "told"),
    [
        (NOON, NOON, "is not before to"),
        (NOON, NOON - timedelta(seconds=1), "is not before to"),
        (NOON, None, "has settled until 2026-01-01T12:00:00Z only"),
        (datetime(2126, 1, 1, tzinfo=UTC), None, "in the future"),
    ],
)
def test_a_range_that_proves_nothing_is_refused(
    settled: database.Database, low: datetime, high: datetime | None, told: str
) -> None:
    with pytest.raises(errors.StopError, match=told):
        audits.settled_range(settled, ORG, low, high)


def test_counts_that_differ_without_a_reason_are_no_complete_mirror() -> None:
    span = audits.Range(low=None, high=NOON)
    ours, theirs = audits.Counts(live=1, deleted=0), audits.Counts(live=2, deleted=0)
    audit = audits.Audit(org_id=ORG, range=span, salesforce=theirs, mirror=ours, difference=None)
    assert not audit.is_complete
