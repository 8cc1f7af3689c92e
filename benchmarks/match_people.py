"""Two mirrors of people and their keys, filled in SQL: as many on each side as one likes, in seconds.

Of the respond contacts 80 % are in Salesforce by e-mail, half of these also by phone; two of a hundred are
ambiguous. Normalizing is done already: keys, rules and the feed are what it leaves behind.
"""

from __future__ import annotations

from benchmarks import ground
from contact_sync import keys

ORG = "00D000000000001EAA"
WORKSPACE = ground.WORKSPACE
SHOWN = ("Title", "Department", "Account.Name", "Description", "Email", "Phone", "MobilePhone", "LastName")
#: The shared phone: a switchboard.
HUB_KEY = "+4930901820"

_TENANTS = (
    """
    INSERT INTO salesforce_org (org_id, name, conn_id, instance_url, connected_at)
    VALUES (%(org)s, 'Bench', 'salesforce_default', 'https://bench.example', now())
    """,
    """
    INSERT INTO workspace (workspace_id, name, org_id, respond_conn_id, shared_key_limit)
    VALUES (%(workspace)s, 'Bench', %(org)s, 'respond_io_default', 5)
    """,
    """
    INSERT INTO salesforce_field (org_id, name, label, type, updateable, calculated, seen_at)
    SELECT %(org)s, name, name, 'string', true, false, now() FROM unnest(%(shown)s) AS name
    """,
    """
    INSERT INTO sidebar_field_choice (workspace_id, position, field_name)
    SELECT %(workspace)s, position, name FROM unnest(%(shown)s) WITH ORDINALITY AS f (name, position)
    """,
)
_MIRRORS = (
    """
    INSERT INTO salesforce_contact (org_id, salesforce_id, first_name, last_name, email, mobile_phone, payload,
                                    created_at, system_modstamp, read_at)
    SELECT %(org)s, '003' || lpad(n::text, 15, '0'), 'Franziska', 'Lindström ' || n,
           'person.' || CASE WHEN n %% 50 = 1 THEN n - 1 ELSE n END || '@example.com',
           CASE WHEN n <= %(hub)s THEN %(hub_key)s ELSE '+49171' || lpad(n::text, 8, '0') END,
           jsonb_build_object('Title', 'Head of Things', 'Department', 'Sales',
                              'Account.Name', 'Company ' || n / 100, 'Description', repeat('What there is. ', 5)),
           now(), now(), now()
      FROM generate_series(1, %(rows)s) AS n
    """,
    """
    INSERT INTO respond_contact (workspace_id, respond_id, org_id, first_name, last_name, email, phone, content_hash,
                                 seen_at, written_by, created_at)
    SELECT %(workspace)s, n, %(org)s, 'Franziska', 'Lindström ' || n,
           CASE WHEN n %% 5 = 4 THEN 'stranger.' ELSE 'person.' END || n || '@example.com',
           CASE WHEN n <= %(hub)s THEN %(hub_key)s
                WHEN n %% 5 = 4 OR n %% 2 = 0 THEN '+49172' || lpad(n::text, 8, '0')
                ELSE '+49171' || lpad(n::text, 8, '0') END, '', now(), 'walk', now()
      FROM generate_series(1, %(rows)s) AS n
    """,
)
_KEYS = (
    """
    INSERT INTO salesforce_key (org_id, kind, key, salesforce_id, effective_id, source_fields)
    SELECT org_id, 'email', email, salesforce_id, salesforce_id, ARRAY['Email'] FROM salesforce_contact
     UNION ALL
    SELECT org_id, 'phone', mobile_phone, salesforce_id, salesforce_id, ARRAY['MobilePhone'] FROM salesforce_contact
    """,
    """
    INSERT INTO respond_key (org_id, workspace_id, kind, key, respond_id)
    SELECT org_id, workspace_id, 'email', email, respond_id FROM respond_contact
     UNION ALL
    SELECT org_id, workspace_id, 'phone', phone, respond_id FROM respond_contact
    """,
    """
    INSERT INTO key_rule (kind, region, raw_digest, rules_version, key)
    SELECT kind, '', sha256(convert_to(key, 'UTF8')), %(version)s, key
      FROM (SELECT kind, key FROM salesforce_key UNION SELECT kind, key FROM respond_key) AS k
    """,
)
_EVERYBODY = """
INSERT INTO pending_change (org_id, workspace_id, entity)
VALUES (%(org)s, NULL, 'salesforce_contact'), (%(org)s, %(workspace)s, 'respond_contact'),
       (%(org)s, %(workspace)s, 'respond_key'), (%(org)s, %(workspace)s, 'sidebar_row')
"""
_MATCH_EVERYBODY = """
INSERT INTO pending_change (org_id, workspace_id, entity) VALUES (%(org)s, %(workspace)s, 'respond_key')
"""
_BACK = (
    "TRUNCATE contact_match, match_issue, sidebar_fields, sidebar_layout, pending_change",
    """
    DELETE FROM salesforce_key WHERE org_id = %(org)s AND kind = 'email' AND key LIKE 'moved%%'
    """,
    """
    UPDATE salesforce_contact
       SET email = substr(email, strpos(email, 'person.')), payload = payload || '{"Title": "Head of Things"}'
     WHERE email LIKE 'moved%%'
    """,
    """
    INSERT INTO salesforce_key (org_id, kind, key, salesforce_id, effective_id, source_fields)
    SELECT org_id, 'email', email, salesforce_id, salesforce_id, ARRAY['Email'] FROM salesforce_contact c
     WHERE NOT EXISTS (
           SELECT FROM salesforce_key k
            WHERE k.org_id = c.org_id AND k.salesforce_id = c.salesforce_id AND k.kind = 'email')
    """,
)
REQUEUE_HUB = """
INSERT INTO pending_change (org_id, workspace_id, entity, entity_id)
SELECT org_id, workspace_id, 'respond_key', respond_id FROM respond_key WHERE org_id = %(org)s AND key = %(key)s
"""
_CHANGE = """
UPDATE salesforce_contact
   SET email = %(word)s || '.' || email, payload = payload || '{"Title": "Head of Everything"}',
       system_modstamp = now(), read_at = now()
 WHERE salesforce_id <= '003' || lpad(%(count)s::text, 15, '0')
"""
_RETITLE = 'UPDATE salesforce_contact SET payload = payload || \'{"Title": "Doctor"}\', read_at = now()'


