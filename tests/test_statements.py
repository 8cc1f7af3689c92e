"""Splitting SQL files into named statements."""

from __future__ import annotations

from pathlib import Path

import pytest

from contact_sync import errors, statements

FILE = """-- What the tables mean.
-- And their statuses.

-- name: first_one
-- Do the first thing.
-- Params: a text | Rows: none
SELECT %(a)s;

-- name: second_one
-- Do the second thing.
-- Params: a text, b int | Rows: 1 (a)
SELECT %(a)s
 -- why this is so
 WHERE %(b)s = 1;
"""


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of SQL files of our own."""
    monkeypatch.setattr(statements, "SQL_DIRECTORY", tmp_path)
    statements.load.cache_clear()
    monkeypatch.setattr(statements, "load", statements.load.__wrapped__)
    return tmp_path


def test_a_file_gives_its_statements_in_order() -> None:
    assert [found.name for found in statements.parse(FILE, file="x.sql")] == ["first_one", "second_one"]


def test_the_name_travels_to_the_server_and_the_header_does_not() -> None:
    [first, _] = statements.parse(FILE, file="x.sql")
    assert first.text == "/* first_one */ SELECT %(a)s"
    assert first.documentation == "Do the first thing.\nParams: a text | Rows: none"


def test_comments_inside_a_statement_stay() -> None:
    [_, second] = statements.parse(FILE, file="x.sql")
    assert "-- why this is so" in second.text


def test_placeholders_are_what_a_caller_must_pass() -> None:
    [first, second] = statements.parse(FILE, file="x.sql")
    assert sorted(first.placeholders) == ["a"]
    assert sorted(second.placeholders) == ["a", "b"]


def test_all_files_are_read(directory: Path) -> None:
    (directory / "one.sql").write_text(FILE)
    (directory / "two.sql").write_text(FILE.replace("_one", "_two"))
    assert sorted(statements.load()) == ["first_one", "first_two", "second_one", "second_two"]
    assert statements.get("first_two").file == "two.sql"


def test_a_name_used_twice_is_refused(directory: Path) -> None:
    for name in ("one.sql", "two.sql"):
        (directory / name).write_text(FILE)
    with pytest.raises(errors.StopError, match="first_one stands twice"):
        statements.load()


def test_a_missing_name_is_told(directory: Path) -> None:
    with pytest.raises(errors.StopError, match="no statement named nothing"):
        statements.get("nothing")
