"""migrate, connect, disconnect: the schema, and what is connected to what."""

from __future__ import annotations

import argparse
import os
from typing import Any

from contact_sync import database, edges, errors, migrations, tenants
from contact_sync.cli import output, words
from contact_sync.salesforce import auth


def add_commands(commands: words.Commands) -> None:
    words.declare(
        commands,
        "migrate",
        migrate,
        about=f"Make or upgrade the tables, as their owner ({database.OWNER_URL_VARIABLE}). Twice is harmless.",
        example="migrate --dry-run",
        changes=True,
    )
    parser = words.declare(
        commands,
        "connect",
        connect,
        about="Log in to a Salesforce org and remember it with the fields of Contact.",
        example="connect salesforce_default --name 'Acme Europe' --default-region DE",
        changes=True,
    )
    parser.add_argument("conn_id", help="the org's connection, such as salesforce_default")
    parser.add_argument("--name", help="how reports call the org (default: its own name)")
    parser.add_argument(
        "--default-region",
        metavar="CC",
        help="country of phone numbers without a prefix, where the record names none",
    )
    parser.add_argument(
        "--refresh", action="store_true", help="log in anew and ask again which fields we may see"
    )
    parser = words.declare(
        commands,
        "disconnect",
        disconnect,
        about="Take a workspace off its org: Salesforce fields disappear from its sidebar at once.",
        example="disconnect demo --dry-run",
        changes=True,
    )
    parser.add_argument("workspace_id")


def migrate(arguments: argparse.Namespace) -> None:
    """Apply missing migrations, or name them."""
    owner, role = (os.environ.get(name) for name in (database.OWNER_URL_VARIABLE, database.URL_VARIABLE))
    if not owner and not role:
        raise errors.StopError(
            f"{database.OWNER_URL_VARIABLE} is not set: name the database as its owner, postgresql://…"
        )
    db = database.Database(owner or role or "")
    try:
        applied = _missing(db) if arguments.dry_run else migrations.migrate(db)
    except errors.StopError as error:
        if owner:
            raise
        raise errors.StopError(
            f"only the schema's owner may migrate: set {database.OWNER_URL_VARIABLE} ({error})"
        ) from error
    finally:
        db.close()
    verb = "would apply" if arguments.dry_run else "applied"
    lines = [f"{verb} {name}" for name in applied] or ["nothing to do: all migrations are applied"]
    output.answer(arguments, {"applied": applied, "dry_run": arguments.dry_run}, lines)


def _missing(db: database.Database) -> list[str]:
    row = db.one("is_schema_there")
    done = (
        {found["name"] for found in db.all("select_applied_migrations")} if row and row["is_there"] else set()
    )
    return [name for name in migrations.pending_names() if name not in done]


def connect(arguments: argparse.Namespace) -> None:
    """Log in, remember the org and its describe; with ``--refresh`` only the describe of a known org."""
    with words.opened_edges() as opened:
        known = _known_org(opened.db, arguments.conn_id)
        if arguments.dry_run:
            document = _looked_at(opened, arguments, known)
        elif arguments.refresh:
            document = _refreshed(opened, arguments, known)
        else:
            document = _connected(opened, arguments, known)
    output.answer(arguments, document, _told(document))


def _known_org(db: database.Database, conn_id: str) -> database.Row | None:
    """The org that this connection logged in to, the connected one first."""
    rows = [row for row in db.all("select_orgs") if row["conn_id"] == conn_id]
    return min(rows, key=lambda row: row["disconnected_at"] is not None, default=None)


def _session(opened: edges.Edges, conn_id: str, known: database.Row | None) -> auth.Session:
    """A refresh token may have been rotated since: the stored one is the living one. Other log-ins begin afresh."""
    session = opened.salesforce(conn_id, org_id=None, lane="extract")
    if known and session.connection.refresh_token:
        return opened.salesforce(conn_id, org_id=known["org_id"], lane="extract")
    return session


def _connected(
    opened: edges.Edges, arguments: argparse.Namespace, known: database.Row | None
) -> dict[str, Any]:
    session = _session(opened, arguments.conn_id, known)
    org_id = tenants.connect_org(
        opened.db,
        session,
        name=arguments.name or (known["name"] if known else None),
        default_region=arguments.default_region,
    )
    row = opened.db.one("select_org", org_id=org_id)
    assert row is not None
    fields = tenants.described_fields(opened.db, org_id)
    return {"org_id": org_id, "name": row["name"], "fields": len(fields), "dry_run": False}


def _refreshed(
    opened: edges.Edges, arguments: argparse.Namespace, known: database.Row | None
) -> dict[str, Any]:
    if known is None:
        raise errors.StopError(
            f"connection {arguments.conn_id} is not connected yet: run connect without --refresh first"
        )
    session = opened.salesforce(arguments.conn_id, org_id=known["org_id"], lane="extract")
    before = set(tenants.described_fields(opened.db, known["org_id"]))
    session.login()
    counts = tenants.refresh_fields(opened.db, session, org_id=known["org_id"])
    after = set(tenants.described_fields(opened.db, known["org_id"]))
    return {
        "org_id": known["org_id"],
        "name": known["name"],
        "fields": counts["fields"],
        "changed": counts["changed"],
        "granted": sorted(after - before),
        "lost": sorted(before - after),
        "dry_run": False,
    }


def _looked_at(
    opened: edges.Edges, arguments: argparse.Namespace, known: database.Row | None
) -> dict[str, Any]:
    """Log in and look without remembering anything. A first refresh token is spared: it may work only once."""
    session = _session(opened, arguments.conn_id, known)
    if known is None and session.connection.refresh_token:
        raise errors.StopError(
            f"connection {arguments.conn_id} logs in by a refresh token, which a trial could use up:"
            " run without --dry-run"
        )
    org_id = session.login().org_id
    fields = tenants.asked_fields(session)
    return {
        "org_id": org_id,
        "name": arguments.name or (known["name"] if known else None),
        "fields": len(fields),
        "dry_run": True,
    }


def _told(document: dict[str, Any]) -> list[str]:
    verb = "would connect" if document["dry_run"] else "connected"
    name = output.visible(document["name"]) if document["name"] else "unnamed"
    lines = [f"{verb} org {document['org_id']} ({name}): {document['fields']} fields"]
    for word in ("granted", "lost"):
        if document.get(word):
            lines.append(f"{word}: {', '.join(document[word])}")
    return lines


def disconnect(arguments: argparse.Namespace) -> None:
    """Take a workspace off its org, and count what that removes."""
    with words.opened_database(is_rehearsal=arguments.dry_run) as db:
        counted = db.one("count_workspace_rows", workspace_id=arguments.workspace_id)
        was_connected = tenants.disconnect_workspace(db, arguments.workspace_id)
    removed = dict(counted or {})
    document = {
        "workspace_id": arguments.workspace_id,
        "was_connected": was_connected,
        **removed,
        "dry_run": arguments.dry_run,
    }
    verb = "would disconnect" if arguments.dry_run else "disconnected"
    line = f"{verb} {arguments.workspace_id}; gone or parked: {output.counts(removed)}"
    output.answer(arguments, document, [line] if was_connected else ["nothing to do: it serves no org"])
