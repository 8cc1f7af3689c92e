from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import psycopg2
import pytest

from contact_sync import budget, database, errors, records


def take_slot(db: database.Database, bucket_id: str, per_second: float = 5.0) -> float | None:
    return budget.try_slot(db, bucket_id, per_second, lane="edit", is_yielding=False)


def test_the_first_caller_does_not_wait(db: database.Database) -> None:
    assert take_slot(db, "bucket") == 0.0


def test_slots_stand_apart_by_the_rate(db: database.Database) -> None:
    waits = [take_slot(db, "bucket", per_second=1.0) for _ in range(4)]
    assert waits == pytest.approx([0, 1, 2, 3], abs=0.5)


def test_workers_at_once_share_one_line(db: database.Database) -> None:
    with ThreadPoolExecutor(4) as workers:
        taken = workers.map(lambda _: take_slot(db, "bucket", per_second=0.1), range(8))
    waits = sorted(wait for wait in taken if wait is not None)
    assert waits == pytest.approx([10 * turn for turn in range(8)], abs=5)


def test_buckets_do_not_share(db: database.Database) -> None:
    budget.penalty(db, "one", 60)
    assert take_slot(db, "other") == 0.0


def test_a_penalty_closes_the_bucket_for_everyone(db: database.Database) -> None:
    budget.penalty(db, "bucket", 60)
    assert take_slot(db, "bucket") == pytest.approx(60, abs=2)


def test_a_shorter_penalty_opens_nothing_earlier(db: database.Database) -> None:
    budget.penalty(db, "bucket", 60)
    budget.penalty(db, "bucket", 1)
    assert take_slot(db, "bucket") == pytest.approx(60, abs=2)


@pytest.mark.parametrize(("lane", "used"), [("backfill", 50), ("extract", 85), ("create", 95)])
def test_a_lane_stops_at_its_share(lane: records.Lane, used: int) -> None:
    budget.check_share(lane, used - 1, 100)
    with pytest.raises(errors.QuotaError, match=lane):
        budget.check_share(lane, used, 100)


def test_an_edit_is_never_stopped_by_us() -> None:
    budget.check_share("edit", 100, 100)


def test_a_backfill_stops_before_any_other_lane() -> None:
    assert min(budget.SHARES, key=lambda lane: budget.SHARES[lane]) == "backfill"


@pytest.mark.parametrize(("used", "most"), [(None, None), (5, 0)])
def test_unknown_figures_stop_nobody(used: int | None, most: int | None) -> None:
    budget.check_share("backfill", used, most)


def test_calls_add_up_by_day_org_and_lane(db: database.Database, database_url: str) -> None:
    org_id = records.OrgId("00D000000000001EAA")
    budget.count_calls(db, org_id, "extract")
    budget.count_calls(db, org_id, "extract", 2)
    budget.count_calls(db, org_id, "edit")
    with psycopg2.connect(database_url) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT lane, calls FROM contact_sync.api_usage")
        assert dict(cursor.fetchall()) == {"extract": 3, "edit": 1}
    connection.close()


def test_a_lane_yields_to_those_before_it_while_they_are_at_work(db: database.Database) -> None:
    assert budget.try_slot(db, "bucket", 5.0, lane="create") is not None
    assert budget.try_slot(db, "bucket", 5.0, lane="extract") is None
    assert budget.try_slot(db, "bucket", 5.0, lane="edit") is not None
    assert budget.try_slot(db, "bucket", 5.0, lane="create") is None


def test_a_lane_that_yielded_long_enough_takes_its_turn(db: database.Database) -> None:
    budget.try_slot(db, "bucket", 5.0, lane="create")
    assert budget.try_slot(db, "bucket", 5.0, lane="extract", is_yielding=False) is not None


@pytest.mark.parametrize(
    ("first", "then"), [("extract", "create"), ("extract", "extract"), ("create", "create")]
)
def test_nobody_yields_to_their_own_lane_or_to_one_behind(
    db: database.Database, first: records.Lane, then: records.Lane
) -> None:
    budget.try_slot(db, "bucket", 5.0, lane=first)
    assert budget.try_slot(db, "bucket", 5.0, lane=then) is not None


def test_a_lane_at_rest_is_waited_for_no_longer(db: database.Database) -> None:
    budget.try_slot(db, "bucket", 1000.0, lane="create")
    until = time.monotonic() + 5
    while budget.try_slot(db, "bucket", 1000.0, lane="extract") is None:
        assert time.monotonic() < until
