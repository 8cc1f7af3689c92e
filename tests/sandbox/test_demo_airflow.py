"""Airflow in the demo: on loopback, untouched by the caller's environment."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import demo_airflow, processes
from sandbox.demo_home import DemoError, Home, Options


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    opened = Home(Options(home=tmp_path))
    yield opened
    opened.close()


def test_every_address_is_on_loopback(home: Home) -> None:
    settings = demo_airflow.settings(home, "postgresql://airflow:word@127.0.0.1:1/airflow")
    hosts = {
        name: value
        for name, value in settings.items()
        if name.endswith(("HOST", "URL", "CONN", "CONN_ASYNC"))
    }
    assert len(hosts) >= 5
    assert [name for name, value in hosts.items() if "127.0.0.1" not in value] == []


def test_both_drivers_are_named(home: Home) -> None:
    settings = demo_airflow.settings(home, "postgresql://airflow:word@127.0.0.1:1/airflow")
    assert settings["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].startswith("postgresql+psycopg2://")
    assert settings["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC"].startswith("postgresql+psycopg://")


def test_no_component_serves_logs_to_the_network() -> None:
    assert {name for name, words in demo_airflow.COMPONENTS.items() if "--skip-serve-logs" in words} == {
        "airflow-scheduler",
        "airflow-triggerer",
    }


@pytest.mark.parametrize(
    "name", ["AIRFLOW__CORE__EXECUTOR", "AIRFLOW_CONN_X", "PGHOST", "PYTHONPATH", "CONTACT_SYNC_SECRET"]
)
def test_the_callers_own_settings_do_not_reach_the_children(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "foreign")
    assert name not in demo_airflow.base_environment()


def test_loopback_never_goes_through_a_proxy() -> None:
    assert "127.0.0.1" in demo_airflow.base_environment()["NO_PROXY"]


def test_an_airflow_that_does_not_answer_is_not_healthy() -> None:
    assert not demo_airflow.Rest(f"http://127.0.0.1:{processes.free_port()}").is_healthy()


def test_an_airflow_that_does_not_answer_is_named() -> None:
    with pytest.raises(DemoError, match=r"Airflow did not answer GET /dags"):
        demo_airflow.Rest(f"http://127.0.0.1:{processes.free_port()}").dags()


def test_every_dag_file_is_expected() -> None:
    assert "match_contacts" in demo_airflow.dag_files()


@pytest.mark.parametrize(("line", "found"), [('{"event": "x"}', {"event": "x"}), ("plain", {}), ("[1]", {})])
def test_a_log_line_is_a_document_or_nothing(line: str, found: dict[str, str]) -> None:
    assert demo_airflow.json_line(line) == found
