"""The ten ready queries over a seeded database, as each role that may ask them, and the report made of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas
import pytest

from contact_sync import database
from docs.queries import report
from sandbox import postgres
from tests import analyst_login
from tests.raw_sql import RawSql
from tests.stages.house import NOON, ORG, WORKSPACE, House, person_id

PLACE = {"org_id": ORG, "workspace_id": WORKSPACE}

#: Columns that a reader of the answer goes by, per query, and what one row of the seeded answer holds.
EXPECTED: dict[str, dict[str, Any]] = {
    "age-of-data": {"workspace_id": WORKSPACE, "waiting_changes": 1, "open_holds": 1},
    "ambiguous-and-shared-keys": {"kind": "email", "verdict": "ambiguous", "salesforce_contacts": 2},
    "api-usage": {"lane": "extract", "calls": 30, "percent_of_ours": 75.0, "percent_of_the_orgs": 0.3},
    "creations-by-rule": {"status": "skipped", "why": "bulk_import", "records": 2, "median_seconds": 60},
    "edits-by-outcome": {"status": "applied", "edits": 2, "median_seconds": 3.0, "p95_seconds": 3.9},
    "near-misses": {"respond_id": 3, "salesforce_id": person_id(3), "salesforce_field": "Email"},
    "rows-and-values-left-out": {"system": "respond.io", "what": "value", "field": "phone", "how_many": 1},
    "unmatched-by-day": {"reason": "no_counterpart", "contacts": 3, "percent": 30.0, "change": 1},
    "unmatched-contacts": {"respond_id": 4, "reason": "invalid_identifier"},
    "windows-not-proven": {"kind": "backfill", "status": "short", "rows_reported": 10, "rows_seen": 9},
}


@pytest.fixture
def seeded(db: database.Database, raw: RawSql) -> House:
    """Two people with one e-mail, one letter's difference, a number that is none, and some of every other record."""
    house = House(db, raw)
    house.org()
    house.workspace()
    for number, email in enumerate(["ada@example.com", "ada@example.com", "bob@gmail.com"], start=1):
        house.person(number, email=email)
        house.contact(number, email=email.replace("gmail", "gmial"))
    house.contact(4, phone="none")
    house.materialize()
    raw("DELETE FROM pending_change")
    house.change_contact(3, country="DE")
    _records(raw)
    return house


def _records(raw: RawSql) -> None:
    raw(
        "INSERT INTO match_day (org_id, workspace_id, day, matched, ambiguous, unmatched, reasons)"
        " SELECT %(org)s, 'acme', (now() AT TIME ZONE 'UTC')::date - 1 + n, 5, 2, 2 + n,"
        " jsonb_build_object('no_counterpart', 2 + n, 'several_by_email', 2) FROM generate_series(0, 1) AS n",
        org=ORG,
    )
    for lane, calls in {"extract": 30, "edit": 10}.items():
        raw(
            "INSERT INTO api_usage VALUES ((now() AT TIME ZONE 'UTC')::date, %(o)s, %(l)s, %(c)s)",
            o=ORG,
            l=lane,
            c=calls,
        )
    raw("INSERT INTO api_limit (org_id, used, most, heard_at) VALUES (%(org)s, 40, 10000, now())", org=ORG)
    for number in (7, 8):
        raw(
            "INSERT INTO contact_creation (org_id, workspace_id, salesforce_id, status, rule, planned_at, settled_at)"
            " VALUES (%(org)s, 'acme', %(id)s, 'skipped', 'bulk_import', now(), now() + interval '1 minute')",
            org=ORG,
            id=person_id(number),
        )
        raw(
            "INSERT INTO field_edit (org_id, workspace_id, salesforce_id, target_salesforce_id, field_name,"
            " requested_by, status, requested_at, settled_at) VALUES (%(org)s, 'acme', %(id)s, %(id)s, 'Title',"
            " 'ann', 'applied', now(), now() + interval '1 second' * %(seconds)s)",
            org=ORG,
            id=person_id(number),
            seconds=2 * number - 12,
        )
    raw.insert("extract_window", org_id=ORG, kind="backfill", status="short", rows_reported=10, rows_landed=9)
    raw.insert("held_change", **PLACE, kind="unmatch", affected=2)


@pytest.fixture(params=["contact_sync", "contact_sync_analyst", "contact_sync_analyst_pii"])
def role_url(request: pytest.FixtureRequest, postgres_server: postgres.Server, database_url: str) -> str:
    """The database as each role reaches it; the application's own has its search_path from the installation."""
    if request.param == "contact_sync":
        return f"{database_url}?options=-csearch_path%3Dcontact_sync"
    return analyst_login.url(postgres_server, database_url, request.param)


def test_there_are_ten_and_each_is_in_the_index() -> None:
    index = (report.FOLDER / "README.md").read_text(encoding="utf-8")
    assert len(report.QUERIES) == 10
    assert [
        name for name in report.QUERIES if f"| `{name}` | {report.question(name).split('?')[0]}?" not in index
    ] == []


def test_each_role_gets_an_answer_to_each_question(
    seeded: House, role_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CONTACT_SYNC_DATABASE_URL", role_url)
    report.main(["--csv", str(tmp_path)])
    for name, wanted in EXPECTED.items():
        rows = pandas.read_csv(tmp_path / f"{name}.csv", dtype={"salesforce_id": str}).to_dict("records")
        assert any(wanted.items() <= row.items() for row in rows), f"{name}: {rows}"


def test_the_overview_tells_shares(
    seeded: House, role_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CONTACT_SYNC_DATABASE_URL", role_url)
    report.main(["--csv", str(tmp_path)])
    rows = pandas.read_csv(tmp_path / "overview.csv").values.tolist()
    assert rows == [
        [WORKSPACE, "ambiguous", "several_by_email", 2, 50.0],
        [WORKSPACE, "unmatched", "invalid_identifier", 1, 25.0],
        [WORKSPACE, "unmatched", "no_counterpart", 1, 25.0],
    ]


def test_the_overview_counts_each_contact_once(seeded: House, raw: RawSql) -> None:
    seeded.workspace("elsewhere", org_id=None)
    seeded.contact(1, "elsewhere", org_id=None)
    seeded.change_contact(2, gone_at=NOON)
    seeded.person(5, phone="+49 30 901820")
    seeded.contact(5, phone="+49 30 901820")
    seeded.match()
    assert raw.value("SELECT sum(contacts) FROM match_overview") == 4
    assert raw.column("SELECT DISTINCT workspace_id FROM match_overview") == [WORKSPACE]


def test_one_question_is_printed_with_its_answer(
    seeded: House, database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CONTACT_SYNC_DATABASE_URL", f"{database_url}?options=-csearch_path%3Dcontact_sync")
    report.main(["near-misses"])
    told = capsys.readouterr().out
    assert told.startswith("Who nearly matched")
    assert "bob@gmial.com" in told
    assert "check the spelling of the domain" in told


def test_an_unknown_question_is_refused_before_anything_is_asked(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        report.main(["far-misses"])
    assert "there is no query far-misses" in capsys.readouterr().err
