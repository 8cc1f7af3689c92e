"""Filters of the contact list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sandbox.respond import answers, listing
from sandbox.respond.contact import new_contact
from tests.sandbox.respond.conftest import Workspace

ANA = {
    **new_contact(1, 1_781_524_800),  # 2026-06-15 12:00 UTC
    "firstName": "Ana", "lastName": "Lopes", "email": "Ana@example.com", "phone": "+6012345678",
    "tags": ["VIP", "trial"], "lifecycle": "Customer", "assignee": {"id": 3},
    "custom_fields": [{"name": "Score", "value": 12}],
}  # fmt: skip


def field(name: str, operator: str, value: Any = None) -> dict[str, Any]:
    return {"category": "contactField", "field": name, "operator": operator, "value": value}


def tags(operator: str, *value: str) -> dict[str, Any]:
    return {"category": "contactTag", "field": None, "operator": operator, "value": list(value)}


def body(
    *conditions: dict[str, Any], word: str = "$and", search: str = "", zone: str = "UTC"
) -> dict[str, Any]:
    return {"search": search, "timezone": zone, "filter": {word: list(conditions)}}


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        (field("firstName", "isEqualTo", "ana"), True),
        (field("firstName", "isNotEqualTo", "ana"), False),
        (field("language", "exists"), False),
        (field("language", "doesNotExist"), True),
        (field("assigneeUserId", "isEqualTo", "3"), True),
        (field("assigneeUserId", "isEqualTo", None), False),
        (field("tags", "hasAnyOf", ["vip"]), True),
        (field("score", "isGreaterThan", 11), True),
        (field("score", "isLessThan", 12), False),
        (field("score", "isBetween", {"from": 10, "to": 12}), True),
        (field("createdAt", "isTimestampAfter", "2026-06-15 11:59"), True),
        (field("createdAt", "isTimestampBefore", "2026-06-15 12:00"), False),
        (
            field("createdAt", "isTimestampBetween", {"from": "2026-06-15 12:00", "to": "2026-06-15 12:00"}),
            True,
        ),
        (
            field("createdAt", "isTimestampBetween", {"from": "2026-06-15 12:01", "to": "2026-06-16 00:00"}),
            False,
        ),
        (tags("hasAnyOf", "vip", "premium"), True),
        (tags("hasAllOf", "vip", "premium"), False),
        (tags("hasAllOf", "VIP", "trial"), True),
        (tags("hasNoneOf", "premium"), True),
        ({"category": "lifecycle", "field": None, "operator": "isEqualTo", "value": "Customer"}, True),
    ],
)
def test_a_condition_holds_or_not(condition: dict[str, Any], holds: bool) -> None:
    assert listing.parse(body(condition))(ANA) is holds


@pytest.mark.parametrize("search", ["ana", "lopes", "ANA LOP", "@example", "2345"])
def test_search_finds_parts_of_names_email_and_phone(search: str) -> None:
    assert listing.parse(body(search=search))(ANA)


def test_search_for_somebody_else_finds_nobody() -> None:
    assert not listing.parse(body(search="maria"))(ANA)


def test_or_needs_one_condition_and_needs_all() -> None:
    conditions = field("firstName", "isEqualTo", "ana"), field("lastName", "isEqualTo", "other")
    assert listing.parse(body(*conditions, word="$or"))(ANA)
    assert not listing.parse(body(*conditions))(ANA)


@pytest.mark.parametrize("word", ["$and", "$or"])
def test_no_condition_is_everybody(word: str) -> None:
    assert listing.parse(body(word=word))(ANA)


def test_wall_clock_texts_are_read_in_the_bodys_time_zone() -> None:
    condition = field(
        "createdAt", "isTimestampBetween", {"from": "2026-06-15 20:00", "to": "2026-06-15 20:00"}
    )
    assert listing.parse(body(condition, zone="Asia/Kuala_Lumpur"))(ANA)


@pytest.mark.parametrize(
    "wrong",
    [
        body(field("firstName", "contains", "a")),
        body({"category": "company", "field": "x", "operator": "exists", "value": None}),
        body(field("createdAt", "isTimestampAfter", "yesterday")),
        body(field("createdAt", "isTimestampBetween", "2026-06-15")),
        body(zone="Mars/Olympus"),
        {"search": "", "timezone": "UTC", "filter": {}},
        {"search": "", "timezone": "UTC", "filter": {"$and": [], "$or": []}},
        {"search": "", "timezone": "UTC", "filter": {"$and": "all"}},
    ],
)
def test_a_filter_the_api_would_refuse_is_400(wrong: dict[str, Any]) -> None:
    with pytest.raises(answers.ApiError) as refusal:
        listing.parse(wrong)
    assert refusal.value.status == 400


def test_the_list_filters_by_creation_and_tag(workspace: Workspace, ids: Callable[..., list[int]]) -> None:
    workspace.make(created_at=1_600_000_000, tags=["vip"])
    wanted = workspace.make(created_at=1_781_524_800, tags=["vip"])
    workspace.make(created_at=1_781_524_800)
    span = {"from": "2026-06-15 00:00", "to": "2026-06-15 23:59"}
    assert ids(field("createdAt", "isTimestampBetween", span), tags("hasAnyOf", "vip")) == [wanted]
