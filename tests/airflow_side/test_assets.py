"""The doorbells between DAGs."""

from __future__ import annotations

import pytest
from airflow.sdk import Asset

from contact_sync.airflow_side import assets

DOORBELLS = [value for value in vars(assets).values() if isinstance(value, Asset)]


@pytest.mark.parametrize(
    "name", ["salesforce_contacts", "respond_contacts", "contact_matches", "field_edits"]
)
def test_a_doorbell_is_there_under_its_name(name: str) -> None:
    assert getattr(assets, name).name == name


@pytest.mark.parametrize("asset", DOORBELLS, ids=lambda asset: asset.name)
def test_a_doorbell_has_an_address_of_our_own(asset: Asset) -> None:
    """Airflow and its providers give other schemes a meaning, such as a table to draw lineage from."""
    assert asset.uri == f"x-contact-sync://{asset.name}"


def test_no_two_doorbells_are_one() -> None:
    assert len({asset.uri for asset in DOORBELLS}) == len(DOORBELLS)
