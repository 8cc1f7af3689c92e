from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from contact_sync import errors
from contact_sync.salesforce import auth, jobs
from tests.salesforce.conftest import ScriptedOrg

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def job(job_id: str, **more: Any) -> dict[str, Any]:
    return {
        "id": job_id,
        "object": "Contact",
        "operation": "insert",
        "state": "JobComplete",
        "createdById": "005000000000001AAA",
        "createdDate": "2026-01-01T12:00:00.000+0000",
        "jobType": "V2Ingest",
        **more,
    }


def test_jobs_are_listed_over_pages(session: auth.Session, org: ScriptedOrg) -> None:
    following = "/services/data/v66.0/jobs/ingest?queryLocator=01g-1000"
    pages = iter(
        [
            {"done": False, "records": [job("1")], "nextRecordsUrl": following},
            {"done": True, "records": [job("2", jobType="Classic")], "nextRecordsUrl": None},
        ]
    )
    org.answer = lambda _: httpx.Response(200, json=next(pages))
    found = list(jobs.ingest_jobs(session))
    assert [(one.job_id, one.job_type, one.created_at) for one in found] == [
        ("1", "V2Ingest", NOON),
        ("2", "Classic", NOON),
    ]
    assert str(org.calls[1].url).endswith(following)


def test_only_loads_of_contacts_are_evidence(session: auth.Session, org: ScriptedOrg) -> None:
    listed = [
        job("load"),
        job("account", object="Account"),
        job("query", operation="query", jobType="Classic"),
        job("old", createdDate="2025-01-01T12:00:00.000+0000"),
    ]
    org.answer = lambda _: httpx.Response(200, json={"done": True, "records": listed})
    assert [one.job_id for one in jobs.contact_loads(session, NOON)] == ["load"]


def test_an_answer_without_records_is_not_no_jobs(session: auth.Session, org: ScriptedOrg) -> None:
    with pytest.raises(errors.RetryError):
        list(jobs.ingest_jobs(session))


def test_a_page_seen_twice_ends_the_walk(session: auth.Session, org: ScriptedOrg) -> None:
    again = "/services/data/v66.0/jobs/ingest?queryLocator=x"
    org.answer = lambda _: httpx.Response(200, json={"done": False, "records": [], "nextRecordsUrl": again})
    with pytest.raises(errors.RetryError, match="twice"):
        list(jobs.ingest_jobs(session))


@pytest.mark.parametrize(
    ("more", "finished_at"),
    [
        ({"state": "JobComplete"}, NOON),
        ({"state": "InProgress"}, None),
        ({"state": "JobComplete", "jobType": "Classic"}, None),
    ],
)
def test_the_end_of_a_job_is_told_by_its_stamp_once_it_is_over(
    session: auth.Session, org: ScriptedOrg, more: dict[str, Any], finished_at: datetime | None
) -> None:
    listed = [job("1", systemModstamp="2026-01-01T12:00:00.000+0000", **more)]
    org.answer = lambda _: httpx.Response(200, json={"done": True, "records": listed})
    assert [one.finished_at for one in jobs.ingest_jobs(session)] == [finished_at]
