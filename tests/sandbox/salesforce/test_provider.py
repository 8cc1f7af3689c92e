"""Airflow's provider (hook, bulk operator, Apex REST operator) works against the stand-in over HTTPS."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fastapi import FastAPI

from tests import airflow_home
from tests.sandbox.salesforce import https
from tests.sandbox.salesforce.conftest import KEY, SECRET

SCRIPT = "tests.sandbox.salesforce.provider_script"


@pytest.mark.slow
def test_the_provider_queries_writes_describes_and_calls_apex(app: FastAPI, tmp_path: Path) -> None:
    app.state.org.set_switches({"bulk_polls": 0})
    extra = {"consumer_key": KEY, "consumer_secret": SECRET, "domain": "acme.my", "version": "66.0"}
    connection = json.dumps({"conn_type": "salesforce", "extra": extra})
    with https.served(app, tmp_path) as served:
        done = airflow_home.python(
            "-m", SCRIPT, str(served.port), str(served.authority), AIRFLOW_CONN_SALESFORCE_DEFAULT=connection
        )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found == {
        "instance": "acme.my.salesforce.com",
        "success": [[True, True, False], [True], [True], [True]],
        "names": [["One", "CEO"], ["Three", None]],
        "fields": ["Id", "IsDeleted"],
        "describe": "Account",
        "test_connection": [True, "Connection successfully tested"],
        "apex": {"a": 1},
    }
