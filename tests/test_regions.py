"""Countries as people write them."""

from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contact_sync import keys, regions

ISO_WITHOUT_NUMBERING_PLAN = {"AQ", "BV", "GS", "HM", "PN", "TF", "UM"}


@pytest.mark.parametrize(
    ("country", "code"),
    [
        ("USA", "US"),
        ("u.s.a.", "US"),
        ("United States of America", "US"),
        ("Estados Unidos", "US"),
        ("Deutschland", "DE"),
        ("GERMANY", "DE"),
        ("México", "MX"),
        ("mexico ", "MX"),
        ("MX", "MX"),
        ("mex", "MX"),
        ("United Kingdom", "GB"),
        ("UK", "GB"),
        ("Scotland", "GB"),
        ("Brasil", "BR"),
        ("日本", "JP"),
        ("대한민국", "KR"),
        ("Россия", "RU"),
        ("Ελλάδα", "GR"),
        ("ישראל", "IL"),
        ("भारत", "IN"),
        ("ประเทศไทย", "TH"),
        ("The Netherlands", "NL"),
        ("Trinidad & Tobago", "TT"),
        ("St. Lucia", "LC"),
        ("Côte d’Ivoire", "CI"),
        ("Cote D'Ivoire", "CI"),
        ("Korea, Republic of", "KR"),
        ("Hong Kong SAR", "HK"),
    ],
)
def test_a_country_as_people_write_it_gives_its_code(country: str, code: str) -> None:
    assert keys.region_of(country) == code


@pytest.mark.parametrize(
    "country", [None, "", " ", "-", "California", "Congo", "Virgin Islands", "ZZ", "Atlantis"]
)
def test_an_unknown_or_ambiguous_country_gives_none(country: str | None) -> None:
    assert keys.region_of(country) is None


def test_every_region_with_a_numbering_plan_is_known_by_its_code() -> None:
    assert {code for code in phonenumbers.SUPPORTED_REGIONS if keys.region_of(code) != code} == set()


def test_every_code_of_the_table_has_a_numbering_plan_or_is_known_to_have_none() -> None:
    codes = set(regions.codes_by_name().values())
    assert {code for code in codes if not keys.is_region(code)} == ISO_WITHOUT_NUMBERING_PLAN


def test_one_name_for_two_countries_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regions, "_COUNTRIES", "AA AAA Atlantis\nBB BBB Atlantis\n")
    with pytest.raises(ValueError, match="stands for two countries"):
        regions.codes_by_name.__wrapped__()


@given(st.text())
def test_any_text_is_looked_up_without_error(text: str) -> None:
    assert keys.region_of(text) is None or keys.region_of(text) in regions.codes_by_name().values()
