"""How new records came in: by hand, by a bulk job, or by many at once."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contact_sync import errors
from contact_sync.salesforce import jobs
from contact_sync.stages import judge_bulk_imports
from tests.stages.conftest import SalesforceSide
from tests.stages.house import House, person_id

SOMEBODY = "005000000000001AAA"
NEXT_DESK = "005000000000002AAA"
#: Long enough ago to be judged, whole seconds as Salesforce keeps them.
THEN = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)


def after(seconds: float) -> datetime:
    return THEN + timedelta(seconds=seconds)


class Judging:
    """``new`` makes a record at a moment, ``judge`` runs the stage, ``verdict`` says whether it is a bulk import."""

    def __init__(self, side: SalesforceSide, house: House) -> None:
        self.side, self.house = side, house
        house.settings(org_id=side.org_id, auto_create_since=after(-3600))

    def new(self, number: int, at: datetime, by: str = SOMEBODY) -> None:
        self.house.person(number, org_id=self.side.org_id, created_at=at, created_by_id=by)

    def judge(self, **options: Any) -> dict[str, int]:
        return judge_bulk_imports.run(
            self.side.db, self.side.session, org_id=self.side.org_id, run_id="judge", **options
        )

    def row(self, number: int) -> dict[str, Any]:
        [row] = self.house.raw(
            "SELECT is_bulk_import, bulk_evidence, bulk_judged_at FROM salesforce_contact"
            " WHERE salesforce_id = %(id)s",
            id=person_id(number),
        )
        return row

    def verdict(self, number: int) -> bool | None:
        verdict: bool | None = self.row(number)["is_bulk_import"]
        return verdict


@pytest.fixture
def judging(salesforce: SalesforceSide, house_of: House) -> Judging:
    return Judging(salesforce, house_of)


#: What counts as a burst unless somebody says otherwise.
MEASURE = {"burst_size": 20, "burst_seconds": 60.0}

LetLoad = Callable[..., None]


@pytest.fixture
def let_load(monkeypatch: pytest.MonkeyPatch) -> LetLoad:
    """Lets an ingest job have run, begun and finished at given moments."""

    def ran(begun: datetime, finished: datetime | None, by: str = SOMEBODY) -> None:
        job = jobs.IngestJob(
            job_id="750000000000001AAA",
            sobject="Contact",
            operation="insert",
            state="JobComplete",
            created_by_id=by,
            created_at=begun,
            job_type="V2Ingest",
            finished_at=finished,
        )
        monkeypatch.setattr(jobs, "contact_loads", lambda session, since: [job] if begun >= since else [])

    return ran


def test_a_record_on_its_own_was_made_by_hand(judging: Judging) -> None:
    judging.new(1, THEN)
    assert judging.judge()["judged"] == 1
    assert judging.verdict(1) is False
    assert judging.row(1)["bulk_evidence"] == {"burst": 1, **MEASURE}


def test_the_evidence_keeps_what_counted_as_a_burst_then(judging: Judging) -> None:
    for number in range(1, 4):
        judging.new(number, after(number))
    judging.judge(burst=judge_bulk_imports.Burst(size=3, seconds=10.0))
    assert judging.verdict(1) is True
    assert judging.row(1)["bulk_evidence"] == {"burst": 3, "burst_size": 3, "burst_seconds": 10.0}


def test_a_second_run_judges_nothing_and_asks_nobody(judging: Judging) -> None:
    judging.new(1, THEN)
    judging.judge()
    before = judging.house.raw.versions("salesforce_contact")
    assert judging.judge() == {}
    assert judging.house.raw.versions("salesforce_contact") == before


def test_a_record_younger_than_two_minutes_waits(judging: Judging) -> None:
    judging.new(1, datetime.now(UTC) - timedelta(seconds=60))
    judging.judge()
    assert judging.verdict(1) is None
    assert judging.judge(settle_seconds=30.0)["judged"] == 1


def test_a_record_waits_until_all_around_it_was_read(judging: Judging) -> None:
    """Where the extraction is late, a burst may be half here."""
    judging.new(1, THEN)
    window = {"org_id": judging.side.org_id, "kind": "incremental", "status": "proven", "rows_reported": 0}
    judging.house.raw.insert("extract_window", read_until=after(30), **window)
    assert judging.judge() == {}
    judging.house.raw.insert("extract_window", read_until=after(70), **window)
    assert judging.judge()["judged"] == 1


def test_records_from_before_the_switch_are_left_alone(judging: Judging) -> None:
    judging.new(1, after(-7200))
    assert judging.judge() == {}
    assert judging.verdict(1) is None


@pytest.mark.parametrize(("gap_seconds", "is_bulk"), [(0.0, True), (3.0, True), (4.0, False)])
def test_every_record_of_a_burst_is_a_bulk_import(
    judging: Judging, gap_seconds: float, is_bulk: bool
) -> None:
    for number in range(20):
        judging.new(number, after(number * gap_seconds))
    judging.judge()
    assert {judging.verdict(number) for number in range(20)} == {is_bulk}


def test_people_who_type_at_once_are_no_burst(judging: Judging) -> None:
    for number in range(20):
        judging.new(number, after(number), by=(SOMEBODY, NEXT_DESK)[number % 2])
    judging.judge()
    assert not any(judging.verdict(number) for number in range(20))


def test_a_burst_is_as_large_as_the_run_says(judging: Judging) -> None:
    for number in range(3):
        judging.new(number, after(number))
    judging.judge(burst=judge_bulk_imports.Burst(size=3, seconds=2.0))
    assert all(judging.verdict(number) for number in range(3))


def test_a_burst_is_as_large_as_the_connection_says(judging: Judging) -> None:
    session = judging.side.session
    session.connection = dataclasses.replace(session.connection, burst_size=3, burst_seconds=2.0)
    for number in range(3):
        judging.new(number, after(number))
    judging.judge()
    assert all(judging.verdict(number) for number in range(3))


def test_a_record_made_by_a_job_of_its_creator_is_a_bulk_import(judging: Judging, let_load: LetLoad) -> None:
    let_load(after(-60), after(60))
    judging.new(1, THEN)
    judging.judge()
    assert judging.verdict(1) is True
    assert judging.row(1)["bulk_evidence"] == {
        "job_id": "750000000000001AAA",
        "job_type": "V2Ingest",
        "burst": 1,
        **MEASURE,
    }


def test_somebody_elses_job_proves_nothing(judging: Judging, let_load: LetLoad) -> None:
    let_load(after(-60), after(60), by=NEXT_DESK)
    judging.new(1, THEN)
    judging.judge()
    assert judging.verdict(1) is False


def test_what_is_typed_after_a_job_finished_is_no_part_of_it(judging: Judging, let_load: LetLoad) -> None:
    let_load(after(-900), after(-600))
    judging.new(1, THEN)
    judging.judge()
    assert judging.verdict(1) is False


def test_a_job_whose_end_is_not_told_counts_for_a_day(judging: Judging, let_load: LetLoad) -> None:
    let_load(after(-82_800), None)
    judging.new(1, THEN)
    judging.new(2, after(2))
    judging.judge()
    assert (judging.verdict(1), judging.verdict(2)) == (True, True)


def test_who_types_beside_a_job_whose_end_is_not_told_is_left_alone(
    judging: Judging, let_load: LetLoad
) -> None:
    let_load(after(-600), None)
    for number in range(5):
        judging.new(number, after(3 * number))
    judging.judge()
    assert not any(judging.verdict(number) for number in range(5))


def test_a_load_on_the_stand_in_is_recognized(judging: Judging) -> None:
    body = {"contacts": [{"LastName": "Loaded"}]}
    loaded = judging.side.steer("POST", "/imports", body).json()
    judging.house.settings(auto_create_since=datetime.now(UTC) - timedelta(hours=1))
    judging.side.extract()
    judging.judge(settle_seconds=-5.0)
    [row] = judging.house.raw("SELECT is_bulk_import, bulk_evidence FROM salesforce_contact")
    assert row["is_bulk_import"] is True
    assert row["bulk_evidence"]["job_id"] == loaded["job_id"]


def test_without_the_list_of_jobs_nothing_is_judged(judging: Judging) -> None:
    judging.new(1, THEN)
    judging.side.impatient()
    judging.side.steer("POST", "/faults", {"path": "*/jobs/ingest", "status": 503, "times": None})
    with pytest.raises(errors.RetryError):
        judging.judge()
    assert judging.verdict(1) is None


def test_without_bulk_api_there_are_no_jobs_and_bursts_tell(judging: Judging) -> None:
    for number in range(20):
        judging.new(number, after(number))
    judging.new(20, after(1800))
    refusal = [{"errorCode": "FUNCTIONALITY_NOT_ENABLED", "message": "Async API not enabled"}]
    judging.side.steer("POST", "/faults", {"path": "*/jobs/ingest", "status": 403, "body": refusal})
    judging.judge()
    assert (judging.verdict(0), judging.verdict(20)) == (True, False)
