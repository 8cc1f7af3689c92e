"""approve: what the brake or the gate withheld, and a person's decision on it."""

from __future__ import annotations

import argparse
import getpass
from typing import Any

from contact_sync import database, errors, holds
from contact_sync.cli import output, words


def add_commands(commands: words.Commands) -> None:
    parser = words.declare(
        commands,
        "approve",
        run,
        about="List the changes that were withheld, or decide on one of them: the next run then applies it."
        " An approval may also overrule a refusal that is still in force.",
        example="approve 3 --up-to 250 --by ada",
        changes=True,
    )
    parser.add_argument("hold_id", type=int, nargs="?", help="the hold to decide; without it, list them")
    answer = parser.add_mutually_exclusive_group()
    answer.add_argument("--reject", action="store_true", help="refuse the change; the rows stay as they are")
    answer.add_argument(
        "--up-to", type=int, metavar="N", help="approve at most N rows (default: as many as are affected now)"
    )
    parser.add_argument("--by", metavar="NAME", help="who decides (default: who is logged in here)")


def run(arguments: argparse.Namespace) -> None:
    """List, or decide."""
    if arguments.hold_id is None:
        _refuse_without_id(arguments)
        with words.opened_database() as db:
            _list(db, arguments)
        return
    if arguments.up_to is not None and arguments.up_to < 1:
        raise errors.StopError("--up-to is at least 1; to refuse the change say --reject")
    with words.opened_database(is_rehearsal=arguments.dry_run) as db:
        row = holds.decide(
            db,
            arguments.hold_id,
            "rejected" if arguments.reject else "approved",
            by=arguments.by or getpass.getuser(),
            approved_up_to=arguments.up_to,
            overrules=True,
        )
    document = {**row, "dry_run": arguments.dry_run}
    output.answer(arguments, document, [_told(document)])


def _refuse_without_id(arguments: argparse.Namespace) -> None:
    if arguments.reject or arguments.up_to is not None:
        raise errors.StopError("name the hold to decide: python -m contact_sync approve lists them")


def _list(db: database.Database, arguments: argparse.Namespace) -> None:
    rows = holds.open_holds(db)
    cells = [
        (row["hold_id"], row["kind"], row["held_at"], holds.described(row), _exactly(row)) for row in rows
    ]
    lines = output.table(("hold", "kind", "held at", "what is withheld", "to approve just that"), cells)
    refused = holds.refused_holds(db)
    lines += [_refusal(row) for row in refused]
    document = {"holds": [dict(row) for row in rows], "refused": [dict(row) for row in refused]}
    output.answer(arguments, document, lines or ["nothing is withheld"])


def _exactly(row: database.Row) -> str:
    """The command that approves what is listed, whatever later runs add to the hold."""
    return f"approve {row['hold_id']} --up-to {row['affected']}"


def _refusal(row: database.Row) -> str:
    by = output.visible(row["decided_by"])
    return (
        f"refused by {by}: hold {row['hold_id']}, {holds.described(row)}. To overrule that: {_exactly(row)}"
    )


def _told(document: dict[str, Any]) -> str:
    verb = "would be" if document["dry_run"] else "is"
    if document["decision"] == "rejected":
        return f"hold {document['hold_id']} {verb} rejected: the rows stay as they are"
    return (
        f"hold {document['hold_id']} {verb} approved for up to {document['approved_up_to']} rows:"
        " the next run applies it if it affects no more"
    )
