"""What a change costs follows the change, wherever the ids that it names lie among all others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from contact_sync import database
from tests.stages.house import NOON, ORG, WORKSPACE, House, person_id

PEOPLE, BEFORE, CHANGED = 3_000, 1_000, 200
READ = """
SELECT coalesce(sum(seq_tup_read + idx_tup_fetch), 0)::bigint
  FROM pg_stat_xact_user_tables
 WHERE schemaname = 'contact_sync' AND relname <> 'pending_change'
"""
PERSONS = """
INSERT INTO salesforce_contact (org_id, salesforce_id, last_name, email, mobile_phone, system_modstamp, read_at)
SELECT %(org)s, '003' || lpad(n::text, 15, '0'), 'Ada', 'person' || n || '@example.com',
       '+49171' || lpad(n::text, 7, '0'), %(noon)s, %(noon)s
  FROM generate_series(1, %(people)s) AS n
"""
CONTACTS = """
INSERT INTO respond_contact (workspace_id, respond_id, org_id, email, content_hash, seen_at, written_by)
SELECT %(workspace)s, n, %(org)s, 'person' || n || '@example.com', '', %(noon)s, 'walk'
  FROM generate_series(1, %(people)s) AS n
"""
MOVE = """
UPDATE salesforce_contact
   SET email = 'moved.' || email, last_name = 'Lovelace', read_at = %(noon)s::timestamptz + interval '1 hour'
 WHERE salesforce_id > %(after)s AND salesforce_id <= %(last)s
"""


@pytest.fixture
def crowd(house: House, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """People on both sides, matched, in tables that the planner knows."""
    # whom the change takes the match from is no concern of the brake
    house.settings(brake_count=PEOPLE)
    house.raw(PERSONS, org=ORG, noon=NOON, people=PEOPLE)
    house.raw(CONTACTS, org=ORG, workspace=WORKSPACE, noon=NOON, people=PEOPLE)
    house.match()
    house.match()
    for statement, params in (
        ("analyze_contacts", {"changed": 2 * PEOPLE}),
        ("analyze_matches", {}),
    ):
        house.db.one(statement, **params)
    # tables so small would be hashed: left are their indexes, row by row or in order
    monkeypatch.setattr(database, "_SETTINGS", f"{database._SETTINGS} -c enable_hashjoin=off")
    db = database.Database(database_url)
    yield House(db, house.raw)
    db.close()


def reads_by_statement(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Will hold how many rows of our tables each statement read, by index or not, at most."""
    found: dict[str, int] = {}
    run = database.Transaction._run

    def rows(tx: database.Transaction) -> int:
        with tx._driver().cursor() as cursor:
            cursor.execute(READ)
            [count] = cursor.fetchone()
        return int(count)

    def counting(tx: database.Transaction, name: str, params: Any) -> Any:
        before = rows(tx)
        done = run(tx, name, params)
        found[name] = max(found.get(name, 0), rows(tx) - before)
        return done

    monkeypatch.setattr(database.Transaction, "_run", counting)
    return found


def test_a_change_of_few_reads_no_keys_before_theirs(crowd: House, monkeypatch: pytest.MonkeyPatch) -> None:
    crowd.raw(MOVE, noon=NOON, after=person_id(BEFORE), last=person_id(BEFORE + CHANGED))
    reads = reads_by_statement(monkeypatch)
    assert crowd.match()["looked_at"] == CHANGED
    assert crowd.verdict(BEFORE + 1)[0] == "unmatched"
    # of two keys each, read in order from the first one, the indexes would be read as far as this
    too_many = 2 * (BEFORE + CHANGED)
    assert {name: count for name, count in reads.items() if count >= too_many} == {}
