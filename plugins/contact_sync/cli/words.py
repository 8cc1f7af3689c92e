"""What all commands share: how one is declared, and where database, edges and connections come from."""

from __future__ import annotations

import argparse
import contextlib
import os
import textwrap
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from contact_sync import connections, database, edges, errors, transport

Commands = Any  # argparse's type for this is private
Run = Callable[[argparse.Namespace], int | None]


def declare(
    commands: Commands, name: str, run: Run, *, about: str, example: str, changes: bool = False
) -> argparse.ArgumentParser:
    """Add a command with ``--json``, ``--verbose`` and, if it ``changes`` something, ``--dry-run``."""
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=about,
        description=textwrap.fill(about, 78),
        epilog=f"example:\n  python -m contact_sync {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("-v", "--verbose", action="store_true", help="log what is done to stderr")
    if changes:
        parser.add_argument(
            "--dry-run", action="store_true", help="say what would be done, and change nothing"
        )
    return parser


def names(text: str) -> list[str]:
    """Read a list separated by commas."""
    return [name.strip() for name in text.split(",") if name.strip()]


def switch(text: str) -> bool:
    """Read ``on`` or ``off``."""
    try:
        return {"on": True, "off": False}[text.lower()]
    except KeyError:
        raise argparse.ArgumentTypeError("say on or off") from None


def lookup(conn_id: str) -> Mapping[str, Any]:
    """Return a connection's fields from the environment, where Airflow would find it too."""
    return connections.from_environment(conn_id, os.environ)


@contextlib.contextmanager
def opened_database(*, is_rehearsal: bool = False) -> Iterator[database.Database]:
    """Open the database of the environment; a rehearsal undoes at the end whatever was written."""
    if not os.environ.get(database.URL_VARIABLE):
        raise errors.StopError(f"{database.URL_VARIABLE} is not set: name the database, postgresql://…")
    url = os.environ[database.URL_VARIABLE]
    secret = os.environ.get(edges.SECRET_VARIABLE, "")
    db = Rehearsal(url, secret=secret) if is_rehearsal else database.Database(url, secret=secret)
    try:
        yield db
    finally:
        db.close()


@contextlib.contextmanager
def opened_edges(*, is_rehearsal: bool = False) -> Iterator[edges.Edges]:
    """Open the database and both vendors' edges, with the environment's connections."""
    secret = os.environ.get(edges.SECRET_VARIABLE, "")
    with opened_database(is_rehearsal=is_rehearsal) as db, transport.http_client() as http:
        yield edges.Edges(db, http, lookup=lookup, secret=secret)


class Rehearsal(database.Database):
    """A database that forgets: all verbs share one outer transaction, which ``close`` rolls back.

    So a dry run meets the real checks and constraints, and its counts are those of the real run.
    """

    def __init__(self, url: str, *, secret: str = "") -> None:
        super().__init__(url, secret=secret)
        self._open = contextlib.ExitStack()
        self._outer: database.Transaction | None = None

    @contextlib.contextmanager
    def transaction(self, *, is_undone: bool = False) -> Iterator[database.Transaction]:
        """A savepoint of the outer transaction."""
        if self._outer is None:
            self._outer = self._open.enter_context(super().transaction(is_undone=True))
        with contextlib.suppress(_UndoneError), self._outer.savepoint():
            yield self._outer
            if is_undone:
                raise _UndoneError

    def close(self) -> None:
        self._open.close()
        super().close()


class _UndoneError(Exception):
    """Leaves a savepoint without keeping it."""
