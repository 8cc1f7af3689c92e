"""Big windows by Bulk API: planned, streamed set by set, resumed where they stopped, proven."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from contact_sync import errors, records, tenants
from contact_sync.salesforce import bulk
from contact_sync.stages import _bulk_pages, _windows, extract_salesforce_contacts, load_salesforce_contacts
from tests import flushing
from tests.raw_sql import RawSql
from tests.stages.conftest import OpenSalesforce, SalesforceSide
from tests.stages.house import House
from tests.stages.test_extract_salesforce_contacts import mirrored, person, windows

PEOPLE = 25
JOBS = "/services/data/v67.0/jobs/query"


@dataclass(frozen=True, slots=True)
class Loading:
    """An org with more contacts than a small window takes, and workers that load it."""

    side: SalesforceSide
    open_salesforce: OpenSalesforce

    def __call__(
        self, run_id: str = "load", lane: records.Lane = "extract", **options: Any
    ) -> dict[str, int]:
        session = self.open_salesforce(self.side.org_id)
        session.lane = lane
        # whoever is impatient at the side is so here, too
        session._transport._patience = self.side.session._transport._patience
        return load_salesforce_contacts.run(
            self.side.db, session, org_id=self.side.org_id, run_id=run_id, **options
        )

    def asked(self, method: str, ending: str) -> int:
        """Count the requests that the stand-in saw of one kind."""
        requests = self.side.steer("GET", "/journal").json()["requests"]
        return sum(request["method"] == method and request["path"].endswith(ending) for request in requests)


@pytest.fixture
def load(
    salesforce: SalesforceSide, open_salesforce: OpenSalesforce, monkeypatch: pytest.MonkeyPatch
) -> Loading:
    """25 contacts, windows of more than 20 are big, a set of results has 10 rows; jobs are done at once."""
    monkeypatch.setattr(extract_salesforce_contacts, "SMALL", 20)
    monkeypatch.setattr(bulk, "SET_ROWS", 10)
    monkeypatch.setattr(bulk, "_POLL_FIRST_SECONDS", 0.01)
    salesforce.store.insert_contacts(
        {"LastName": f"Person {number}", "Title": "Dr", "SystemModstamp": 1767268800 + number}
        for number in range(PEOPLE)
    )
    return Loading(salesforce, open_salesforce)


@pytest.fixture
def planned(load: Loading) -> Loading:
    """Its first window, left to the load by the small extraction."""
    assert load.side.extract()["planned"] == 1
    return load


def die_at(monkeypatch: pytest.MonkeyPatch, module: Any, name: str, call: int) -> None:
    """Let the worker be killed at the n-th call of a function."""
    original: Callable[..., Any] = getattr(module, name)
    calls = iter(range(1, 1000))

    def dying(*arguments: Any, **options: Any) -> Any:
        if next(calls) == call:
            raise KeyboardInterrupt
        return original(*arguments, **options)

    monkeypatch.setattr(module, name, dying)


def everybody(raw: RawSql) -> int:
    return int(raw.value("SELECT count(*) FROM salesforce_contact"))


# The main road


def test_a_big_window_is_planned_by_the_small_extraction_and_moves_nothing(
    planned: Loading, raw: RawSql
) -> None:
    assert windows(raw) == [("initial", "planned")]
    assert everybody(raw) == 0


@pytest.mark.parametrize(("told", "counts"), [(201, 0), (200, 1), (None, 1)])
def test_an_org_known_to_be_big_is_planned_without_a_count(
    load: Loading, raw: RawSql, told: int | None, counts: int
) -> None:
    raw("UPDATE salesforce_org SET approximate_contacts = %(told)s", told=told)
    load.side.steer("DELETE", "/journal")
    assert load.side.extract()["planned"] == 1
    assert load.asked("GET", "/queryAll") == counts
    assert load()["rows_landed"] == PEOPLE
    assert windows(raw) == [("initial", "proven")]


def test_an_org_taken_for_big_in_error_is_loaded_whole(
    load: Loading, raw: RawSql, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extract_salesforce_contacts, "SMALL", PEOPLE)
    raw("UPDATE salesforce_org SET approximate_contacts = 1000000")
    assert load.side.extract()["planned"] == 1
    assert load()["rows_landed"] == PEOPLE


def test_connections_are_ready_before_the_job_is_complete(
    planned: Loading, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait, ready = bulk.wait, []

    def counting(*arguments: Any, **options: Any) -> bulk.Job:
        ready.append(planned.side.db._engine.pool.checkedin())  # type: ignore[attr-defined]
        return wait(*arguments, **options)

    monkeypatch.setattr(bulk, "wait", counting)
    # what tests before this one left open
    planned.side.db.close()
    planned()
    assert ready == [_bulk_pages.WORKERS]


def test_the_load_brings_everybody_and_proves_it(planned: Loading, raw: RawSql) -> None:
    assert planned() == {"windows": 1, "rows_landed": 25, "rows_merged": 25, "rows_quarantined": 0}
    assert windows(raw) == [("initial", "proven")]
    assert everybody(raw) == PEOPLE
    assert raw.column("SELECT DISTINCT payload ->> 'Title' FROM salesforce_contact") == ["Dr"]


def test_the_next_small_window_begins_where_the_load_began(planned: Loading, raw: RawSql) -> None:
    planned()
    counts = planned.side.extract("after")
    assert counts["rows_landed"] == 0
    assert windows(raw) == [("initial", "proven"), ("incremental", "proven")]
    row = raw("SELECT read_until, queried_at FROM extract_window WHERE kind = 'initial'")[0]
    assert row["read_until"] == row["queried_at"]


def test_the_small_extraction_waits_while_a_big_window_is_open(planned: Loading, raw: RawSql) -> None:
    assert planned.side.extract("meanwhile") == {"waiting": 1}
    assert windows(raw) == [("initial", "planned")]


def test_loading_twice_reads_nothing_the_second_time(planned: Loading, raw: RawSql) -> None:
    planned("first")
    before = raw.versions("salesforce_contact")
    assert planned("second") == {}
    assert raw.versions("salesforce_contact") == before


@pytest.mark.parametrize(("rows", "set_rows"), [(25, 10_000), (100_000, 16_667), (5_000_000, 50_000)])
def test_a_small_job_is_dealt_out_to_all_workers(
    planned: Loading, monkeypatch: pytest.MonkeyPatch, rows: int, set_rows: int
) -> None:
    monkeypatch.undo()
    job = bulk.Job(job_id="750000000000001AAA", state="JobComplete", rows=rows)
    window = _windows.Window(
        window_id=1,
        org_id=planned.side.org_id,
        kind="initial",
        read_from=None,
        selection=_windows.Selection(names=(), payload_types={}),
    )
    results = _bulk_pages.Results(planned.side.db, planned.side.session, window, job)
    assert results._set_rows == set_rows


def tuples_written(planned: Loading, raw: RawSql) -> int:
    """Return how many rows of the mirror were ever written, undone ones too; sessions tell when they end."""
    planned.side.db.close()
    sessions = """
        SELECT count(*) FROM pg_stat_activity
         WHERE application_name = 'contact-sync' AND datname = current_database()
    """
    while raw.value(sessions):
        raw("SELECT pg_sleep(0.01)")
    written = """
        SELECT n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_user_tables WHERE relname = 'salesforce_contact'
    """
    return int(raw.value(written))


def test_a_replay_does_not_even_try_to_write(planned: Loading, raw: RawSql) -> None:
    planned("first")
    before = tuples_written(planned, raw)
    raw("DELETE FROM extract_window")
    assert planned.side.extract("once more")["planned"] == 1
    assert planned("second")["rows_landed"] == PEOPLE
    assert tuples_written(planned, raw) == before


def test_rest_and_bulk_bring_the_same_rows(
    planned: Loading, raw: RawSql, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned()
    monkeypatch.setattr(extract_salesforce_contacts, "SMALL", 2000)
    before = raw.versions("salesforce_contact")
    raw("DELETE FROM extract_window")
    assert planned.side.extract("by rest")["rows_merged"] == 0
    assert raw.versions("salesforce_contact") == before


def test_the_job_is_deleted_when_its_window_is_proven(planned: Loading, raw: RawSql) -> None:
    planned()
    job_id = raw.value("SELECT bulk_job_id FROM extract_window")
    assert planned.asked("DELETE", f"/jobs/query/{job_id}") == 1


def test_an_empty_result_is_proven(load: Loading, raw: RawSql) -> None:
    load.side.extract("plans")
    raw("UPDATE extract_window SET read_from = '2030-01-01'")
    assert load()["rows_landed"] == 0
    assert windows(raw) == [("initial", "proven")]


def test_the_run_is_recorded_with_its_counts(planned: Loading, raw: RawSql) -> None:
    planned("once")
    [row] = raw("SELECT scope, status, counts FROM stage_run WHERE run_id = 'once'")
    assert (row["scope"], row["status"]) == (f"{planned.side.org_id}:extract", "succeeded")
    assert row["counts"]["windows"] == 1


# Lanes


def test_a_big_refill_is_read_in_the_backfill_lane_while_the_sync_goes_on(
    planned: Loading, raw: RawSql, house_of: House
) -> None:
    planned()
    house_of.choose("Title", "Department")
    raw("UPDATE extract_window SET read_until = now()")
    assert planned.side.extract("news")["planned"] == 1
    assert windows(raw)[-1] == ("refill", "planned")
    assert planned("wrong lane") == {}
    assert planned.side.extract("more news").get("waiting") is None
    assert planned("right lane", lane="backfill")["windows"] == 1
    assert ("refill", "proven") in windows(raw)


def test_another_worker_of_the_lane_is_left_alone(planned: Loading, raw: RawSql) -> None:
    with planned.side.db.advisory_lock(f"load:{planned.side.org_id}:extract"):
        assert planned() == {}
    assert windows(raw) == [("initial", "planned")]


# A worker dies


def test_a_death_while_the_job_runs_goes_on_with_the_job(
    planned: Loading, raw: RawSql, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        die_at(patched, bulk, "wait", 1)
        with pytest.raises(KeyboardInterrupt):
            planned("dies")
    assert windows(raw) == [("initial", "running")]
    assert planned("lives")["windows"] == 1
    assert planned.asked("POST", "/jobs/query") == 1


def test_a_death_between_sets_goes_on_at_the_set_that_had_not_landed(
    planned: Loading, raw: RawSql, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(_bulk_pages, "WORKERS", 1)
        die_at(patched, _bulk_pages.Results, "_record", 2)
        with pytest.raises(KeyboardInterrupt):
            planned("dies")
    assert raw.column("SELECT rows_landed FROM merged_set") == [10]
    planned.side.steer("DELETE", "/journal")
    assert planned("lives")["rows_landed"] == PEOPLE
    assert planned.asked("GET", "/results") == 2
    assert windows(raw) == [("initial", "proven")]
    assert everybody(raw) == PEOPLE


def test_a_set_that_was_overtaken_by_its_successor_is_read_alone(
    planned: Loading, raw: RawSql, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        die_at(patched, _windows, "prove", 1)
        with pytest.raises(KeyboardInterrupt):
            planned("dies")
    raw("DELETE FROM merged_set WHERE locator <> '' AND next_locator IS NOT NULL")
    planned.side.steer("DELETE", "/journal")
    assert planned("lives")["rows_landed"] == PEOPLE
    assert planned.asked("GET", "/results") == 1


def test_a_death_before_the_proof_reads_no_set_again(
    planned: Loading, raw: RawSql, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        die_at(patched, _windows, "prove", 1)
        with pytest.raises(KeyboardInterrupt):
            planned("dies")
    assert windows(raw) == [("initial", "running")]
    planned.side.steer("DELETE", "/journal")
    assert planned("lives")["windows"] == 1
    assert planned.asked("GET", "/results") == 0
    assert everybody(raw) == PEOPLE


def test_only_the_proof_waits_for_the_disk(planned: Loading, monkeypatch: pytest.MonkeyPatch) -> None:
    told = flushing.noted(monkeypatch, "record_result_set", "prove_window")
    planned()
    assert told == {"record_result_set": {True}, "prove_window": {False}}


def test_sets_are_read_side_by_side(planned: Loading, monkeypatch: pytest.MonkeyPatch) -> None:
    both = threading.Barrier(2, timeout=10)
    original = _bulk_pages.Results._record
    calls = itertools.count()

    def waiting(*arguments: Any) -> None:
        if next(calls) < 2:
            both.wait()
        original(*arguments)

    monkeypatch.setattr(_bulk_pages.Results, "_record", waiting)
    assert planned()["rows_landed"] == PEOPLE


def test_a_set_that_lost_a_deadlock_is_copied_again_and_its_successor_once(
    planned: Loading, raw: RawSql, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, calls = _windows.merge_page, itertools.count(1)

    def merge(*arguments: Any) -> tuple[int, int]:
        if next(calls) == 1:
            raise errors.LostTurnError("the database let another transaction go first")
        return original(*arguments)

    monkeypatch.setattr(_windows, "merge_page", merge)
    assert planned()["rows_landed"] == PEOPLE
    assert windows(raw) == [("initial", "proven")]
    assert planned.asked("GET", "/results") == 4


def test_a_set_that_came_twice_proves_nothing(
    planned: Loading, raw: RawSql, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number of rows is right all the same: only the ids tell."""
    original = bulk.results
    misled: list[str] = []

    @contextmanager
    def first_set_again(*arguments: Any, locator: str | None, **options: Any) -> Iterator[bulk.ResultSet]:
        with original(*arguments, locator=locator, **options) as found:
            if locator is None or misled:
                yield found
                return
            misled.append(locator)
            with original(*arguments, locator=None, **options) as first:
                first.next_locator = found.next_locator
                yield first

    monkeypatch.setattr(bulk, "results", first_set_again)
    assert planned()["rows_landed"] == PEOPLE
    assert planned.asked("POST", "/jobs/query") == 2
    assert windows(raw) == [("initial", "proven")]
    assert raw.value("SELECT count(*) FROM salesforce_contact") == PEOPLE


