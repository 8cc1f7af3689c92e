"""The match table is a function of what is there, not of the order in which it came (what matching promises)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from contact_sync import database, erasure, tombstones
from contact_sync.stages import _hands, match_contacts, materialize_sidebar
from sandbox import postgres
from tests.raw_sql import RawSql
from tests.stages.house import NOON, ORG, WORKSPACE, House, person_id

Change = tuple[str, tuple[Any, ...]]

PEOPLE = st.integers(1, 5)
CONTACTS = st.integers(1, 4)
# few values, so that people share them; several spellings of each, one of them no key
EMAILS = st.sampled_from([None, "a@x.com", " A@X.com", "b@x.com", "n/a"])
PHONES = st.sampled_from([None, "+4930123456", "030 123456", "+442079460000", "123"])
COUNTRIES = st.sampled_from([None, "DE", "Germany"])

CHANGES: st.SearchStrategy[Change] = st.one_of(
    st.tuples(st.just("person"), st.tuples(PEOPLE, EMAILS, PHONES, PHONES, COUNTRIES)),
    st.tuples(st.just("contact"), st.tuples(CONTACTS, EMAILS, PHONES, COUNTRIES)),
    st.tuples(st.just("age"), st.tuples(PEOPLE, st.integers(0, 9))),
    st.tuples(st.just("presence"), st.tuples(PEOPLE, st.sampled_from(["live", "deleted", "not_visible"]))),
    st.tuples(st.just("merge"), st.tuples(PEOPLE, PEOPLE)),
    st.tuples(st.just("gone"), st.tuples(CONTACTS, st.booleans())),
    st.tuples(st.just("decide"), st.tuples(CONTACTS, st.none() | PEOPLE)),
    st.tuples(st.just("revoke"), st.tuples(CONTACTS)),
    st.tuples(st.just("create"), st.tuples(CONTACTS, PEOPLE)),
    st.tuples(st.just("limit"), st.tuples(st.integers(1, 3))),
    st.tuples(st.just("policy"), st.tuples(st.sampled_from(["hold", "most_recent"]))),
    st.tuples(st.just("mode"), st.tuples(st.sampled_from(["normalized", "exact"]))),
    st.tuples(st.just("region"), st.tuples(st.sampled_from([None, "DE", "FR"]))),
    st.tuples(st.just("connected"), st.tuples(st.booleans())),
)
ERASURES: st.SearchStrategy[Change] = st.tuples(st.just("erase"), st.tuples(PEOPLE))
#: People, contacts and decisions to begin with, then changes, each with whether the stages run after it.
STORIES = st.tuples(
    st.lists(st.tuples(EMAILS, PHONES), min_size=5, max_size=5),
    st.lists(st.tuples(EMAILS, PHONES), min_size=4, max_size=4),
    st.lists(st.tuples(CONTACTS, st.none() | PEOPLE), max_size=2),
    st.lists(st.tuples(CHANGES, st.booleans()), min_size=3, max_size=8),
)
#: Everybody has values that others have, too; somebody is decided about, and somebody may be erased.
TOLD_STORIES = st.tuples(
    st.lists(st.tuples(EMAILS, PHONES), min_size=5, max_size=5),
    st.lists(st.tuples(EMAILS, PHONES), min_size=4, max_size=4),
    st.lists(st.tuples(CONTACTS, st.none() | PEOPLE), min_size=1, max_size=3),
    st.lists(st.tuples(CHANGES | ERASURES, st.booleans()), min_size=3, max_size=8),
)
Pair = tuple[str | None, str | None]
Decision = tuple[int, int | None]
Story = tuple[list[Pair], list[Pair], list[Decision], list[tuple[Change, bool]]]

TABLES = (
    "salesforce_contact",
    "respond_contact",
    "match_decision",
    "contact_creation",
    "salesforce_key",
    "respond_key",
    "contact_match",
    "match_issue",
    "sidebar_fields",
    "pending_change",
    "key_rule",
    "workspace",
    "erased_person",
    "salesforce_org",
)
SECRET = "a secret of the town, long enough to be one"
OUTCOME = {
    "contact_match": "respond_id, salesforce_id, matched_by, email_key, phone_key",
    "match_issue": "respond_id, status, reason, candidate_count, candidates",
    "sidebar_fields": "respond_id, salesforce_id, match_status, matched_by, fields",
    "salesforce_key": "kind, key, salesforce_id, effective_id, source_fields",
    "respond_key": "kind, key, respond_id",
}


class Town:
    """Applies changes the way the edges do: writes to mirrors and settings, never to what is derived."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.raw = house.raw

    def empty(self) -> None:
        for table in TABLES:
            self.raw(f"DELETE FROM {table}")  # noqa: S608
        self.raw("DELETE FROM pending_change")
        self.house.org()
        self.house.workspace()
        self.house.choose("Email")

    def live(self, story: Story) -> None:
        """Empty the town, people it, let the changes come, and run the stages at the end."""
        people, contacts, decisions, changes = story
        self.empty()
        for number, (email, phone) in enumerate(people, start=1):
            self.person(number, email, phone, None, None)
        for number, (email, phone) in enumerate(contacts, start=1):
            self.contact(number, email, phone, None)
        for contact, person in decisions:
            self.decide(contact, person)
        self.run()
        for (verb, arguments), runs in changes:
            method: Callable[..., None] = getattr(self, verb)
            method(*arguments)
            if runs:
                self.run()
        self.run()

    def person(
        self, number: int, email: str | None, phone: str | None, other: str | None, country: str | None
    ) -> None:
        if self.is_erased(tombstones.salesforce_digest(SECRET, ORG, person_id(number))):
            return
        cells: dict[str, Any] = {"email": email, "phone": phone, "other_phone": other, "country": country}
        if self.raw("SELECT 1 FROM salesforce_contact WHERE salesforce_id = %(id)s", id=person_id(number)):
            self.house.change_person(number, **cells)
        else:
            self.house.person(number, **cells)

    def contact(self, number: int, email: str | None, phone: str | None, country: str | None) -> None:
        if self.is_erased(tombstones.respond_digest(SECRET, WORKSPACE, number)):
            return
        cells: dict[str, Any] = {"email": email, "phone": phone, "country": country}
        if self.raw("SELECT 1 FROM respond_contact WHERE respond_id = %(id)s", id=number):
            self.house.change_contact(number, **cells)
        else:
            org_id = self.raw.value("SELECT org_id FROM workspace")
            self.house.contact(number, **{**cells, "org_id": org_id})

    def erase(self, number: int) -> None:
        erasure.erase(self.house.db, org_id=ORG, named=erasure.Named(salesforce_id=person_id(number)))

    def is_erased(self, digest: bytes) -> bool:
        """The edges take nobody in whose tombstone stands."""
        return bool(self.raw("SELECT 1 FROM erased_person WHERE digest = %(digest)s", digest=digest))

    def presence(self, number: int, presence: str) -> None:
        self.house.change_person(number, presence=presence)

    def age(self, number: int, days: int) -> None:
        self.house.change_person(number, created_at=NOON + timedelta(days=days))

    def merge(self, loser: int, winner: int) -> None:
        if loser != winner:
            self.house.merge(loser, winner)

    def gone(self, number: int, is_gone: bool) -> None:
        self.house.change_contact(number, gone_at=NOON if is_gone else None)

    def decide(self, contact: int, person: int | None) -> None:
        self.revoke(contact)
        self.house.decide(contact, person)

    def revoke(self, contact: int) -> None:
        self.raw(
            "UPDATE match_decision SET revoked_at = now() WHERE respond_id = %(id)s AND revoked_at IS NULL",
            id=contact,
        )

    def create(self, contact: int, person: int) -> None:
        if not self.raw("SELECT 1 FROM contact_creation WHERE salesforce_id = %(id)s", id=person_id(person)):
            self.house.created(contact, person)

    def limit(self, limit: int) -> None:
        self.house.settings(shared_key_limit=limit)

    def policy(self, policy: str) -> None:
        self.house.settings(ambiguous_policy=policy)

    def mode(self, mode: str) -> None:
        self.house.settings(match_mode=mode)

    def region(self, region: str | None) -> None:
        self.house.settings(default_region=region)

    def connected(self, is_connected: bool) -> None:
        workspace = self.house.db.one("select_workspace", workspace_id=WORKSPACE)
        assert workspace is not None
        if is_connected:
            self.house.db.execute("connect_workspace", workspace_id=WORKSPACE, org_id=ORG)
        elif workspace["org_id"]:
            self.house.db.execute("disconnect_workspace", workspace_id=WORKSPACE, sentence="It waits.")
            self.house.db.one("delete_changes_of_workspace", workspace_id=WORKSPACE, org_id=ORG)

    def run(self) -> None:
        self.house.materialize()

    def candidates(self, mode: str) -> set[tuple[int, str]]:
        """Judge everybody in this mode, by keys alone; return who is whose candidate."""
        for answers in ("match_decision", "contact_creation"):
            self.raw(f"DELETE FROM {answers}")  # noqa: S608
        self.house.settings(match_mode=mode, ambiguous_policy="hold")
        self.run()
        found = self.raw(
            "SELECT respond_id, salesforce_id::text FROM contact_match"
            " UNION SELECT respond_id, unnest(candidates) FROM match_issue"
        )
        candidates = {(row["respond_id"], row["salesforce_id"]) for row in found}
        explained = self.raw(
            "SELECT respond_id, effective_id FROM match_explanation WHERE verdict IN ('match', 'candidate')"
        )
        assert candidates <= {(row["respond_id"], row["effective_id"]) for row in explained}
        return {(row["respond_id"], row["effective_id"]) for row in explained}

    def outcome(self) -> dict[str, list[str]]:
        return {
            table: sorted(str(tuple(row.values())) for row in self.raw(f"SELECT {columns} FROM {table}"))  # noqa: S608
            for table, columns in OUTCOME.items()
        }

    def matched_at_once(self) -> dict[str, list[str]]:
        """Rebuild as a large org is: everybody in one join. Return the outcome."""
        with pytest.MonkeyPatch.context() as patched:
            for stage in (match_contacts, materialize_sidebar):
                patched.setattr(stage, "BROAD_FROM", 0)
            self.rebuild()
        return self.outcome()

    def lived_with_two_hands(self, story: Story) -> dict[str, list[str]]:
        """Live the story as where thousands change: half of the contacts in each hand. Return the outcome."""
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(_hands, "LEAST", 2)
            patched.setattr(_hands, "BITS", 0)
            self.live(story)
        return self.outcome()

    def rebuild(self) -> None:
        """Forget everything derived, and look at everybody."""
        for table in (*OUTCOME, "key_rule", "pending_change"):
            self.raw(f"DELETE FROM {table}")  # noqa: S608
        self.raw("DELETE FROM pending_change")
        self.raw.insert("pending_change", org_id=ORG, entity="salesforce_contact")
        if self.raw.value("SELECT org_id FROM workspace"):
            for entity in ("respond_contact", "respond_key", "sidebar_row"):
                self.raw.insert("pending_change", org_id=ORG, workspace_id=WORKSPACE, entity=entity)
        self.run()


