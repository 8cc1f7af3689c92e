"""The whole service: who gets in, route by route, and what its document promises."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.routing import Route

from contact_sync import database, errors
from contact_sync.sidebar.app import create_app
from tests.sandbox.calling import called
from tests.sidebar.conftest import AGENT, bearing, lookup
from tests.stages.house import WORKSPACE, House

OPEN = {"/health", "/api/v1/webhooks/{workspace_id}"}
#: Describes the routes and holds nothing of anybody: any valid token opens it.
DOCUMENT = "/openapi.json"
PLACE = {"workspace_id": WORKSPACE, "respond_id": "1", "edit_id": "1"}
EDIT = {"respond_id": 1, "field_name": "Title", "base_value": "Countess", "new_value": "Programmer"}


def routes(app: FastAPI) -> Iterator[tuple[str, str]]:
    """Every route there is, as method and path, with those behind routers."""
    pending = list(app.routes)
    while pending:
        route = pending.pop()
        pending += getattr(getattr(route, "original_router", None), "routes", [])
        if isinstance(route, Route | APIRoute):
            for method in route.methods or ():
                yield method, route.path


def closed(app: FastAPI) -> list[tuple[str, str]]:
    found = [(method, path) for method, path in routes(app) if path not in OPEN]
    assert len(found) >= 6
    return [(method, path.format(**PLACE)) for method, path in found]


@pytest.fixture
def edited(house: House, client: httpx.Client) -> House:
    """The house with edit 1."""
    house.materialize()
    client.post("/api/v1/edits", json=EDIT).raise_for_status()
    return house


def refused(
    client: httpx.Client, app: FastAPI, headers: dict[str, str], *, but: str = ""
) -> dict[tuple[str, str], int]:
    """Call every route that is not open; return what each answered, having looked that it says nothing more."""
    statuses = {}
    for method, path in [(method, path) for method, path in closed(app) if path != but]:
        body = EDIT | {"workspace_id": WORKSPACE} if path.endswith("/edits") else None
        answer = client.request(method, path, json=body, headers=headers)
        statuses[method, path] = answer.status_code
        for secret in ("Countess", "Programmer", AGENT, "003"):
            assert secret not in answer.text
    return statuses


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": "Basic YTpi"},
        {"Authorization": "Bearer no.real.token"},
        bearing(secret="another secret"),
        bearing(seconds=-60),
    ],
    ids=["none", "empty", "basic", "garbage", "forged", "expired"],
)
def test_no_route_answers_without_a_valid_token(
    stranger: httpx.Client, app: FastAPI, edited: House, headers: dict[str, str]
) -> None:
    assert set(refused(stranger, app, headers).values()) == {401}


def test_no_route_answers_a_foreign_token(stranger: httpx.Client, app: FastAPI, edited: House) -> None:
    assert set(refused(stranger, app, bearing("other"), but=DOCUMENT).values()) == {403}


def test_nothing_is_edited_with_a_token_to_read(stranger: httpx.Client, app: FastAPI, edited: House) -> None:
    reading = bearing(can_edit=False)
    writes = [(method, path) for method, path in closed(app) if method == "POST"]
    assert len(writes) == 3
    for method, path in writes:
        answer = stranger.request(method, path, json=EDIT, headers=reading)
        assert answer.status_code == 403
        assert 'scope="edit"' in answer.headers["WWW-Authenticate"]
    assert edited.raw.column("SELECT status FROM field_edit") == ["queued"]


@pytest.mark.parametrize("paths", [("/sidebar/other/1", "/sidebar/other/999"), ("/edits/1", "/edits/999")])
def test_a_foreign_token_does_not_learn_what_exists(
    stranger: httpx.Client, edited: House, paths: tuple[str, str]
) -> None:
    token = bearing("third")
    there, nowhere = (stranger.get(f"/api/v1{path}", headers=token) for path in paths)
    assert there.status_code == nowhere.status_code == 403
    assert there.json()["code"] == nowhere.json()["code"]


def test_a_path_that_does_not_exist_needs_a_token_too(stranger: httpx.Client) -> None:
    assert stranger.get("/nowhere").status_code == 401


def test_health_needs_no_token(stranger: httpx.Client) -> None:
    assert stranger.get("/health").json() == {"status": "ok"}


def test_every_error_in_the_document_is_a_problem(client: httpx.Client) -> None:
    document = client.get("/openapi.json").json()
    errors_told = [
        content
        for path in document["paths"].values()
        for operation in path.values()
        for status, answer in operation["responses"].items()
        if int(status) >= 400
        for content in answer["content"]
    ]
    assert set(errors_told) == {"application/problem+json"}


def test_the_document_has_examples(client: httpx.Client) -> None:
    schemas = client.get("/openapi.json").json()["components"]["schemas"]
    assert all(schemas[name]["examples"] for name in ("Sidebar", "NewEdit", "Edit", "Problem"))


def test_there_is_no_service_without_a_secret(db: database.Database) -> None:
    with pytest.raises(errors.StopError, match="CONTACT_SYNC_SECRET"):
        create_app(db, secret="", lookup=lookup)


def test_a_database_that_is_down_is_told_as_a_problem() -> None:
    db = database.Database("postgresql://nobody@127.0.0.1:1/none")
    with called(create_app(db, secret="a secret", lookup=lookup)) as client:
        answer = client.get("/health")
    db.close()
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "1"
    assert answer.json()["code"] == "try_again"
