"""Orgs and workspaces: connect, describe, choose fields, disconnect. What a person does, with a clear refusal."""

from __future__ import annotations

import dataclasses
import json
import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from contact_sync import database, errors, fields, keys, reasons, records
from contact_sync.salesforce import account, auth, describe

log = logging.getLogger(__name__)

#: The tag of contacts that we create, in exactly this spelling; and the vendor's limit ("Add tags").
CREATED_TAG = "Auto-Create: Salesforce"
TAG_CHARACTERS = 255

SETTINGS = (
    "name",
    "respond_conn_id",
    "respond_org_id",
    "match_mode",
    "default_region",
    "ambiguous_policy",
    "shared_key_limit",
    "brake_share",
    "brake_count",
    "editing_enabled",
    "tag_created",
    "include_bulk_imports",
    "id_field",
    "edit_sending",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChoice:
    """One field of "Customize view"; ``label`` None shows the describe's."""

    name: str
    label: str | None = None
    is_editable: bool = False


def connect_org(
    db: database.Database,
    session: auth.Session,
    *,
    name: str | None = None,
    default_region: str | None = None,
    poll_seconds: int | None = None,
    log_in: Callable[[], records.SalesforceToken] | None = None,
) -> records.OrgId:
    """Log in (by ``log_in`` if given), remember the org and its fields; return its id. Twice refreshes both.

    A new org's token is stored before anything is asked with it; nothing is read from the org before all went well.
    A setting that is None stays as it is. Raises StopError with Salesforce's own reason if the log-in or the describe
    is refused.
    """
    _check_region(default_region)
    token = (log_in or session.login)()
    conn_id = session.connection.conn_id
    if not token.org_id:
        raise errors.StopError(f"connection {conn_id}: Salesforce did not say which org it is")
    org_id = records.OrgId(token.org_id)
    db.execute("insert_org", org_id=org_id, conn_id=conn_id)
    session.bind(org_id)
    values = {
        "conn_id": conn_id,
        "instance_url": token.instance_url,
        "default_region": default_region,
        "poll_seconds": poll_seconds,
    }
    org_name = name or account.org_name(session) or org_id
    refresh_fields(db, session, org_id=org_id)
    db.execute(
        "upsert_org",
        org_id=org_id,
        name=org_name,
        api_version=auth.API_VERSION,
        integration_user_id=token.user_id,
        approximate_contacts=account.approximate_contacts(session),
        **values,
    )
    return org_id


def refresh_fields(
    db: database.Database,
    session: auth.Session,
    *,
    org_id: str,
    is_full: bool = True,
    parents: Collection[str] = (),
) -> dict[str, int]:
    """Ask for the describe of Contact, known parents and new ``parents``; remember what is new, changed or lost.

    Not ``is_full``: an object that did not change since it was last asked for is not sent again.
    A lost field keeps its values, marked stale. Returns counts: ``fields``, ``changed``, ``lost``.
    """
    rows = db.all("select_salesforce_fields", org_id=org_id)
    wanted = {*parents, *(parent for held in rows if (parent := fields.parent_of(held["name"])))}
    known = described_fields(db, org_id)
    row = db.one("select_describe_versions", org_id=org_id)
    versions = row["describe_versions"] if row and not is_full else {}
    found = describe.description(session, known, versions, wanted)
    with db.transaction() as tx:
        changed = tx.execute(
            "upsert_salesforce_fields",
            org_id=org_id,
            fields=json.dumps([dataclasses.asdict(field) for field in found.fields]),
        )
        lost = tx.all("mark_lost_fields", org_id=org_id, names=[field.name for field in found.fields])
        tx.execute(
            "touch_org_described", org_id=org_id, is_full=is_full, versions=json.dumps(dict(found.versions))
        )
    if lost:
        log.warning("org %s no longer shows %s", org_id, ", ".join(row["name"] for row in lost))
    return {"fields": len(found.fields), "changed": changed, "lost": len(lost)}


def set_workspace(db: database.Database, workspace_id: str, **settings: Any) -> None:
    """Make a workspace or change the switches given (see ``SETTINGS``); others stay as they are.

    ``auto_create`` is a boolean of its own: switching it on remembers the moment.
    Raises StopError naming the setting that cannot be.
    """
    region = settings.get("default_region")
    _check_region(region)
    is_on = settings.pop("auto_create", None)
    values = {name: settings.get(name) for name in SETTINGS}
    with db.transaction() as tx:
        if tx.one("select_workspace", workspace_id=workspace_id) is None:
            _insert_workspace(tx, workspace_id, values)
        try:
            tx.execute("update_workspace", workspace_id=workspace_id, **values)
        except errors.RejectError as error:
            raise errors.StopError(f"workspace {workspace_id}: {error.detail}") from error
        if is_on is not None:
            tx.execute("switch_auto_create", workspace_id=workspace_id, is_on=is_on)
        if values["include_bulk_imports"] is False:
            # what is held is planned, too; the next run holds the rest again
            tx.execute("hold_creations", workspace_id=workspace_id, is_held=False)
            tx.execute("skip_bulk_imports", workspace_id=workspace_id, keep=0)


def is_created_tag(text: str) -> bool:
    """Return True for the tag as it is spelt. StopError for one too long, and for any other: reports seek this one."""
    if len(text) > TAG_CHARACTERS:
        raise errors.StopError(
            f"a tag of {len(text)} characters is refused: respond.io takes {TAG_CHARACTERS} at most"
        )
    if text != CREATED_TAG:
        raise errors.StopError(
            f'created contacts are tagged "{CREATED_TAG}", in exactly this spelling, or not at all'
        )
    return True


def connect_workspace(db: database.Database, workspace_id: str, org_id: str) -> None:
    """Let a workspace serve an org. StopError if either is unknown, or another org is still connected."""
    workspace = known_workspace(db, workspace_id)
    if db.one("select_org", org_id=org_id) is None:
        raise errors.StopError(f"org {org_id} is unknown: run `python -m contact_sync connect` first")
    if workspace["org_id"] not in (None, org_id):
        raise errors.StopError(
            f"workspace {workspace_id} serves org {workspace['org_id']}: disconnect it first"
        )
    with db.transaction() as tx:
        tx.one("lock_workspace", workspace_id=workspace_id)
        tx.one("lock_org", org_id=org_id)
        chosen = tx.all("select_chosen_fields", workspace_id=workspace_id)
        names = [row["field_name"] for row in chosen]
        tx.execute("renew_fields_taken_up", org_id=org_id, names=names)
        tx.execute("connect_workspace", workspace_id=workspace_id, org_id=org_id)


def disconnect_workspace(db: database.Database, workspace_id: str) -> bool:
    """Hide everything of Salesforce from the workspace's agents, in one transaction; False if it served no org.

    Queued edits are parked; decisions and creations stay and serve again after a reconnect.
    """
    workspace = known_workspace(db, workspace_id)
    if workspace["org_id"] is None:
        return False
    with db.transaction() as tx:
        # a statement of its own: the next one then sees what a stage wrote while we waited for it
        tx.one("lock_workspace", workspace_id=workspace_id)
        sentence = reasons.OBSTACLES["disconnected"]
        tx.execute("disconnect_workspace", workspace_id=workspace_id, sentence=sentence)
        tx.one("delete_changes_of_workspace", workspace_id=workspace_id, org_id=workspace["org_id"])
        tx.one("lock_org", org_id=workspace["org_id"])
        tx.execute("disconnect_abandoned_orgs", org_id=workspace["org_id"])
    return True


def choose_fields(db: database.Database, workspace_id: str, choices: Sequence[FieldChoice]) -> None:
    """Replace the workspace's chosen fields, in the order given.

    Raises StopError naming an unknown field with its nearest names, or a field that cannot be shown or edited.
    """
    workspace = known_workspace(db, workspace_id)
    if workspace["org_id"] is None:
        raise errors.StopError(f"workspace {workspace_id} serves no org: connect it before choosing fields")
    described = described_fields(db, workspace["org_id"])
    checked = [_checked(choice, described) for choice in choices]
    names = [choice.name for choice in checked]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise errors.StopError(f"field {twice} is chosen twice: name each field once")
    with db.transaction() as tx:
        tx.execute("renew_fields_taken_up", org_id=workspace["org_id"], names=names)
        tx.execute("delete_field_choices", workspace_id=workspace_id, names=names)
        tx.execute(
            "upsert_field_choices",
            workspace_id=workspace_id,
            names=names,
            labels=[c.label for c in checked],
            editable=[c.is_editable for c in checked],
        )


def described_fields(db: database.Database, org_id: str) -> dict[str, records.SalesforceField]:
    """Return the remembered describe by API name, lost fields left out."""
    rows = db.all("select_salesforce_fields", org_id=org_id)
    return {row["name"]: fields.of_row(row) for row in rows if row["lost_at"] is None}


def known_workspace(db: database.Database, workspace_id: str) -> database.Row:
    """Return the workspace's row, or raise StopError telling how to make it."""
    row = db.one("select_workspace", workspace_id=workspace_id)
    if row is None:
        raise errors.StopError(
            f"workspace {workspace_id} is unknown: run `python -m contact_sync workspace set {workspace_id}`"
        )
    return row


def _insert_workspace(tx: database.Transaction, workspace_id: str, values: dict[str, Any]) -> None:
    if not values["respond_conn_id"]:
        raise errors.StopError(
            f"workspace {workspace_id} is new: name its respond.io connection (--respond-conn)"
        )
    try:
        tx.execute(
            "insert_workspace",
            workspace_id=workspace_id,
            name=values["name"] or workspace_id,
            respond_conn_id=values["respond_conn_id"],
        )
    except errors.RejectError as error:
        raise errors.StopError(f"workspace {workspace_id}: {error.detail}") from error


def _checked(choice: FieldChoice, described: dict[str, records.SalesforceField]) -> FieldChoice:
    name = fields.canonical_name(choice.name, described)
    if name is None and (foreign := _foreign_object(choice.name, described)):
        known = " and ".join(sorted(fields.parents(described.values()))) or "Account"
        raise errors.StopError(
            f"field {choice.name}: only Contact is supported, and fields of its {known}: agents' chats are matched to"
            f" contacts, and nothing here reads {foreign} records"
        )
    if name is None:
        nearest = ", ".join(fields.nearest_names(choice.name, described)) or "none is near"
        raise errors.StopError(f"unknown field {choice.name} (nearest: {nearest})")
    field = described[name]
    if not fields.displayable(field):
        raise errors.StopError(f"field {name} cannot be shown: its type is {field.type}; choose its parts")
    reason = fields.read_only_reason(field) if choice.is_editable else None
    if reason:
        raise errors.StopError(f"field {name} cannot be editable: {reason}")
    return dataclasses.replace(choice, name=name)


def _foreign_object(name: str, described: dict[str, records.SalesforceField]) -> str | None:
    """The object a name such as ``Lead.Company`` begins with, None if it is one whose fields may be shown."""
    sobject = fields.parent_of(name)
    is_ours = sobject and fields.canonical_name(sobject, fields.parents(described.values()))
    return None if is_ours else sobject


def _check_region(region: str | None) -> None:
    if region and not keys.is_region(region):
        raise errors.StopError(f"{region} is no region: give an ISO 3166-1 alpha-2 code such as DE")
