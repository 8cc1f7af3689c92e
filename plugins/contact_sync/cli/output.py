"""Answers on stdout: one JSON document, or lines and tables a person reads. Foreign text cannot steer the terminal."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def answer(arguments: argparse.Namespace, document: Mapping[str, Any], lines: Iterable[str]) -> None:
    """Print ``document`` if ``--json`` was given, else ``lines``."""
    if arguments.json:
        sys.stdout.write(json.dumps(document, default=_plain) + "\n")
    else:
        sys.stdout.writelines(f"{line}\n" for line in lines)


def table(headers: Sequence[str], rows: Iterable[Sequence[object]], *, indent: str = "") -> list[str]:
    """Return aligned lines, headers first; numbers stand to the right. No rows, no lines."""
    kept = [list(row) for row in rows]
    if not kept:
        return []
    cells = [list(headers), *([visible(cell) for cell in row] for row in kept)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    is_number = [_is_numeric(column) for column in zip(*kept, strict=True)]
    return [(indent + "  ".join(map(_aligned, line, widths, is_number))).rstrip() for line in cells]


def visible(value: object) -> str:
    """Return a value as text in which nothing hides: invisible characters, controls and odd spaces are escaped."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    if isinstance(value, float):
        return f"{value:.1f}"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(value))


def quoted(value: object) -> str:
    """Return a raw value in quotes, so that a space at its end shows."""
    return "-" if value is None else f'"{visible(value)}"'


def age(seconds: float | None) -> str:
    """Return a duration in its largest unit: ``12 s``, ``3 min``; ``never`` for None."""
    if seconds is None:
        return "never"
    size, unit = next(((s, u) for s, u in _UNITS if seconds >= s), (1, "s"))
    return f"{int(seconds // size)} {unit}"


def counts(found: Mapping[str, Any]) -> str:
    """Return counts as one line, those of 0 left out."""
    return (
        ", ".join(f"{name} {visible(number)}" for name, number in found.items() if number) or "nothing to do"
    )


def _is_numeric(column: Sequence[object]) -> bool:
    filled = [cell for cell in column if cell is not None]
    return bool(filled) and all(
        isinstance(cell, int | float) and not isinstance(cell, bool) for cell in filled
    )


def _aligned(cell: str, width: int, is_number: bool) -> str:
    return cell.rjust(width) if is_number else cell.ljust(width)


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")
