"""Private files are private from their first byte."""

from __future__ import annotations

import stat
from pathlib import Path

from sandbox import private_files


def test_only_the_owner_can_read_it(tmp_path: Path) -> None:
    private_files.write(tmp_path / "secret", "word")
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600


def test_it_replaces_what_was_there_with_its_permissions(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("old")
    (tmp_path / "secret").chmod(0o644)
    private_files.write(tmp_path / "secret", "new")
    assert (tmp_path / "secret").read_text() == "new"
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600


def test_an_unfinished_attempt_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "secret.new").write_text("half")
    private_files.write(tmp_path / "secret", "whole")
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]
