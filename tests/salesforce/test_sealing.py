from __future__ import annotations

import pytest

from contact_sync import errors
from contact_sync.salesforce.sealing import Seal


def test_without_a_secret_nothing_is_sealed() -> None:
    with pytest.raises(errors.StopError, match="CONTACT_SYNC_SECRET"):
        Seal("")


def test_what_is_sealed_opens_under_the_same_secret_alone() -> None:
    sealed = Seal("one").encrypt("token")
    assert sealed and "token" not in sealed
    assert (Seal("one").decrypt(sealed), Seal("two").decrypt(sealed)) == ("token", None)


def test_nothing_stays_nothing() -> None:
    assert (Seal("one").encrypt(None), Seal("one").decrypt(None)) == (None, None)


def test_a_digest_tells_same_from_other_under_one_secret() -> None:
    seal = Seal("one")
    assert seal.digest("a", None, "b") == seal.digest("a", None, "b")
    others = {seal.digest("a", "b", None), seal.digest("ab", None, ""), Seal("two").digest("a", None, "b")}
    assert len(others | {seal.digest("a", None, "b")}) == 4
