"""From raw values to keys, in the tables; what becomes which key is tested in tests/test_keys.py."""

from __future__ import annotations

import hashlib
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from contact_sync import database, errors, keys, records, tenants
from contact_sync.stages import normalize_contacts, sweep_leftovers
from tests import flushing
from tests.raw_sql import RawSql
from tests.stages.house import NOON, ORG, OTHER_ORG, WORKSPACE, House, person_id
from tests.stages.test_match_runs import wait_for_a_blocked_backend

ADA = "ada@example.com"
KEYS = ("salesforce_key", "respond_key", "key_rule")


def salesforce_keys(raw: RawSql, number: int) -> list[tuple[str, str]]:
    rows = raw(
        "SELECT kind, key FROM salesforce_key WHERE salesforce_id = %(id)s ORDER BY kind, key",
        id=person_id(number),
    )
    return [(row["kind"], row["key"]) for row in rows]


def respond_keys(raw: RawSql, number: int) -> list[tuple[str, str]]:
    rows = raw("SELECT kind, key FROM respond_key WHERE respond_id = %(id)s ORDER BY kind, key", id=number)
    return [(row["kind"], row["key"]) for row in rows]


def effective(raw: RawSql, number: int) -> set[str | None]:
    """The people that the keys of a person stand for, by number."""
    found = raw.column(
        "SELECT effective_id FROM salesforce_key WHERE salesforce_id = %(id)s", id=person_id(number)
    )
    return {None if one is None else str(int(one[3:])) for one in found}


def test_every_field_gives_its_key(house: House) -> None:
    house.person(
        1,
        email="Ada@Example.com",
        phone="+49 30 123456",
        mobile_phone="+49 170 1234567",
        home_phone="+44 20 7946 0000",
        other_phone="+33 1 23 45 67 89",
    )
    house.normalize()
    assert salesforce_keys(house.raw, 1) == [
        ("email", ADA),
        ("phone", "+33123456789"),
        ("phone", "+442079460000"),
        ("phone", "+491701234567"),
        ("phone", "+4930123456"),
    ]


def test_a_key_tells_the_fields_that_hold_it(house: House) -> None:
    house.person(1, phone="+49 30 123456", home_phone="+4930123456", mobile_phone="030/123456", country="DE")
    house.normalize()
    assert house.raw.column("SELECT source_fields FROM salesforce_key") == [
        ["HomePhone", "MobilePhone", "Phone"]
    ]


def test_respond_contacts_get_theirs(house: House) -> None:
    house.contact(1, email=" Ada@example.com", phone="+49 30 123456")
    house.normalize()
    assert respond_keys(house.raw, 1) == [("email", ADA), ("phone", "+4930123456")]


def test_why_a_value_is_no_key_is_kept(house: House) -> None:
    house.person(1, email="n/a", phone="030 123456")
    house.normalize()
    rows = house.raw("SELECT kind, region, key, reason FROM key_rule ORDER BY kind")
    assert [tuple(row.values()) for row in rows] == [
        ("email", "", None, "placeholder"),
        ("phone", "", None, "no_country"),
    ]


def test_each_distinct_value_is_normalized_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str | None] = []
    original = keys.email_key

    def counted(raw: str | None) -> records.Key:
        asked.append(raw)
        return original(raw)

    monkeypatch.setattr(keys, "email_key", counted)
    for number in (1, 2):
        house.person(number, email="Ada@example.com")
        house.contact(number, email="Ada@example.com")
    house.normalize()
    house.person(3, email="Ada@example.com")
    assert house.normalize()["values"] == 0
    assert asked == ["Ada@example.com"]


def test_no_raw_value_is_kept_with_the_rules(house: House) -> None:
    house.person(1, email="Very.Secret@Example.com", phone="not a number at all")
    house.normalize()
    text = str(house.raw("SELECT * FROM key_rule"))
    assert "Very.Secret" not in text
    assert "not a number" not in text


def test_a_value_of_another_rules_version_is_made_again(house: House) -> None:
    house.person(1, email=ADA)
    house.normalize()
    house.raw("UPDATE key_rule SET rules_version = 'old', key = 'old@example.com'")
    house.raw.insert("pending_change", org_id=ORG, entity="salesforce_contact")
    assert house.normalize()["values"] == 1
    assert salesforce_keys(house.raw, 1) == [("email", ADA)]


