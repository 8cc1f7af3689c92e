"""What the suites expect, and what Great Expectations makes of it."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import pytest

from contact_sync import quality

ORG = "00D000000000001EAA"
GOOD = {
    "contacts": 1000,
    "repeated_ids": 0,
    "malformed_ids": 0,
    "future_stamps": 0,
    "malformed_keys": 0,
    "respond_malformed_keys": 0,
    "without_last_name": 0,
    "without_email": 100,
    "without_phone": 200,
    "email_values": 900,
    "email_keyed": 890,
    "phone_values": 800,
    "phone_keyed": 700,
    "respond_contacts": 500,
    "respond_email_values": 400,
    "respond_email_keyed": 400,
    "respond_phone_values": 400,
    "respond_phone_keyed": 390,
}


def failed(measures: dict[str, int], baseline: dict[str, int] | None) -> dict[str, int]:
    """What is not met, with the number of rows beyond the limit."""
    results = quality.judge(quality.suite(measures, baseline), org_id=ORG).results
    return {result.expectation.name: result.affected for result in results if not result.is_met}


def published(docs: Path, **measures: int) -> None:
    judgement = quality.judge(quality.suite({**GOOD, **measures}, None), org_id=ORG)
    quality.build_docs(judgement, docs / ORG)


def test_good_contacts_meet_everything() -> None:
    assert failed(GOOD, None) == failed(GOOD, GOOD) == {}


@pytest.mark.parametrize("name", ["repeated_ids", "malformed_ids", "future_stamps", "malformed_keys"])
def test_one_wrong_row_is_one_too_many(name: str) -> None:
    assert failed({**GOOD, name: 3}, GOOD) == {name: 3}


def test_what_was_approved_is_the_new_measure() -> None:
    assert failed({**GOOD, "future_stamps": 3}, {**GOOD, "future_stamps": 3}) == {}


@pytest.mark.parametrize(("contacts", "affected"), [(799, 1), (500, 300), (11_001, 1)])
def test_contacts_that_vanish_or_multiply_are_a_drift(contacts: int, affected: int) -> None:
    grown = {**GOOD, "contacts": contacts, "without_email": contacts // 10, "without_phone": contacts // 5}
    assert failed(grown, GOOD) == {"contacts": affected}


def test_a_field_that_runs_empty_is_a_drift() -> None:
    assert failed({**GOOD, "without_email": 300}, GOOD) == {"share_without_email": 100}


def test_values_that_lose_their_keys_are_a_drift() -> None:
    assert list(failed({**GOOD, "phone_keyed": 500}, GOOD)) == ["share_phone_without_key"]


def test_a_first_load_without_keys_is_looked_at() -> None:
    assert list(failed({**GOOD, "phone_keyed": 100}, None)) == ["share_phone_without_key"]


def test_shares_of_few_say_nothing() -> None:
    few = {name: value // 100 for name, value in GOOD.items()}
    assert failed({**few, "without_email": 10, "phone_keyed": 0}, few) == {}


def test_data_docs_show_counts_in_a_folder_of_the_org(tmp_path: Path) -> None:
    published(tmp_path, future_stamps=4321)
    assert (tmp_path / ORG / "index.html").exists()
    [page] = (tmp_path / ORG / "validations").rglob("*.html")
    assert "No time lies in the future" in page.read_text()


def test_data_docs_show_the_latest_run_alone(tmp_path: Path) -> None:
    for _ in range(2):
        published(tmp_path)
    assert len(list((tmp_path / ORG / "validations").rglob("*.html"))) == 1


def test_the_library_is_silent(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    with caplog.at_level(logging.INFO):
        quality.judge(quality.suite(GOOD, None), org_id=ORG)
    assert (caplog.text, *capfd.readouterr()) == ("", "", "")


def test_the_library_is_told_to_send_nothing() -> None:
    import great_expectations as gx

    with quality._quiet():
        context = quality._context(gx)
    assert context.variables.analytics_enabled is False


def test_the_library_is_loaded_only_to_judge() -> None:
    import subprocess

    code = "import contact_sync.stages, sys; sys.exit('great_expectations' in sys.modules)"
    plugins = Path(quality.__file__).parents[1]
    assert subprocess.run([sys.executable, "-c", code], cwd=plugins, check=False).returncode == 0
