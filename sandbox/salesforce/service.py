"""What the org says about itself: API versions, limits, record counts; and an Apex REST echo."""

from __future__ import annotations

import json
from typing import Any

from sandbox.salesforce import compiled, sessions
from sandbox.salesforce.exchange import Answer, Call, api, site

#: The versions that answer, oldest and newest; older ones down to 21.0 are retired.
OLDEST, NEWEST = 31, 68
_SEASONS = ("Spring", "Summer", "Winter")

_LIMITS = {
    "ConcurrentAsyncGetReportInstances": 200, "ConcurrentSyncReportRuns": 20, "DailyAsyncApexExecutions": 250_000,
    "DailyBulkApiBatches": 15_000, "DailyBulkV2QueryFileStorageMB": 976_562, "DailyBulkV2QueryJobs": 10_000,
    "DailyDurableGenericStreamingApiEvents": 10_000, "DailyDurableStreamingApiEvents": 10_000,
    "DailyGenericStreamingApiEvents": 10_000, "DailyStreamingApiEvents": 10_000, "DailyWorkflowEmails": 390,
    "DataStorageMB": 10_240, "DurableStreamingApiConcurrentClients": 20, "FileStorageMB": 10_240,
    "HourlyAsyncReportRuns": 1200, "HourlyDashboardRefreshes": 200, "HourlyDashboardResults": 5000,
    "HourlyDashboardStatuses": 999_999_999, "HourlyODataCallout": 10_000, "HourlySyncReportRuns": 500,
    "HourlyTimeBasedWorkflow": 50, "MassEmail": 10, "SingleEmail": 15, "StreamingApiConcurrentClients": 20,
}  # fmt: skip


@site.add("GET", "/services/data")
def versions(call: Call) -> Answer:
    """Imitates "Versions": no log-in needed."""
    return Answer(
        200,
        [
            {
                "label": f"{_SEASONS[number % 3]} '{number // 3 + 4 + (number % 3 == 2):02d}",
                "url": f"/services/data/v{number}.0",
                "version": f"{number}.0",
            }
            for number in range(OLDEST, NEWEST + 1)
        ],
    )


@api.add("GET", "/")
def resources(call: Call) -> Answer:
    """Imitates "Resources by Version"."""
    names = ("composite", "jobs", "limits", "query", "queryAll", "sobjects")
    return Answer(200, {name: call.data_url(f"/{name}") for name in names})


@api.add("GET", "/limits")
def limits(call: Call) -> Answer:
    """Imitates "Limits"."""
    org = call.org
    most = org.switch("daily_api_requests")
    body: dict[str, Any] = {name: {"Max": limit, "Remaining": limit} for name, limit in _LIMITS.items()}
    left = max(most - org.used_calls, 0)
    body["DailyApiRequests"] = {"Max": most, "Remaining": left, org.app_name: {"Max": 0, "Remaining": 0}}
    return Answer(200, dict(sorted(body.items())))


@api.add("GET", "/limits/recordCount")
def record_count(call: Call) -> Answer:
    """Imitates "Record Count": approximate in the vendor's words, exact here; empty objects are left out."""
    wanted = [name for name in call.params.get("sObjects", "Account,Contact").split(",") if name]
    counts = [{"count": call.org.store.count(compiled.find_object(name)), "name": name} for name in wanted]
    return Answer(200, {"sObjects": [item for item in counts if item["count"]]})


def _echo(call: Call) -> Answer:
    """Imitates an Apex REST class of the org's own: it answers what it was asked."""
    user_id = sessions.user_of(call.org, call.headers.get("authorization"))
    call.org.count_call()
    try:
        body = json.loads(call.body) if call.body else None
    except ValueError:
        body = call.body.decode("utf-8", "replace")
    return Answer(
        200,
        {
            "method": call.method, "path": call.arguments["rest"], "params": dict(call.params), "body": body,
            "userId": user_id,
        },
    )  # fmt: skip


for _method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
    site.add(_method, "/services/apexrest/{rest*}")(_echo)
