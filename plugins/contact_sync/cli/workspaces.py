"""workspace set, list, show: the switches of a respond.io workspace and the org it serves."""

from __future__ import annotations

import argparse
from typing import Any

from contact_sync import connections, database, errors, tenants
from contact_sync.cli import output, words
from contact_sync.respond_io import session as respond_session

#: Options of ``workspace set`` that are columns as they are.
_PLAIN = (
    "name",
    "match_mode",
    "default_region",
    "ambiguous_policy",
    "shared_key_limit",
    "brake_share",
    "brake_count",
    "id_field",
    "edit_sending",
)


def add_commands(commands: words.Commands) -> None:
    parser: argparse.ArgumentParser = commands.add_parser(
        "workspace",
        help="Make workspaces, change their switches, list and show them.",
        epilog="example: python -m contact_sync workspace list",
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    words.declare(actions, "list", list_all, about="List all workspaces.", example="workspace list")
    parser = words.declare(
        actions,
        "show",
        show,
        about="Show a workspace's switches and chosen fields.",
        example="workspace show demo",
    )
    parser.add_argument("workspace_id")
    parser = words.declare(
        actions,
        "set",
        set_up,
        about="Make a workspace, or change the switches given; others stay as they are.",
        example="workspace set demo --respond-conn respond_io_default --org 00D000000000001EAA --editing on",
        changes=True,
    )
    _add_settings(parser)


def _add_settings(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("workspace_id")
    add("--org", metavar="ORG_ID", help="serve this org")
    add("--respond-conn", metavar="CONN_ID", help="its respond.io connection, such as respond_io_default")
    add("--name", help="how reports call it")
    add("--match-mode", choices=("normalized", "exact"), help="compare keys, or the raw bytes of keys")
    add("--default-region", metavar="CC", help="country of phone numbers without a prefix; '' clears it")
    add(
        "--ambiguous-policy",
        choices=("hold", "most_recent"),
        help="wait for a decision, or take the contact created last",
    )
    add(
        "--shared-key-limit", type=int, metavar="N", help="a key of more contacts than this identifies nobody"
    )
    add(
        "--brake-share",
        type=float,
        metavar="SHARE",
        help="hold changes above this share of the workspace, 0 to 1",
    )
    add("--brake-count", type=int, metavar="N", help="... and above this number")
    add("--id-field", metavar="NAME", help="custom field for a created contact's Salesforce id; '' clears it")
    add(
        "--edit-sending",
        choices=("conditional", "collections"),
        help="send edits only while nobody changed the record (25 a call), or 200 a call without looking again",
    )
    add("--tag", type=_tag, metavar="on|off", help=f"tag created contacts {tenants.CREATED_TAG}")
    for option, about in (
        ("--editing", "let agents edit the fields chosen for it"),
        ("--auto-create", "create respond.io contacts for Salesforce records made from now on"),
        ("--include-bulk-imports", "create contacts that came in by bulk import, too"),
    ):
        add(option, type=words.switch, metavar="on|off", help=about)


def _tag(text: str) -> bool:
    """``on``, ``off``, or the tag itself in exactly its spelling, which means ``on``."""
    try:
        return words.switch(text)
    except argparse.ArgumentTypeError:
        try:
            return tenants.is_created_tag(text)
        except errors.StopError as error:
            raise argparse.ArgumentTypeError(str(error)) from None


def set_up(arguments: argparse.Namespace) -> None:
    """Make or change a workspace; connect it to ``--org``."""
    workspace_id = arguments.workspace_id
    settings = _settings(arguments)
    with words.opened_database(is_rehearsal=arguments.dry_run) as db:
        before = db.one("select_workspace", workspace_id=workspace_id)
        tenants.set_workspace(db, workspace_id, **settings)
        if arguments.org:
            tenants.connect_workspace(db, workspace_id, arguments.org)
        after = tenants.known_workspace(db, workspace_id)
        changes = _changes(before, after)
    document = {
        "workspace_id": workspace_id,
        "org_id": after["org_id"],
        "is_new": before is None,
        "changes": changes,
        "dry_run": arguments.dry_run,
    }
    lines = [
        f"{name}: {output.visible(change['from'])} -> {output.visible(change['to'])}"
        for name, change in changes.items()
    ]
    verb = "would set" if arguments.dry_run else "set"
    output.answer(arguments, document, [f"{verb} {workspace_id}", *lines] if lines else ["nothing to do"])


def _settings(arguments: argparse.Namespace) -> dict[str, Any]:
    settings: dict[str, Any] = {name: getattr(arguments, name) for name in _PLAIN}
    settings |= {
        "editing_enabled": arguments.editing,
        "auto_create": arguments.auto_create,
        "tag_created": arguments.tag,
        "include_bulk_imports": arguments.include_bulk_imports,
    }
    if arguments.respond_conn:
        # its organization shares one rate limit; the token names it
        conn_id = arguments.respond_conn
        connection = connections.respond_connection(conn_id, words.lookup(conn_id))
        respond_org_id = respond_session.token_claims(connection.token).get("orgId")
        settings["respond_conn_id"] = conn_id
        settings["respond_org_id"] = None if respond_org_id is None else str(respond_org_id)
    return {name: value for name, value in settings.items() if value is not None}


def _changes(before: database.Row | None, after: database.Row) -> dict[str, dict[str, Any]]:
    held: dict[str, Any] = dict(before) if before is not None else dict.fromkeys(map(str, after))
    return {
        str(name): {"from": held[str(name)], "to": value}
        for name, value in after.items()
        if value != held[str(name)] and name not in ("workspace_id", "created_at")
    }


def list_all(arguments: argparse.Namespace) -> None:
    """List the workspaces with their org and main switches."""
    with words.opened_database() as db:
        rows = db.all("select_workspace_status")
    headers = ("workspace", "name", "org", "respond.io connection", "editing", "creates since", "fields")
    lines = output.table(
        headers,
        [
            (
                row["workspace_id"],
                row["name"],
                row["org_id"],
                row["respond_conn_id"],
                row["editing_enabled"],
                row["auto_create_since"],
                row["chosen_fields"],
            )
            for row in rows
        ],
    )
    none = ["no workspace yet: python -m contact_sync workspace set WORKSPACE_ID --respond-conn CONN_ID"]
    output.answer(arguments, {"workspaces": [dict(row) for row in rows]}, lines or none)


def show(arguments: argparse.Namespace) -> None:
    """Show one workspace whole."""
    with words.opened_database() as db:
        row = tenants.known_workspace(db, arguments.workspace_id)
        chosen = db.all("select_chosen_fields", workspace_id=arguments.workspace_id)
    fields = [
        {"name": f["field_name"], "label": f["chosen_label"] or f["label"], "editable": f["editable"]}
        for f in chosen
    ]
    lines = output.table(("setting", "value"), row.items())
    lines += output.table(("field", "label", "editable"), [tuple(field.values()) for field in fields])
    output.answer(arguments, {**row, "fields": fields}, lines)
