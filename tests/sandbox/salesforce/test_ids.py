"""Ids as Salesforce makes them."""

from __future__ import annotations

import pytest

from sandbox.salesforce import ids


def test_the_suffix_is_the_documented_checksum() -> None:
    assert ids.full_id("001D000000IqhSL") == "001D000000IqhSLIAZ"


def test_minted_ids_sort_in_the_order_they_were_minted() -> None:
    minted = [ids.mint_id("003", n) for n in (1, 2, 61, 62, 63, 3843, 3844, 62**4 - 1, 62**4, 10**9)]
    assert minted == sorted(minted)
    assert len(set(minted)) == len(minted)


def test_a_minted_id_is_a_full_id_of_itself() -> None:
    minted = ids.mint_id("003", 123_456_789)
    assert ids.full_id(minted) == minted == ids.full_id(minted[:15])


def test_an_id_that_lost_its_case_is_repaired_from_its_suffix() -> None:
    assert ids.full_id("001d000000iqhslIAZ") == "001D000000IqhSLIAZ"


@pytest.mark.parametrize(
    "text", ["", "003", "003D000000IqhS!", "001D000000IqhSLIA9", "001D000000IqhSLZAZ", "x" * 19]
)
def test_what_is_no_id_is_none(text: str) -> None:
    assert ids.full_id(text) is None
