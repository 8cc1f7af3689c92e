"""edit, revert: what an agent does in the sidebar, by hand: queue a change of one field, take it back, undo it."""

from __future__ import annotations

import argparse
import getpass
from typing import Any

from contact_sync import database, edits, errors
from contact_sync.cli import output, words

_SHOWN = (
    "edit_id",
    "status",
    "workspace_id",
    "respond_id",
    "salesforce_id",
    "field_name",
    "base_value",
    "new_value",
    "stored_value",
    "after_edit_id",
    "reverts_edit_id",
    "requested_by",
    "error_code",
    "error_detail",
)


def add_commands(commands: words.Commands) -> None:
    parser = words.declare(
        commands,
        "edit",
        run_edit,
        about="Queue an edit of one Salesforce field of a matched contact; it is sent only while Salesforce holds"
        " the base value. Or take a queued edit back.",
        example="edit demo 104711 Title 'Head of Sales' --base 'Sales Manager' --by ada\n"
        "  python -m contact_sync edit demo --discard 12",
        changes=True,
    )
    parser.add_argument("workspace_id")
    parser.add_argument("respond_id", type=int, nargs="?")
    parser.add_argument("field", nargs="?", help="API name, such as Title")
    parser.add_argument("value", nargs="?", help="the new value; an empty one ('') empties the field")
    parser.add_argument(
        "--base", metavar="VALUE", default=edits.MISSING, help="what the field holds now, '' if nothing"
    )
    parser.add_argument(
        "--key", metavar="TEXT", help="idempotency key: the same call again queues nothing new"
    )
    parser.add_argument("--discard", metavar="EDIT", type=int, help="take back this queued edit instead")
    parser.add_argument(
        "--by", metavar="NAME", help="who edits; kept in the history (default: who is logged in here)"
    )
    parser = words.declare(
        commands,
        "revert",
        run_revert,
        about="Queue an edit that puts back what an applied edit replaced.",
        example="revert demo 12 --by ada",
        changes=True,
    )
    parser.add_argument("workspace_id")
    parser.add_argument("edit_id", type=int)
    parser.add_argument(
        "--by", metavar="NAME", help="who reverts; kept in the history (default: who is logged in here)"
    )


def run_edit(arguments: argparse.Namespace) -> None:
    """Queue or discard one edit and tell its state. StopError names what is missing or why it is refused."""
    is_discard = arguments.discard is not None
    if not is_discard and arguments.value is None:
        raise errors.StopError("name the contact, the field and the new value, or --discard an edit")
    if is_discard and arguments.respond_id is not None:
        raise errors.StopError("--discard takes an edit's number alone")
    with words.opened_database(is_rehearsal=arguments.dry_run) as db:
        _tell(arguments, _discarded(db, arguments) if is_discard else _queued(db, arguments))


def run_revert(arguments: argparse.Namespace) -> None:
    """Queue the opposite of an applied edit and tell its state. StopError says why it is refused."""
    with words.opened_database(is_rehearsal=arguments.dry_run) as db:
        _tell(arguments, edits.revert(db, arguments.workspace_id, arguments.edit_id, _by(arguments)))


def _queued(db: database.Database, arguments: argparse.Namespace) -> database.Row:
    wish = edits.Wish(
        workspace_id=arguments.workspace_id,
        respond_id=arguments.respond_id,
        field_name=arguments.field,
        new_value=arguments.value,
        base_value=arguments.base,
        requested_by=_by(arguments),
    )
    return edits.queue_edit(db, wish, idempotency_key=arguments.key)


def _discarded(db: database.Database, arguments: argparse.Namespace) -> database.Row:
    return edits.discard(db, arguments.workspace_id, arguments.discard, _by(arguments))


def _by(arguments: argparse.Namespace) -> str:
    return arguments.by or getpass.getuser()


def _tell(arguments: argparse.Namespace, edit: database.Row) -> None:
    document: dict[str, Any] = {name: edit[name] for name in _SHOWN} | {"dry_run": arguments.dry_run}
    verb = "would be" if arguments.dry_run else "is"
    number = "the edit" if arguments.dry_run else f"edit {edit['edit_id']}"
    output.answer(
        arguments,
        document,
        [
            f"{number} of {edit['field_name']} for respond contact {edit['respond_id']} {verb} {edit['status']}"
        ],
    )
