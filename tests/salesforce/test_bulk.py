from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from contact_sync import errors
from contact_sync.salesforce import auth, bulk, query
from tests.salesforce.conftest import DATE, ScriptedOrg, refusal

JOB = bulk.Job(job_id="750000000000001AAA", state="JobComplete", rows=2)


def job(state: str, **more: Any) -> httpx.Response:
    body = {"id": JOB.job_id, "state": state, "apiVersion": 66.0, **more}
    return httpx.Response(200, json=body, headers={"Date": DATE})


def result_set(text: str, rows: str | None, locator: str) -> httpx.Response:
    headers = {"Sforce-Locator": locator} | ({} if rows is None else {"Sforce-NumberOfRecords": rows})
    return httpx.Response(200, content=text.encode(), headers=headers)


def test_a_job_reads_deleted_records_as_csv(session: auth.Session, org: ScriptedOrg) -> None:
    org.answer = lambda _: job("UploadComplete")
    made = bulk.create(session, "SELECT Id FROM Contact")
    assert (made.job_id, made.state, made.api_version) == (JOB.job_id, "UploadComplete", "66.0")
    assert made.created_at == datetime(2026, 1, 1, 12, tzinfo=UTC)
    assert b'"operation":"queryAll"' in org.calls[0].content


def test_waiting_ends_when_the_job_is_complete(session: auth.Session, org: ScriptedOrg) -> None:
    states = iter(["UploadComplete", "InProgress", "JobComplete"])
    org.answer = lambda _: job(next(states), numberRecordsProcessed=7)
    seen: list[str] = []
    done = bulk.wait(session, JOB.job_id, on_poll=lambda j: seen.append(j.state), sleep=lambda _: None)
    assert done.rows == 7
    assert seen == ["UploadComplete", "InProgress", "JobComplete"]


def test_a_slow_job_is_left_to_the_next_run(session: auth.Session, org: ScriptedOrg) -> None:
    org.answer = lambda _: job("InProgress")
    slept: list[float] = []
    with pytest.raises(errors.RetryError, match=JOB.job_id):
        bulk.wait(session, JOB.job_id, timeout_seconds=60, sleep=slept.append)
    assert 60 <= sum(slept) < 75
    assert max(slept) == 10


@pytest.mark.parametrize(
    ("state", "message", "code"),
    [("Failed", "InvalidBatch : Field name not found : X", "InvalidBatch"), ("Aborted", "", "ABORTED")],
)
def test_a_failed_job_carries_salesforces_reason(
    session: auth.Session, org: ScriptedOrg, state: str, message: str, code: str
) -> None:
    org.answer = lambda _: job(state, errorMessage=message)
    with pytest.raises(errors.RejectError) as caught:
        bulk.wait(session, JOB.job_id)
    assert caught.value.code == code


def test_a_job_too_slow_for_its_range_asks_for_a_smaller_one(session: auth.Session, org: ScriptedOrg) -> None:
    org.answer = lambda _: job(
        "Failed", errorMessage="QUERY_TIMEOUT: Your query request was running for too long."
    )
    with pytest.raises(query.QueryTimeoutError):
        bulk.wait(session, JOB.job_id)


def test_a_set_is_read_in_pieces_and_names_the_next(session: auth.Session, org: ScriptedOrg) -> None:
    org.answer = lambda _: result_set('"Id"\n"1"\n', "1", "abc")
    with bulk.results(session, JOB) as found:
        assert (found.rows, found.next_locator) == (1, "abc")
        assert b"".join(iter(lambda: found.read(3), b"")) == b'"Id"\n"1"\n'


def test_no_read_returns_more_than_was_asked_for(session: auth.Session, org: ScriptedOrg) -> None:
    org.answer = lambda _: result_set("abcdefg", "1", "null")
    with bulk.results(session, JOB) as found:
        assert [found.read(3), found.read(3), found.read(3), found.read(3)] == [b"abc", b"def", b"g", b""]


@pytest.mark.parametrize("locator", ["null", ""])
def test_the_last_set_has_no_next(session: auth.Session, org: ScriptedOrg, locator: str) -> None:
    org.answer = lambda _: result_set('"Id"\n', "0", locator)
    with bulk.results(session, JOB, locator="abc", max_rows=5) as found:
        assert found.next_locator is None
    assert dict(org.calls[0].url.params) == {"locator": "abc", "maxRecords": "5"}


def test_a_set_that_does_not_say_its_size_proves_nothing(session: auth.Session, org: ScriptedOrg) -> None:
    org.answer = lambda _: result_set('"Id"\n', None, "null")
    with pytest.raises(errors.RetryError), bulk.results(session, JOB):
        pass


class Cut(httpx.SyncByteStream):
    def __iter__(self) -> Iterator[bytes]:
        yield b'"Id"\n'
        raise httpx.ReadError("cut")


def test_a_set_cut_off_is_never_a_short_set(session: auth.Session, org: ScriptedOrg) -> None:
    org.answer = lambda _: httpx.Response(200, stream=Cut(), headers={"Sforce-NumberOfRecords": "2"})
    with pytest.raises(errors.RetryError), bulk.results(session, JOB) as found:
        while found.read(100):
            pass


def test_a_driver_that_reads_cannot_hide_why_the_set_broke_off(
    session: auth.Session, org: ScriptedOrg
) -> None:
    org.answer = lambda _: httpx.Response(200, stream=Cut(), headers={"Sforce-NumberOfRecords": "2"})
    with (
        pytest.raises(errors.RetryError, match=r"Salesforce GET .* broke off"),
        bulk.results(session, JOB) as found,
    ):
        try:
            found.read()
        except errors.RetryError:
            raise errors.RetryError("copy: error in .read() call") from None


def test_results_are_asked_for_in_the_jobs_own_version(session: auth.Session, org: ScriptedOrg) -> None:
    org.answer = lambda _: result_set('"Id"\n', "0", "null")
    with bulk.results(session, bulk.Job(job_id="750", state="JobComplete", api_version="65.0")):
        pass
    assert org.calls[0].url.path == "/services/data/v65.0/jobs/query/750/results"


def test_deleting_a_job_that_is_gone_is_no_error(session: auth.Session, org: ScriptedOrg) -> None:
    org.answer = lambda _: refusal(404, "NOT_FOUND")
    bulk.delete(session, JOB.job_id)


def test_a_deleted_job_answers_204(session: auth.Session, org: ScriptedOrg) -> None:
    org.answer = lambda _: httpx.Response(204)
    bulk.delete(session, JOB.job_id)
