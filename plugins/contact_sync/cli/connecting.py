"""connect: log in to an org, by itself or after a person authorized us, and remember it with its fields."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from typing import Any

from contact_sync import database, edges, errors, records, tenants
from contact_sync.cli import output, words
from contact_sync.salesforce import account, auth, describe, login

#: Refusals that a person's authorization ends.
_UNAUTHORIZED = {"not_authorized", "invalid_grant"}

Document = dict[str, Any]


def add_commands(commands: words.Commands) -> None:
    parser = words.declare(
        commands,
        "connect",
        run,
        about="Log in to a Salesforce org and remember it with the fields of Contact. A connection that a person has"
        " to authorize first prints the address to open, and takes what comes back (--code).",
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
        "--poll-seconds",
        type=_pause,
        metavar="N",
        help="pause between two readings of the org's news, 5 to 86400 (a new org's is 30); Airflow looks every 30"
        " seconds",
    )
    ways = parser.add_mutually_exclusive_group()
    ways.add_argument(
        "--refresh", action="store_true", help="log in anew and ask again which fields we may see"
    )
    ways.add_argument("--authorize", action="store_true", help="ask for a person's authorization again")
    ways.add_argument(
        "--code",
        metavar="ADDRESS",
        help="the address your browser was sent to after authorizing, or the code in it; - reads it from stdin",
    )


#: What a connect sets, beside remembering the org.
_SETTINGS = ("name", "default_region", "poll_seconds")


def _pause(text: str) -> int:
    """Read a number of seconds that the table allows."""
    if not text.isdecimal() or not 5 <= int(text) <= 86_400:
        raise argparse.ArgumentTypeError("give 5 to 86400 seconds")
    return int(text)


def run(arguments: argparse.Namespace) -> None:
    """Log in, remember the org and its describe; with ``--refresh`` only the describe of a known org."""
    with words.opened_edges() as opened:
        known = _known_org(opened.db, arguments.conn_id)
        if arguments.dry_run:
            document = _looked_at(opened, arguments, known)
        elif arguments.refresh:
            document = _refreshed(opened, arguments, known)
        elif arguments.code:
            pasted = sys.stdin.readline() if arguments.code == "-" else arguments.code
            document = _authorized(opened, arguments, known, pasted)
        elif arguments.authorize:
            document = _asked(opened, arguments, known)
        else:
            document = _connected_or_asked(opened, arguments, known)
    output.answer(arguments, document, _told(document))


def _known_org(db: database.Database, conn_id: str) -> database.Row | None:
    """The org that this connection logged in to, the connected one first."""
    rows = [row for row in db.all("select_orgs") if row["conn_id"] == conn_id]
    return min(rows, key=lambda row: row["disconnected_at"] is not None, default=None)


def _session(opened: edges.Edges, conn_id: str, known: database.Row | None) -> auth.Session:
    """A refresh token may have been rotated since: the stored one is the living one. Other log-ins begin afresh."""
    session = opened.salesforce(conn_id, org_id=None, lane="extract")
    if known and (session.connection.refresh_token or session.connection.is_authorized):
        return opened.salesforce(conn_id, org_id=known["org_id"], lane="extract")
    return session


def _connected_or_asked(
    opened: edges.Edges, arguments: argparse.Namespace, known: database.Row | None
) -> Document:
    session = _session(opened, arguments.conn_id, known)
    try:
        return _connected(opened, arguments, known, session, session.login)
    except login.LoginRefusedError as refusal:
        if not session.connection.is_authorized or refusal.code not in _UNAUTHORIZED:
            raise
    return _asked(opened, arguments, known)


def _asked(opened: edges.Edges, arguments: argparse.Namespace, known: database.Row | None) -> Document:
    """Print the address; a person at a terminal is asked for the answer at once, anybody else comes back with it."""
    session = opened.salesforce(arguments.conn_id, org_id=None, lane="extract")
    document = {"conn_id": arguments.conn_id, "authorize_url": session.ask_person(), "dry_run": False}
    if arguments.json or not sys.stdin.isatty():
        return document
    sys.stdout.writelines(f"{line}\n" for line in _question(document))
    sys.stdout.write("address you were sent to: ")
    sys.stdout.flush()
    return _authorized(opened, arguments, known, sys.stdin.readline())


def _authorized(
    opened: edges.Edges, arguments: argparse.Namespace, known: database.Row | None, pasted: str
) -> Document:
    session = opened.salesforce(arguments.conn_id, org_id=None, lane="extract")
    return _connected(opened, arguments, known, session, lambda: session.authorize(pasted))


def _connected(
    opened: edges.Edges,
    arguments: argparse.Namespace,
    known: database.Row | None,
    session: auth.Session,
    log_in: Callable[[], records.SalesforceToken],
) -> Document:
    named = known["name"] if known and known["name"] != known["org_id"] else None
    org_id = tenants.connect_org(
        opened.db,
        session,
        name=arguments.name or named,
        default_region=arguments.default_region,
        poll_seconds=arguments.poll_seconds,
        log_in=log_in,
    )
    row = opened.db.one("select_org", org_id=org_id)
    assert row is not None
    return {
        "org_id": org_id,
        "name": row["name"],
        "instance_url": row["instance_url"],
        "user": account.user_name(session, row["integration_user_id"]),
        "poll_seconds": row["poll_seconds"],
        "approximate_contacts": row["approximate_contacts"],
        "fields": len(tenants.described_fields(opened.db, org_id)),
        "dry_run": False,
    }


def _refreshed(opened: edges.Edges, arguments: argparse.Namespace, known: database.Row | None) -> Document:
    if known is None:
        raise errors.StopError(
            f"connection {arguments.conn_id} is not connected yet: run connect without --refresh first"
        )
    given = [f"--{name.replace('_', '-')}" for name in _SETTINGS if getattr(arguments, name)]
    if given:
        raise errors.StopError(
            f"--refresh changes no setting: give {' and '.join(given)} to a connect without it"
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


def _looked_at(opened: edges.Edges, arguments: argparse.Namespace, known: database.Row | None) -> Document:
    """Log in and look without remembering anything. A first refresh token is spared: it may work only once."""
    session = _session(opened, arguments.conn_id, known)
    if arguments.code or (known is None and session.connection.refresh_token):
        raise errors.StopError(
            f"connection {arguments.conn_id} logs in by {'a code' if arguments.code else 'a refresh token'}, which a"
            " trial could use up: run without --dry-run"
        )
    org_id = session.login().org_id
    return {
        "org_id": org_id,
        "name": arguments.name or (known["name"] if known else None),
        "fields": len(describe.description(session).fields),
        "dry_run": True,
    }


def _told(document: Document) -> Iterator[str]:
    if "authorize_url" in document:
        yield from _question(document)
        yield f"then: python -m contact_sync connect {document['conn_id']} --code 'THE ADDRESS YOU WERE SENT TO'"
        return
    verb = "would connect" if document["dry_run"] else "connected"
    name = output.visible(document["name"]) if document["name"] else "unnamed"
    yield f"{verb} org {document['org_id']} ({name}): {document['fields']} fields"
    if document.get("instance_url"):
        yield f"as {output.visible(document['user'] or 'a user it may not read')} at {document['instance_url']}"
        yield f"news are read every {document['poll_seconds']} seconds"
        if document["approximate_contacts"]:
            yield f"it holds about {document['approximate_contacts']:,} contacts"
    for word in ("granted", "lost"):
        if document.get(word):
            yield f"{word}: {', '.join(document[word])}"


def _question(document: Document) -> Iterator[str]:
    yield f"connection {document['conn_id']} needs a person's authorization. Open, as the integration user:"
    yield document["authorize_url"]
