"""One CSV cell → what the org stores, by the type of its field. Nothing is guessed: what does not fit stays empty."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from sandbox.salesforce import literals, objects
from sandbox.salesforce.fields import Field


def converted(record: Mapping[str, str], spoiled: dict[str, int]) -> dict[str, Any]:
    """Return the filled cells of a CSV record by field name, without ``Id``; count those that do not fit."""
    row: dict[str, Any] = {}
    for name, cell in record.items():
        found = objects.CONTACT.field(name)
        if found is None or name == "Id" or cell == "":
            continue
        try:
            row[name] = _KINDS.get(found.type, _text)(found, cell)
        except ValueError:
            spoiled[name] = spoiled.get(name, 0) + 1
    return row


def _text(field: Field, cell: str) -> str:
    if field.length and len(cell) > field.length:
        raise ValueError(f"longer than {field.length} characters")
    return cell


def _boolean(_field: Field, cell: str) -> int:
    word = cell.strip().casefold()
    if word in ("true", "1", "yes"):
        return 1
    if word in ("false", "0", "no"):
        return 0
    raise ValueError("neither true nor false")


def _number(_field: Field, cell: str) -> float:
    return float(cell)


def _date(_field: Field, cell: str) -> str:
    return date.fromisoformat(cell.strip()[:10]).isoformat()


def _datetime(_field: Field, cell: str) -> int:
    return literals.moment(cell.strip())


_KINDS: dict[str, Callable[[Field, str], Any]] = {
    "boolean": _boolean,
    "double": _number,
    "currency": _number,
    "int": _number,
    "date": _date,
    "datetime": _datetime,
    # settled when all Ids of the file are known
    "reference": lambda _field, cell: cell.strip(),
}
