from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from contact_sync import errors
from contact_sync.salesforce import auth, replication
from sandbox.salesforce.store import Store
from tests.salesforce.conftest import ScriptedOrg, refusal

#: A range around any time at which these tests may run; the vendor's log reaches 15 days back.
START, END = datetime.now(UTC) - timedelta(hours=1), datetime.now(UTC) + timedelta(hours=3)


def test_a_changed_contact_is_in_the_log(live: auth.Session, store: Store, vendor: httpx.Client) -> None:
    [salesforce_id] = store.insert_contacts([{"LastName": "Ada"}])
    vendor.patch(f"/_sandbox/contacts/{salesforce_id}", json={"Title": "x"}).raise_for_status()
    found = replication.updated(live, START, END)
    assert salesforce_id in found.salesforce_ids
    assert START < found.latest_date_covered <= END


def test_a_deleted_contact_is_in_the_log_with_its_time(
    live: auth.Session, store: Store, vendor: httpx.Client
) -> None:
    [salesforce_id] = store.insert_contacts([{"LastName": "Ada"}])
    vendor.delete(f"/_sandbox/contacts/{salesforce_id}").raise_for_status()
    found = replication.deleted(live, START, END)
    assert abs(next(iter(found.deleted_at.values())) - datetime.now(UTC)) < timedelta(minutes=5)
    assert list(found.deleted_at) == [salesforce_id]


@pytest.mark.parametrize("ask", [replication.updated, replication.deleted])
def test_a_range_the_log_does_not_reach_is_named(
    session: auth.Session, org: ScriptedOrg, ask: object
) -> None:
    org.answer = lambda _: refusal(400, "INVALID_REPLICATION_DATE", "too far")
    with pytest.raises(replication.LogTooShortError):
        ask(session, START, END)  # type: ignore[operator]


def test_an_answer_of_another_shape_is_not_an_empty_log(session: auth.Session, org: ScriptedOrg) -> None:
    with pytest.raises(errors.RetryError):
        replication.updated(session, START, END)


@pytest.mark.parametrize(
    "text", ["2026-01-01T12:00:00.000+0000", "2026-01-01T12:00:00Z", "2026-01-01T13:00:00+01:00"]
)
def test_every_spelling_of_a_time_is_read(text: str) -> None:
    assert replication.parse_time(text) == datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_a_time_that_is_none_is_not_guessed() -> None:
    with pytest.raises(errors.RetryError):
        replication.parse_time("yesterday")
