"""Landing rows that the database may refuse: a bad row is found by halving, its neighbours go on."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from contact_sync import database, errors

#: What a refused row is told as, by SQLSTATE (PostgreSQL, "Error Codes").
_REASONS = {
    "22P05": "holds a NUL character, which PostgreSQL cannot store",
    "22P02": "holds text that is no valid value of its type",
    "22003": "holds a number out of range",
    "22008": "holds a time out of range",
}

Land = Callable[[database.Transaction, Sequence[Any]], object]
Refuse = Callable[[database.Transaction, Any, str], object]


def land(tx: database.Transaction, rows: Sequence[Any], *, into: Land, refuse: Refuse) -> int:
    """Land ``rows`` with ``into``; hand each row that is refused to ``refuse`` with its reason.

    Returns how many were refused. Costs one savepoint where all is well, about 2·log2(n) per bad row.
    """
    if not rows:
        return 0
    try:
        with tx.savepoint():
            into(tx, rows)
    except errors.RejectError as error:
        if len(rows) == 1:
            refuse(tx, rows[0], _REASONS.get(error.code, f"refused by the database ({error.code})"))
            return 1
        middle = len(rows) // 2
        return land(tx, rows[:middle], into=into, refuse=refuse) + land(
            tx, rows[middle:], into=into, refuse=refuse
        )
    return 0


def raw_text(row: Any) -> str:
    """Return a row as the JSON text that quarantine keeps; NUL stays written as ``\\u0000``."""
    return json.dumps(row, ensure_ascii=True, sort_keys=True, default=str)
