"""erase: a person leaves every table, and is kept from coming back."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from contact_sync import database, erasure, errors, keys, tombstones, values
from contact_sync.cli import output, words

_SHORT_ID = 15
_LONG_ID = 18


def add_commands(commands: words.Commands) -> None:
    parser = words.declare(
        commands,
        "erase",
        run,
        about=(
            "Erase a person from all tables, history and samples included, and keep them from coming back. Erase them"
            " at Salesforce and respond.io as well: nothing is erased there."
        ),
        example="erase --salesforce 003000000000001AAA --dry-run",
        changes=True,
    )
    who = parser.add_mutually_exclusive_group(required=True)
    who.add_argument("--salesforce", metavar="ID", help="the person behind this Salesforce contact")
    who.add_argument(
        "--respond",
        nargs=2,
        metavar=("WORKSPACE", "ID"),
        help="the person behind this respond.io contact",
    )
    who.add_argument("--email", metavar="ADDRESS", help="whoever has this e-mail address")
    who.add_argument("--phone", metavar="NUMBER", help="whoever has this phone number")
    parser.add_argument("--org", metavar="ORG_ID", help="the org (default: the only one, or the contact's)")
    parser.add_argument("--region", help="country of a phone number written without its prefix, as DE")
    parser.add_argument(
        "--readmit",
        action="store_true",
        help="lift this id's or key's tombstone; a person comes in when all of theirs are lifted",
    )
    parser.add_argument("--yes", action="store_true", help="do not ask")


def run(arguments: argparse.Namespace) -> None:
    """Show who is meant, ask, erase, and say what that touched."""
    with words.opened_database(is_rehearsal=True) as db:
        org_id, named = _meant(db, arguments)
        if arguments.readmit:
            count = erasure.readmit(db, org_id=org_id, named=named)
            document: dict[str, Any] = {"org_id": org_id, "tombstones": count}
        else:
            document = _document(erasure.erase(db, org_id=org_id, named=named))
    if not arguments.dry_run:
        _confirm(arguments, document)
        with words.opened_database() as db:
            if arguments.readmit:
                document = {"org_id": org_id, "tombstones": erasure.readmit(db, org_id=org_id, named=named)}
            else:
                document = _document(erasure.erase(db, org_id=org_id, named=named))
    document["dry_run"] = arguments.dry_run
    output.answer(arguments, document, [_told(document)])


def _meant(db: database.Database, arguments: argparse.Namespace) -> tuple[str, erasure.Named]:
    """Return the org and the name; StopError if either is unclear."""
    if arguments.respond:
        return _contact(db, *arguments.respond)
    if arguments.salesforce:
        salesforce_id = _long(arguments.salesforce)
        rows = db.all("select_orgs_of_record", salesforce_id=salesforce_id)
        named = erasure.Named(salesforce_id=salesforce_id)
        return _org(db, arguments, [row["org_id"] for row in rows]), named
    if arguments.region and not keys.is_region(arguments.region):
        raise errors.StopError(f"{output.visible(arguments.region)} is no country code, as DE")
    kind, text = ("email", arguments.email) if arguments.email else ("phone", arguments.phone)
    return _org(db, arguments, []), erasure.Named(key=_key(kind, text, arguments.region))


def _contact(db: database.Database, workspace_id: str, respond_id: str) -> tuple[str, erasure.Named]:
    workspace = db.one("select_workspace", workspace_id=workspace_id)
    if workspace is None:
        raise errors.StopError(f"workspace {output.visible(workspace_id)} is unknown")
    if not (respond_id.isascii() and respond_id.isdigit()):
        raise errors.StopError("the id of a respond.io contact is a number")
    return workspace["org_id"] or tombstones.NO_ORG, erasure.Named(contact=(workspace_id, int(respond_id)))


def _org(db: database.Database, arguments: argparse.Namespace, holders: list[str]) -> str:
    known = [row["org_id"] for row in db.all("select_orgs")]
    if arguments.org:
        if arguments.org not in known:
            raise errors.StopError(f"org {output.visible(arguments.org)} is unknown")
        return str(arguments.org)
    for likely in (holders, known):
        if len(likely) == 1:
            return str(likely[0])
    raise errors.StopError(f"name the org with --org: there are {len(known)}")


def _long(given: str) -> str:
    if len(given) in (_SHORT_ID, _LONG_ID) and given.isascii() and given.isalnum():
        return values.long_id(given) if len(given) == _SHORT_ID else given
    raise errors.StopError("a Salesforce id has 15 or 18 letters and digits")


def _key(kind: str, text: str, region: str | None) -> tuple[str, str]:
    try:
        return erasure.key_of(text, kind=kind, region=region)
    except errors.RejectError as error:
        hint = "; name its country with --region" if kind == "phone" else ""
        raise errors.StopError(error.detail + hint) from None


def _document(erased: erasure.Erased) -> dict[str, Any]:
    return {
        "org_id": erased.org_id,
        "salesforce_ids": list(erased.salesforce_ids),
        "respond_ids": [
            {"workspace_id": workspace_id, "respond_id": respond_id}
            for workspace_id, respond_id in erased.respond_ids
        ],
        "own_keys": erased.own_keys,
        "shared_keys": erased.shared_keys,
        "rows": erased.rows,
    }


def _confirm(arguments: argparse.Namespace, document: dict[str, Any]) -> None:
    if arguments.yes or arguments.readmit:
        return
    if not sys.stdin.isatty():
        raise errors.StopError("nobody is there to ask: add --yes, or look first with --dry-run")
    sys.stderr.write(f"{_told({**document, 'dry_run': True})}\nThere is no way back. Type erase to go on: ")
    sys.stderr.flush()
    if sys.stdin.readline().strip() != "erase":
        raise errors.StopError("nothing was erased")


def _told(document: dict[str, Any]) -> str:
    verb = "would be" if document["dry_run"] else "are"
    if "tombstones" in document:
        return (
            f"{document['tombstones']} tombstones {verb} lifted. A person's ids, e-mails and phones each keep them out:"
            " readmit every one, then the next comparison or walk brings them in"
        )
    shared = document["shared_keys"]
    return (
        f"{len(document['salesforce_ids'])} Salesforce and {len(document['respond_ids'])} respond.io contacts {verb}"
        f" erased, {document['rows']} rows in all"
        + (f"; {shared} keys are other people's, too, and stay usable" if shared else "")
    )
