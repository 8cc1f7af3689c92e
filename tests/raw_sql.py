"""SQL as a test writes it: rows in by hand, rows out to look at. The code under test never comes here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg2
from psycopg2 import sql
from psycopg2.extras import Json, RealDictCursor

Cells = Mapping[str, Any]


class RawSql:
    """A connection of its own, each statement committed at once."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg2.connect(url, options="-c search_path=contact_sync -c timezone=UTC")
        self._connection.autocommit = True

    def __call__(self, text: str | sql.Composable, **params: Any) -> list[dict[str, Any]]:
        """Run one statement; return its rows, if it has any."""
        with self._connection.cursor(cursor_factory=RealDictCursor) as cursor:
            cursor.execute(text, params)
            return [dict(row) for row in cursor.fetchall()] if cursor.description else []

    def value(self, text: str, **params: Any) -> Any:
        """Return the only cell of the only row."""
        [row] = self(text, **params)
        [cell] = row.values()
        return cell

    def column(self, text: str, **params: Any) -> list[Any]:
        """Return the only column."""
        return [next(iter(row.values())) for row in self(text, **params)]

    def insert(self, table: str, **cells: Any) -> None:
        """Insert one row; a dict goes as JSON."""
        self(
            sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
                sql.Identifier(table),
                sql.SQL(", ").join(map(sql.Identifier, cells)),
                sql.SQL(", ").join(map(sql.Placeholder, cells)),
            ),
            **_adapted(cells),
        )

    def update(self, table: str, where: Cells, **cells: Any) -> None:
        """Set columns of the rows that equal ``where``."""
        sets = [sql.SQL("{} = {}").format(sql.Identifier(n), sql.Placeholder(n)) for n in cells]
        tests = [sql.SQL("{} = {}").format(sql.Identifier(n), sql.Placeholder(f"w_{n}")) for n in where]
        self(
            sql.SQL("UPDATE {} SET {} WHERE {}").format(
                sql.Identifier(table), sql.SQL(", ").join(sets), sql.SQL(" AND ").join(tests)
            ),
            **_adapted(cells),
            **{f"w_{name}": value for name, value in where.items()},
        )

    def versions(self, *tables: str) -> dict[str, list[str]]:
        """Return each row's physical version: equal before and after means that nothing was written."""
        return {
            table: [
                row["version"]
                for row in self(
                    sql.SQL("SELECT ctid::text || ' ' || xmin::text AS version FROM {} ORDER BY 1").format(
                        sql.Identifier(table)
                    )
                )
            ]
            for table in tables
        }

    def close(self) -> None:
        self._connection.close()


def _adapted(cells: Cells) -> dict[str, Any]:
    return {name: Json(value) if isinstance(value, dict) else value for name, value in cells.items()}
