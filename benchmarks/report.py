"""What a benchmark says: one document, or a table for a person."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured value; ``limit`` must hold, ``aim`` is what we would like; ``is_more_better`` gives their sense."""

    name: str
    value: float
    unit: str
    limit: float | None = None
    aim: float | None = None
    is_more_better: bool = False

    @property
    def holds(self) -> bool:
        """Whether the limit is kept."""
        if self.limit is None:
            return True
        return self.value >= self.limit if self.is_more_better else self.value <= self.limit

    def as_json(self) -> dict[str, Any]:
        """Return the figure as the document shows it."""
        shown = asdict(self)
        del shown["is_more_better"]
        return {**shown, "value": round(self.value, 3), "holds": self.holds}


def arguments(name: str, description: str | None, *, rows: int, what: str) -> argparse.ArgumentParser:
    """Return the options that every benchmark has; ``what`` says what a row is."""
    parser = argparse.ArgumentParser(prog=f"bin/bench {name}", description=description)
    parser.add_argument("--rows", type=positive, default=rows, help=f"{what} (default {rows:,})")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    return parser


def positive(text: str) -> int:
    """Return a number of at least one, as argparse wants it."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def machine() -> dict[str, Any]:
    """Return what the figures were measured on, and how busy it was with other things just now."""
    return {
        "cores": os.cpu_count(),
        "load_average": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "system": platform.system(),
    }


def progress(text: str) -> None:
    """Tell a person what is going on."""
    print(text, file=sys.stderr, flush=True)


def publish(bench: str, settings: Mapping[str, Any], figures: Iterable[Figure], *, is_json: bool) -> int:
    """Print the figures and return the exit code: 0 when every limit holds."""
    found = list(figures)
    if is_json:
        rows = [figure.as_json() for figure in found]
        print(json.dumps({"bench": bench, "machine": machine(), "settings": dict(settings), "figures": rows}))
    else:
        for figure in found:
            print(_line(figure))
        for name, value in {**machine(), **settings}.items():
            print(f"  {name}: {value}")
    return 0 if all(figure.holds for figure in found) else 1


def _line(figure: Figure) -> str:
    limit = "" if figure.limit is None else f"  limit {figure.limit:g}"
    aim = "" if figure.aim is None else f"  aim {figure.aim:g}"
    mark = "" if figure.holds else "  NOT HELD"
    return f"{figure.name:32} {figure.value:14,.3f} {figure.unit:10}{limit}{aim}{mark}"
