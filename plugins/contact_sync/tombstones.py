"""Tombstones: what keeps an erased person from coming back, without a word about who it was.

A tombstone is an HMAC-SHA256 of an id or a key under a key derived from CONTACT_SYNC_SECRET. Whoever writes contacts
asks :func:`are_there` in the writing transaction: it also keeps an erasure from slipping in between. Another secret
would let everybody back unseen, so work on an org with tombstones stops until the right one is given.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Collection, Iterable

from contact_sync import database, errors

#: Under this id stand the tombstones of a workspace that serves no org (Salesforce's "empty key").
NO_ORG = "000000000000000AAA"

_BLOCK_BYTES = 64


def are_there(tx: database.Transaction, *, org_id: str) -> bool:
    """Hold off erasures of the org until ``tx`` ends; return whether it has tombstones.

    Raises StopError if they cannot be read with the secret at hand.
    """
    tx.one("hold_off_erasures", org_id=org_id)
    return _are_readable(tx, org_id)


def drop_landed(tx: database.Transaction, *, org_id: str, window_id: int) -> None:
    """Leave erased people out of what a window landed or quarantined; count the landed ones as ``rows_erased``.

    Who was merged into an erased person since goes with them: the mirror's row, and a tombstone for the id.
    """
    if are_there(tx, org_id=org_id):
        erased = _erased_on_page(tx, org_id)
        if erased:
            tx.execute("drop_erased_rows", window_id=window_id, ids=erased)
            tx.execute("delete_erased_records", org_id=org_id, ids=erased)
            digests = [salesforce_digest(tx.secret, org_id, salesforce_id) for salesforce_id in erased]
            tx.execute("insert_tombstones", org_id=org_id, digests=digests)
        load_pads(tx)
        tx.execute("delete_erased_quarantine", org_id=org_id, window_id=window_id)


def drop_listed(tx: database.Transaction, *, org_id: str) -> int:
    """Leave erased people out of the list of all ids; return how many they were."""
    if not are_there(tx, org_id=org_id):
        return 0
    load_pads(tx)
    return tx.execute("delete_erased_listing", org_id=org_id)


def without_erased_ids(tx: database.Transaction, *, org_id: str, ids: Iterable[str]) -> list[str]:
    """Return the Salesforce ids that are not erased, in their order."""
    ids = list(ids)
    if not ids or not are_there(tx, org_id=org_id):
        return ids
    digests = {salesforce_digest(tx.secret, org_id, salesforce_id): salesforce_id for salesforce_id in ids}
    erased = {digests[digest] for digest in _found(tx, digests)}
    return [salesforce_id for salesforce_id in ids if salesforce_id not in erased]


def erased_contacts(tx: database.Transaction, *, workspace_id: str, respond_ids: Iterable[int]) -> set[int]:
    """Return those of a workspace's contacts that are erased; hold off erasures until ``tx`` ends."""
    tx.one("hold_off_erasures_of_workspace", workspace_id=workspace_id)
    if not _are_readable(tx, None):
        return set()
    digests = {respond_digest(tx.secret, workspace_id, number): number for number in respond_ids}
    return {digests[digest] for digest in _found(tx, digests)}


def load_pads(tx: database.Transaction) -> None:
    """Bring the key of the HMAC into the transaction's temporary table, by COPY: it stands in no statement."""
    tx.execute("create_pad_table")
    tx.execute("delete_pads")
    pads = tuple(f"\\x{pad.hex()}" for pad in _pads(_key(tx.secret)))
    tx.copy_rows("tombstone_pad", ("inner_pad", "outer_pad"), [pads])


def salesforce_digest(secret: str, org_id: str, salesforce_id: str) -> bytes:
    return _digest(secret, f"{org_id}:salesforce:{salesforce_id}")


def respond_digest(secret: str, workspace_id: str, respond_id: int) -> bytes:
    return _digest(secret, f"{workspace_id}:contact:{respond_id}")


def key_digest(secret: str, org_id: str, kind: str, key: str) -> bytes:
    """``kind`` is email or phone; ``key`` is in its comparable form."""
    return _digest(secret, f"{org_id}:{kind}:{key}")


def proof(secret: str) -> bytes:
    """The digest that stands in each org with tombstones and tells that the secret is still the same."""
    return _digest(secret, "contact-sync")


def _are_readable(tx: database.Transaction, org_id: str | None) -> bool:
    row = tx.one("has_tombstones", org_id=org_id, proof=proof(tx.secret))
    if row is None or not row["are_there"]:
        return False
    if not row["are_readable"]:
        raise errors.StopError(
            "people were erased under another CONTACT_SYNC_SECRET than the one given here; without it they would"
            " come back: set the secret that was in use then"
        )
    return True


def _erased_on_page(tx: database.Transaction, org_id: str) -> list[str]:
    """Ids on the page that are tombstones, or were merged into one: what was merged into a person is that person.

    Digests are made here: the server takes several times as long for one.
    """
    digest = _keyed(_key(tx.secret))
    tombstones = {bytes(row["digest"]) for row in tx.all("select_tombstones", org_id=org_id)}
    page = tx.one("select_page_ids")
    assert page is not None
    pairs = [*zip(page["ids"], page["ids"], strict=True), *zip(page["losers"], page["winners"], strict=True)]
    prefix = f"{org_id}:salesforce:"
    return list({own for own, named in pairs if named and digest(f"{prefix}{named}".encode()) in tombstones})


def _keyed(key: bytes) -> Callable[[bytes], bytes]:
    """HMAC-SHA256 under one key (RFC 2104), its two pads hashed once: half the work of a message as short as an id."""
    inner, outer = map(hashlib.sha256, _pads(key))

    def digest(message: bytes) -> bytes:
        first, second = inner.copy(), outer.copy()
        first.update(message)
        second.update(first.digest())
        return second.digest()

    return digest


def _pads(key: bytes) -> tuple[bytes, bytes]:
    block = key.ljust(_BLOCK_BYTES, b"\0")
    return bytes(byte ^ 0x36 for byte in block), bytes(byte ^ 0x5C for byte in block)


def _found(tx: database.Transaction, digests: Collection[bytes]) -> list[bytes]:
    return [bytes(row["digest"]) for row in tx.all("select_erased_digests", digests=list(digests))]


def _key(secret: str) -> bytes:
    return hmac.digest(secret.encode(), b"contact-sync erased_person", "sha256")


def _digest(secret: str, message: str) -> bytes:
    return hmac.digest(_key(secret), message.encode(), "sha256")