def test_a_proven_window_leaves_no_notes_of_its_sets(planned: Loading, raw: RawSql) -> None:
    planned()
    assert raw.value("SELECT count(*) FROM merged_set") == 0


def test_a_result_cut_off_is_fetched_again_from_its_locator(planned: Loading, raw: RawSql) -> None:
    fault = {"path": "*/results", "nth": 2, "cut_after_bytes": 100}
    planned.side.steer("POST", "/faults", fault)
    with pytest.raises(errors.RetryError):
        planned("cut")
    planned.side.steer("DELETE", "/journal")
    assert planned("whole")["rows_landed"] == PEOPLE
    # the set after it may have been on its way already
    assert planned.asked("GET", "/results") in (1, 2)
    assert everybody(raw) == PEOPLE


# Cells and jobs that are bad


def test_a_nul_costs_one_row_and_not_the_window(planned: Loading, raw: RawSql) -> None:
    bad = person(planned.side, Title="Nul\x00inside")
    counts = planned()
    assert (counts["rows_merged"], counts["rows_quarantined"]) == (PEOPLE, 1)
    assert windows(raw) == [("initial", "proven")]
    assert raw.column("SELECT salesforce_id FROM quarantined_row") == [bad]


def test_nasty_cells_arrive_byte_for_byte(load: Loading, raw: RawSql) -> None:
    load.side.steer("POST", "/nasty")
    load.side.extract("plans")
    load()
    titles = raw.column("SELECT payload ->> 'Title' FROM salesforce_contact")
    wanted = {"NA", "None", "0123", "C:\\temp\\N", 'The ""Boss"" said "hi"', "Line one\r\nLine two"}
    assert wanted <= set(titles)