@pytest.fixture(scope="module")
def town(postgres_server: postgres.Server, template: str) -> Iterator[Town]:
    """One database for all examples of a property: emptying is cheaper than cloning."""
    with cloned(postgres_server, template) as url:
        db, raw = database.Database(url, secret=SECRET), RawSql(url)
        yield Town(House(db, raw))
        raw.close()
        db.close()


@contextmanager
def cloned(server: postgres.Server, template: str) -> Iterator[str]:
    postgres.psql(server, f"CREATE DATABASE town TEMPLATE {template} OWNER contact_sync_owner")
    yield server.url("town", "contact_sync_owner")
    postgres.psql(server, "DROP DATABASE town WITH (FORCE)")


@settings(max_examples=20, deadline=None, derandomize=True)
@given(story=STORIES)
def test_any_order_of_runs_gives_what_a_rebuild_gives(town: Town, story: Story) -> None:
    town.live(story)
    incremental = town.outcome()
    town.rebuild()
    assert incremental == town.outcome()
    assert incremental == town.matched_at_once()
    assert incremental == town.lived_with_two_hands(story)


@settings(max_examples=8, deadline=None, derandomize=True)
@given(story=STORIES)
def test_everyone_has_a_match_or_an_issue_and_a_second_run_writes_nothing(town: Town, story: Story) -> None:
    town.live(story)
    people = town.raw.column(
        "SELECT respond_id FROM respond_contact WHERE gone_at IS NULL AND org_id IS NOT NULL"
    )
    told = town.raw.column(
        "SELECT respond_id FROM contact_match UNION ALL SELECT respond_id FROM match_issue"
    )
    assert sorted(told) == sorted(people)
    assert town.raw.value("SELECT count(*) FROM pending_change") == 0
    before = town.raw.versions(*OUTCOME)
    town.run()
    assert town.raw.versions(*OUTCOME) == before


