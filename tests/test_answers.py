from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest

from contact_sync import answers, errors

CALL = "Salesforce GET /queryAll"


def answer(status: int, body: object = None, **headers: str) -> httpx.Response:
    if isinstance(body, str):
        return httpx.Response(status, text=body, headers=headers)
    return httpx.Response(status, json=body, headers=headers)


def salesforce(status: int, code: str, text: str = "") -> httpx.Response:
    return answer(status, [{"errorCode": code, "message": text}])


@pytest.mark.parametrize("status", [406, 408, 420, 425, 429, 449, 500, 502, 503, 504])
def test_a_status_that_passes_is_retried(status: int) -> None:
    found = answers.error(answer(status, "<html>"), CALL, is_idempotent=True)
    assert type(found) is errors.RetryError


@pytest.mark.parametrize("status", [301, 302, 401, 403, 410])
def test_a_status_that_needs_a_person_stops(status: int) -> None:
    assert isinstance(answers.error(answer(status, ""), CALL, is_idempotent=True), errors.StopError)


@pytest.mark.parametrize("status", [400, 404, 405, 409, 412, 414, 422, 431])
def test_any_other_refusal_carries_the_vendors_code_text_and_status(status: int) -> None:
    found = answers.error(salesforce(status, "INVALID_FIELD", "No such column"), CALL, is_idempotent=True)
    assert isinstance(found, errors.RejectError)
    assert (found.code, found.detail, found.status) == ("INVALID_FIELD", "No such column", status)


def test_the_used_up_day_defers_the_run() -> None:
    refused = salesforce(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
    assert isinstance(answers.error(refused, CALL, is_idempotent=True), errors.QuotaError)


def test_too_many_long_calls_at_once_pass_by_themselves() -> None:
    refused = salesforce(403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentPerOrgLongTxn Limit exceeded.")
    assert type(answers.error(refused, CALL, is_idempotent=True)) is errors.RetryError


@pytest.mark.parametrize("status", [400, 500])
def test_a_query_too_slow_for_its_range_is_not_repeated_as_it_is(status: int) -> None:
    found = answers.error(salesforce(status, "QUERY_TIMEOUT"), CALL, is_idempotent=True)
    assert isinstance(found, errors.RejectError)


def test_a_wait_code_is_a_wait_whatever_the_status() -> None:
    found = answers.error(salesforce(400, "UNABLE_TO_LOCK_ROW"), CALL, is_idempotent=False)
    assert isinstance(found, errors.RetryError)
    assert not found.is_ambiguous


@pytest.mark.parametrize(("status", "is_ambiguous"), [(500, True), (503, True), (429, False), (449, False)])
def test_a_write_is_ambiguous_unless_the_answer_says_it_was_not_taken(
    status: int, is_ambiguous: bool
) -> None:
    found = answers.error(answer(status, ""), CALL, is_idempotent=False)
    assert isinstance(found, errors.RetryError)
    assert found.is_ambiguous is is_ambiguous


@pytest.mark.parametrize("status", [403, 503])
def test_a_message_that_reaches_logs_quotes_nothing_the_vendor_said(status: int) -> None:
    refused = salesforce(status, "INSUFFICIENT_ACCESS", "ada@example.com may not")
    assert "ada@example.com" not in str(answers.error(refused, CALL, is_idempotent=True))


@pytest.mark.parametrize(
    ("body", "code", "text"),
    [
        ([{"errorCode": "A", "message": "b", "fields": ["Title"]}], "A", "b"),
        ([{"statusCode": "A", "message": "b"}], "A", "b"),
        ({"error": "invalid_grant", "error_description": "no"}, "invalid_grant", "no"),
        ({"code": 409, "message": "Conflict"}, "409", "Conflict"),
        ([], "HTTP_400", ""),
        (None, "HTTP_400", ""),
        ("plain", "HTTP_400", ""),
        ({"unknown": 1}, "HTTP_400", ""),
    ],
)
def test_every_shape_of_error_body_is_read(body: object, code: str, text: str) -> None:
    found = answers.vendor_error(body, 400)
    assert (found.code, found.text) == (code, text)


NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("3", 3.0),
        ("Thu, 01 Jan 2026 12:00:05 GMT", 5.0),
        ("Thu, 01 Jan 2026 11:00:00 GMT", 0.0),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_read_in_both_forms(value: str | None, seconds: float | None) -> None:
    assert answers.retry_after(value, NOON) == seconds


@pytest.mark.parametrize("body", ["<html>", "", '"text"', "[1]", '{"cut": '])
def test_anything_but_a_json_object_is_asked_for_again(body: str) -> None:
    with pytest.raises(errors.RetryError):
        answers.json_object(httpx.Response(200, text=body), CALL)
