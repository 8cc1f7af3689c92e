from __future__ import annotations

import argparse

import pytest

from contact_sync import errors
from contact_sync.cli import words
from tests.raw_sql import RawSql
from tests.stages.house import House


@pytest.fixture
def rehearsal(database_url: str, house: House) -> words.Rehearsal:
    return words.Rehearsal(database_url)


def rename(rehearsal: words.Rehearsal) -> None:
    rehearsal.execute("insert_workspace", workspace_id="beta", name="Beta", respond_conn_id="r")


def test_a_rehearsal_sees_its_own_writes_and_keeps_none(rehearsal: words.Rehearsal, raw: RawSql) -> None:
    rename(rehearsal)
    assert rehearsal.one("select_workspace", workspace_id="beta") is not None
    rehearsal.close()
    assert raw.column("SELECT workspace_id FROM workspace") == ["acme"]


def test_a_rehearsal_goes_on_after_a_refusal(rehearsal: words.Rehearsal) -> None:
    with pytest.raises(errors.RejectError):
        rehearsal.execute("insert_workspace", workspace_id="no name!", name="", respond_conn_id="r")
    rename(rehearsal)
    assert rehearsal.one("select_workspace", workspace_id="beta") is not None
    rehearsal.close()


def test_an_undone_transaction_is_undone_within_a_rehearsal(rehearsal: words.Rehearsal) -> None:
    with rehearsal.transaction(is_undone=True) as tx:
        tx.execute("insert_workspace", workspace_id="beta", name="Beta", respond_conn_id="r")
    assert rehearsal.one("select_workspace", workspace_id="beta") is None
    rehearsal.close()


def test_a_list_loses_spaces_and_empty_names() -> None:
    assert words.names(" Title, ,Account.Name,") == ["Title", "Account.Name"]


def test_a_switch_is_on_or_off() -> None:
    assert (words.switch("on"), words.switch("OFF")) == (True, False)
    with pytest.raises(argparse.ArgumentTypeError, match="on or off"):
        words.switch("maybe")
