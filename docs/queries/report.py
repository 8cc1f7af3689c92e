"""Runs the ready queries and prints their answers as tables, or writes them as CSV files.

    python docs/queries/report.py                             an overview of the matches, then every query
    python docs/queries/report.py near-misses                 one of them
    python docs/queries/report.py --csv DIRECTORY             all of them, as files to open elsewhere

The database is CONTACT_SYNC_DATABASE_URL: log in as contact_sync_analyst, and nobody's data is in the answers.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import pandas
import sqlalchemy

FOLDER = Path(__file__).parent
QUERIES = {path.stem: path for path in sorted(FOLDER.glob("*.sql"))}


def overview(connection: sqlalchemy.Connection) -> pandas.DataFrame:
    """Return one row per workspace, status and reason, with its share of the workspace's contacts in percent."""
    found = pandas.read_sql_query(
        "SELECT workspace_id, status, reason, contacts FROM match_overview", connection
    )
    found["percent"] = (
        100 * found["contacts"] / found.groupby("workspace_id")["contacts"].transform("sum")
    ).round(1)
    # as many contacts with one reason as with another come in the reasons' order, whatever the server's
    return found.sort_values(
        ["workspace_id", "status", "contacts", "reason"], ascending=[True, True, False, True]
    )


def answer(connection: sqlalchemy.Connection, name: str) -> pandas.DataFrame:
    """Return what one of the queries returns."""
    return pandas.read_sql_query(QUERIES[name].read_text(encoding="utf-8"), connection)


def question(name: str) -> str:
    """Return the question that a query answers: its first line."""
    return QUERIES[name].read_text(encoding="utf-8").splitlines()[0].removeprefix("-- ")


def main(words: Sequence[str] | None = None) -> None:
    """Run what the words of the command line ask for."""
    parser = argparse.ArgumentParser(description="Run the ready queries.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which; default all: {', '.join(QUERIES)}")
    parser.add_argument("--csv", type=Path, metavar="DIRECTORY", help="write files there instead of printing")
    arguments = parser.parse_args(words)
    unknown = set(arguments.names) - QUERIES.keys()
    if unknown:
        parser.error(f"there is no query {', '.join(sorted(unknown))}")
    url = sqlalchemy.make_url(os.environ["CONTACT_SYNC_DATABASE_URL"]).set(drivername="postgresql+psycopg2")
    engine = sqlalchemy.create_engine(url)
    try:
        with engine.connect() as connection:
            _report(connection, arguments.names, arguments.csv)
    finally:
        engine.dispose()


def _report(connection: sqlalchemy.Connection, names: Sequence[str], folder: Path | None) -> None:
    tables = {} if names else {"overview": overview(connection)}
    tables |= {name: answer(connection, name) for name in names or QUERIES}
    for name, table in tables.items():
        if folder:
            folder.mkdir(parents=True, exist_ok=True)
            table.to_csv(folder / f"{name}.csv", index=False)
        else:
            title = (
                question(name)
                if name in QUERIES
                else "How many contacts are matched, and why not the others?"
            )
            sys.stdout.write(
                f"{title}\n\n{table.to_string(index=False) if len(table) else '(nothing)'}\n\n\n"
            )


if __name__ == "__main__":
    main()
