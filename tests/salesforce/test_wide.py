"""A select list of any length: no address is longer than Salesforce takes, and every record comes whole."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from contact_sync import errors, records
from contact_sync.salesforce import auth, query, wide
from sandbox.salesforce.store import Store
from tests.salesforce.conftest import ScriptedOrg, page

#: What Salesforce's edge takes of URI and headers together.
CAP = 16_384
NOW = datetime(2026, 1, 1, tzinfo=UTC)
FIELDS = ["Id", "SystemModstamp", *(f"A_Custom_Field_With_A_Long_Name_{number}__c" for number in range(500))]


def asked(request: httpx.Request) -> list[str]:
    """The fields that a request selects."""
    [names] = re.findall(r"SELECT (.+) FROM", request.url.params["q"])
    return str(names).split(", ")


def told(request: httpx.Request) -> httpx.Response:
    """300 contacts, or those whose Ids are listed, with whatever is asked."""
    hits = re.findall(r"'(003\d{15})'", request.url.params["q"])
    ids = hits or [f"003{number:015d}" for number in range(300)]
    rows = [{name: f"{name} of {number}" for name in asked(request)} | {"Id": number} for number in ids]
    return page(rows)


def test_500_fields_come_in_addresses_that_salesforce_takes(session: auth.Session, org: ScriptedOrg) -> None:
    org.answer = told
    found = [row for p in query.pages(session, query.select(FIELDS)) for row in p.records]
    assert len(found) == 300
    for row in found:
        assert set(row) == set(FIELDS)
        assert row[FIELDS[-1]] == f"{FIELDS[-1]} of {row['Id']}"
    lengths = [
        len(request.url.raw_path) + sum(len(name) + len(value) for name, value in request.headers.raw)
        for request in org.calls
    ]
    assert max(lengths) < CAP


def test_500_fields_of_200_named_contacts_fit_as_well(session: auth.Session, org: ScriptedOrg) -> None:
    org.answer = told
    ids = query.text_list(f"003{number:015d}" for number in range(200))
    found = [
        row for p in query.pages(session, query.select(FIELDS, where=f"Id IN {ids}")) for row in p.records
    ]
    assert [len(row) for row in found] == [len(FIELDS)] * 200
    assert max(len(request.url.raw_path) for request in org.calls) < CAP


def test_nobody_found_costs_one_call(session: auth.Session, org: ScriptedOrg) -> None:
    org.answer = lambda _: page([])
    assert [p.total_size for p in query.pages(session, query.select(FIELDS))] == [0]
    assert len(org.calls) == 1


def test_a_short_list_is_asked_as_it_is() -> None:
    soql = query.select(["Id", "Title"], where="Title = 'a FROM b'")
    assert wide.parts(soql) == [soql]


def test_a_record_that_vanishes_in_between_is_no_half_record(session: auth.Session, org: ScriptedOrg) -> None:
    org.answer = lambda request: page([]) if "IN" in request.url.params["q"] else told(request)
    with pytest.raises(errors.RetryError, match="no longer shows"):
        list(query.pages(session, query.select(FIELDS)))


def test_a_record_that_changes_in_between_keeps_its_first_stamp() -> None:
    rows: list[dict[str, Any]] = [{"Id": "1", "SystemModstamp": "old", "A": 1}]
    first = records.QueryPage(total_size=1, records=rows, next_path=None, server_date=NOW)
    both = wide.joined(first, [{"Id": "1", "SystemModstamp": "new", "B": 2}])
    assert both.records == [{"Id": "1", "SystemModstamp": "old", "A": 1, "B": 2}]


def test_a_parents_fields_in_two_parts_become_one_parent() -> None:
    first = records.QueryPage(
        total_size=1,
        records=[{"Id": "1", "Account": {"Name": "Acme"}}],
        next_path=None,
        server_date=NOW,
    )
    both = wide.joined(first, [{"Id": "1", "Account": {"Industry": "Tools"}}])
    assert both.records == [{"Id": "1", "Account": {"Name": "Acme", "Industry": "Tools"}}]


def test_a_condition_too_long_for_any_call_is_named() -> None:
    with pytest.raises(errors.RejectError, match="condition"):
        wide.parts(query.select(FIELDS, where="Title = 'x'" * 2000))


def test_the_stand_in_gives_the_same_in_parts_as_at_once(
    live: auth.Session, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    [account] = store.insert_accounts([{"Name": "Acme"}])
    store.insert_contacts(
        {"LastName": f"Person {n}", "Title": f"Title {n}", "AccountId": account} for n in range(450)
    )
    names = ["Id", "SystemModstamp", "LastName", "Account.Name", "Title", "Department", "Account.Industry"]
    whole = [row for p in query.pages(live, query.select(names)) for row in p.records]
    monkeypatch.setattr(wide, "LONGEST", 80)
    monkeypatch.setattr(wide, "_FIELDS", 40)
    in_parts = [row for p in query.pages(live, query.select(names)) for row in p.records]
    assert {row["Id"]: row for row in in_parts} == {row["Id"]: row for row in whole}
