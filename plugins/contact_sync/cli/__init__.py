"""The operator's commands: ``python -m contact_sync COMMAND``. Reads words, calls the house, prints answers.

Exit codes: 0 done, 1 refused or failed with one line on stderr, 2 wrong usage, 130 interrupted.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence

import sqlalchemy.exc

from contact_sync import errors
from contact_sync.cli import (
    approving,
    backfilling,
    connecting,
    customize,
    deciding,
    editing,
    erasing,
    explaining,
    orgs,
    running,
    serving,
    status,
    workspaces,
)

PROGRAM = "python -m contact_sync"


def main(words: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    arguments = _parser().parse_args(words)
    _log_to_stderr(is_verbose=arguments.verbose)
    try:
        return int(arguments.run(arguments) or 0)
    except errors.ContactSyncError as error:
        return _refuse(str(error))
    except sqlalchemy.exc.ArgumentError:
        return _refuse("the database's address is none: write postgresql://user:password@host:port/name")
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # whoever read us has enough; at exit Python would flush into the closed pipe once more
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Salesforce contacts in the respond.io sidebar: the operator's commands.",
        epilog=f"example: {PROGRAM} status",
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    themes = (
        orgs,
        connecting,
        workspaces,
        customize,
        running,
        backfilling,
        status,
        explaining,
        deciding,
        approving,
        editing,
        erasing,
        serving,
    )
    for theme in themes:
        theme.add_commands(commands)
    return parser


def _log_to_stderr(*, is_verbose: bool) -> None:
    level = logging.INFO if is_verbose else logging.WARNING
    logging.basicConfig(level=level, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")


def _refuse(message: str) -> int:
    sys.stderr.write(f"contact-sync: {' '.join(message.split())}\n")
    return 1
