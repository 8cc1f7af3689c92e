"""Problems: every error of ours and of the framework in one shape, without what was sent."""

from __future__ import annotations

import anyio
import httpx
import pytest
from fastapi import FastAPI

from contact_sync import errors
from contact_sync.sidebar import problems


def answered(error: Exception) -> httpx.Response:
    """What an application says when a route raises ``error``."""
    app = FastAPI()
    problems.install(app)

    @app.get("/")
    def fail() -> None:
        raise error

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://sidebar.example") as client:
            return await client.get("/")

    return anyio.run(ask)


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (errors.RejectError("too_long", "Title: too long."), 422, "too_long"),
        (errors.RejectError("too_late", "Title: sent.", status=409), 409, "too_late"),
        (errors.RejectError("unknown_edit", "No.", status=404), 403, "unknown_edit"),
        (errors.RejectError("editing_off", "Off."), 409, "editing_off"),
        (errors.RejectError("23505", "a_constraint"), 409, "changed_meanwhile"),
        (errors.RejectError("22P05", "refused by its type"), 422, "not_storable"),
        (errors.RetryError("the database did not answer"), 503, "try_again"),
        (errors.StopError("not migrated"), 500, "internal_error"),
        (ValueError("eve@example.org"), 500, "internal_error"),
    ],
)
def test_each_error_has_its_status_and_code(error: Exception, status: int, code: str) -> None:
    answer = answered(error)
    assert (answer.status_code, answer.json()["status"], answer.json()["code"]) == (status, status, code)
    assert answer.headers["Content-Type"] == problems.MEDIA_TYPE


def test_a_failure_of_ours_tells_nothing_of_the_data() -> None:
    assert "eve" not in answered(ValueError("eve@example.org")).text


def test_a_wait_that_was_asked_for_is_passed_on() -> None:
    answer = answered(errors.RetryError("busy", retry_after_seconds=7))
    assert answer.headers["Retry-After"] == "7"


def test_what_nobody_may_keep_is_not_kept() -> None:
    assert answered(errors.RejectError("no", "No.")).headers["Cache-Control"] == "no-store"
