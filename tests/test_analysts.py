"""Two roles that only read: one sees nobody, the other sees people, neither sees secrets."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg2
import pytest
from psycopg2 import errors as sqlstate
from psycopg2 import sql
from psycopg2.extras import Json

from contact_sync import database
from sandbox import postgres
from tests import analyst_login
from tests.ada import settle, told
from tests.raw_sql import RawSql
from tests.stages.house import ORG, House, person_id

MASKED, WITH_VALUES = "contact_sync_analyst", "contact_sync_analyst_pii"

#: What the tables hold of Ada, of Bob, and of the agent and operator who had to do with them.
TOLD = (
    "lovelace",
    "ada",
    "bob",
    "twin",
    "7946",
    "901820",
    "countess",
    "enchantress",
    "call me",
    "ann@work",
    "s3cret",
)

#: Working tables of the stages, and what is encrypted: nobody asks questions of these.
CLOSED = {
    "salesforce_landing",
    "salesforce_listing",
    "respond_walk_seen",
    "merged_set",
    "salesforce_authorization",
    "analyst_salt",
    "analyst_column_mask",
}

LogIn = Callable[[str], RawSql]


@pytest.fixture
def ada(db: database.Database, raw: RawSql) -> House:
    """A house with Ada in every table, what the planner knows of them, and a token."""
    house = House(db, raw)
    house.org()
    house.workspace(editing_enabled=True)
    house.field("Title")
    house.choose("Title", editable=True)
    settle(house, raw)
    raw.insert("salesforce_token", org_id=ORG, access_token_enc="s3cret", refresh_token_enc="s3cret")
    house.contact(4, email="twin@example.con", country="Lovelace")
    house.match()
    return house


@pytest.fixture
def log_in(postgres_server: postgres.Server, database_url: str) -> Iterator[LogIn]:
    """Opens a session as one of the roles."""
    opened = []

    def as_role(role: str) -> RawSql:
        session = RawSql.__new__(RawSql)
        session._connection = psycopg2.connect(analyst_login.url(postgres_server, database_url, role))
        session._connection.autocommit = True
        opened.append(session)
        return session

    yield as_role
    for session in opened:
        session.close()


@pytest.fixture
def superuser(postgres_server: postgres.Server, database_url: str) -> Iterator[psycopg2.extensions.cursor]:
    """A superuser's transaction that is undone at the end."""
    connection = psycopg2.connect(
        postgres_server.url(database_url.rsplit("/", 1)[1]), options="-c search_path=contact_sync"
    )
    with connection.cursor() as cursor:
        yield cursor
    connection.rollback()
    connection.close()


#: Every column of every table and view there is, Postgres's own statistics included.
COLUMNS = """
SELECT c.oid::regclass::text AS relation, a.attname AS name
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
 WHERE c.relkind IN ('r', 'v', 'm', 'p')
   AND (c.relnamespace::regnamespace::text LIKE 'contact_sync%%' OR c.relname IN ('pg_stats', 'pg_stats_ext'))
"""


def readable(session: RawSql) -> dict[tuple[str, str], list[str]]:
    """``{(relation, column): values as text}`` of all columns that the session may read."""
    found = {}
    for column in session(COLUMNS):
        ours = "WHERE schemaname LIKE 'contact_sync%%'" if column["relation"].startswith("pg_stats") else ""
        query = sql.SQL("SELECT {}::text AS value FROM {} {}").format(
            sql.Identifier(column["name"]), sql.SQL(column["relation"]), sql.SQL(ours)
        )
        try:
            found[column["relation"], column["name"]] = [told(row["value"] or "") for row in session(query)]
        except sqlstate.InsufficientPrivilege:
            continue
    return found


def telling(found: dict[tuple[str, str], list[str]]) -> list[tuple[str, str]]:
    return [
        column
        for column, values in found.items()
        if any(word in value.lower() for value in values for word in TOLD)
    ]


def test_nothing_that_an_analyst_reads_tells_who_somebody_is(
    ada: House, log_in: LogIn, superuser: psycopg2.extensions.cursor
) -> None:
    superuser.execute("ANALYZE")
    superuser.connection.commit()
    found = readable(log_in(MASKED))
    assert len(found) > 400
    assert telling(found) == []


