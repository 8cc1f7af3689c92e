"""A client that no one here wrote calls every route as the service describes it, with sense and without."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from fastapi.routing import APIRoute
from hypothesis import HealthCheck, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from contact_sync import database, edits
from contact_sync.sidebar import routes
from tests.raw_sql import RawSql
from tests.sidebar.conftest import bearing
from tests.stages.house import WORKSPACE, House

ROUTES = [
    (method, route.path)
    for router in (routes.api, routes.public)
    for route in router.routes
    if isinstance(route, APIRoute)
    for method in sorted(route.methods)
]
#: /health takes nothing, so nothing can be wrong with it.
CALLS = [
    (*route, mode) for route in ROUTES for mode in GenerationMode if route[1] != "/health" or mode.is_positive
]
EXAMPLES = 15


@pytest.fixture
def described(app: FastAPI, house: House) -> Any:
    """The service as its own document tells, matched contact included."""
    house.materialize()
    return schemathesis.openapi.from_asgi("/openapi.json", app, headers=bearing())


@pytest.fixture
def known_edit(described: Any, db: database.Database, raw: RawSql) -> int:
    """An edit that was applied, so that all can be asked of it."""
    wish = edits.Wish(
        workspace_id=WORKSPACE,
        respond_id=1,
        field_name="Title",
        base_value="Countess",
        new_value="Programmer",
        requested_by="ada",
    )
    edit_id = int(edits.queue_edit(db, wish)["edit_id"])
    raw("UPDATE field_edit SET status = 'applying'")
    raw("UPDATE field_edit SET status = 'applied', stored_value = new_value, settled_at = now()")
    return edit_id


@pytest.mark.slow
@pytest.mark.parametrize(("method", "path", "mode"), CALLS)
def test_every_answer_is_as_documented(
    described: Any, known_edit: int, method: str, path: str, mode: GenerationMode
) -> None:
    @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(case=described[path][method].as_strategy(generation_mode=mode))
    def played(case: Case[Any]) -> None:
        if "workspace_id" in case.path_parameters and "webhooks" not in path:
            case.path_parameters["workspace_id"] = WORKSPACE
        if mode.is_positive:
            _hit(case, known_edit)
        # a well-formed edit of a field that is not shown is refused, rightly
        case.call_and_validate(headers=bearing(), excluded_checks=[positive_data_acceptance])

    played()


def _hit(case: Case[Any], known_edit: int) -> None:
    """Let a sound call be about what exists: numbers at random would only ever be answered "unknown"."""
    known = {"respond_id": 1, "edit_id": known_edit}
    case.path_parameters.update({key: value for key, value in known.items() if key in case.path_parameters})
    if isinstance(case.body, dict) and "respond_id" in case.body:
        case.body |= {"respond_id": 1, "field_name": "Title"}
        case.body.pop("workspace_id", None)
