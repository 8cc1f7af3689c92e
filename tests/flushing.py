"""Which commits wait for the disk: the tests' server waits for none, so what counts is who said so."""

from __future__ import annotations

from typing import Any

import pytest

from contact_sync import database

_SETTING = "SELECT setting = 'off' AND source = 'session' FROM pg_settings WHERE name = 'synchronous_commit'"


def noted(monkeypatch: pytest.MonkeyPatch, *statements: str) -> dict[str, set[bool]]:
    """Will hold, for each statement, whether the transactions that it ran in leave the disk to a later one."""
    told: dict[str, set[bool]] = {name: set() for name in statements}
    run = database.Transaction._run

    def noting(tx: database.Transaction, name: str, params: Any) -> Any:
        done = run(tx, name, params)
        if name in told:
            with tx._driver().cursor() as cursor:
                cursor.execute(_SETTING)
                told[name].update(leaves for (leaves,) in cursor.fetchall())
        return done

    monkeypatch.setattr(database.Transaction, "_run", noting)
    return told