RULES = "SELECT kind FROM {} ORDER BY kind"


def test_new_rules_are_recent_ones_but_for_countries(house: House) -> None:
    house.person(1, email=ADA, phone="030 123456", country="Germany")
    house.normalize()
    assert house.raw.column(RULES.format("key_rule")) == ["country", "email", "phone"]
    assert house.raw.column(RULES.format("recent_key_rule")) == ["email", "phone"]


@pytest.mark.parametrize("is_settled", [False, True], ids=["recent", "settled"])
def test_a_rule_is_renewed_where_it_is(house: House, is_settled: bool) -> None:
    house.person(1, email=ADA)
    house.normalize()
    if is_settled:
        sweep_leftovers.run(house.db, run_id="daily")
    house.raw("UPDATE key_rule SET rules_version = 'old', key = 'old@example.com'")
    house.raw.insert("pending_change", org_id=ORG, entity="salesforce_contact")
    counts = house.normalize()
    assert (counts["values"], counts["moved"]) == (1, 1)
    assert house.raw.column("SELECT key FROM key_rule") == [ADA]
    assert house.raw.column("SELECT key FROM recent_key_rule") == ([] if is_settled else [ADA])


def falling(count: int) -> list[str]:
    """E-mails in the order of the alphabet, which is the opposite of their digests'."""
    found: list[str] = []
    last = "g"
    for number in range(100_000, 1_000_000):
        email = f"p{number}@example.com"
        digest = hashlib.sha256(email.encode()).hexdigest()
        if digest < last and digest > f"{count - 1 - len(found):x}":
            found.append(email)
            last = digest
        if len(found) == count:
            break
    return found


