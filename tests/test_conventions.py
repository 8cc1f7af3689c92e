"""The house rules that a machine can hold: names of statements, their headers, sizes, and where SQL may stand."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest

from contact_sync import statements
from sandbox import postgres

ROOT = Path(__file__).resolve().parents[1]
LIBRARY = ROOT / "plugins" / "contact_sync"
TESTS = ROOT / "tests"

ALL = sorted(statements.load().values(), key=lambda statement: statement.name)
NAMES = {statement.name for statement in ALL}

#: Verbs of Database and Transaction whose first argument names a statement.
VERBS = {"execute", "one", "all", "tuples"}
#: Verbs of the working tables' life, which PREPARE does not take.
UTILITY = ("CREATE", "ANALYZE", "SET", "DROP SCHEMA")

PYTHON = sorted(path for path in LIBRARY.rglob("*.py"))
SQL_KEYWORDS = re.compile(
    r"\b(SELECT\s.+\sFROM|INSERT\s+INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM|CREATE\s+TABLE|ALTER\s+TABLE|COPY\s)\b",
    re.DOTALL,
)
#: SOQL is a vendor's language, and COPY's envelope has no parameters to put into a file.
MAY_HOLD_SQL = {"salesforce/query.py", "database.py"}


def identify(path: Path) -> str:
    return str(path.relative_to(LIBRARY))


def strings(tree: ast.AST) -> Iterator[str]:
    """Every string constant that is no docstring."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    """Each call of a verb with a literal statement name."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
            continue
        first = node.args[0]
        if node.func.attr in VERBS and isinstance(first, ast.Constant) and isinstance(first.value, str):
            yield first.value, node


def params(statement: statements.Statement) -> dict[str, str]:
    """``{name: type}`` as the header's ``Params:`` says."""
    [text] = re.findall(r"^Params: (.+?) \| Rows: ", statement.documentation, re.MULTILINE)
    return {} if text == "none" else dict(pair.split(" ", 1) for pair in text.split(", "))


def body(statement: statements.Statement) -> str:
    return statement.text.removeprefix(f"/* {statement.name} */ ")


# Statements


def test_every_statement_is_used() -> None:
    callers = [*PYTHON, *(ROOT / "dags").glob("*.py")]
    used = {text for path in callers for text in strings(ast.parse(path.read_text(encoding="utf-8")))}
    assert NAMES - used == set()


@pytest.mark.parametrize("path", PYTHON, ids=identify)
def test_every_call_names_a_statement_and_passes_what_it_asks_for(path: Path) -> None:
    for name, call in calls(path):
        assert name in NAMES, f"no statement {name}"
        given = {keyword.arg for keyword in call.keywords}
        if None not in given:
            assert given == statements.get(name).placeholders, name


@pytest.mark.parametrize("statement", ALL, ids=lambda statement: statement.name)
def test_a_header_tells_the_truth(statement: statements.Statement) -> None:
    sentence, *_ = statement.documentation.splitlines()
    assert sentence.endswith("."), "one sentence in the imperative"
    assert set(params(statement)) == statement.placeholders
    assert re.search(r"\| Rows: (none|0\.\.1|1|0\.\.n|0\.\.\w+)( \(.+\))?$", statement.documentation)


@pytest.mark.parametrize("statement", ALL, ids=lambda statement: statement.name)
def test_a_statement_has_no_bare_percent_and_no_star(statement: statements.Statement) -> None:
    assert "%" not in re.sub(r"%\(\w+\)s", "", statement.text)
    assert not re.search(r"SELECT\s+\*|\.\*", statement.text)


@pytest.mark.parametrize("statement", ALL, ids=lambda statement: statement.name)
def test_a_statement_is_no_longer_than_40_lines(statement: statements.Statement) -> None:
    assert len(statement.text.splitlines()) <= 40


