"""The routes: plain functions that check who asks for what, and call one thing."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path, Request, Response
from fastapi.security import HTTPBearer
from starlette.background import BackgroundTask

from contact_sync import database, edits
from contact_sync.sidebar import models, problems, reading, tokens, webhooks

Documents = dict[int | str, dict[str, Any]]


def _documented(*statuses: int) -> Documents:
    return {status: {"model": models.Problem} for status in statuses}


def _db(request: Request) -> database.Database:
    db: database.Database = request.app.state.db
    return db


def _allowed(request: Request, scope: tokens.Scope) -> tokens.Bearer:
    bearer: tokens.Bearer = request.state.bearer
    if scope not in bearer.scopes:
        challenge = f'Bearer realm="contact-sync", error="insufficient_scope", scope="{scope}"'
        detail = f"This token does not allow to {scope}."
        raise problems.refusal(403, "wrong_scope", detail, **{"WWW-Authenticate": challenge})
    return bearer


def _reader(request: Request) -> tokens.Bearer:
    return _allowed(request, "read")


def _editor(request: Request) -> tokens.Bearer:
    return _allowed(request, "edit")


def _in_workspace(bearer: tokens.Bearer, workspace_id: str | None) -> str:
    if workspace_id not in (None, bearer.workspace_id):
        detail = "This token belongs to another workspace."
        raise problems.refusal(403, "foreign_workspace", detail, field="workspace_id")
    return bearer.workspace_id


def _own_workspace(bearer: Annotated[tokens.Bearer, Depends(_reader)], workspace_id: str) -> str:
    return _in_workspace(bearer, workspace_id)


async def _raw_body(request: Request) -> bytes:
    return await request.body()


Db = Annotated[database.Database, Depends(_db)]
Reader = Annotated[tokens.Bearer, Depends(_reader)]
Editor = Annotated[tokens.Bearer, Depends(_editor)]
OwnWorkspace = Annotated[str, Depends(_own_workspace)]
RespondId = Annotated[int, Path(ge=1, le=models.LARGEST_ID, examples=[104711])]
EditId = Annotated[int, Path(ge=1, le=models.LARGEST_ID, examples=[7])]
IdempotencyKey = Annotated[
    str | None,
    Header(pattern=r"^[!-~]{1,255}$", description="The same key with the same body is the same edit."),
]
IfNoneMatch = Annotated[str | None, Header(description="The ETag of what you have.")]
Signature = Annotated[str | None, Header(alias="X-Webhook-Signature")]

_bearer_scheme = HTTPBearer(auto_error=False, scheme_name="token", description="See `contact_sync token`.")
api = APIRouter(
    prefix="/api/v1",
    dependencies=[Depends(_bearer_scheme)],
    responses=_documented(401, 403, 422, 503),
)
public = APIRouter(responses=_documented(503))


@api.get(
    "/sidebar/{workspace_id}/{respond_id}",
    response_model=models.Sidebar,
    responses={304: {"description": "As you have it."}, **_documented(404)},
)
def read_sidebar(
    workspace_id: OwnWorkspace, respond_id: RespondId, db: Db, if_none_match: IfNoneMatch = None
) -> Response:
    """What an agent sees of one contact; without a match its status, reason and hint."""
    found = reading.read(db, workspace_id, respond_id)
    if found is None:
        reading.ask_for_news(db, workspace_id, respond_id)
        detail = (
            f"There is no contact {respond_id} in this workspace. If it is new, read it again in a minute."
        )
        raise problems.refusal(404, "unknown_contact", detail)
    answer = _unless_known(found.model_dump_json(exclude_unset=True).encode(), if_none_match)
    # after the answer: an agent waits for nothing that may be of use only next time
    answer.background = BackgroundTask(reading.ask_for_news, db, workspace_id, respond_id)
    return answer


@api.post(
    "/edits",
    status_code=202,
    response_model=models.Edit,
    responses={
        200: {"model": models.Edit, "description": "The key was used before: that edit, as it stands."},
        **_documented(400, 404, 409, 413),
    },
)
def queue_edit(
    bearer: Editor,
    edit: models.NewEdit,
    request: Request,
    response: Response,
    db: Db,
    idempotency_key: IdempotencyKey = None,
) -> models.Edit:
    """Queue one edit. It goes to Salesforce at once, unless somebody else changed the field meanwhile."""
    workspace_id = _in_workspace(bearer, edit.workspace_id)
    request.state.field_name = edit.field_name
    is_known = _is_used(db, workspace_id, idempotency_key)
    row = edits.queue_edit(db, _wish(edit, workspace_id, bearer.agent), idempotency_key=idempotency_key)
    response.status_code = 200 if is_known else 202
    response.headers["Location"] = f"/api/v1/edits/{row['edit_id']}"
    return models.Edit.model_validate(dict(row))


@api.get("/edits/{edit_id}", response_model=models.Edit)
def read_edit(edit_id: EditId, bearer: Reader, db: Db) -> models.Edit:
    """One edit of the token's workspace, and what became of it."""
    row = edits.get(db, bearer.workspace_id, edit_id)
    if row is None:
        # the same for an edit of another workspace and for one that does not exist
        raise problems.refusal(403, "unknown_edit", f"There is no edit {edit_id} in this workspace.")
    return models.Edit.model_validate(dict(row))


