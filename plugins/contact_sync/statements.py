"""Named SQL: splits ``include/sql/*.sql`` into statements. Holds no SQL text and runs nothing.

A file opens with two lines of prose; then, per statement, ``-- name:``, one sentence, ``-- Params: … | Rows: …``
and the body. The name travels to the server as a comment, so it shows in its logs and in ``pg_stat_activity``.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from contact_sync import errors

#: Right in the repository and under ``/opt/airflow`` alike, provided both folders are mounted side by side.
SQL_DIRECTORY = Path(__file__).resolve().parents[2] / "include" / "sql"
MIGRATIONS_DIRECTORY = SQL_DIRECTORY / "migrations"

_HEADER = re.compile(r"^-- name: (?P<name>[a-z][a-z0-9_]*)\s*$", re.MULTILINE)
_PLACEHOLDER = re.compile(r"%\((\w+)\)s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One named statement: its documentation lines, and the text that is sent."""

    name: str
    documentation: str
    text: str
    file: str

    @property
    def placeholders(self) -> frozenset[str]:
        """Names that a caller must pass, no more and no fewer."""
        return frozenset(_PLACEHOLDER.findall(self.text))


def parse(text: str, *, file: str) -> list[Statement]:
    """Return the statements of one file in order; ``file`` is named in messages only."""
    parts = _HEADER.split(text)[1:]
    return [_statement(name, block, file) for name, block in zip(parts[::2], parts[1::2], strict=True)]


def _statement(name: str, block: str, file: str) -> Statement:
    lines = block.strip().splitlines()
    header = [line for line in lines[: _body_start(lines)] if line]
    body = "\n".join(lines[len(header) :]).strip().rstrip(";")
    documentation = "\n".join(line.removeprefix("--").strip() for line in header)
    return Statement(name=name, documentation=documentation, text=f"/* {name} */ {body}", file=file)


def _body_start(lines: list[str]) -> int:
    return next((i for i, line in enumerate(lines) if not line.startswith("--")), len(lines))


@functools.cache
def load() -> Mapping[str, Statement]:
    """Return every statement by name.

    Raises StopError if a name is used twice: which of the two ran would be a guess.
    """
    found: dict[str, Statement] = {}
    for path in sorted(SQL_DIRECTORY.glob("*.sql")):
        for statement in parse(path.read_text(encoding="utf-8"), file=path.name):
            if statement.name in found:
                raise errors.StopError(f"statement {statement.name} stands twice in {SQL_DIRECTORY.name}/")
            found[statement.name] = statement
    return found


def get(name: str) -> Statement:
    """Return one statement; StopError names the missing one."""
    try:
        return load()[name]
    except KeyError:
        raise errors.StopError(f"no statement named {name} in {SQL_DIRECTORY.name}/*.sql") from None
