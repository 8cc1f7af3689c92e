"""Normalize: raw e-mails and phones of changed contacts become keys. Each distinct value is normalized once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from contact_sync import database, erasure, keys, records, tombstones
from contact_sync.stages import _ledger

STAGE = "normalize_contacts"

#: Contacts in one run from which on the planner must hear of them at once; less is autovacuum's.
MANY = 10_000

_MEET = ("insert_salesforce_raw", "insert_respond_raw", "analyze_raw", "insert_met_rules")
_RULE_COLUMNS = ("kind", "region", "raw_digest", "key", "e164", "reason", "national")


def run(db: database.Database, *, org_id: str, run_id: str, batch_size: int = 50_000) -> dict[str, int]:
    """Work off the feed of changed contacts of one org, a batch per transaction, until it is empty.

    Returns counts: ``salesforce_contacts``, ``respond_contacts`` looked at, ``values`` newly normalized, ``moved``
    (those that newer rules give another key), ``keys`` written or removed.
    """
    with (
        db.advisory_lock(f"match:{org_id}") as is_held,
        _ledger.recorded(db, run_id=run_id, stage=STAGE, scope=org_id) as counts,
    ):
        analyzed = 0
        while is_held and _batch(db, org_id, batch_size, counts):
            seen = counts["salesforce_contacts"] + counts["respond_contacts"]
            if seen >= max(MANY, 2 * analyzed):
                db.one("analyze_contacts", changed=seen)
                analyzed = seen
    return counts


def _batch(db: database.Database, org_id: str, batch_size: int, counts: _ledger.Counts) -> bool:
    with db.transaction() as tx:
        # before it holds a row: an erasure keeps others out and then reaches for the feed
        tx.one("hold_off_erasures", org_id=org_id)
        row = tx.one("has_contact_changes", org_id=org_id)
        if not row or not row["has_changes"]:
            return False
        tx.execute("create_normalize_tables")
        tx.execute("spread_salesforce_changes", org_id=org_id)
        tx.execute("spread_respond_changes", org_id=org_id)
        salesforce = tx.execute("claim_salesforce_changes", org_id=org_id, batch_size=batch_size)
        respond = tx.execute("claim_respond_changes", org_id=org_id, batch_size=batch_size)
        if not salesforce + respond:
            return False
        salesforce += tx.execute("add_merged_losers", org_id=org_id)
        found = process(tx, org_id=org_id)
    for name, count in {"salesforce_contacts": salesforce, "respond_contacts": respond, **found}.items():
        counts[name] = counts.get(name, 0) + count
    return True


def process(tx: database.Transaction, *, org_id: str) -> dict[str, int]:
    """Normalize the contacts of the working tables; return how many values were new, moved, and keys written."""
    tombstones.are_there(tx, org_id=org_id)
    tx.execute("analyze_changed")
    values, moved = _remember_rules(tx, org_id)
    written = _replace_salesforce_keys(tx, org_id) + _replace_respond_keys(tx, org_id)
    # before anybody sees their keys
    erasure.erase_returned(tx, org_id=org_id)
    return {"values": values, "moved": moved, "keys": written}


def _remember_rules(tx: database.Transaction, org_id: str) -> tuple[int, int]:
    """Countries first: they tell the region that national numbers are read in.

    A value *moved* if newer rules or a newer numbering plan made another key of it than before.
    """
    countries = tx.all("select_new_countries", org_id=org_id, rules_version=keys.RULES_VERSION)
    _store(tx, (("country", "", row["raw_digest"], _country(row["raw"])) for row in countries))
    tx.execute("delete_new_rules")
    for name in _MEET:
        tx.execute(name, org_id=org_id, rules_version=keys.RULES_VERSION)
    moved = 0

    def rules() -> Iterator[tuple[str, str, bytes, records.Key]]:
        nonlocal moved
        for row in tx.all("select_new_values"):
            key = _key(row["kind"], row["raw"], row["region"])
            moved += row["is_known"] and row["old_key"] != key.key
            yield row["kind"], row["region"], row["raw_digest"], key

    values = _store(tx, rules())
    if values:
        tx.execute("meet_new_rules")
        tx.execute("delete_new_rules")
    tx.execute("analyze_met_rules")
    return values, moved


def _store(tx: database.Transaction, rules: Iterable[tuple[str, str, bytes, records.Key]]) -> int:
    rows = (
        (kind, region, "\\x" + bytes(digest).hex(), key.key, key.e164, key.reason, key.national)
        for kind, region, digest, key in rules
    )
    count = tx.copy_rows("new_rule", _RULE_COLUMNS, rows)
    if count:
        tx.execute("upsert_key_rules", rules_version=keys.RULES_VERSION)
    return count


def _country(raw: str) -> records.Key:
    region = keys.region_of(raw)
    return records.Key(key=region) if region else records.Key(key=None, reason="invalid")


def _key(kind: str, raw: str, region: str) -> records.Key:
    return keys.email_key(raw) if kind == "email" else keys.phone_key(raw, region=region or None)


def _replace_salesforce_keys(tx: database.Transaction, org_id: str) -> int:
    tx.execute("insert_wanted_salesforce_keys", org_id=org_id)
    tx.execute("feed_settled_respond_contacts", org_id=org_id)
    tx.execute("feed_most_recent_matches", org_id=org_id)
    return tx.execute("delete_unwanted_salesforce_keys", org_id=org_id) + tx.execute(
        "upsert_wanted_salesforce_keys", org_id=org_id
    )


def _replace_respond_keys(tx: database.Transaction, org_id: str) -> int:
    tx.execute("insert_wanted_respond_keys")
    # a disconnect that runs at this moment waits for us, so it removes what we write now
    tx.all("lock_serving_workspaces", org_id=org_id)
    written = tx.execute("delete_unwanted_respond_keys", org_id=org_id) + tx.execute(
        "insert_missing_respond_keys", org_id=org_id
    )
    tx.execute("feed_keyless_respond_contacts", org_id=org_id)
    return written
