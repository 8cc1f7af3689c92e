"""docs/sandbox.md names what there is."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from sandbox.faults import Fault
from sandbox.respond.switches import Switches

PAGE = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text(encoding="utf-8")


def shown(default: object) -> str:
    """Return a default as the page writes it."""
    if isinstance(default, str):
        return f"`{default}`"
    return str(default).lower().removesuffix(".0")


@pytest.mark.parametrize("kind", [Fault, Switches])
def test_every_key_and_switch_is_explained(kind: type[Fault] | type[Switches]) -> None:
    assert [item.name for item in dataclasses.fields(kind) if f"`{item.name}`" not in PAGE] == []


def test_every_switch_is_told_with_its_default() -> None:
    switches = Switches()
    for item in dataclasses.fields(Switches):
        assert f"| `{item.name}` | {shown(getattr(switches, item.name))} |" in PAGE


@pytest.mark.parametrize("command", ["serve", "seed", "load", "act", "reset"])
def test_every_command_is_told(command: str) -> None:
    assert f"| `{command}` |" in PAGE
