"""Prints the data dictionary, made from the comments of a migrated database, so that it says what the database says.

    python docs/data_dictionary.py > docs/data-dictionary.md

The database is CONTACT_SYNC_DATABASE_URL, as the application's role or the owner. A test compares the file with
what this prints.
"""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2.extras import RealDictCursor

QUESTION = Path(__file__).with_suffix(".sql")

HEAD = """\
# Data dictionary

Every table and view of the schema `contact_sync`, from the comments in the database itself:
`python docs/data_dictionary.py > docs/data-dictionary.md` writes this page anew. Ready questions are in
`docs/queries/`. Times are in UTC. **Bold** columns are the primary key.

The last column tells what the role `contact_sync_analyst` sees instead of the value: *shape* (each letter an x,
each digit a 9), *key* (the shape and a mark that equal keys share), *hidden*, *json*, *values* and *shapes* (stars,
or shapes, for what is inside), *country* (the ISO code where it is known), *hint*, *id*, *entity* (without the
values in them), or nothing (*withheld*). `contact_sync_analyst_pii` sees the values, but no *secret*. Tables marked
*closed* are working tables that neither role reads.
"""


def columns(url: str) -> list[dict[str, Any]]:
    """Return one row per column, tables and views by name, columns in their order."""
    connection = psycopg2.connect(url, options="-c search_path=contact_sync", cursor_factory=RealDictCursor)
    try:
        with connection.cursor() as cursor:
            cursor.execute(QUESTION.read_text(encoding="utf-8"))
            return [dict(row) for row in cursor.fetchall()]
    finally:
        connection.close()


def page(rows: Iterable[dict[str, Any]]) -> str:
    """Return the whole page as Markdown."""
    return "\n".join(itertools.chain([HEAD], *(_section(list(group)) for group in _by_relation(rows))))


def _by_relation(rows: Iterable[dict[str, Any]]) -> Iterator[Iterator[dict[str, Any]]]:
    for _, group in itertools.groupby(rows, key=lambda row: row["relation"]):
        yield group


def _section(rows: list[dict[str, Any]]) -> list[str]:
    first = rows[0]
    closed = ", closed" if all(row["mask"] is None for row in rows) else ""
    return [
        f"## {first['relation']}\n",
        f"*{first['kind']}{closed}.* {first['about'] or ''}\n",
        "| column | type | meaning | masked |",
        "|---|---|---|---|",
        *(_line(row) for row in rows),
        "",
    ]


def _line(row: dict[str, Any]) -> str:
    name = f"**{row['name']}**" if row["is_key"] else row["name"]
    mask = "" if row["mask"] in (None, "plain") else row["mask"]
    return f"| {name} | {row['type']} | {_cell(row['meaning'])} | {mask} |"


def _cell(text: str | None) -> str:
    return (text or "").replace("|", "\\|").replace("\n", " ")


if __name__ == "__main__":
    sys.stdout.write(page(columns(os.environ["CONTACT_SYNC_DATABASE_URL"])))
