from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from contact_sync import errors, records
from contact_sync.salesforce import auth, query, replication, update
from sandbox.salesforce.store import Store
from tests.salesforce.conftest import ScriptedOrg

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def person(store: Store, **fields: Any) -> records.SalesforceId:
    return records.SalesforceId(store.insert_contacts([{"LastName": "Ada", "Title": "old", **fields}])[0])


def stamp(session: auth.Session, salesforce_id: str) -> datetime:
    where = f"Id = {query.text_literal(salesforce_id)}"
    [page] = query.pages(session, query.select(["SystemModstamp"], where=where))
    return replication.parse_time(page.records[0]["SystemModstamp"])


def write(salesforce_id: str, since: datetime | None, **values: Any) -> update.Write:
    given = values or {"Title": "new"}
    return update.Write(
        salesforce_id=records.SalesforceId(salesforce_id), values=given, unmodified_since=since
    )


def sent(session: auth.Session, *writes: update.Write) -> list[update.Written]:
    return [result for results in update.write_contacts(session, writes) for result in results]


def title(vendor: httpx.Client, salesforce_id: str) -> Any:
    return vendor.get(f"/_sandbox/contacts/{salesforce_id}").json()["Title"]


def fault(vendor: httpx.Client, **fault: Any) -> None:
    vendor.post("/_sandbox/faults", json={"path": "*/composite", **fault}).raise_for_status()


def composites(vendor: httpx.Client) -> int:
    requests = vendor.get("/_sandbox/journal").json()["requests"]
    return sum(request["path"].endswith("/composite") for request in requests)


def test_a_write_to_an_untouched_record_is_saved(
    live: auth.Session, store: Store, vendor: httpx.Client
) -> None:
    salesforce_id = person(store)
    [result] = sent(live, write(salesforce_id, stamp(live, salesforce_id)))
    assert result.outcome == "written"
    assert title(vendor, salesforce_id) == "new"


def test_a_null_clears_a_field(live: auth.Session, store: Store, vendor: httpx.Client) -> None:
    salesforce_id = person(store)
    sent(live, write(salesforce_id, stamp(live, salesforce_id), Title=None))
    assert title(vendor, salesforce_id) is None


def test_a_record_that_moved_since_it_was_read_is_not_overwritten(
    live: auth.Session, store: Store, vendor: httpx.Client
) -> None:
    salesforce_id = person(store, SystemModstamp=NOON, LastModifiedDate=NOON)
    since = stamp(live, salesforce_id)
    vendor.patch(f"/_sandbox/contacts/{salesforce_id}", json={"Title": "theirs"}).raise_for_status()
    [result] = sent(live, write(salesforce_id, since))
    assert result.outcome == "modified"
    assert title(vendor, salesforce_id) == "theirs"


def test_the_rest_of_a_call_is_saved_beside_a_refused_write(
    live: auth.Session, store: Store, vendor: httpx.Client
) -> None:
    good, bad = person(store), person(store)
    now = stamp(live, good)
    results = sent(live, write(bad, now, Loyalty_Tier__c="Tin"), write(good, now))
    assert [result.outcome for result in results] == ["rejected", "written"]
    assert results[0].code == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
    assert results[0].fields == ("Loyalty_Tier__c",)


def test_twenty_five_writes_cost_one_call(live: auth.Session, store: Store, vendor: httpx.Client) -> None:
    people = [person(store) for _ in range(26)]
    now = stamp(live, people[-1])
    results = sent(live, *(write(salesforce_id, now) for salesforce_id in people))
    assert [result.salesforce_id for result in results] == people
    calls = [
        entry for entry in vendor.get("/_sandbox/journal").json()["requests"] if "composite" in entry["route"]
    ]
    assert len(calls) == 2


@pytest.mark.parametrize("action", ["delete", "purge"])
def test_a_record_that_is_gone_is_said_to_be_gone(
    live: auth.Session, store: Store, vendor: httpx.Client, action: str
) -> None:
    salesforce_id = person(store)
    since = stamp(live, salesforce_id)
    vendor.delete(f"/_sandbox/contacts/{salesforce_id}").raise_for_status()
    if action == "purge":
        vendor.post(f"/_sandbox/contacts/{salesforce_id}/purge").raise_for_status()
    [result] = sent(live, write(salesforce_id, since))
    assert result.outcome == "gone"


