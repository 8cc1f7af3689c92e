"""Five requests per second, then 429."""

from __future__ import annotations

import pytest

from sandbox.respond.limits import Bucket
from tests.sandbox.respond.conftest import Workspace


@pytest.fixture
def limited(workspace: Workspace) -> Workspace:
    """A workspace with the vendor's limit."""
    workspace.store.switch({"requests_per_second": 5})
    return workspace


def _statuses(workspace: Workspace, *requests: tuple[str, str]) -> list[int]:
    return [workspace.client.request(method, path).status_code for method, path in requests]


def test_the_sixth_request_of_a_second_is_refused_with_the_vendors_headers(limited: Workspace) -> None:
    answers = [limited.client.get("/v2/contact/id:1") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [404] * 5 + [429]
    assert answers[-1].json() == {"code": 429, "message": "Too Many Requests"}
    assert answers[-1].headers["Retry-After"] == "1"
    assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == ["4", "3", "2", "1", "0", "0"]
    assert answers[0].headers["X-RateLimit-Limit"] == "5"


@pytest.mark.parametrize(
    ("shared_by", "refused"), [("global", [429, 429]), ("method", [400, 429]), ("method+path", [400, 404])]
)
def test_what_shares_a_bucket_is_a_switch(limited: Workspace, shared_by: str, refused: list[int]) -> None:
    limited.store.switch({"rate_bucket": shared_by})
    _statuses(limited, *[("GET", "/v2/contact/id:1")] * 5)
    assert _statuses(limited, ("PUT", "/v2/contact/id:1"), ("GET", "/v2/contact/id:2")) == refused


def test_control_routes_are_not_limited(limited: Workspace) -> None:
    assert _statuses(limited, *[("GET", "/_sandbox/health")] * 9) == [200] * 9


def test_a_bucket_refills_with_time() -> None:
    bucket = Bucket(5, 0.0)
    assert [bucket.take(5, 0.0) for _ in range(6)][-1] == pytest.approx(0.2)
    assert bucket.take(5, 0.2) == 0.0


def test_a_bucket_never_holds_more_than_a_second(limited: Workspace) -> None:
    bucket = Bucket(0, 0.0)
    waits = [bucket.take(5, 3600.0) for _ in range(6)]
    assert [wait > 0 for wait in waits] == [False] * 5 + [True]