def test_a_torn_line_is_quarantined_and_counted(
    planned: Loading, raw: RawSql, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = bulk.ResultSet.read

    def torn(self: bulk.ResultSet, size: int = -1) -> bytes:
        return original(self, size).replace(b'"Person 7","', b'"Person 7","too","many","')

    monkeypatch.setattr(bulk.ResultSet, "read", torn)
    counts = planned()
    assert (counts["rows_merged"], counts["rows_quarantined"]) == (PEOPLE - 1, 1)
    assert windows(raw) == [("initial", "proven")]
    assert "more or fewer cells" in raw.value("SELECT reason FROM quarantined_row")


def test_a_job_that_is_gone_is_made_anew(
    planned: Loading, raw: RawSql, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        die_at(patched, _bulk_pages.Results, "_record", 2)
        with pytest.raises(KeyboardInterrupt):
            planned("dies")
    job_id = raw.value("SELECT bulk_job_id FROM extract_window")
    bulk.delete(planned.side.session, job_id)
    assert planned("a week later")["rows_landed"] == PEOPLE
    assert raw.value("SELECT bulk_job_id FROM extract_window") != job_id
    assert windows(raw) == [("initial", "proven")]


def test_a_job_that_fails_twice_fails_the_window_with_its_code(planned: Loading, raw: RawSql) -> None:
    outcome = {"state": "Failed", "errorMessage": "InternalServerError : something went wrong"}
    planned.side.steer("POST", "/settings", {"bulk_outcome": outcome})
    with pytest.raises(errors.RetryError, match="cannot be read by Bulk API: InternalServerError"):
        planned()
    assert windows(raw) == [("initial", "failed")]
    assert planned.asked("POST", "/jobs/query") == load_salesforce_contacts.ATTEMPTS


def test_after_a_failed_window_the_small_extraction_plans_it_anew(planned: Loading, raw: RawSql) -> None:
    outcome = {"state": "Failed", "errorMessage": "InternalServerError : something went wrong"}
    planned.side.steer("POST", "/settings", {"bulk_outcome": outcome})
    with pytest.raises(errors.RetryError):
        planned("fails")
    planned.side.steer("DELETE", "/settings")
    assert planned.side.extract("again")["planned"] == 1
    assert planned("loads")["windows"] == 1
    assert windows(raw) == [("initial", "failed"), ("initial", "proven")]


def spread(planned: Loading) -> None:
    """Let the contacts' stamps lie twelve days apart, so that a few halvings part them."""
    with planned.side.store.writing() as connection:
        connection.execute(
            "UPDATE Contact SET SystemModstamp = 1767268800 + (SystemModstamp - 1767268800) * 1000000"
        )


def test_a_job_too_slow_for_its_range_is_read_in_halves(planned: Loading, raw: RawSql) -> None:
    spread(planned)
    planned.side.steer("POST", "/settings", {"bulk_timeout_rows": 10})
    assert planned()["rows_landed"] == PEOPLE
    assert everybody(raw) == PEOPLE
    [whole] = raw("SELECT status, rows_reported, rows_landed FROM extract_window WHERE split_from IS NULL")
    assert whole == {"status": "split", "rows_reported": PEOPLE, "rows_landed": PEOPLE}
    assert planned.side.extract("after")["rows_landed"] == 0


def test_the_watermark_stays_while_a_half_is_not_proven(
    planned: Loading, raw: RawSql, monkeypatch: pytest.MonkeyPatch
) -> None:
    spread(planned)
    planned.side.steer("POST", "/settings", {"bulk_timeout_rows": 7})
    with monkeypatch.context() as patched:
        # of the second half that is proven
        die_at(patched, bulk, "delete", 2)
        with pytest.raises(KeyboardInterrupt):
            planned("dies")
    assert raw.value("SELECT count(*) FROM extract_window WHERE status = 'proven'") == 2
    assert raw.value("SELECT count(*) FROM proven_window") == 0
    assert planned.side.extract("meanwhile") == {"waiting": 1}
    planned("lives")
    assert everybody(raw) == PEOPLE
    assert raw.column("SELECT status FROM extract_window WHERE split_from IS NULL") == ["split"]
    assert planned.side.extract("after")["rows_landed"] == 0


def test_one_second_that_is_too_slow_asks_with_a_new_job_next_time(planned: Loading, raw: RawSql) -> None:
    raw("UPDATE extract_window SET read_from = '2026-01-01 12:00:05', read_before = '2026-01-01 12:00:06'")
    outcome = {"state": "Failed", "errorMessage": "QUERY_TIMEOUT: your query was too slow"}
    planned.side.steer("POST", "/settings", {"bulk_outcome": outcome})
    with pytest.raises(errors.RetryError, match="QUERY_TIMEOUT"):
        planned("slow")
    planned.side.steer("DELETE", "/settings")
    assert planned("faster")["rows_landed"] == 1


def test_a_job_that_takes_too_long_is_left_running(planned: Loading, raw: RawSql) -> None:
    planned.side.steer("POST", "/settings", {"bulk_seconds": 3600})
    with pytest.raises(errors.RetryError, match="still InProgress"):
        planned("waits", job_seconds=0.0)
    planned.side.steer("DELETE", "/settings")
    assert planned("finds it")["windows"] == 1
    assert planned.asked("POST", "/jobs/query") == 1


def test_a_window_that_stays_short_fails_loudly(
    planned: Loading, raw: RawSql, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = bulk.wait

    def boastful(*arguments: Any, **options: Any) -> bulk.Job:
        job = original(*arguments, **options)
        return bulk.Job(job_id=job.job_id, state=job.state, rows=job.rows + 1, api_version=job.api_version)

    monkeypatch.setattr(bulk, "wait", boastful)
    with pytest.raises(errors.RetryError, match="Salesforce reported 26 rows, 25 landed"):
        planned()
    assert windows(raw) == [("initial", "failed")]
    assert raw.value("SELECT count(*) FROM salesforce_landing") == 0


def test_without_bulk_api_the_window_is_read_by_rest(planned: Loading, raw: RawSql) -> None:
    refusal = [{"errorCode": "FUNCTIONALITY_NOT_ENABLED", "message": "Async API not enabled"}]
    planned.side.steer(
        "POST", "/faults", {"path": "*/jobs/query", "status": 403, "body": refusal, "times": None}
    )
    assert planned()["rows_landed"] == PEOPLE
    assert windows(raw) == [("initial", "proven")]


def test_a_used_up_quota_defers_the_window_and_the_next_run_reads_it(
    planned: Loading, raw: RawSql, monkeypatch: pytest.MonkeyPatch
) -> None:
    def used_up(*_: Any) -> None:
        raise errors.QuotaError("the day's API calls are used up")

    with monkeypatch.context() as patched:
        patched.setattr(bulk, "create", used_up)
        assert planned("today") == {"deferred": 1}
    assert windows(raw) == [("initial", "deferred")]
    assert planned("tomorrow")["windows"] == 1
    assert windows(raw) == [("initial", "proven")]


@pytest.mark.parametrize(
    ("status", "code"),
    [(403, "REQUEST_LIMIT_EXCEEDED"), (400, "INVALIDJOBSTATE"), (503, "SERVER_UNAVAILABLE")],
)
def test_a_job_that_cannot_be_deleted_takes_nothing_from_its_proof(
    planned: Loading, raw: RawSql, status: int, code: str
) -> None:
    refusal = [{"errorCode": code, "message": "no"}]
    fault = {"method": "DELETE", "path": "*/jobs/query/*", "status": status, "body": refusal, "times": None}
    planned.side.steer("POST", "/faults", fault)
    planned.side.impatient()
    assert planned() == {"windows": 1, "rows_landed": 25, "rows_merged": 25, "rows_quarantined": 0}
    assert windows(raw) == [("initial", "proven")]


def test_a_field_that_went_while_a_window_waits_is_noticed_by_the_load(planned: Loading, raw: RawSql) -> None:
    planned.side.steer("POST", "/permissions", {"field": "Title", "access": "none"})
    assert planned()["windows"] == 1
    assert windows(raw) == [("initial", "proven")]
    assert raw.value("SELECT lost_at IS NOT NULL FROM salesforce_field WHERE name = 'Title'")


def test_what_is_newer_in_the_mirror_is_not_overwritten(planned: Loading, raw: RawSql) -> None:
    planned("first")
    salesforce_id = raw.column("SELECT salesforce_id FROM salesforce_contact ORDER BY 1")[0]
    raw(
        "UPDATE salesforce_contact SET last_name = 'Newer', system_modstamp = now() WHERE salesforce_id = %(id)s",
        id=salesforce_id,
    )
    raw("DELETE FROM extract_window")
    planned.side.extract("plans")
    planned("second")
    assert mirrored(raw, salesforce_id)["last_name"] == "Newer"


def test_a_permission_lost_while_a_window_waits_keeps_the_values(planned: Loading, raw: RawSql) -> None:
    planned("first")
    planned.side.steer("POST", "/permissions", {"field": "Title", "access": "none"})
    raw("UPDATE salesforce_contact SET system_modstamp = system_modstamp - interval '1 day'")
    raw(
        "INSERT INTO extract_window (org_id, kind, status, is_big, fields)"
        " SELECT org_id, 'backfill', 'planned', true, fields FROM extract_window WHERE kind = 'initial'"
    )
    tenants.refresh_fields(planned.side.db, planned.side.session, org_id=planned.side.org_id)
    planned("second", lane="backfill")
    assert windows(raw)[-1] == ("backfill", "proven")
    assert raw.column("SELECT DISTINCT payload ->> 'Title' FROM salesforce_contact") == ["Dr"]
