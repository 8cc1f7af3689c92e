from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contact_sync import errors
from contact_sync.salesforce import auth, query
from tests.salesforce.conftest import ScriptedOrg, page, refusal

NEXT = "/services/data/v66.0/query/0r8-2000"


def test_pages_follow_the_locator_to_the_end(session: auth.Session, org: ScriptedOrg) -> None:
    answers = iter([page([{"Id": "1"}], next_path=NEXT), page([{"Id": "2"}])])
    org.answer = lambda _: next(answers)
    found = [record["Id"] for p in query.pages(session, "SELECT Id FROM Contact") for record in p.records]
    assert found == ["1", "2"]
    assert [request.url.path for request in org.calls] == ["/services/data/v66.0/queryAll", NEXT]
    assert org.calls[1].url.query == b""


def test_a_page_is_asked_for_only_when_it_is_wanted(session: auth.Session, org: ScriptedOrg) -> None:
    org.answer = lambda _: page([{"Id": "1"}], next_path=NEXT)
    next(query.pages(session, "SELECT Id FROM Contact"))
    assert len(org.calls) == 1


def test_the_page_size_is_wished_for_on_every_page(session: auth.Session, org: ScriptedOrg) -> None:
    answers = iter([page([], next_path=NEXT), page([])])
    org.answer = lambda _: next(answers)
    list(query.pages(session, "SELECT Id FROM Contact", page_size=200))
    assert [request.headers["Sforce-Query-Options"] for request in org.calls] == ["batchSize=200"] * 2


def test_attributes_are_dropped_from_records_and_parents(session: auth.Session, org: ScriptedOrg) -> None:
    account = {"attributes": {"type": "Account"}, "Name": "Acme"}
    org.answer = lambda _: page([{"attributes": {}, "Id": "1", "Account": account}, {"Account": None}])
    [only] = query.pages(session, "SELECT Id, Account.Name FROM Contact")
    assert only.records == [{"Id": "1", "Account": {"Name": "Acme"}}, {"Account": None}]


def test_the_servers_clock_comes_with_the_page(session: auth.Session, org: ScriptedOrg) -> None:
    org.answer = lambda _: page([])
    [only] = query.pages(session, "SELECT Id FROM Contact")
    assert only.server_date == datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_a_slow_query_is_as_old_as_its_question() -> None:
    answer = httpx.Response(200, headers={"Date": "Thu, 01 Jan 2026 12:00:00 GMT"})
    answer.elapsed = timedelta(seconds=90, milliseconds=700)
    assert query.asked_at(answer, "/queryAll") == datetime(2026, 1, 1, 11, 58, 30, tzinfo=UTC)


def test_an_answer_without_a_clock_stops(session: auth.Session, org: ScriptedOrg) -> None:
    org.answer = lambda _: httpx.Response(200, json={"totalSize": 0, "done": True, "records": []})
    with pytest.raises(errors.StopError, match="Date"):
        list(query.pages(session, "SELECT Id FROM Contact"))


@pytest.mark.parametrize(
    "body",
    [{"totalSize": 2, "done": False, "records": [{}]}, {"totalSize": 2, "done": True}, {"records": []}],
)
def test_a_part_is_never_taken_for_the_whole(
    session: auth.Session, org: ScriptedOrg, body: dict[str, object]
) -> None:
    org.answer = lambda _: httpx.Response(200, json=body)
    with pytest.raises(errors.RetryError):
        list(query.pages(session, "SELECT Id FROM Contact"))


def test_a_locator_seen_twice_ends_the_walk(session: auth.Session, org: ScriptedOrg) -> None:
    org.answer = lambda _: page([{"Id": "1"}], next_path=NEXT)
    with pytest.raises(errors.RetryError, match="twice"):
        list(query.pages(session, "SELECT Id FROM Contact"))


def test_a_query_too_slow_asks_for_a_smaller_range(session: auth.Session, org: ScriptedOrg) -> None:
    org.answer = lambda _: refusal(400, "QUERY_TIMEOUT", "Your query request was running for too long.")
    with pytest.raises(query.QueryTimeoutError):
        list(query.pages(session, "SELECT Id FROM Contact"))
    assert len(org.calls) == 1


def test_an_expired_locator_means_query_again(session: auth.Session, org: ScriptedOrg) -> None:
    answers = iter([page([], next_path=NEXT), refusal(400, "INVALID_QUERY_LOCATOR")])
    org.answer = lambda _: next(answers)
    with pytest.raises(errors.RetryError, match="again"):
        list(query.pages(session, "SELECT Id FROM Contact"))


def test_a_lost_field_is_rejected_with_salesforces_code(session: auth.Session, org: ScriptedOrg) -> None:
    org.answer = lambda _: refusal(400, "INVALID_FIELD", "No such column 'Nope' on entity 'Contact'.")
    with pytest.raises(errors.RejectError) as caught:
        list(query.pages(session, "SELECT Nope FROM Contact"))
    assert caught.value.code == "INVALID_FIELD"


def test_a_count_is_the_total_and_the_clock(session: auth.Session, org: ScriptedOrg) -> None:
    org.answer = lambda _: page([], totalSize=42)
    assert query.count(session, query.select_count()) == (42, datetime(2026, 1, 1, 12, tzinfo=UTC))


def test_select_builds_what_it_is_told() -> None:
    assert query.select(["Id", "Account.Name"]) == "SELECT Id, Account.Name FROM Contact"
    assert query.select(["Id"], where="Id IN ('1')") == "SELECT Id FROM Contact WHERE Id IN ('1')"


@pytest.mark.parametrize(
    ("text", "literal"), [("Ada", "'Ada'"), ("O'Neil", "'O\\'Neil'"), ("a\\b\n", "'a\\\\b\\n'"), ("", "''")]
)
def test_text_is_quoted(text: str, literal: str) -> None:
    assert query.text_literal(text) == literal


@given(st.text())
def test_no_text_ends_its_own_literal(text: str) -> None:
    inner = query.text_literal(text)[1:-1]
    assert "'" not in inner.replace("\\\\", "").replace("\\'", "")


def test_a_list_of_texts_is_parenthesized() -> None:
    assert query.text_list(["a", "b'"]) == "('a', 'b\\'')"


def test_a_time_is_written_in_utc_and_cut_to_the_second_below() -> None:
    moment = datetime(2026, 1, 1, 14, 0, 0, 999_999, tzinfo=timezone(timedelta(hours=2)))
    assert query.datetime_literal(moment) == "2026-01-01T12:00:00Z"


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        query.datetime_literal(datetime(2026, 1, 1))  # noqa: DTZ001
