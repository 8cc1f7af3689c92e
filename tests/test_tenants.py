"""Orgs and workspaces: what a person does, on the stand-in, and how a wrong wish is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from contact_sync import database, errors, records, tenants, transport
from contact_sync.salesforce import auth
from contact_sync.tenants import FieldChoice
from sandbox.salesforce.app import create_app
from sandbox.salesforce.store import Store
from tests.conftest import SECRET
from tests.raw_sql import RawSql
from tests.serving import served

WORKSPACE = "acme"


@pytest.fixture
def http(tmp_path: Path) -> Iterator[httpx.Client]:
    """A client of the served stand-in."""
    store = Store(tmp_path / "salesforce.sqlite")
    app = create_app(store, consumer_key="key", consumer_secret="s3cret")
    with served(app) as url, transport.http_client(url) as client:
        yield client
    store.close()


@pytest.fixture
def session(db: database.Database, http: httpx.Client) -> auth.Session:
    """A session of a first connect: which org it is, is not known yet."""
    return opened(db, http)


def opened(db: database.Database, http: httpx.Client, secret: str = "s3cret") -> auth.Session:
    connection = records.SalesforceConnection(
        conn_id="salesforce_default",
        login_url=str(http.base_url).rstrip("/"),
        consumer_key="key",
        consumer_secret=secret,
    )
    return auth.Session(db, http, connection, org_id=None, lane="extract", secret=SECRET)


@pytest.fixture
def org_id(db: database.Database, session: auth.Session) -> records.OrgId:
    """A connected org, served by one workspace."""
    found = tenants.connect_org(db, session)
    tenants.set_workspace(db, WORKSPACE, respond_conn_id="respond_io_default")
    tenants.connect_workspace(db, WORKSPACE, found)
    return found


def workspace(db: database.Database) -> database.Row:
    return tenants.known_workspace(db, WORKSPACE)


def chosen(raw: RawSql) -> list[tuple[Any, ...]]:
    rows = raw("SELECT position, field_name, label, editable FROM sidebar_field_choice ORDER BY position")
    return [tuple(row.values()) for row in rows]


# Connecting an org


def test_connecting_remembers_who_and_where_the_org_is(
    db: database.Database, session: auth.Session, raw: RawSql, http: httpx.Client
) -> None:
    org_id = tenants.connect_org(db, session, default_region="DE")
    [row] = raw("SELECT * FROM salesforce_org")
    assert (row["org_id"], row["name"], row["default_region"]) == (org_id, "Contact Sync Sandbox", "DE")
    assert row["instance_url"] == str(http.base_url).rstrip("/")
    assert row["integration_user_id"].startswith("005")
    assert row["connected_at"] is not None


def test_connecting_remembers_the_fields_and_those_of_the_account(
    db: database.Database, org_id: records.OrgId
) -> None:
    described = tenants.described_fields(db, org_id)
    assert described["Email"].type == "email"
    assert described["Loyalty_Tier__c"].picklist == ("Bronze", "Silver", "Gold")
    assert described["Account.Name"].updateable is False


def test_connecting_again_changes_nothing(
    db: database.Database, session: auth.Session, org_id: records.OrgId, raw: RawSql
) -> None:
    before = raw.versions("salesforce_field")
    assert tenants.connect_org(db, session) == org_id
    assert raw.versions("salesforce_field") == before


def test_connecting_again_keeps_the_region(db: database.Database, session: auth.Session, raw: RawSql) -> None:
    tenants.connect_org(db, session, default_region="DE")
    tenants.connect_org(db, session)
    assert raw.column("SELECT default_region FROM salesforce_org") == ["DE"]


def test_wrong_credentials_carry_salesforces_words(db: database.Database, http: httpx.Client) -> None:
    with pytest.raises(errors.StopError, match=r"salesforce_default.*invalid_client"):
        tenants.connect_org(db, opened(db, http, secret="wrong"))


def test_a_region_that_is_none_is_refused_before_anything_is_asked(
    db: database.Database, session: auth.Session, raw: RawSql
) -> None:
    with pytest.raises(errors.StopError, match="Germany is no region"):
        tenants.connect_org(db, session, default_region="Germany")
    assert raw.value("SELECT count(*) FROM salesforce_org") == 0


def test_a_lost_field_is_remembered_as_lost_and_found_again(
    db: database.Database, session: auth.Session, org_id: records.OrgId, http: httpx.Client
) -> None:
    for access, is_known in (("none", False), ("edit", True)):
        http.post("/_sandbox/permissions", json={"field": "Title", "access": access}).raise_for_status()
        counts = tenants.refresh_fields(db, session, org_id=org_id)
        assert (counts["lost"], counts["changed"]) == (int(not is_known), int(is_known))
        assert ("Title" in tenants.described_fields(db, org_id)) is is_known


def permit(http: httpx.Client, field: str, access: str) -> None:
    http.post("/_sandbox/permissions", json={"field": field, "access": access}).raise_for_status()


def events(raw: RawSql) -> list[tuple[str, str]]:
    rows = raw("SELECT field_name, event FROM salesforce_field_event ORDER BY event_id")
    return [(row["field_name"], row["event"]) for row in rows]


def test_the_first_describe_is_no_news(org_id: records.OrgId, raw: RawSql) -> None:
    assert events(raw) == []


def test_what_becomes_of_a_field_is_told(
    db: database.Database, session: auth.Session, org_id: records.OrgId, http: httpx.Client, raw: RawSql
) -> None:
    for access in ("none", "edit", "read"):
        permit(http, "Title", access)
        tenants.refresh_fields(db, session, org_id=org_id)
    tenants.refresh_fields(db, session, org_id=org_id)
    assert events(raw) == [("Title", "lost"), ("Title", "regained"), ("Title", "changed")]
    detail = raw.column("SELECT detail FROM salesforce_field_event WHERE event = 'changed'")
    assert detail == [{"updateable": {"from": True, "to": False}}]


def test_a_field_granted_for_the_first_time_is_new(
    db: database.Database, session: auth.Session, http: httpx.Client, raw: RawSql
) -> None:
    permit(http, "Title", "none")
    org_id = tenants.connect_org(db, session)
    permit(http, "Title", "edit")
    tenants.refresh_fields(db, session, org_id=org_id)
    assert events(raw) == [("Title", "new")]


def test_those_who_show_a_lost_field_are_told(
    db: database.Database, session: auth.Session, org_id: records.OrgId, http: httpx.Client, raw: RawSql
) -> None:
    tenants.choose_fields(db, WORKSPACE, [FieldChoice(name="Title")])
    raw("DELETE FROM pending_change")
    permit(http, "Title", "none")
    permit(http, "Department", "none")
    tenants.refresh_fields(db, session, org_id=org_id)
    found = raw("SELECT workspace_id, entity, entity_id FROM pending_change")
    assert found == [{"workspace_id": WORKSPACE, "entity": "sidebar_row", "entity_id": None}]


def describes(http: httpx.Client) -> list[int]:
    found = http.get("/_sandbox/journal").json()["requests"]
    return [request["status"] for request in found if request["path"].endswith("/describe")]


def test_an_unchanged_describe_is_not_sent_again(
    db: database.Database, session: auth.Session, org_id: records.OrgId, http: httpx.Client, raw: RawSql
) -> None:
    before = raw.versions("salesforce_field")
    http.delete("/_sandbox/journal")
    counts = tenants.refresh_fields(db, session, org_id=org_id, is_full=False)
    assert describes(http) == [304, 304]
    assert (counts["changed"], counts["lost"]) == (0, 0)
    assert raw.versions("salesforce_field") == before


def test_a_changed_describe_is_sent(
    db: database.Database, session: auth.Session, org_id: records.OrgId, http: httpx.Client
) -> None:
    permit(http, "Title", "none")
    assert tenants.refresh_fields(db, session, org_id=org_id, is_full=False)["lost"] == 1


def test_a_full_describe_sees_what_the_org_does_not_notice(
    db: database.Database, session: auth.Session, org_id: records.OrgId, http: httpx.Client
) -> None:
    http.post("/_sandbox/settings", json={"describe_notices_permissions": False}).raise_for_status()
    tenants.refresh_fields(db, session, org_id=org_id)
    permit(http, "Title", "none")
    assert tenants.refresh_fields(db, session, org_id=org_id, is_full=False)["lost"] == 0
    assert tenants.refresh_fields(db, session, org_id=org_id)["lost"] == 1


@pytest.mark.parametrize(
    ("asked", "in_full", "due"),
    [("59 min", "23 h", (False, False)), ("61 min", "23 h", (True, False)), ("61 min", "25 h", (True, True))],
)
def test_changes_are_asked_for_hourly_and_everything_daily(
    db: database.Database,
    org_id: records.OrgId,
    raw: RawSql,
    asked: str,
    in_full: str,
    due: tuple[bool, bool],
) -> None:
    raw(
        "UPDATE salesforce_org SET described_at = now() - %(asked)s::interval,"
        " described_fully_at = now() - %(in_full)s::interval",
        asked=asked,
        in_full=in_full,
    )
    row = db.one("is_describe_due", org_id=org_id)
    assert row and (row["is_due"], row["is_full"]) == due


@pytest.mark.parametrize("name", ["Lead.Company", "Opportunity.Name", "lead.Email"])
def test_another_object_is_refused_with_the_reason(
    db: database.Database, org_id: records.OrgId, name: str
) -> None:
    with pytest.raises(errors.StopError, match=r"only Contact is supported.*nothing here reads"):
        tenants.choose_fields(db, WORKSPACE, [FieldChoice(name=name)])


def test_a_new_org_is_not_read_before_all_went_well(
    db: database.Database, session: auth.Session, http: httpx.Client, raw: RawSql
) -> None:
    http.post("/_sandbox/faults", json={"path": "*/describe", "status": 403, "body": []}).raise_for_status()
    with pytest.raises(errors.StopError):
        tenants.connect_org(db, session)
    assert raw.value("SELECT disconnected_at IS NOT NULL FROM salesforce_org")
    tenants.connect_org(db, session)
    assert raw.value("SELECT disconnected_at IS NULL FROM salesforce_org")


# Workspaces


def test_a_new_workspace_has_the_products_defaults(db: database.Database) -> None:
    tenants.set_workspace(db, WORKSPACE, respond_conn_id="respond_io_default")
    row = workspace(db)
    assert (row["match_mode"], row["ambiguous_policy"], row["shared_key_limit"]) == ("normalized", "hold", 5)
    assert (row["editing_enabled"], row["auto_create_since"]) == (False, None)


def test_a_new_workspace_needs_its_connection(db: database.Database) -> None:
    with pytest.raises(errors.StopError, match="respond-conn"):
        tenants.set_workspace(db, WORKSPACE)


def test_only_the_settings_given_change(db: database.Database, org_id: records.OrgId) -> None:
    tenants.set_workspace(db, WORKSPACE, shared_key_limit=3)
    tenants.set_workspace(db, WORKSPACE, match_mode="exact")
    row = workspace(db)
    assert (row["shared_key_limit"], row["match_mode"], row["org_id"]) == (3, "exact", org_id)


def test_an_empty_region_clears_it(db: database.Database, org_id: records.OrgId) -> None:
    tenants.set_workspace(db, WORKSPACE, default_region="DE")
    tenants.set_workspace(db, WORKSPACE, default_region="")
    assert workspace(db)["default_region"] is None


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"match_mode": "fuzzy"}, "workspace_match_mode"),
        ({"shared_key_limit": 0}, "workspace_shared_key_limit_is_positive"),
        ({"default_region": "Germany"}, "no region"),
    ],
)
def test_a_setting_that_cannot_be_is_named(
    db: database.Database, org_id: records.OrgId, settings: dict[str, Any], reason: str
) -> None:
    with pytest.raises(errors.StopError, match=reason):
        tenants.set_workspace(db, WORKSPACE, **settings)


def test_automatic_creation_counts_from_when_it_was_switched_on(
    db: database.Database, org_id: records.OrgId
) -> None:
    tenants.set_workspace(db, WORKSPACE, auto_create=True)
    since = workspace(db)["auto_create_since"]
    tenants.set_workspace(db, WORKSPACE, auto_create=True)
    assert workspace(db)["auto_create_since"] == since
    tenants.set_workspace(db, WORKSPACE, auto_create=False)
    assert workspace(db)["auto_create_since"] is None


# Connecting a workspace


def test_an_unknown_org_or_workspace_is_named(db: database.Database, org_id: records.OrgId) -> None:
    with pytest.raises(errors.StopError, match="00D000000000009EAA is unknown"):
        tenants.connect_workspace(db, WORKSPACE, "00D000000000009EAA")
    with pytest.raises(errors.StopError, match="nobody is unknown"):
        tenants.connect_workspace(db, "nobody", org_id)


def test_a_workspace_serves_one_org(db: database.Database, org_id: records.OrgId, raw: RawSql) -> None:
    raw.insert("salesforce_org", org_id="00D000000000009EAA", name="Other", conn_id="c")
    with pytest.raises(errors.StopError, match="disconnect it first"):
        tenants.connect_workspace(db, WORKSPACE, "00D000000000009EAA")


def test_the_last_workspace_out_stops_the_reading_and_the_first_one_back_resumes_it(
    db: database.Database, org_id: records.OrgId
) -> None:
    assert tenants.disconnect_workspace(db, WORKSPACE)
    assert db.all("list_orgs_due") == []
    tenants.connect_workspace(db, WORKSPACE, org_id)
    assert [row["org_id"] for row in db.all("list_orgs_due")] == [org_id]


def test_an_org_that_others_serve_goes_on(db: database.Database, org_id: records.OrgId) -> None:
    tenants.set_workspace(db, "other", respond_conn_id="respond_io_default")
    tenants.connect_workspace(db, "other", org_id)
    tenants.disconnect_workspace(db, WORKSPACE)
    assert [row["org_id"] for row in db.all("list_orgs_due")] == [org_id]


def test_disconnecting_twice_is_harmless(db: database.Database, org_id: records.OrgId) -> None:
    assert tenants.disconnect_workspace(db, WORKSPACE)
    assert not tenants.disconnect_workspace(db, WORKSPACE)


def test_a_disconnect_parks_what_was_queued(
    db: database.Database, org_id: records.OrgId, raw: RawSql
) -> None:
    raw.insert(
        "field_edit",
        org_id=org_id,
        workspace_id=WORKSPACE,
        salesforce_id="003000000000000001",
        target_salesforce_id="003000000000000001",
        field_name="Title",
        requested_by="ada",
    )
    tenants.disconnect_workspace(db, WORKSPACE)
    assert raw("SELECT status, error_code FROM field_edit") == [
        {"status": "parked", "error_code": "disconnected"}
    ]


# Customize view


def test_fields_are_chosen_in_order(db: database.Database, org_id: records.OrgId, raw: RawSql) -> None:
    tenants.choose_fields(
        db,
        WORKSPACE,
        [FieldChoice(name="title", label="Role", is_editable=True), FieldChoice(name="Account.Name")],
    )
    assert chosen(raw) == [(1, "Title", "Role", True), (2, "Account.Name", None, False)]


def test_choices_are_replaced_and_may_swap_places(
    db: database.Database, org_id: records.OrgId, raw: RawSql
) -> None:
    for names in (["Title", "Email", "Phone"], ["Phone", "Title"]):
        tenants.choose_fields(db, WORKSPACE, [FieldChoice(name=name) for name in names])
    assert [name for _, name, _, _ in chosen(raw)] == ["Phone", "Title"]


def test_choosing_the_same_again_writes_nothing(
    db: database.Database, org_id: records.OrgId, raw: RawSql
) -> None:
    tenants.choose_fields(db, WORKSPACE, [FieldChoice(name="Title")])
    before = raw.versions("sidebar_field_choice")
    tenants.choose_fields(db, WORKSPACE, [FieldChoice(name="Title")])
    assert raw.versions("sidebar_field_choice") == before


@pytest.mark.parametrize(
    ("choice", "reason"),
    [
        (FieldChoice(name="Titel"), "unknown field Titel .nearest: Title"),
        (FieldChoice(name="MailingAddress"), "cannot be shown: its type is address"),
        (FieldChoice(name="Email", is_editable=True), "cannot be editable: E-mail and phone"),
        (FieldChoice(name="Fax", is_editable=True), "cannot be editable: E-mail and phone"),
        (FieldChoice(name="Full_Title__c", is_editable=True), "cannot be editable: .*calculates"),
        (FieldChoice(name="CreatedDate", is_editable=True), "cannot be editable"),
        (FieldChoice(name="Account.Name", is_editable=True), "related record"),
    ],
)
def test_a_field_that_cannot_be_chosen_is_refused_and_nothing_changes(
    db: database.Database, org_id: records.OrgId, raw: RawSql, choice: FieldChoice, reason: str
) -> None:
    with pytest.raises(errors.StopError, match=reason):
        tenants.choose_fields(db, WORKSPACE, [FieldChoice(name="Phone"), choice])
    assert chosen(raw) == []


def test_a_field_chosen_twice_is_refused(db: database.Database, org_id: records.OrgId, raw: RawSql) -> None:
    with pytest.raises(errors.StopError, match="Title"):
        tenants.choose_fields(db, WORKSPACE, [FieldChoice(name="Title"), FieldChoice(name="title")])
    assert chosen(raw) == []


def test_a_workspace_without_an_org_has_no_fields_to_choose(
    db: database.Database, org_id: records.OrgId
) -> None:
    tenants.disconnect_workspace(db, WORKSPACE)
    with pytest.raises(errors.StopError, match="connect it before"):
        tenants.choose_fields(db, WORKSPACE, [FieldChoice(name="Title")])