ADA, BOB = "a@x.com", "b@x.com"
NOBODY: Pair = (None, None)


def a_story(
    people: list[Pair], contacts: list[Pair], *changes: Change, decisions: tuple[Decision, ...] = ()
) -> Story:
    """People and contacts to begin with, then changes, with a run after the last alone."""
    everybody = [*people, *[NOBODY] * (5 - len(people))]
    return everybody, contacts, list(decisions), [(change, False) for change in changes]


def stands_for(town: Town, salesforce_id: str) -> str | None:
    """The live record that a decision about this one means today, merges followed; None if there is none."""
    found = town.raw("SELECT salesforce_id, presence, master_record_id FROM salesforce_contact")
    records = {row["salesforce_id"]: row for row in found}
    seen: set[str] = set()
    while salesforce_id in records and salesforce_id not in seen:
        seen.add(salesforce_id)
        record = records[salesforce_id]
        if record["presence"] == "live":
            return salesforce_id
        salesforce_id = record["master_record_id"]
    return None


@settings(max_examples=10, deadline=None, derandomize=True)
@given(story=TOLD_STORIES)
# what few generated stories come to: the only counterpart deleted, a key of too many, an erased person's key that comes
# back with somebody else, a decision whose record is merged, one whose record is deleted
@example(story=a_story([(ADA, None)], [(ADA, None)], ("presence", (1, "deleted"))))
@example(
    story=a_story([(ADA, None)] * 3, [(ADA, "+4930123456")], ("limit", (2,)), ("policy", ("most_recent",)))
)
@example(
    story=a_story(
        [(ADA, None)],
        [(ADA, None)],
        ("erase", (1,)),
        ("person", (2, ADA, None, None, None)),
        ("contact", (2, ADA, None, None)),
    )
)
@example(
    story=a_story([(ADA, None), (BOB, None)], [(ADA, None)], ("merge", (2, 3)), decisions=((1, 2),)),
)
@example(
    story=a_story(
        [(ADA, None), (BOB, None)], [(ADA, None)], ("presence", (2, "deleted")), decisions=((1, 2),)
    ),
)
def test_decisions_are_honoured_and_nobody_is_matched_through_what_is_shared_deleted_or_erased(
    town: Town, story: Story
) -> None:
    town.live(story)
    matches = {row["respond_id"]: row for row in town.raw("SELECT * FROM contact_match")}
    decisions = town.raw(
        "SELECT d.respond_id, d.salesforce_id FROM match_decision d JOIN respond_contact c USING (respond_id)"
        " WHERE d.revoked_at IS NULL AND c.gone_at IS NULL AND c.org_id IS NOT NULL"
    )
    for decision in decisions:
        meant = decision["salesforce_id"] and stands_for(town, decision["salesforce_id"])
        match = matches.get(decision["respond_id"])
        assert (match and (match["salesforce_id"], match["matched_by"])) == (
            (meant, "decision") if meant else None
        )
    for match in matches.values():
        assert stands_for(town, match["salesforce_id"]) == match["salesforce_id"]
        assert not town.is_erased(tombstones.salesforce_digest(SECRET, ORG, match["salesforce_id"]))
        assert not town.is_erased(tombstones.respond_digest(SECRET, WORKSPACE, match["respond_id"]))
        for kind in ("email", "phone"):
            assert_identifies(town, kind, match[f"{kind}_key"])


