"""The supervisor's own questions to the database: the statements of demo.sql, by name."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg2
import psycopg2.extras


@functools.cache
def statements() -> Mapping[str, str]:
    """Return the statements of demo.sql by their names."""
    parts = re.split(
        r"^-- name: (\w+)$", Path(__file__).with_name("demo.sql").read_text(), flags=re.MULTILINE
    )
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def ask(url: str, name: str, **parameters: object) -> list[dict[str, Any]]:
    """Run one statement in a connection and transaction of its own; return its rows, [] if it gives none."""
    connection = psycopg2.connect(url, connect_timeout=5, application_name="contact-sync-demo")
    try:
        with connection, connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor:
            cursor.execute(statements()[name], parameters)
            return [dict(row) for row in cursor.fetchall()] if cursor.description else []
    finally:
        connection.close()


def has_table(url: str, name: str) -> bool:
    """Tell whether a table is there yet."""
    connection = psycopg2.connect(url, connect_timeout=5)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT to_regclass(%s) IS NOT NULL", (name,))
            (is_there,) = cursor.fetchone() or (False,)
            return bool(is_there)
    finally:
        connection.close()
