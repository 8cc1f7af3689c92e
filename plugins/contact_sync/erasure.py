"""Erasure: a person leaves mirrors, keys, matches, queues and history in one transaction, and is kept from coming back.

A person is what was named, the records merged with it, and the contacts that stand for it; keys tell the rest: their
e-mail is theirs, and so is their phone unless a record of somebody else holds it. Erasing here erases nothing at
Salesforce or respond.io.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from contact_sync import database, errors, keys, tombstones

#: A value shorter than this is no trace of anybody.
_TELLING_CHARACTERS = 6

#: Step by step, what is erased; the first tells others who share a key, the last forgets what the others fed.
_ERASE = (
    "feed_key_sharers",
    "erase_edits",
    "erase_sidebar_rows",
    "erase_matches",
    "erase_issues",
    "erase_candidates",
    "erase_decisions",
    "erase_creations",
    "erase_claims",
    "erase_samples",
    "erase_quality_samples",
    "erase_keys",
    "erase_rules",
    "erase_unusable_rules",
    "erase_landed",
    "erase_quarantined",
    "erase_mirrored",
    "erase_changes",
    "erase_shared_changes",
)
_FOR_NO_ORG = {"erase_issues", "erase_rules", "erase_unusable_rules"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """How a person is named: by one of these. ``key`` is (email or phone, its comparable form)."""

    salesforce_id: str | None = None
    contact: tuple[str, int] | None = None
    key: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """Who was erased, and how many rows that touched. ``shared_keys`` are others' keys too and stay usable."""

    org_id: str
    salesforce_ids: tuple[str, ...]
    respond_ids: tuple[tuple[str, int], ...]
    own_keys: int
    shared_keys: int
    rows: int


def key_of(text: str, *, kind: str, region: str | None) -> tuple[str, str]:
    """Return an e-mail or phone as a key. RejectError ``no_key`` says why it is none."""
    found = keys.email_key(text) if kind == "email" else keys.phone_key(text, region=region)
    if found.key is None:
        raise errors.RejectError("no_key", f"that is no usable {kind}: {found.reason}", status=422)
    return kind, found.key


def erase(db: database.Database, *, org_id: str, named: Named) -> Erased:
    """Erase a person in one transaction, after those that write contacts of the org at this moment.

    Raises StopError without CONTACT_SYNC_SECRET: nothing could keep the person from coming back.
    """

    def whole(tx: database.Transaction) -> Erased:
        if not tx.secret:
            raise errors.StopError("CONTACT_SYNC_SECRET is not set: tombstones are made with it")
        # contacts of workspaces that serve no org at this moment are looked through as well
        for served in sorted({org_id, tombstones.NO_ORG}):
            tx.one("await_writers", org_id=served)
        # a rule that moves at this moment would be found nowhere
        tx.one("hold_off_settling")
        tombstones.are_there(tx, org_id=org_id)
        _start(tx)
        _read_unkeyed(tx, org_id)
        _name(tx, org_id, named)
        return _erase(tx, org_id, named.key)

    return db.in_turn(whole)


def erase_returned(tx: database.Transaction, *, org_id: str) -> int:
    """Erase again whoever of the working tables' contacts came back under another id; return how many.

    What others share with an erased person, a household's phone, stays theirs but identifies nobody.
    """
    if not tombstones.are_there(tx, org_id=org_id):
        return 0
    _start(tx)
    tombstones.load_pads(tx)
    if not tx.execute("name_returned_keys", org_id=org_id):
        return 0
    tx.execute("name_returned_records", org_id=org_id)
    tx.execute("name_contacts_by_key", org_id=org_id)
    tx.execute("withhold_erased_keys", org_id=org_id)
    erased = _erase(tx, org_id)
    return len(erased.salesforce_ids) + len(erased.respond_ids)


def readmit(db: database.Database, *, org_id: str, named: Named) -> int:
    """Let an erased person in again: forget the tombstones of this id or key. Return how many there were.

    Each of their ids, e-mails and phones has one and keeps them out alone; when all are lifted, the next comparison
    of all ids, or walk, brings them back. Others who share a readmitted key are normalized anew and hold it again.
    """
    with db.transaction() as tx:
        tombstones.are_there(tx, org_id=org_id)
        lifted = tx.execute("delete_tombstones", org_id=org_id, digests=[_digest(tx.secret, org_id, named)])
        if lifted and named.key:
            tx.execute("feed_contacts_of_org", org_id=org_id)
        return lifted


def _digest(secret: str, org_id: str, named: Named) -> bytes:
    if named.salesforce_id:
        return tombstones.salesforce_digest(secret, org_id, named.salesforce_id)
    if named.contact:
        return tombstones.respond_digest(secret, *named.contact)
    assert named.key is not None
    return tombstones.key_digest(secret, org_id, *named.key)