def assert_identifies(town: Town, kind: str, key: str | None) -> None:
    """A key that somebody is matched by is neither shared by too many live contacts nor an erased person's own."""
    if key is None:
        return
    assert not town.is_erased(tombstones.key_digest(SECRET, ORG, kind, key))
    [workspace] = town.raw("SELECT shared_key_limit, match_mode FROM workspace")
    holders = town.raw.column(
        "SELECT DISTINCT effective_id FROM salesforce_key"
        " WHERE effective_id IS NOT NULL AND key = %(key)s AND kind = %(kind)s",
        key=key,
        kind=f"{kind}_raw" if workspace["match_mode"] == "exact" else kind,
    )
    assert 1 <= len(holders) <= workspace["shared_key_limit"]


@settings(max_examples=25, deadline=None, derandomize=True)
@given(story=STORIES)
@example(story=a_story([(ADA, None), (" A@X.com", None)], [(ADA, None)], ("limit", (1,))))
@example(story=a_story([("n/a", "123")], [("n/a", "123")]))
def test_a_candidate_of_exact_mode_is_one_of_normalized_mode(town: Town, story: Story) -> None:
    town.live(story)
    town.connected(True)
    exact = town.candidates("exact")
    assert exact <= town.candidates("normalized")


#: What each trigger alone tells of: without it, the story ends differently from a rebuild.
FORGOTTEN: dict[tuple[str, str], Story] = {
    ("salesforce_key", "insert"): a_story([], [(ADA, None)], ("person", (1, ADA, None, None, None))),
    ("salesforce_key", "delete"): a_story(
        [(ADA, None)], [(ADA, None)], ("person", (1, None, None, None, None))
    ),
    ("respond_key", "insert"): a_story([(ADA, None)], [NOBODY], ("contact", (1, ADA, None, None))),
    ("respond_key", "delete"): a_story(
        [(ADA, None), (BOB, "+4930123456")],
        [(ADA, "+4930123456")],
        ("contact", (1, None, "+4930123456", None)),
    ),
    ("match_decision", "insert"): a_story([(ADA, None)], [(ADA, None)], ("decide", (1, None))),
    ("match_decision", "update"): a_story(
        [(ADA, None)], [(ADA, None)], ("revoke", (1,)), decisions=((1, None),)
    ),
    ("contact_creation", "insert"): a_story([(ADA, None), (ADA, None)], [(ADA, None)], ("create", (1, 2))),
    ("contact_match", "insert"): a_story([(ADA, None)], [NOBODY], ("contact", (1, ADA, None, None))),
    ("contact_match", "update"): a_story(
        [(ADA, None), (BOB, None)], [(ADA, None)], ("contact", (1, BOB, None, None))
    ),
    ("contact_match", "delete"): a_story([(ADA, None)], [(ADA, None)], ("presence", (1, "deleted"))),
    ("match_issue", "insert"): a_story([(ADA, None), (ADA, None)], [], ("contact", (1, ADA, None, None))),
    ("match_issue", "update"): a_story(
        [(ADA, None), (ADA, None)], [NOBODY], ("contact", (1, ADA, None, None))
    ),
    ("match_issue", "delete"): a_story([(ADA, None), (ADA, None)], [(ADA, None)], ("gone", (1, True))),
}


@pytest.mark.parametrize(("table", "verb"), FORGOTTEN, ids=lambda name: name)
def test_the_property_notices_a_trigger_that_forgets(town: Town, table: str, verb: str) -> None:
    """Not a promise of matching but of the property above: it would fail, were one trigger lost."""
    story = FORGOTTEN[table, verb]
    trigger = f"{table}_feeds_{verb}"
    town.live(story)
    whole = town.outcome()
    town.raw(f"ALTER TABLE {table} DISABLE TRIGGER {trigger}")
    try:
        town.live(story)
        forgetful = town.outcome()
    finally:
        town.raw(f"ALTER TABLE {table} ENABLE TRIGGER {trigger}")
    assert forgetful != whole
    town.live(story)
    assert town.outcome() == whole