def hub_size(rows: int) -> int:
    """Return how many share the switchboard's number, on each side."""
    return min(50_000, max(rows // 20, 10))


def fill(sql: ground.Sql, rows: int, *, has_hub: bool = False) -> None:
    """Fill tenants, mirrors, keys and feed."""
    tenants = {"org": ORG, "workspace": WORKSPACE, "shown": list(SHOWN)}
    people = {"rows": rows, "hub": hub_size(rows) if has_hub else 0, "hub_key": HUB_KEY}
    sql("SET session_replication_role = replica")
    for text in (*_TENANTS, *_MIRRORS):
        sql(text, **tenants, **people)
    sql("SET session_replication_role = DEFAULT")
    # the keys' triggers feed the match
    for text in _KEYS:
        sql(text, **tenants, version=keys.RULES_VERSION)
    sql("VACUUM ANALYZE")


def change(sql: ground.Sql, count: int, word: str) -> None:
    """Let so many Salesforce contacts get another e-mail, which begins with ``word``, and another title."""
    sql(_CHANGE, count=max(count, 1), word=word)


def put_back(sql: ground.Sql) -> None:
    """Have nobody matched and shown, and everybody on the feed of matching: as after ``fill``, once more.

    What ``change`` did is undone; the rules of its new values stay, so each change needs a word of its own.
    """
    sql("SET session_replication_role = replica")
    for text in _BACK:
        sql(text, org=ORG)
    sql("SET session_replication_role = DEFAULT")
    sql(_MATCH_EVERYBODY, org=ORG, workspace=WORKSPACE)
    sql("VACUUM ANALYZE")


def retitle(sql: ground.Sql) -> None:
    """Let every sidebar row show something else."""
    sql(_RETITLE)


def requeue(sql: ground.Sql) -> None:
    """Put everybody on the feed of every stage."""
    sql(_EVERYBODY, org=ORG, workspace=WORKSPACE)