def test_a_lost_answer_is_unknown_and_nothing_is_sent_twice(
    live: auth.Session, store: Store, vendor: httpx.Client
) -> None:
    people = [person(store) for _ in range(25)]
    now = stamp(live, people[-1])
    fault(vendor, cut_after_bytes=0)
    results = sent(live, *(write(salesforce_id, now) for salesforce_id in people))
    assert [result.outcome for result in results] == ["unknown"] * 25
    assert title(vendor, people[0]) == "new"
    assert composites(vendor) == 1


def test_calls_side_by_side_do_not_share_a_lost_answer(
    live: auth.Session, store: Store, vendor: httpx.Client
) -> None:
    people = [person(store) for _ in range(30)]
    now = stamp(live, people[-1])
    fault(vendor, cut_after_bytes=0)
    results = sent(live, *(write(salesforce_id, now) for salesforce_id in people))
    outcomes = [{result.outcome for result in call} for call in (results[:25], results[25:])]
    assert sorted(outcomes, key=str) == [{"unknown"}, {"written"}]


def test_after_a_lost_answer_no_further_call_is_begun(
    live: auth.Session, store: Store, vendor: httpx.Client
) -> None:
    people = [person(store) for _ in range(update.PER_CALL * update.SIDE_BY_SIDE + 30)]
    now = stamp(live, people[-1])
    fault(vendor, cut_after_bytes=0, times=10)
    results = sent(live, *(write(salesforce_id, now) for salesforce_id in people))
    told = {result.salesforce_id for result in results}
    assert len(told) <= update.PER_CALL * update.SIDE_BY_SIDE
    assert {title(vendor, salesforce_id) for salesforce_id in people if salesforce_id not in told} == {"old"}


def test_writes_without_a_condition_go_two_hundred_a_call(
    live: auth.Session, store: Store, vendor: httpx.Client
) -> None:
    people = [person(store) for _ in range(201)]
    results = sent(live, *(write(salesforce_id, None) for salesforce_id in people))
    assert {result.outcome for result in results} == {"written"}
    requests = vendor.get("/_sandbox/journal").json()["requests"]
    assert sum(request["path"].endswith("/composite/sobjects") for request in requests) == 2


def test_results_without_ids_are_told_by_their_place(
    live: auth.Session, store: Store, vendor: httpx.Client
) -> None:
    vendor.post("/_sandbox/settings", json={"failed_results_lack_id": True}).raise_for_status()
    good, bad, also_good = (person(store) for _ in range(3))
    wide = write(bad, None, Title="x" * 200)
    results = sent(live, write(good, None), wide, write(also_good, None))
    assert [result.outcome for result in results] == ["written", "rejected", "written"]
    assert (results[1].salesforce_id, results[1].code, results[1].fields) == (
        bad,
        "STRING_TOO_LONG",
        ("Title",),
    )


def test_a_lost_answer_of_many_writes_is_unknown_for_each(
    live: auth.Session, store: Store, vendor: httpx.Client
) -> None:
    people = [person(store) for _ in range(2)]
    vendor.post("/_sandbox/faults", json={"path": "*/sobjects", "cut_after_bytes": 0}).raise_for_status()
    results = sent(live, *(write(salesforce_id, None) for salesforce_id in people))
    assert [result.outcome for result in results] == ["unknown", "unknown"]


def test_a_call_that_was_not_taken_is_simply_repeated(
    live: auth.Session, store: Store, vendor: httpx.Client
) -> None:
    salesforce_id = person(store)
    since = stamp(live, salesforce_id)
    fault(vendor, status=429, headers={"Retry-After": "0"})
    [result] = sent(live, write(salesforce_id, since))
    assert result.outcome == "written"


def test_a_session_that_expires_before_a_write_keeps_the_precondition(
    live: auth.Session, store: Store, vendor: httpx.Client
) -> None:
    salesforce_id = person(store, SystemModstamp=NOON, LastModifiedDate=NOON)
    since = stamp(live, salesforce_id)
    vendor.patch(f"/_sandbox/contacts/{salesforce_id}", json={"Title": "theirs"}).raise_for_status()
    fault(vendor, effects={"expire_token": True})
    [result] = sent(live, write(salesforce_id, since))
    assert result.outcome == "modified"


def test_a_record_may_occur_once(session: auth.Session, org: ScriptedOrg) -> None:
    with pytest.raises(ValueError, match="once"):
        sent(session, write("003000000000001AAA", NOON), write("003000000000001AAA", NOON))
    assert org.requests == []


def composite(status: int, code: str, text: str = "") -> httpx.Response:
    body = [{"errorCode": code, "message": text}]
    part = {"referenceId": "write0", "httpStatusCode": status, "body": body, "httpHeaders": {}}
    return httpx.Response(200, json={"compositeResponse": [part]})