def _start(tx: database.Transaction) -> None:
    tx.execute("create_erasure_tables")
    tx.execute("empty_erasure_tables")


def _name(tx: database.Transaction, org_id: str, named: Named) -> None:
    contacts = [named.contact] if named.contact else []
    tx.execute(
        "name_erased",
        salesforce_ids=[named.salesforce_id] if named.salesforce_id else [],
        workspace_ids=[workspace_id for workspace_id, _ in contacts],
        respond_ids=[respond_id for _, respond_id in contacts],
    )
    if named.key:
        kind, key = named.key
        tx.execute("name_holders", org_id=org_id, kind=kind, key=key)
    tx.execute("name_matched_records", org_id=org_id)


def _read_unkeyed(tx: database.Transaction, org_id: str) -> None:
    """Work out the keys of contacts that have none in the tables, so that these are found by e-mail and phone, too."""
    found = tx.all("select_unruled_countries", org_id=org_id, rules_version=keys.RULES_VERSION)
    countries = [row["country"] for row in found]
    tx.execute(
        "upsert_country_rules",
        rules_version=keys.RULES_VERSION,
        countries=countries,
        regions=[keys.region_of(country) for country in countries],
    )
    tx.execute("insert_unkeyed_values", org_id=org_id, rules_version=keys.RULES_VERSION)
    values = tx.all("select_unruled_values")
    rows = (
        (row["kind"], row["region"], row["raw"], _key(row["kind"], row["raw"], row["region"]))
        for row in values
    )
    if tx.copy_rows("unkeyed_rule", ("kind", "region", "raw", "key"), rows):
        tx.execute("key_unruled_values")


def _erase(tx: database.Transaction, org_id: str, named_key: tuple[str, str] | None = None) -> Erased:
    tx.execute("name_merged_records", org_id=org_id)
    tx.execute("name_matched_contacts", org_id=org_id)
    _name_keys(tx, org_id, named_key)
    if tx.execute("name_contacts_by_key", org_id=org_id):
        # these contacts may hold further keys
        _name_keys(tx, org_id)
    people, held = tx.all("select_erased"), tx.all("select_erased_keys")
    rows = sum(_run(tx, name, org_id) for name in _ERASE)
    erased = Erased(
        org_id=org_id,
        salesforce_ids=tuple(row["salesforce_id"] for row in people if row["salesforce_id"]),
        respond_ids=tuple((row["workspace_id"], row["respond_id"]) for row in people if row["workspace_id"]),
        own_keys=sum(row["is_own"] for row in held),
        shared_keys=sum(not row["is_own"] for row in held),
        rows=rows,
    )
    own = [(row["kind"], row["key"]) for row in held if row["is_own"]]
    digests = [
        tombstones.proof(tx.secret),
        *(tombstones.salesforce_digest(tx.secret, org_id, number) for number in erased.salesforce_ids),
        *(tombstones.respond_digest(tx.secret, *contact) for contact in erased.respond_ids),
        *(tombstones.key_digest(tx.secret, org_id, kind, key) for kind, key in own),
    ]
    tx.execute("insert_tombstones", org_id=org_id, digests=digests)
    return erased


def _run(tx: database.Transaction, name: str, org_id: str) -> int:
    return tx.execute(name) if name in _FOR_NO_ORG else tx.execute(name, org_id=org_id)


def _name_keys(tx: database.Transaction, org_id: str, named_key: tuple[str, str] | None = None) -> None:
    """Keys from the raw values, too: the feed may not have reached them yet. A named key is kept out anyway."""
    read = [
        (row["kind"], row["raw"], _key(row["kind"], row["raw"], row["region"]))
        for row in tx.all("select_erased_values", org_id=org_id)
    ]
    if named_key:
        read.append((named_key[0], named_key[1], named_key[1]))
    usable = [(kind, key) for kind, _, key in read if key is not None]
    tx.execute(
        "name_keys", org_id=org_id, kinds=[kind for kind, _ in usable], keys=[key for _, key in usable]
    )
    # quarantine keeps rows as JSON text, written with and without escapes
    spelled = {
        (kind, key, spelling)
        for kind, raw, key in read
        if len(raw.strip()) >= _TELLING_CHARACTERS
        for spelling in {raw, json.dumps(raw)[1:-1], key or raw}
    }
    rows = (
        (kind, key, spelling, f"\\x{hashlib.sha256(spelling.encode()).hexdigest()}")
        for kind, key, spelling in spelled
    )
    tx.copy_rows("erased_value", ("kind", "key", "value", "digest"), rows)


def _key(kind: str, raw: str, region: str) -> str | None:
    found = keys.email_key(raw) if kind == "email" else keys.phone_key(raw, region=region or None)
    return found.key
