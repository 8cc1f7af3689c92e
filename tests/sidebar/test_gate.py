"""The gate: bodies end somewhere, and the log tells routes, not people."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator

import anyio
import httpx
import pytest
from fastapi import FastAPI

from contact_sync.sidebar import gate
from tests.sidebar.conftest import bearing
from tests.stages.house import WORKSPACE, House

JSON = {"Content-Type": "application/json"}


async def _chunks() -> AsyncIterator[bytes]:
    for _ in range(11):
        yield b" " * (gate.LARGEST_BODY // 10)


def test_a_body_in_chunks_is_counted(app: FastAPI) -> None:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://sidebar.example") as client:
            return await client.post("/api/v1/edits", content=_chunks(), headers=JSON | bearing())

    answer = anyio.run(ask)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


@pytest.mark.parametrize("length", [str(gate.LARGEST_BODY + 1), "-1", "many"])
def test_a_length_that_is_too_large_or_none_is_refused_unread(client: httpx.Client, length: str) -> None:
    answer = client.post("/api/v1/edits", content=b"{}", headers={**JSON, "Content-Length": length})
    assert answer.status_code == 413


def test_an_open_route_has_its_limit_too(stranger: httpx.Client) -> None:
    answer = stranger.post(f"/api/v1/webhooks/{WORKSPACE}", content=b" " * (gate.LARGEST_BODY + 1))
    assert answer.status_code == 413


@pytest.mark.parametrize("path", ["/api/v1/webhooks/../edits/1", "/health/", "//health", "/api/v1/webhooks"])
def test_no_spelling_of_a_path_goes_round_the_gate(stranger: httpx.Client, path: str) -> None:
    assert stranger.get(path).status_code in (401, 404)


def test_the_log_names_the_route_and_nobody(
    client: httpx.Client, house: House, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="contact_sync.sidebar"):
        client.get(f"/api/v1/sidebar/{WORKSPACE}/2?email=eve@example.org")
    [line] = [record.getMessage() for record in caplog.records if record.name == gate.__name__]
    assert line.startswith("GET /api/v1/sidebar/{workspace_id}/{respond_id} 200 ")


def test_who_was_not_let_in_is_logged_without_an_address(
    stranger: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="contact_sync.sidebar"):
        stranger.get("/api/v1/edits/eve@example.org")
    assert "eve" not in caplog.text
    assert "GET - 401" in caplog.text
