"""migrate, disconnect: the schema, and taking a workspace off its org."""

from __future__ import annotations

import argparse
import os

from contact_sync import database, errors, migrations, tenants
from contact_sync.cli import output, words


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
        to_type = [] if arguments.dry_run else migrations.publish_to_analysts(db)
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
    if to_type:
        lines += [
            "analysts cannot read yet: a superuser must type the following, then migrate again",
            *(f"  {command};" for command in to_type),
        ]
    document = {"applied": applied, "superuser_must_run": to_type, "dry_run": arguments.dry_run}
    output.answer(arguments, document, lines)


def _missing(db: database.Database) -> list[str]:
    row = db.one("is_schema_there")
    done = (
        {found["name"] for found in db.all("select_applied_migrations")} if row and row["is_there"] else set()
    )
    return [name for name in migrations.pending_names() if name not in done]


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