def test_the_other_role_reads_what_there_is_but_no_secret(ada: House, log_in: LogIn) -> None:
    found = readable(log_in(WITH_VALUES))
    assert {table for table, _ in telling(found)} >= {
        "salesforce_contact",
        "respond_contact",
        "field_edit",
        "edit_event",
        "quarantined_row",
        "match_explanation",
        "near_miss",
    }
    assert [column for column, values in found.items() if "s3cret" in "".join(values)] == []


@pytest.mark.parametrize("role", [MASKED, WITH_VALUES])
def test_each_open_table_is_found_whole_under_its_own_name(ada: House, log_in: LogIn, role: str) -> None:
    session = log_in(role)
    tables = set(session.column("SELECT DISTINCT relation FROM analyst_column"))
    tables -= {"salesforce_token"} if role == WITH_VALUES else set()
    for table in sorted(tables):
        session(sql.SQL("SELECT * FROM {} LIMIT 1").format(sql.Identifier(table)))


def test_what_is_missing_can_still_be_counted(ada: House, log_in: LogIn) -> None:
    [row] = log_in(MASKED)(
        "SELECT first_name, last_name, email, phone, country, payload FROM salesforce_contact"
        " WHERE salesforce_id = %(id)s",
        id=person_id(2),
    )
    assert row == {
        "first_name": None,
        "last_name": "***",
        "email": "xxx@xxxxxxx.xxx",
        "phone": "+99 99 999999",
        "country": None,
        "payload": {},
    }


def test_equal_keys_can_be_told_from_others(ada: House, log_in: LogIn, raw: RawSql) -> None:
    pairs = (
        "SELECT count(*) FROM salesforce_key s JOIN respond_key r"
        " ON r.org_id = s.org_id AND r.kind = s.kind AND r.key = s.key"
    )
    assert log_in(MASKED).value(pairs) == raw.value(pairs) > 0
    keys = "SELECT count(DISTINCT key) FROM salesforce_key"
    assert log_in(MASKED).value(keys) == raw.value(keys)


@pytest.mark.parametrize("role", [MASKED, WITH_VALUES])
@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO contact_sync.webhook_event VALUES ('acme', '1', 'contact.created', 'taken')",
        "UPDATE contact_sync.workspace SET match_mode = 'exact'",
        "DELETE FROM contact_sync.contact_match",
        "TRUNCATE contact_sync.contact_match",
        "DELETE FROM contact_sync_masked.contact_match",
        "UPDATE contact_sync_masked.salesforce_contact SET presence = 'live'",
        "CREATE TABLE contact_sync.mine (id int)",
        "SELECT contact_sync.analyze_contacts()",
    ],
)
def test_analysts_change_nothing(log_in: LogIn, role: str, statement: str) -> None:
    with pytest.raises(sqlstate.InsufficientPrivilege):
        log_in(role)(statement)


def test_no_function_lends_an_analyst_its_owners_rights(raw: RawSql) -> None:
    lent = raw.column(
        "SELECT oid::regprocedure::text FROM pg_proc WHERE prosecdef AND pronamespace = 'contact_sync'::regnamespace"
        " AND (has_function_privilege(%(masked)s, oid, 'execute') OR has_function_privilege(%(pii)s, oid, 'execute'))",
        masked=MASKED,
        pii=WITH_VALUES,
    )
    assert lent == []


def test_each_table_is_open_or_closed_on_purpose(raw: RawSql) -> None:
    """A new table belongs into analyst_column, or into CLOSED with those that nobody asks questions of."""
    closed = raw.column(
        "SELECT relname FROM pg_class c WHERE relnamespace = 'contact_sync'::regnamespace AND relkind IN ('r', 'v')"
        " AND NOT EXISTS (SELECT FROM analyst_column l WHERE l.relation = c.relname)"
    )
    assert set(closed) == CLOSED


def test_each_column_of_text_is_judged(superuser: psycopg2.extensions.cursor) -> None:
    """A new column of text, JSON or bytes belongs into analyst_column: plain, or with a mask."""
    superuser.execute(
        "SELECT relation, name FROM analyst_column_mask WHERE mask = 'withheld' AND NOT is_listed"
    )
    assert superuser.fetchall() == []


def test_each_judged_column_is_there(superuser: psycopg2.extensions.cursor) -> None:
    superuser.execute(
        "SELECT relation, name FROM analyst_column EXCEPT SELECT relation, name FROM analyst_column_mask"
    )
    assert superuser.fetchall() == []


