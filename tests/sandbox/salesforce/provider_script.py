"""Airflow's own Salesforce provider at work, in a process of its own: prints what it got as one JSON line.

Arguments: the stand-in's port, the file of its certificate authority. The connection comes from the environment.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import requests
from airflow.providers.salesforce.hooks.salesforce import SalesforceHook
from airflow.providers.salesforce.operators.bulk import SalesforceBulkOperator
from airflow.providers.salesforce.operators.salesforce_apex_rest import SalesforceApexRestOperator

from tests.sandbox.salesforce import routing


def bulk(operation: Any, payload: list[dict[str, Any]], **more: Any) -> Any:
    """Run the provider's bulk operator."""
    operator = SalesforceBulkOperator(
        task_id=operation, operation=operation, object_name="Contact", payload=payload, **more
    )
    return operator.execute(context={})


def main(port: int, authority: str) -> dict[str, Any]:
    """Do everything once."""
    # the operators make sessions of their own; every one of them is led to the stand-in
    requests.Session = lambda: routing.session(port, authority)  # type: ignore[assignment, misc]
    hook: Any = SalesforceHook(session=routing.session(port, authority))
    inserted = bulk("insert", [{"LastName": "One"}, {"LastName": "Two"}, {"LastName": ""}])
    ids = [item["id"] for item in inserted if item["success"]]
    updated = bulk("update", [{"Id": ids[0], "Title": "CEO"}])
    upserted = bulk("upsert", [{"Legacy_Id__c": "L", "LastName": "Three"}], external_id_field="Legacy_Id__c")
    deleted = bulk("delete", [{"Id": ids[1]}])
    queried = hook.make_query("SELECT LastName, Title FROM Contact ORDER BY LastName")
    apex = SalesforceApexRestOperator(task_id="apex", endpoint="hello", method="POST", payload={"a": 1})
    return {
        "instance": hook.get_conn().sf_instance,
        "success": [[item["success"] for item in items] for items in (inserted, updated, upserted, deleted)],
        "names": [[record["LastName"], record["Title"]] for record in queried["records"]],
        "fields": hook.get_available_fields("Contact")[:2],
        "describe": hook.describe_object("Account")["name"],
        "test_connection": list(hook.test_connection()),
        "apex": apex.execute(context={})["body"],
    }


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]), sys.argv[2])))  # noqa: T201 - read by the test
