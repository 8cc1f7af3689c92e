from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from contact_sync import budget, database


def test_the_first_caller_does_not_wait(db: database.Database) -> None:
    assert budget.take_slot(db, "bucket") == 0.0


def test_slots_stand_apart_by_the_rate(db: database.Database) -> None:
    waits = [budget.take_slot(db, "bucket", per_second=1.0) for _ in range(4)]
    assert waits == pytest.approx([0, 1, 2, 3], abs=0.5)


def test_workers_at_once_share_one_line(db: database.Database) -> None:
    with ThreadPoolExecutor(4) as workers:
        waits = sorted(workers.map(lambda _: budget.take_slot(db, "bucket", per_second=0.1), range(8)))
    assert waits == pytest.approx([10 * turn for turn in range(8)], abs=5)


def test_buckets_do_not_share(db: database.Database) -> None:
    budget.penalty(db, "one", 60)
    assert budget.take_slot(db, "other") == 0.0


def test_a_penalty_closes_the_bucket_for_everyone(db: database.Database) -> None:
    budget.penalty(db, "bucket", 60)
    assert budget.take_slot(db, "bucket") == pytest.approx(60, abs=2)


def test_a_shorter_penalty_opens_nothing_earlier(db: database.Database) -> None:
    budget.penalty(db, "bucket", 60)
    budget.penalty(db, "bucket", 1)
    assert budget.take_slot(db, "bucket") == pytest.approx(60, abs=2)