@api.post("/edits/{edit_id}/discard", response_model=models.Edit, responses=_documented(409))
def discard_edit(edit_id: EditId, bearer: Editor, db: Db) -> models.Edit:
    """Take an edit back that was not sent yet ("Restore")."""
    return models.Edit.model_validate(dict(edits.discard(db, bearer.workspace_id, edit_id, bearer.agent)))


@api.post("/edits/{edit_id}/revert", status_code=202, response_model=models.Edit, responses=_documented(409))
def revert_edit(edit_id: EditId, bearer: Editor, db: Db) -> models.Edit:
    """Queue the edit that puts back what an applied one replaced."""
    return models.Edit.model_validate(dict(edits.revert(db, bearer.workspace_id, edit_id, bearer.agent)))


@public.post(
    "/api/v1/webhooks/{workspace_id}", response_model=models.Heard, responses=_documented(400, 401, 413, 422)
)
def hear_webhook(
    workspace_id: Annotated[str, Path(pattern=models.WORKSPACE_PATTERN)],
    request: Request,
    db: Db,
    body: Annotated[bytes, Depends(_raw_body)],
    signature: Signature = None,
) -> models.Heard:
    """Take a webhook of respond.io, proved by its signature and heard once."""
    webhooks.check(db, request.app.state.lookup, workspace_id, body, signature)
    return models.Heard(outcome=webhooks.hear(db, workspace_id, body))


@public.get("/health", response_model=models.Health)
def check_health(db: Db) -> models.Health:
    """Answer once the database does."""
    db.one("check_database")
    return models.Health()


def _is_used(db: database.Database, workspace_id: str, idempotency_key: str | None) -> bool:
    if idempotency_key is None:
        return False
    return (
        db.one("select_edit_by_key", workspace_id=workspace_id, idempotency_key=idempotency_key) is not None
    )


def _wish(edit: models.NewEdit, workspace_id: str, agent: str) -> edits.Wish:
    return edits.Wish(
        workspace_id=workspace_id,
        respond_id=edit.respond_id,
        field_name=edit.field_name,
        base_value=edit.base_value if "base_value" in edit.model_fields_set else edits.MISSING,
        new_value=edit.new_value,
        requested_by=agent,
    )


def _unless_known(body: bytes, if_none_match: str | None) -> Response:
    """The body with its ETag, or 304 if the caller has it already (RFC 9110 §13.1.2)."""
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    known = {known.strip().removeprefix("W/") for known in (if_none_match or "").split(",")}
    if tag in known or "*" in known:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)
