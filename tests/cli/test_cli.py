from __future__ import annotations

import pytest

from contact_sync import cli
from tests.cli.conftest import Command

COMMANDS = (
    ("migrate",),
    ("connect",),
    ("disconnect",),
    ("workspace", "set"),
    ("workspace", "list"),
    ("workspace", "show"),
    ("fields",),
    ("run",),
    ("status",),
    ("explain",),
    ("decide",),
    ("edit",),
    ("revert",),
)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_has_an_example_and_json(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main([*words, "--help"])
    assert end.value.code == 0
    shown = capsys.readouterr().out
    assert f"python -m contact_sync {' '.join(words)}" in shown.partition("example:")[2]
    assert "--json" in shown


@pytest.mark.parametrize("words", [(), ("nonsense",), ("run", "nonsense"), ("explain", "acme", "x")])
def test_wrong_usage_ends_with_2(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main(words)
    assert end.value.code == 2


def test_without_a_database_one_line_names_the_variable(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["status"]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("contact-sync: CONTACT_SYNC_DATABASE_URL is not set")
    assert told.err.count("\n") == 1


@pytest.mark.parametrize("url", ["nonsense", "postgresql://ada:s3cret@127.0.0.1:1/nowhere"])
def test_a_database_that_is_not_there_is_told_without_its_address(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CONTACT_SYNC_DATABASE_URL", url)
    assert cli.main(["status"]) == 1
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert url not in told
    assert "s3cret" not in told


def test_an_unknown_workspace_is_told_with_the_next_step(command: Command) -> None:
    said = command("workspace", "show", "acme")
    assert said.code == 1
    assert "workspace set acme" in said.err
