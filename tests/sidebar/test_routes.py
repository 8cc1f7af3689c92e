"""The routes: contacts read cheaply, edits queued once, refused with a reason, followed and taken back."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.raw_sql import RawSql
from tests.sidebar.conftest import AGENT
from tests.stages.house import WORKSPACE, House

EDITS = "/api/v1/edits"
ADA = f"/api/v1/sidebar/{WORKSPACE}/1"


@pytest.fixture(autouse=True)
def shown(house: House) -> House:
    house.materialize()
    return house


def post(client: httpx.Client, key: str | None = None, **changes: Any) -> httpx.Response:
    edit = {"respond_id": 1, "field_name": "Title", "base_value": "Countess", "new_value": "Programmer"}
    body = {name: value for name, value in {**edit, **changes}.items() if value is not ...}
    return client.post(EDITS, json=body, headers={"Idempotency-Key": key} if key else {})


def test_a_contact_is_read(client: httpx.Client) -> None:
    answer = client.get(ADA)
    assert answer.status_code == 200
    title = answer.json()["fields"][0]
    assert (title["name"], title["value"], title["editable"]) == ("Title", "Countess", True)


def test_what_is_absent_is_left_out(client: httpx.Client) -> None:
    title = client.get(ADA).json()["fields"][0]
    assert {"edit", "stale", "read_only_reason"}.isdisjoint(title)


def test_who_has_the_contact_already_gets_no_body(client: httpx.Client) -> None:
    tag = client.get(ADA).headers["ETag"]
    answer = client.get(ADA, headers={"If-None-Match": f'"else", W/{tag}'})
    assert (answer.status_code, answer.content) == (304, b"")


def test_a_queued_edit_changes_the_tag(client: httpx.Client) -> None:
    tag = client.get(ADA).headers["ETag"]
    post(client)
    assert client.get(ADA, headers={"If-None-Match": tag}).status_code == 200


def test_a_contact_without_a_match_is_an_answer(client: httpx.Client) -> None:
    answer = client.get(f"/api/v1/sidebar/{WORKSPACE}/2")
    assert answer.status_code == 200
    assert (answer.json()["match_status"], answer.json()["reason"]) == ("unmatched", "no_identifier")


def waiting(raw: RawSql) -> list[int]:
    """The contacts that respond.io is to be asked for."""
    found: list[int] = raw.column("SELECT respond_id FROM respond_look WHERE asked_at IS NOT NULL ORDER BY 1")
    return found


def test_an_opened_contact_is_asked_for(client: httpx.Client, raw: RawSql) -> None:
    client.get(ADA)
    assert waiting(raw) == [1]


def test_an_unknown_contact_is_asked_for(client: httpx.Client, raw: RawSql) -> None:
    client.get(f"/api/v1/sidebar/{WORKSPACE}/99")
    assert waiting(raw) == [99]


def test_a_contact_seen_within_the_minute_is_not_asked_for(client: httpx.Client, raw: RawSql) -> None:
    raw("UPDATE respond_contact SET seen_at = now() - interval '50 seconds'")
    client.get(ADA)
    assert waiting(raw) == []


@pytest.mark.parametrize(("seconds", "is_asked"), [(50, False), (70, True)])
def test_a_contact_that_answered_within_the_minute_is_not_asked_for_again(
    client: httpx.Client, raw: RawSql, seconds: int, is_asked: bool
) -> None:
    raw(
        "INSERT INTO respond_look (workspace_id, respond_id, answered_at)"
        " VALUES (%(workspace)s, 1, now() - make_interval(secs => %(seconds)s))",
        workspace=WORKSPACE,
        seconds=seconds,
    )
    client.get(ADA)
    assert waiting(raw) == ([1] if is_asked else [])


def test_a_contact_opened_twice_keeps_its_place_in_the_line(client: httpx.Client, raw: RawSql) -> None:
    client.get(ADA)
    before = raw.versions("respond_look")
    client.get(ADA)
    assert raw.versions("respond_look") == before


def test_so_many_may_wait_and_no_more(client: httpx.Client, raw: RawSql) -> None:
    raw(
        "INSERT INTO respond_look (workspace_id, respond_id, asked_at)"
        " SELECT %(workspace)s, n, now() FROM generate_series(1001, 1500) AS n",
        workspace=WORKSPACE,
    )
    client.get(ADA)
    assert 1 not in waiting(raw)


def test_an_unknown_contact_is_a_problem(client: httpx.Client) -> None:
    answer = client.get(f"/api/v1/sidebar/{WORKSPACE}/99")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_contact")


def test_an_edit_is_queued_in_the_agents_name(client: httpx.Client, raw: RawSql) -> None:
    answer = post(client)
    assert answer.status_code == 202
    assert raw("SELECT status, requested_by, new_value FROM field_edit") == [
        {"status": "queued", "requested_by": AGENT, "new_value": "Programmer"}
    ]
    assert client.get(answer.headers["Location"]).json() == answer.json()


def test_the_same_key_with_the_same_body_is_the_same_edit(client: httpx.Client, raw: RawSql) -> None:
    first, second = post(client, "k"), post(client, "k")
    assert (first.status_code, second.status_code) == (202, 200)
    assert first.json()["edit_id"] == second.json()["edit_id"]
    assert raw.value("SELECT count(*) FROM field_edit") == 1


def test_the_same_key_with_another_body_is_refused(client: httpx.Client) -> None:
    post(client, "k")
    answer = post(client, "k", new_value="Queen")
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")


def test_formula_text_is_kept_literally(client: httpx.Client, raw: RawSql) -> None:
    post(client, new_value="=1+1")
    assert raw.value("SELECT new_value FROM field_edit") == "=1+1"


@pytest.mark.parametrize(
    ("changes", "status", "code", "field"),
    [
        ({"field_name": "Phone"}, 422, "email_or_phone", "Phone"),
        ({"field_name": "Salary__c"}, 422, "field_not_chosen", "Salary__c"),
        ({"base_value": ...}, 422, "base_missing", "Title"),
        ({"new_value": ...}, 422, "missing", "Title"),
        ({"respond_id": 2}, 409, "not_matched", "Title"),
        ({"respond_id": 99}, 404, "unknown_contact", "Title"),
        ({"respond_id": 2**63}, 422, "less_than_equal", "respond_id"),
        ({"respond_id": "1"}, 422, "int_type", "respond_id"),
        ({"respond_id": True}, 422, "int_type", "respond_id"),
        ({"field_name": "Ti\x00tle"}, 422, "string_pattern_mismatch", "field_name"),
        ({"new_value": {"a": 1}}, 422, "wrong_type", "Title"),
        ({"new_value": "a\x00b"}, 422, "not_storable", "Title"),
        ({"new_value": "x" * 81}, 422, "too_long", "Title"),
        ({"base_value": "x" * 1_000_000}, 413, "too_large", "body"),
        ({"new_value": "x" * 999_000}, 422, "too_long", "Title"),
        ({"new_value": "a\x07b"}, 422, "control_characters", "Title"),
        ({"workspace_id": "nowhere"}, 403, "foreign_workspace", "workspace_id"),
        ({"nobody_asked": 1}, 422, "extra_forbidden", "body"),
        ({"workspace_id": "other"}, 403, "foreign_workspace", "workspace_id"),
    ],
)
def test_a_refused_edit_names_field_and_reason_and_queues_nothing(
    client: httpx.Client, raw: RawSql, changes: dict[str, Any], status: int, code: str, field: str | None
) -> None:
    answer = post(client, **changes)
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem.get("field")) == (status, code, field)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert raw.value("SELECT count(*) FROM field_edit") == 0


def test_editing_that_is_off_refuses(client: httpx.Client, house: House) -> None:
    house.settings(editing_enabled=False)
    assert (post(client).status_code, post(client).json()["code"]) == (409, "editing_off")


@pytest.mark.parametrize(
    "body",
    [b"{", b"", b"nil", b'{"respond_id": NaN}', b"[" * 100_000, b'{"a": ' + b"1" * 5000 + b"}", b"\xff\xfe"],
)
def test_a_broken_body_is_the_callers_fault(client: httpx.Client, raw: RawSql, body: bytes) -> None:
    answer = client.post(EDITS, content=body, headers={"Content-Type": "application/json"})
    assert 400 <= answer.status_code < 500
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["field"]
    assert raw.value("SELECT count(*) FROM field_edit") == 0


def test_half_a_surrogate_pair_is_refused(client: httpx.Client) -> None:
    body = b'{"respond_id":1,"field_name":"Title","base_value":"\\ud800","new_value":"x"}'
    answer = client.post(EDITS, content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["field"]) == (422, "Title")


@pytest.mark.parametrize("key", ["", "x" * 256, "has space"])
def test_a_key_that_is_none_is_refused(client: httpx.Client, key: str) -> None:
    edit = {"respond_id": 1, "field_name": "Title", "base_value": "Countess", "new_value": "Queen"}
    answer = client.post(EDITS, json=edit, headers={"Idempotency-Key": key})
    assert (answer.status_code, answer.json()["field"]) == (422, "idempotency-key")


def test_an_edit_is_taken_back(client: httpx.Client) -> None:
    edit_id = post(client).json()["edit_id"]
    answer = client.post(f"{EDITS}/{edit_id}/discard")
    assert (answer.status_code, answer.json()["status"]) == (200, "discarded")


def test_an_edit_under_way_cannot_be_taken_back(client: httpx.Client, raw: RawSql) -> None:
    edit_id = post(client).json()["edit_id"]
    raw("UPDATE field_edit SET status = 'applying'")
    answer = client.post(f"{EDITS}/{edit_id}/discard")
    assert (answer.status_code, answer.json()["code"]) == (409, "too_late")


def test_an_applied_edit_is_reverted_by_another_one(client: httpx.Client, raw: RawSql) -> None:
    edit_id = post(client).json()["edit_id"]
    raw("UPDATE field_edit SET status = 'applying'")
    raw("UPDATE field_edit SET status = 'applied', settled_at = now(), stored_value = new_value")
    answer = client.post(f"{EDITS}/{edit_id}/revert")
    assert answer.status_code == 202
    assert (answer.json()["new_value"], answer.json()["reverts_edit_id"]) == ("Countess", edit_id)


@pytest.mark.parametrize("edit_id", ["0", "x", str(2**63)])
def test_an_id_that_is_none_is_refused(client: httpx.Client, edit_id: str) -> None:
    assert client.get(f"{EDITS}/{edit_id}").status_code == 422
