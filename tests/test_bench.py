"""The benchmarks' contract: names, options and the document. What they measure is theirs to say, not a test's."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from benchmarks import create, extract, ground, report
from benchmarks.report import Figure


def org(**given: Any) -> extract.Org:
    """What an org took, where the test is not about it."""
    usual: dict[str, Any] = {
        "rows": 1_000, "fields": 20, "megabytes": 1.0, "load_seconds": 2.0, "copy_seconds": 1.0, "peak_mb": 100.0,
        "quiet_calls": 2, "delta_calls": 3, "delta_seconds": 1.0, "replay_writes": 0,
    }  # fmt: skip
    return extract.Org(**{**usual, **given})


def document(capsys: pytest.CaptureFixture[str], *figures: Figure) -> dict[str, Any]:
    """The document that is printed for these figures."""
    report.publish("match", {"rows": 5}, figures, is_json=True)
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    return told


def test_the_document_has_the_keys_that_programs_read(capsys: pytest.CaptureFixture[str]) -> None:
    told = document(capsys, Figure(name="match_ratio", value=2.5, unit="joins", limit=8, aim=5))
    assert set(told) == {"bench", "machine", "settings", "figures"}
    assert told["settings"] == {"rows": 5}
    assert told["figures"] == [
        {"name": "match_ratio", "value": 2.5, "unit": "joins", "limit": 8, "aim": 5, "holds": True}
    ]


@pytest.mark.parametrize(
    ("value", "limit", "is_more_better", "holds"),
    [(8, 8, False, True), (8.1, 8, False, False), (0.95, 0.95, True, True), (0.9, 0.95, True, False)],
)
def test_a_limit_is_held_on_its_own_side(
    value: float, limit: float, is_more_better: bool, holds: bool
) -> None:
    figure = Figure(name="x", value=value, unit="", limit=limit, is_more_better=is_more_better)
    assert figure.holds is holds


def test_a_limit_that_is_not_held_makes_the_exit_code_1(capsys: pytest.CaptureFixture[str]) -> None:
    broken = Figure(name="x", value=9, unit="", limit=8)
    assert report.publish("match", {}, [broken], is_json=False) == 1
    assert "NOT HELD" in capsys.readouterr().out


def test_an_unknown_benchmark_is_refused_with_the_names_there_are(repository: Path) -> None:
    ran = subprocess.run([repository / "bin" / "bench", "speed"], capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert ran.stdout == ""
    assert "sandbox extract match create edits" in ran.stderr


@pytest.mark.parametrize("text", ["0", "-3"])
def test_fewer_than_one_row_is_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        report.arguments("match", "", rows=5, what="rows").parse_args(["--rows", text])
    assert ended.value.code == 2
    assert "must be at least 1" in capsys.readouterr().err


def test_a_percentile_is_one_of_the_values() -> None:
    values = [float(number) for number in range(1, 101)]
    assert ground.percentile(values, 0.5) == 50
    assert ground.percentile(values, 0.95) == 95
    assert ground.percentile([7.0], 0.99) == 7


def test_the_peer_is_the_copy_of_the_same_bytes() -> None:
    figures = {
        figure.name: figure
        for figure in extract.compared(org(), org(), org(load_seconds=8.0, copy_seconds=2.0))
    }
    assert figures["land_ratio"].value == 4
    assert figures["land_ratio"].limit == 10


def test_growth_is_told_for_ten_times_the_rows_whatever_was_run() -> None:
    small, large = org(rows=1_000, load_seconds=1.0), org(rows=5_000, load_seconds=5.0)
    figures = {figure.name: figure.value for figure in extract.compared(small, small, large)}
    assert figures["growth"] == 10


def test_a_polls_growth_is_told_against_the_least_org() -> None:
    orgs = [org(delta_seconds=seconds) for seconds in (2.0, 100.0, 3.0)]
    figures = {figure.name: figure.value for figure in extract.compared(*orgs)}
    assert figures["delta_growth"] == 1.5


def test_the_rate_is_what_was_called_of_what_was_allowed() -> None:
    calls = [{"status": 200}] * 48
    figures = {
        figure.name: figure.value
        for figure in create.summed([(10.0, [*calls, {"status": 429}]), (2.0, calls[:11])], rows=12)
    }
    assert figures["rate_ratio"] == 1
    assert figures["rate_limited"] == 1
    assert figures["calls_per_contact_one_key"] == pytest.approx(11 / 4)