@pytest.mark.parametrize(
    ("status", "code", "text", "outcome"),
    [
        (412, "ENTITY_FAILED_IFLASTMODIFIED_ON_UPDATE", "", "modified"),
        (412, "SOMETHING_ELSE", "", "modified"),
        (404, "NOT_FOUND", "", "gone"),
        (400, "ENTITY_IS_DELETED", "", "gone"),
        (400, "UNABLE_TO_LOCK_ROW", "", "retry"),
        (400, "PROCESSING_HALTED", "", "retry"),
        (400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "x: UNABLE_TO_LOCK_ROW", "retry"),
        (400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "x: your rule", "rejected"),
        (400, "FIELD_CUSTOM_VALIDATION_EXCEPTION", "no", "rejected"),
        (400, "A_CODE_NOBODY_KNOWS", "", "rejected"),
        (503, "SERVER_UNAVAILABLE", "", "retry"),
        (500, "UNKNOWN_EXCEPTION", "", "unknown"),
    ],
)
def test_each_code_has_its_outcome(
    session: auth.Session, org: ScriptedOrg, status: int, code: str, text: str, outcome: str
) -> None:
    org.answer = lambda _: composite(status, code, text)
    [result] = sent(session, write("003000000000001AAA", NOON))
    assert (result.outcome, result.code, result.detail) == (outcome, code, text)


@pytest.mark.parametrize("body", ["<html>", "{}", '{"compositeResponse": []}'])
def test_an_answer_that_names_no_result_is_unknown(
    session: auth.Session, org: ScriptedOrg, body: str
) -> None:
    org.answer = lambda _: httpx.Response(200, text=body)
    [result] = sent(session, write("003000000000001AAA", NOON))
    assert result.outcome == "unknown"


def test_the_precondition_is_the_second_of_the_stamp_that_was_read(
    session: auth.Session, org: ScriptedOrg
) -> None:
    org.answer = lambda _: composite(412, "X")
    sent(session, write("003000000000001AAA", NOON.replace(microsecond=999_000)))
    assert b'"If-Unmodified-Since":"Thu, 01 Jan 2026 12:00:00 GMT"' in org.calls[0].content


def test_a_used_up_day_leaves_the_writes_unsent(session: auth.Session, org: ScriptedOrg) -> None:
    org.answer = lambda _: httpx.Response(
        403, json=[{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "Total"}]
    )
    with pytest.raises(errors.QuotaError):
        sent(session, write("003000000000001AAA", NOON))


@pytest.mark.parametrize(("failures", "calls"), [(0, 1), (1, 5), (2, 25), (9, 25)])
def test_writes_that_failed_share_their_next_call_with_fewer(
    live: auth.Session, store: Store, vendor: httpx.Client, failures: int, calls: int
) -> None:
    people = [person(store) for _ in range(25)]
    now = stamp(live, people[-1])
    writes = [replace(write(salesforce_id, now), failures=failures) for salesforce_id in people]
    assert {result.outcome for result in sent(live, *writes)} == {"written"}
    assert composites(vendor) == calls


def test_a_call_that_is_refused_as_a_whole_is_halved_until_its_cause_is_alone(
    live: auth.Session, store: Store, vendor: httpx.Client
) -> None:
    people = [person(store) for _ in range(25)]
    now = stamp(live, people[-1])
    body = [{"errorCode": "JSON_PARSER_ERROR", "message": "bad"}]
    fault(vendor, record_id=people[7], status=400, body=body, times=None)
    results = sent(live, *(write(salesforce_id, now) for salesforce_id in people))
    assert [r.salesforce_id for r in results if r.outcome == "rejected"] == [people[7]]
    assert sum(result.outcome == "written" for result in results) == 24
    assert composites(vendor) <= 2 * 5 + 1


def test_a_text_like_a_reference_goes_alone_and_keeps_its_precondition(
    live: auth.Session, store: Store, vendor: httpx.Client
) -> None:
    one, moved = person(store), person(store)
    since = stamp(live, one)
    vendor.patch(f"/_sandbox/contacts/{moved}", json={"Title": "theirs"}).raise_for_status()
    late = write(moved, since - timedelta(seconds=60), Title="@{write0.id}")
    results = sent(live, write(one, since, Title="@{write1.id}"), late)
    assert [result.outcome for result in results] == ["written", "modified"]
    assert (title(vendor, one), title(vendor, moved)) == ("@{write1.id}", "theirs")
