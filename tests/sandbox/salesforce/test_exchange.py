"""The route table: literal before placeholder, methods, rest paths."""

from __future__ import annotations

import pytest

from sandbox.salesforce.errors import ApiError
from sandbox.salesforce.exchange import Answer, Call, Router


def router(*routes: tuple[str, str]) -> Router:
    made = Router()

    def handler(call: Call) -> Answer:
        return Answer()

    for method, template in routes:
        made.add(method, template)(handler)
    return made


def found(made: Router, method: str, path: str) -> tuple[str, dict[str, str]]:
    hit = made.find(method, path)
    assert hit is not None
    return hit[0].template, hit[1]


def test_a_literal_segment_wins_over_a_placeholder() -> None:
    made = router(("GET", "/a/{id}"), ("GET", "/a/describe"))
    assert found(made, "GET", "/a/describe") == ("/a/describe", {})
    assert found(made, "GET", "/a/7") == ("/a/{id}", {"id": "7"})


def test_a_placeholder_ends_at_a_slash_unless_it_is_the_rest() -> None:
    made = router(("GET", "/a/{id}"), ("GET", "/b/{rest*}"))
    assert made.find("GET", "/a/7/8") is None
    assert found(made, "GET", "/b/7/8") == ("/b/{rest*}", {"rest": "7/8"})


def test_a_final_slash_makes_no_difference() -> None:
    assert found(router(("GET", "/a")), "GET", "/a/") == ("/a", {})


def test_another_method_is_refused_with_those_allowed() -> None:
    with pytest.raises(ApiError, match="Allowed are GET,POST"):
        router(("POST", "/a"), ("GET", "/a")).find("PUT", "/a")
