"""An Airflow of its own: its settings are read when it is first imported."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import airflow_home


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Airflow's own warnings are no errors of ours."""
    airflow_home.forgive(items, Path(__file__).parent)
