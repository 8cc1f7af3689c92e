"""Normalize: raw e-mails and phones of changed contacts become keys. Each distinct value is normalized once."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterable, Iterator, Sequence
from concurrent import futures

from contact_sync import database, erasure, keys, records, tombstones
from contact_sync.stages import _ledger

STAGE = "normalize_contacts"

#: Contacts in one run from which on the planner must hear of them at once; less is autovacuum's.
MANY = 10_000
#: Batches at a time: while one makes keys, the server writes another's.
WORKERS = 2
#: Fewer contacts than these are not worth a batch of their own.
_LEAST = 2_000

_MEET = ("insert_salesforce_raw", "insert_respond_raw", "analyze_raw", "insert_met_rules")
_RULE_COLUMNS = ("kind", "region", "raw_digest", "is_known", "key", "e164", "reason", "national")


def run(db: database.Database, *, org_id: str, run_id: str, batch_size: int = 50_000) -> dict[str, int]:
    """Work off the feed of changed contacts of one org, in rounds of batches (a transaction each), until it is empty.

    Why in rounds: docs/decisions/0018. Returns counts: ``salesforce_contacts``, ``respond_contacts`` looked at,
    ``values`` newly normalized, ``moved`` (those that newer rules give another key), ``keys`` written or removed.
    """
    with (
        db.advisory_lock(f"match:{org_id}") as is_held,
        _ledger.recorded(db, run_id=run_id, stage=STAGE, scope=org_id) as counts,
    ):
        analyzed = 0
        while is_held and (batches := _batches(db, org_id, batch_size)):
            for found in _side_by_side(db, org_id, batches):
                for name, count in found.items():
                    counts[name] = counts.get(name, 0) + count
                seen = counts["salesforce_contacts"] + counts["respond_contacts"]
                if seen >= max(MANY, 4 * analyzed):
                    db.one("analyze_contacts", changed=seen)
                    analyzed = seen
    return counts


def _batches(db: database.Database, org_id: str, batch_size: int) -> list[list[int]]:
    """Return the changes that wait now, a list of ids for each batch of a round."""
    with db.transaction() as tx:
        # before it holds a row: an erasure keeps others out and then reaches for the feed
        tx.one("hold_off_erasures", org_id=org_id)
        tx.execute("spread_salesforce_changes", org_id=org_id)
        tx.execute("spread_respond_changes", org_id=org_id)
        rows = tx.all(
            "list_contact_batches", org_id=org_id, batch_size=batch_size, least=_LEAST, workers=WORKERS
        )
    return [row["change_ids"] for row in rows]


def _side_by_side(db: database.Database, org_id: str, batches: list[list[int]]) -> Iterator[dict[str, int]]:
    """Work off a round's batches; yield each one's counts in their order.

    Raises what a batch failed with once its turn comes; those not begun by then stay on the feed, as its own changes
    do. Two batches may know one contact. Both read what was there before the round began, or something newer, whose
    change then waits for the next round.
    """
    with futures.ThreadPoolExecutor(WORKERS, thread_name_prefix="normalize") as pool:
        yield from pool.map(lambda batch: db.in_turn(lambda tx: _batch(db, tx, org_id, batch)), batches)


def _batch(
    db: database.Database, tx: database.Transaction, org_id: str, change_ids: list[int]
) -> dict[str, int]:
    tx.one("hold_off_erasures", org_id=org_id)
    tx.execute("create_normalize_tables")
    salesforce = tx.execute("claim_salesforce_changes", org_id=org_id, change_ids=change_ids)
    respond = tx.execute("claim_respond_changes", org_id=org_id, change_ids=change_ids)
    salesforce += tx.execute("add_merged_losers", org_id=org_id)
    return {
        "salesforce_contacts": salesforce,
        "respond_contacts": respond,
        **process(tx, org_id=org_id, beside=db),
    }


def process(
    tx: database.Transaction, *, org_id: str, beside: database.Database | None = None
) -> dict[str, int]:
    """Normalize the contacts of the working tables; return how many values were new, moved, and keys written.

    ``beside``: where others normalize meanwhile, new rules are committed there at once. What a value becomes is true
    whatever comes of ``tx``, and who meets the same value need not wait for its end.
    """
    if tombstones.are_there(tx, org_id=org_id):
        # an erased person who came back is told by all keys together, those that did not change too
        tx.execute("widen_changes")
    tx.execute("join_out_of_order")
    tx.execute("analyze_changed")
    values, moved = _remember_rules(tx, org_id, beside)
    written = _replace_salesforce_keys(tx, org_id) + _replace_respond_keys(tx, org_id)
    # before anybody sees their keys
    erasure.erase_returned(tx, org_id=org_id)
    return {"values": values, "moved": moved, "keys": written}


def _remember_rules(
    tx: database.Transaction, org_id: str, beside: database.Database | None
) -> tuple[int, int]:
    """Remember what is new. Countries first: they tell the region that national numbers are read in.

    A value *moved* if newer rules or a newer numbering plan made another key of it than before.
    """
    _remember_countries(tx, org_id, beside)
    tx.one("hold_off_settling")
    for name in _MEET:
        tx.execute(name, org_id=org_id, rules_version=keys.RULES_VERSION)
    moved = 0

    def rules() -> Iterator[Sequence[object]]:
        nonlocal moved
        for kind, region, raw, digest, is_known, old_key in tx.tuples("select_new_values"):
            key = _key(kind, raw, region)
            moved += is_known and old_key != key.key
            yield kind, region, digest, is_known, key.key, key.e164, key.reason, key.national

    values = _store(tx, beside, rules())
    if values:
        tx.execute("meet_new_rules")
    tx.execute("analyze_met_rules")
    return values, moved


def _remember_countries(tx: database.Transaction, org_id: str, beside: database.Database | None) -> None:
    found = tx.all("select_new_countries", org_id=org_id, rules_version=keys.RULES_VERSION)
    countries = [row["country"] for row in found]
    if not countries:
        return
    with contextlib.nullcontext(tx) if beside is None else _apart(beside) as writer:
        writer.execute(
            "upsert_country_rules",
            rules_version=keys.RULES_VERSION,
            countries=countries,
            regions=[keys.region_of(country) for country in countries],
        )


@contextlib.contextmanager
def _apart(beside: database.Database) -> Iterator[database.Transaction]:
    """A transaction for rules alone."""
    with beside.transaction() as apart:
        # it waits for others of its kind only; should it ever not, this run fails and the next one goes on
        apart.execute("limit_waiting")
        # the keys' waits for the disk; rules that a crash takes back are made again
        apart.execute("leave_flushing_to_a_later_commit")
        yield apart


def _store(
    tx: database.Transaction, beside: database.Database | None, rules: Iterable[Sequence[object]]
) -> int:
    lines = database.copy_lines(rules)
    if not lines:
        return 0
    _copy(tx, lines)
    if beside is None:
        tx.execute("upsert_key_rules", rules_version=keys.RULES_VERSION)
        return len(lines)
    with _apart(beside) as apart:
        _copy(apart, lines)
        apart.execute("upsert_key_rules", rules_version=keys.RULES_VERSION)
    return len(lines)


def _copy(tx: database.Transaction, lines: list[str]) -> None:
    tx.execute("create_rule_table")
    tx.copy_text("new_rule", _RULE_COLUMNS, io.StringIO("".join(lines)))


def _key(kind: str, raw: str, region: str) -> records.Key:
    return keys.email_key(raw) if kind == "email" else keys.phone_key(raw, region=region or None)


def _replace_salesforce_keys(tx: database.Transaction, org_id: str) -> int:
    tx.execute("insert_wanted_salesforce_keys", org_id=org_id)
    tx.execute("feed_settled_respond_contacts", org_id=org_id)
    tx.execute("feed_most_recent_matches", org_id=org_id)
    return _replace(tx, "delete_unwanted_salesforce_keys", "insert_missing_salesforce_keys", org_id)


def _replace_respond_keys(tx: database.Transaction, org_id: str) -> int:
    tx.execute("insert_wanted_respond_keys")
    # a disconnect that runs at this moment waits for us, so it removes what we write now
    tx.all("lock_serving_workspaces", org_id=org_id)
    written = _replace(tx, "delete_unwanted_respond_keys", "insert_missing_respond_keys", org_id)
    tx.execute("feed_keyless_respond_contacts", org_id=org_id)
    return written


def _replace(tx: database.Transaction, deletion: str, insertion: str, org_id: str) -> int:
    deleted, inserted = tx.execute(deletion, org_id=org_id), tx.one(insertion, org_id=org_id)
    assert inserted is not None
    return int(deleted + inserted["written"])