@pytest.fixture(scope="module")
def prepared(postgres_server: postgres.Server, template: str) -> Iterator[psycopg2.extensions.connection]:
    """A database with the working tables of all stages, undone at the end."""
    postgres.psql(postgres_server, f"CREATE DATABASE prepared TEMPLATE {template} OWNER contact_sync_owner")
    connection = psycopg2.connect(
        postgres_server.url("prepared", "contact_sync"), options="-c search_path=contact_sync"
    )
    with connection.cursor() as cursor:
        for statement in ALL:
            if body(statement).startswith("CREATE TEMPORARY"):
                cursor.execute(statement.text, dict.fromkeys(params(statement)))
        cursor.execute("SELECT create_csv_page(ARRAY['Id', 'MasterRecordId'])")
    yield connection
    connection.close()
    postgres.psql(postgres_server, "DROP DATABASE prepared WITH (FORCE)")


@pytest.mark.parametrize("statement", ALL, ids=lambda statement: statement.name)
def test_every_statement_can_be_prepared_with_the_types_its_header_names(
    prepared: psycopg2.extensions.connection, statement: statements.Statement
) -> None:
    if body(statement).startswith(UTILITY):
        return
    places = {name: f"${place}" for place, name in enumerate(params(statement), start=1)}
    text = re.sub(r"%\((\w+)\)s", lambda found: places[found[1]], body(statement))
    types = f"({', '.join(params(statement).values())})" if places else ""
    with prepared.cursor() as cursor:
        cursor.execute("SAVEPOINT before")
        try:
            cursor.execute(f"PREPARE tried {types} AS {text}")
        finally:
            cursor.execute("ROLLBACK TO before")
            cursor.execute("DEALLOCATE ALL")


def test_every_sql_file_opens_with_what_its_tables_mean() -> None:
    for path in statements.SQL_DIRECTORY.glob("*.sql"):
        first, second, *_ = path.read_text(encoding="utf-8").splitlines()
        assert first.startswith("-- "), path.name
        assert second.startswith("-- "), path.name


# Python


@pytest.mark.parametrize("path", PYTHON, ids=identify)
def test_sql_stands_in_sql_files(path: Path) -> None:
    if identify(path) in MAY_HOLD_SQL:
        return
    found = [
        text for text in strings(ast.parse(path.read_text(encoding="utf-8"))) if SQL_KEYWORDS.search(text)
    ]
    assert found == []


@pytest.mark.parametrize("path", PYTHON, ids=identify)
def test_a_module_is_no_longer_than_300_lines(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300


@pytest.mark.parametrize("path", sorted((ROOT / "dags").glob("*.py")), ids=lambda path: path.name)
def test_a_dag_is_no_longer_than_90_lines(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 90


STAGES = [path for path in (LIBRARY / "stages").glob("*.py") if not path.name.startswith("_")]


@pytest.mark.parametrize("path", STAGES, ids=identify)
def test_every_stage_has_its_sql_file(path: Path) -> None:
    assert (statements.SQL_DIRECTORY / f"{path.stem}.sql").exists()


#: Nothing to test: the vocabulary, the error tree, and the door that opens the commands.
WITHOUT_BEHAVIOUR = {"records.py", "errors.py", "__main__.py"}
#: Tested through the module that uses them.
TESTED_THROUGH = {"salesforce/tokens.py": "tests/salesforce/test_auth.py"}


def is_tested(path: Path) -> bool:
    """A file of the same name mirrors the module, or a test of the same room imports it."""
    room = TESTS / path.relative_to(LIBRARY).parent
    if (room / f"test_{path.stem}.py").exists():
        return True
    imported = re.compile(rf"^from contact_sync\b.* import .*\b{path.stem}\b", re.MULTILINE)
    return any(imported.search(test.read_text(encoding="utf-8")) for test in room.glob("test_*.py"))


@pytest.mark.parametrize("path", [path for path in PYTHON if not path.name.startswith("_")], ids=identify)
def test_every_module_has_its_tests(path: Path) -> None:
    if identify(path) in (*WITHOUT_BEHAVIOUR, *TESTED_THROUGH):
        return
    assert is_tested(path)
