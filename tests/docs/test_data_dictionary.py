"""The page says what the database says, and the database explains every column."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs import data_dictionary
from sandbox import postgres


@pytest.fixture
def template_url(postgres_server: postgres.Server, template: str) -> str:
    return postgres_server.url(template)


def test_the_page_is_what_the_database_says(template_url: str, repository: Path) -> None:
    """Otherwise: python docs/data_dictionary.py > docs/data-dictionary.md"""
    written = (repository / "docs" / "data-dictionary.md").read_text(encoding="utf-8")
    assert written == data_dictionary.page(data_dictionary.columns(template_url))


def test_each_table_view_and_column_explains_itself(template_url: str) -> None:
    """A new column gets its COMMENT in the migration that adds it."""
    rows = data_dictionary.columns(template_url)
    silent = [f"{row['relation']}.{row['name']}" for row in rows if not (row["about"] and row["meaning"])]
    assert silent == []


def test_a_cell_cannot_break_the_table() -> None:
    row = {"relation": "t", "kind": "view", "about": "A view.", "name": "c", "type": "text", "is_key": False}
    page = data_dictionary.page([{**row, "meaning": "one | two\nthree", "mask": "plain"}])
    assert "| c | text | one \\| two three |  |" in page
