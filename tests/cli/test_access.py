"""What status tells of an org's log-in, of its day and of its fields."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.cli.conftest import Command
from tests.raw_sql import RawSql
from tests.stages.house import NOON, ORG, House


def org_of(command: Command) -> Any:
    [org] = command("status", "--json").json["orgs"]
    return org


def test_a_good_org_has_nothing_to_tell(command: Command, house: House) -> None:
    org = org_of(command)
    assert (org["login"], org["api"], org["field_news"], org["lost_in_use"]) == (None, None, [], [])
    for word in ("REFUSED", "calls left", "lost fields"):
        assert word not in command("status").out


def test_a_refused_log_in_is_told_with_its_reason(command: Command, house: House, raw: RawSql) -> None:
    raw.insert("salesforce_token", org_id=ORG, rejected_at=NOON, rejected_reason="invalid_grant (expired)")
    assert org_of(command)["login"]["reason"] == "invalid_grant (expired)"
    assert "REFUSED" in command("status").out


def test_what_each_lane_may_still_use_is_told(command: Command, house: House, raw: RawSql) -> None:
    raw("INSERT INTO api_limit (org_id, used, most, heard_at) VALUES (%(org)s, 600, 1000, now())", org=ORG)
    assert org_of(command)["api"]["left"] == {"edit": 400, "create": 350, "extract": 250, "backfill": 0}
    assert (
        "edit 400, create 350, extract 250, backfill 0  (600 of 1000 used by all programs"
        in command("status").out
    )


def test_a_lost_field_is_told_where_agents_see_it(command: Command, house: House) -> None:
    house.choose("Title")
    house.raw("UPDATE salesforce_org SET described_at = now()")
    house.raw("UPDATE salesforce_field SET lost_at = now()")
    org = org_of(command)
    assert org["lost_in_use"] == ["Title"]
    assert {event["field_name"]: event["event"] for event in org["field_news"]} == {
        "Title": "lost",
        "Email": "lost",
    }
    assert "Title: shown to agents as stale" in command("status").out


@pytest.mark.parametrize(("access", "told"), [("none", "lost"), ("read", "changed")])
def test_new_permissions_show_after_a_refresh(
    command: Command, salesforce_connection: str, access: str, told: str
) -> None:
    command("connect", "salesforce_default")
    permission = {"field": "Title", "access": access}
    httpx.post(f"{salesforce_connection}/_sandbox/permissions", json=permission).raise_for_status()
    command("connect", "salesforce_default", "--refresh")
    [event] = org_of(command)["field_news"]
    assert (event["field_name"], event["event"]) == ("Title", told)
    assert f"Title {told}" in command("status").out