def can_read(cursor: psycopg2.extensions.cursor, role: str, column: str) -> bool:
    cursor.execute("SELECT has_column_privilege(%s, 'contact_sync.workspace', %s, 'select')", (role, column))
    [is_readable] = cursor.fetchone() or (False,)
    return bool(is_readable)


def test_a_new_column_of_text_stays_closed_until_it_is_judged(superuser: psycopg2.extensions.cursor) -> None:
    superuser.execute("SET LOCAL ROLE contact_sync_owner")
    superuser.execute("ALTER TABLE workspace ADD COLUMN owner_email text, ADD COLUMN seats integer")
    superuser.execute("SELECT publish_to_analysts()")
    assert not can_read(superuser, MASKED, "owner_email")
    assert can_read(superuser, MASKED, "seats")
    superuser.execute("INSERT INTO analyst_column VALUES ('workspace', 'owner_email', 'shape')")
    superuser.execute("SELECT publish_to_analysts()")
    assert not can_read(superuser, MASKED, "owner_email")
    superuser.execute("SELECT owner_email FROM contact_sync_masked.workspace")


def test_a_migrator_who_may_not_make_roles_is_told_what_to_ask_for(
    superuser: psycopg2.extensions.cursor,
) -> None:
    superuser.execute(f"ALTER ROLE {MASKED} RENAME TO renamed_analyst")
    superuser.execute("ALTER ROLE contact_sync_owner NOCREATEROLE")
    superuser.execute("SET LOCAL ROLE contact_sync_owner")
    superuser.execute("SELECT publish_to_analysts()")
    assert [row[0] for row in superuser.fetchall()] == [
        "CREATE ROLE contact_sync_analyst NOLOGIN",
        "ALTER ROLE contact_sync_analyst SET search_path = contact_sync_masked, contact_sync",
    ]


def test_a_migrator_who_may_not_make_schemas_is_told_what_to_ask_for(
    superuser: psycopg2.extensions.cursor,
) -> None:
    superuser.execute("SELECT current_database()")
    [database_name] = superuser.fetchone() or ("",)
    superuser.execute("DROP SCHEMA contact_sync_masked CASCADE")
    superuser.execute(f"ALTER DATABASE {database_name} OWNER TO postgres")
    superuser.execute("SET LOCAL ROLE contact_sync_owner")
    superuser.execute("SELECT publish_to_analysts()")
    assert superuser.fetchall() == [(f"GRANT CREATE ON DATABASE {database_name} TO contact_sync_owner",)]


def test_a_role_that_another_database_made_is_taken(superuser: psycopg2.extensions.cursor) -> None:
    superuser.execute("ALTER ROLE contact_sync_owner NOCREATEROLE")
    superuser.execute("SET LOCAL ROLE contact_sync_owner")
    superuser.execute("SELECT publish_to_analysts()")
    assert superuser.fetchall() == []


@pytest.mark.parametrize(
    ("mask", "value", "masked"),
    [
        ("hidden", "Ada", "***"),
        ("shape", "Jörg.O'Neil+7@Exämple.com (020) 7946\t0", "xxxx.x'xxxx+9@xxxxxxx.xxx (999) 9999\t9"),
        ("entity", "003000000000001AAA", "003000000000001AAA"),
        ("entity", "email:ada@example.com", "email:***"),
        ("entity", "phone_raw:(020) 7946\n0958", "phone:***"),
        ("entity", "layout", "layout"),
        ("id", "003000000000001", "003000000000001"),
        ("id", "adalovelaceking", "***"),
        (
            "hint",
            "check the spelling of the domain: a in respond.io, b in Salesforce",
            "check the spelling of the domain",
        ),
        ("json", "Ada", "***"),
        (
            "values",
            {"Title": "Countess", "Fax": None, "Age": 36},
            {"Title": "***", "Fax": None, "Age": "***"},
        ),
        ("values", ["Ada"], "***"),
        ("shapes", {"Phone": "020 7946", "n": 1}, {"Phone": "999 9999", "n": "***"}),
    ],
)
def test_a_mask_keeps_no_more_than_it_says(raw: RawSql, mask: str, value: object, masked: object) -> None:
    given = Json(value) if mask in ("json", "values", "shapes") else value
    call = sql.SQL("SELECT {}(%(value)s)").format(sql.Identifier(f"mask_{mask}"))
    assert raw.value(call, value=given) == masked  # type: ignore[arg-type]