def test_rules_are_renewed_in_one_order(
    house: House, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two who renew the same rules at once then wait for each other's first one, and hold none that the other has."""
    for number, email in enumerate(falling(8), start=1):
        house.person(number, email=email)
        house.normalize()
    house.raw("UPDATE key_rule SET rules_version = 'old'")
    house.raw.insert("pending_change", org_id=ORG, entity="salesforce_contact")
    # so few would be joined in the order of their digests anyway
    monkeypatch.setattr(database, "_SETTINGS", f"{database._SETTINGS} -c enable_mergejoin=off")
    db = database.Database(database_url)
    first = "SELECT key FROM key_rule WHERE raw_digest = (SELECT min(raw_digest) FROM key_rule) FOR UPDATE"
    other = RawSql(database_url)
    with ThreadPoolExecutor(1) as pool:
        other("BEGIN")
        assert len(other(first)) == 1
        run = pool.submit(House(db, house.raw).normalize)
        try:
            wait_for_a_blocked_backend(house.raw)
            free = house.raw("SELECT key FROM key_rule FOR UPDATE SKIP LOCKED")
        finally:
            other.close()
        assert run.result(30)["values"] == 8
    db.close()
    assert len(free) == 7


def test_no_rule_moves_between_looking_for_it_and_making_it(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.person(1, email=ADA)
    execute = database.Transaction.execute
    sweeps: list[Future[dict[str, int]]] = []

    def looked(tx: database.Transaction, name: str, /, **params: Any) -> int:
        count = execute(tx, name, **params)
        if name == "insert_met_rules":
            sweeps.append(pool.submit(sweep_leftovers.run, house.db, run_id="daily"))
            wait_for_a_blocked_backend(house.raw)
        return count

    monkeypatch.setattr(database.Transaction, "execute", looked)
    with ThreadPoolExecutor(1) as pool:
        house.normalize()
    # it has waited for the end
    assert sweeps[0].result()["settled_rules"] == 1


# Which country a national number is read in


@pytest.mark.parametrize(
    ("country", "org_region", "key"),
    [
        ("Germany", None, "+4930123456"),
        ("Deutschland", "FR", "+4930123456"),
        ("DE", None, "+4930123456"),
        ("Atlantis", "DE", "+4930123456"),
        (None, "DE", "+4930123456"),
    ],
)
def test_the_records_country_comes_before_the_orgs(
    bare_house: House, country: str | None, org_region: str | None, key: str
) -> None:
    bare_house.org(default_region=org_region)
    bare_house.person(1, phone="030 123456", country=country)
    bare_house.normalize()
    assert salesforce_keys(bare_house.raw, 1) == [("phone", key)]


@pytest.mark.parametrize(
    ("country", "workspace_region", "org_region"),
    [("DE", "FR", "FR"), (None, "DE", "FR"), (None, None, "DE"), ("??", "DE", None)],
)
def test_a_respond_contacts_country_comes_before_its_workspaces_and_orgs(
    bare_house: House, country: str | None, workspace_region: str | None, org_region: str | None
) -> None:
    bare_house.org(default_region=org_region)
    bare_house.workspace(default_region=workspace_region)
    bare_house.contact(1, phone="030 123456", country=country)
    bare_house.normalize()
    assert respond_keys(bare_house.raw, 1) == [("phone", "+4930123456")]


def test_a_changed_region_makes_the_keys_again(house: House) -> None:
    house.person(1, phone="030 123456")
    house.contact(1, phone="030 123456")
    house.normalize()
    house.raw("UPDATE salesforce_org SET default_region = 'DE'")
    house.normalize()
    assert salesforce_keys(house.raw, 1) == respond_keys(house.raw, 1) == [("phone", "+4930123456")]
    house.settings(default_region="AT")
    house.normalize()
    assert respond_keys(house.raw, 1) == [("phone", "+4330123456")]


# Exact mode


def test_raw_keys_are_kept_only_where_a_workspace_compares_them(house: House) -> None:
    house.person(1, email="Ada@example.com")
    house.normalize()
    assert salesforce_keys(house.raw, 1) == [("email", ADA)]
    house.settings(match_mode="exact")
    house.normalize()
    assert salesforce_keys(house.raw, 1) == [("email", ADA), ("email_raw", "Ada@example.com")]
    house.settings(match_mode="normalized")
    house.normalize()
    assert salesforce_keys(house.raw, 1) == [("email", ADA)]


def test_raw_keys_leave_with_the_last_workspace_that_compares_them(house: House) -> None:
    house.workspace("other", match_mode="exact")
    house.settings(match_mode="exact")
    house.person(1, email="Ada@example.com")
    house.normalize()
    tenants.disconnect_workspace(house.db, "other")
    assert house.normalize() == {}
    assert salesforce_keys(house.raw, 1) == [("email", ADA), ("email_raw", "Ada@example.com")]
    house.workspace("third")
    tenants.disconnect_workspace(house.db, WORKSPACE)
    house.normalize()
    assert salesforce_keys(house.raw, 1) == [("email", ADA)]


@pytest.mark.parametrize("phone", ["030 123456", "0000000", "12"])
def test_exact_mode_compares_no_spelling_of_what_is_no_key(house: House, phone: str) -> None:
    house.settings(match_mode="exact")
    house.contact(1, email="n/a", phone=phone)
    house.person(1, email="n/a", phone=phone)
    house.normalize()
    kinds = {kind for kind, _ in respond_keys(house.raw, 1) + salesforce_keys(house.raw, 1)}
    assert kinds <= {"phone_national"}


def test_a_phones_raw_key_begins_with_the_key(house: House) -> None:
    house.settings(match_mode="exact")
    house.contact(1, phone="030 123456", country="DE")
    house.normalize()
    assert respond_keys(house.raw, 1) == [("phone", "+4930123456"), ("phone_raw", "+4930123456 030 123456")]


def test_a_raw_value_too_long_for_an_index_is_no_key(house: House) -> None:
    house.settings(match_mode="exact")
    house.contact(1, email=f"{' ' * 5000}{ADA}")
    house.normalize()
    assert respond_keys(house.raw, 1) == [("email", ADA)]


# Merges


def test_a_live_record_stands_for_itself_and_a_deleted_one_for_nobody(house: House) -> None:
    house.person(1, email=ADA)
    house.person(2, email=ADA, presence="deleted")
    house.normalize()
    assert (effective(house.raw, 1), effective(house.raw, 2)) == ({"1"}, {None})


def test_a_chain_of_merges_leads_to_its_end(house: House) -> None:
    for number in (1, 2, 3, 4):
        house.person(number, email=f"person{number}@example.com")
    house.normalize()
    for loser in (1, 2, 3):
        house.merge(loser, loser + 1)
        house.normalize()
    assert [effective(house.raw, number) for number in (1, 2, 3, 4)] == [{"4"}] * 4


def test_a_chain_that_ends_in_a_deleted_record_leads_nowhere(house: House) -> None:
    for number in (1, 2):
        house.person(number, email=ADA)
    house.merge(1, 2)
    house.normalize()
    house.change_person(2, presence="deleted")
    house.normalize()
    assert effective(house.raw, 1) == {None}


def test_merges_that_point_at_each_other_lead_nowhere(house: House) -> None:
    for number in (1, 2):
        house.person(number, email=ADA)
    house.merge(1, 2)
    house.merge(2, 1)
    house.normalize()
    assert (effective(house.raw, 1), effective(house.raw, 2)) == ({None}, {None})


# Runs


def test_a_second_run_writes_nothing(house: House) -> None:
    house.person(1, email=ADA, phone="+49 30 123456")
    house.contact(1, email=ADA)
    house.contact(2)
    house.match()
    before = house.raw.versions(*KEYS)
    assert house.normalize() == {}
    assert house.raw.versions(*KEYS) == before


def test_looking_again_at_everybody_writes_nothing(house: House) -> None:
    house.person(1, email=ADA, phone="+49 30 123456")
    house.contact(1, email=ADA)
    house.match()
    before = house.raw.versions(*KEYS)
    house.raw.insert("pending_change", org_id=ORG, entity="salesforce_contact")
    house.raw.insert("pending_change", org_id=ORG, workspace_id="acme", entity="respond_contact")
    counts = house.normalize()
    assert (counts["salesforce_contacts"], counts["respond_contacts"], counts["keys"]) == (1, 1, 0)
    assert house.raw.versions(*KEYS) == before


def test_a_value_that_went_takes_its_key_along(house: House) -> None:
    house.person(1, email=ADA)
    house.contact(1, email=ADA)
    house.normalize()
    house.change_person(1, email=None)
    house.change_contact(1, email=None)
    house.normalize()
    assert salesforce_keys(house.raw, 1) == respond_keys(house.raw, 1) == []


def test_a_contact_that_is_gone_has_no_keys(house: House) -> None:
    house.contact(1, email=ADA)
    house.normalize()
    house.change_contact(1, gone_at=NOON)
    house.normalize()
    assert respond_keys(house.raw, 1) == []


def test_a_change_of_a_name_is_no_work(house: House) -> None:
    house.person(1, email=ADA)
    house.contact(1, email=ADA)
    house.match()
    house.change_person(1, first_name="Augusta")
    house.change_contact(1, first_name="Augusta")
    assert house.normalize() == {}


PHONED = {"email": ADA, "phone": "+49 30 123456", "country": "DE"}


@pytest.mark.parametrize(
    ("cells", "family"),
    [
        ({"email": "augusta@example.com"}, "email"),
        ({"email": None}, "email"),
        ({"phone": "+49 30 654321"}, "phone"),
        ({"mobile_phone": "+49 170 1234567"}, "phone"),
        ({"country": "AT"}, "phone"),
        ({"email": "augusta@example.com", "phone": None}, None),
        ({"presence": "deleted"}, None),
        ({"email": "augusta@example.com", "presence": "deleted"}, None),
        ({"phone": None, "created_at": NOON}, None),
    ],
)
def test_the_feed_says_which_family_of_values_changed(
    house: House, cells: dict[str, Any], family: str | None
) -> None:
    house.person(1, **PHONED)
    house.normalize()
    house.change_person(1, **cells)
    fed = house.raw("SELECT entity_id, family FROM pending_change WHERE entity = 'salesforce_contact'")
    assert fed == [{"entity_id": person_id(1), "family": family}]


@pytest.mark.parametrize(
    ("cells", "left_alone", "held"),
    [
        ({"email": "augusta@example.com"}, ["phone"], ["augusta@example.com", "+4930123456"]),
        ({"phone": "+49 30 654321"}, ["email"], [ADA, "+4930654321"]),
        ({"presence": "deleted"}, [], [ADA, "+4930123456"]),
    ],
)
def test_what_did_not_change_is_not_normalized_again(
    house: House, cells: dict[str, Any], left_alone: list[str], held: list[str]
) -> None:
    house.person(1, **PHONED)
    house.normalize()
    # else what is looked at again is not seen
    house.raw("UPDATE key_rule SET rules_version = 'older' WHERE kind <> 'country'")
    house.change_person(1, **cells)
    house.normalize()
    alone = "SELECT r.kind FROM key_rule r JOIN salesforce_key k USING (key) WHERE r.rules_version = 'older'"
    assert house.raw.column(alone) == left_alone
    assert [key for _, key in salesforce_keys(house.raw, 1)] == held


@pytest.mark.parametrize("batch_size", [1, 50_000])
def test_changes_of_two_families_are_both_worked_off(house: House, batch_size: int) -> None:
    house.person(1, **PHONED)
    house.normalize()
    house.change_person(1, email="augusta@example.com")
    house.change_person(1, phone="+49 30 654321")
    house.normalize(batch_size=batch_size)
    assert salesforce_keys(house.raw, 1) == [("email", "augusta@example.com"), ("phone", "+4930654321")]


def test_a_merged_record_whose_email_changed_stands_for_its_winner_with_all_keys(house: House) -> None:
    house.person(1, **PHONED)
    house.person(2, email="augusta@example.com")
    house.person(3, email="byron@example.com")
    house.merge(1, 2)
    house.normalize()
    house.change_person(1, email="lovelace@example.com")
    house.merge(2, 3)
    house.normalize()
    assert salesforce_keys(house.raw, 1) == [("email", "lovelace@example.com"), ("phone", "+4930123456")]
    assert effective(house.raw, 1) == {"3"}


def test_small_batches_give_the_same(house: House) -> None:
    for number in range(1, 8):
        house.person(number, email=f"person{number}@example.com")
        house.contact(number, email=f"person{number}@example.com")
    counts = house.normalize(batch_size=2)
    assert (counts["salesforce_contacts"], counts["respond_contacts"], counts["keys"]) == (7, 7, 14)


# Batches side by side


def meeting(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, when: Any = None) -> None:
    """Let the first two calls of ``name`` (with ``when`` as first argument) go on only when both have come."""
    both = threading.Barrier(2)
    act, met = getattr(owner, name), list[Any]()

    def meet(first: Any, second: Any, *rest: Any, **named: Any) -> Any:
        if when in (None, second) and len(met) < 2:
            met.append(second)
            both.wait(timeout=30)
        return act(first, second, *rest, **named)

    monkeypatch.setattr(owner, name, meet)


def test_batches_that_meet_the_same_new_value_do_not_wait_for_each_other(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (1, 2):
        house.person(number, phone="+4930123456")
    meeting(monkeypatch, normalize_contacts, "_replace_respond_keys")
    counts = house.normalize(batch_size=1)
    assert (counts["salesforce_contacts"], counts["keys"]) == (2, 2)


def test_two_batches_that_know_one_contact_write_its_keys_once(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.person(1, email=ADA, phone="+4930123456")
    house.raw.insert("pending_change", org_id=ORG, entity="salesforce_contact", entity_id=person_id(1))
    meeting(monkeypatch, database.Transaction, "one", when="insert_missing_salesforce_keys")
    counts = house.normalize(batch_size=1)
    assert (counts["salesforce_contacts"], counts["keys"]) == (2, 2)
    assert salesforce_keys(house.raw, 1) == [("email", ADA), ("phone", "+4930123456")]


def test_a_change_that_comes_while_its_contact_is_worked_on_waits_for_the_next_round(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a second batch could write the news before the first one writes what it had read before them."""
    for number in (1, 2, 3):
        house.person(number, email=f"person{number}@example.com")
    act = database.Transaction.execute
    claims: list[list[int]] = []

    def execute(tx: database.Transaction, name: str, /, **params: Any) -> int:
        count = act(tx, name, **params)
        if name == "claim_salesforce_changes":
            claims.append(params["change_ids"])
        elif name == "insert_salesforce_raw" and house.raw.value(
            "SELECT email = 'person1@example.com' FROM salesforce_contact WHERE salesforce_id = %(id)s",
            id=person_id(1),
        ):
            house.change_person(1, email=ADA)
        return count

    monkeypatch.setattr(database.Transaction, "execute", execute)
    assert house.normalize(batch_size=1)["salesforce_contacts"] == 4
    assert salesforce_keys(house.raw, 1) == [("email", ADA)]
    assert max(claims[-1]) > max(max(ids) for ids in claims[:-1])
    assert len(claims) == 4


def test_a_batch_that_fails_keeps_its_changes_on_the_feed_and_no_other_loses_any(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1, 10):
        house.person(number, email=f"person{number}@example.com")
    act = normalize_contacts._replace_respond_keys

    def fail_for_one(tx: database.Transaction, org_id: str) -> int:
        with tx._driver().cursor() as cursor:
            cursor.execute("SELECT FROM changed_salesforce WHERE salesforce_id = %s", (person_id(1),))
            if cursor.rowcount:
                raise errors.StopError("no room")
        return act(tx, org_id)

    monkeypatch.setattr(normalize_contacts, "_replace_respond_keys", fail_for_one)
    with pytest.raises(errors.StopError, match="no room"):
        house.normalize(batch_size=1)
    waiting = house.raw.column("SELECT entity_id FROM pending_change WHERE entity = 'salesforce_contact'")
    done = house.raw.column("SELECT salesforce_id FROM salesforce_key")
    assert person_id(1) in waiting
    assert sorted(waiting + done) == [person_id(number) for number in range(1, 10)]


def test_a_death_in_a_batch_leaves_its_changes_to_the_next_run(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.person(1, email=ADA)

    def die(*_: Any) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(normalize_contacts, "_replace_respond_keys", die)
        with pytest.raises(KeyboardInterrupt):
            house.normalize()
    assert salesforce_keys(house.raw, 1) == []
    house.normalize()
    assert salesforce_keys(house.raw, 1) == [("email", ADA)]


def test_another_orgs_changes_are_left_to_its_own_run(house: House) -> None:
    house.org(OTHER_ORG)
    house.person(1, org_id=OTHER_ORG, email=ADA)
    assert house.normalize() == {}
    assert house.normalize(OTHER_ORG)["keys"] == 1


def test_another_orgs_run_takes_no_key_from_a_workspace_that_moved(house: House) -> None:
    """A change of its former org that came late, from a page that was landing when it left."""
    house.org(OTHER_ORG)
    house.contact(1, email=ADA)
    house.raw.insert(
        "pending_change", org_id=OTHER_ORG, workspace_id=WORKSPACE, entity="respond_contact", entity_id="1"
    )
    house.normalize()
    house.normalize(OTHER_ORG)
    assert house.raw.column("SELECT key FROM respond_key") == [ADA]


def test_rules_leave_waiting_for_the_disk_to_the_keys(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    told = flushing.noted(monkeypatch, "upsert_key_rules", "insert_missing_salesforce_keys")
    house.person(1, email=ADA)
    house.normalize()
    assert told == {"upsert_key_rules": {True}, "insert_missing_salesforce_keys": {False}}


def test_the_planner_hears_of_a_first_load_at_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(normalize_contacts, "MANY", 1)
    house.person(1, email=ADA)
    house.normalize()
    assert house.raw.value(
        "SELECT count(*) FROM pg_stats WHERE schemaname = 'contact_sync' AND tablename = 'salesforce_key'"
    )


def test_a_large_merge_feeds_few_rows_and_nobody_is_forgotten(house: House, raw: RawSql) -> None:
    raw(
        """
        INSERT INTO salesforce_contact (org_id, salesforce_id, email, system_modstamp, read_at)
        SELECT %(org)s, '003' || lpad(n::text, 15, '0'), 'p' || n || '@example.com', now(), now()
          FROM generate_series(1, 2500) AS n
        """,
        org=ORG,
    )
    assert raw.value("SELECT count(*) FROM pending_change WHERE entity = 'salesforce_contact'") == 3
    counts = normalize_contacts.run(house.db, org_id=ORG, run_id="run", batch_size=1000)
    assert counts["salesforce_contacts"] == 2500
    assert raw.value("SELECT count(*) FROM salesforce_key") == 2500


@pytest.mark.parametrize("kind", ["salesforce", "respond"])
def test_a_change_of_everybody_is_worked_off_a_batch_at_a_time(house: House, raw: RawSql, kind: str) -> None:
    for number in range(1, 6):
        house.person(number, email=f"p{number}@example.com")
        house.contact(number, email=f"p{number}@example.com")
    house.normalize()
    raw("DELETE FROM salesforce_key")
    raw("DELETE FROM respond_key")
    raw("DELETE FROM pending_change")
    raw.insert("pending_change", org_id=ORG, workspace_id=WORKSPACE, entity=f"{kind}_contact")
    counts = normalize_contacts.run(house.db, org_id=ORG, run_id="run", batch_size=2)
    assert counts[f"{kind}_contacts"] == 5
    assert counts["keys"] == 5
