"""The switches of ``POST /_sandbox/settings``: what the org is like, and which side it takes where sources disagree."""

from __future__ import annotations

from typing import Any

#: Every switch of ``POST /_sandbox/settings`` with its default; docs say which fact each one plays.
SWITCHES: dict[str, Any] = {
    # Every save, by whatever door, is stamped now and becomes visible so much later.
    "commit_lag_seconds": 0,
    # The "Max" of DailyApiRequests; calls beyond it are refused.
    "daily_api_requests": 100_000,
    # Form of Sforce-Limit-Info: simple, per_app or absent.
    "limit_header": "simple",
    # A session dies when it hasn't been used for so long.
    "session_seconds": 7200,
    # Query pages never hold more rows, whatever batch size was asked.
    "largest_page": 2000,
    # A query that finds more rows than this is refused with QUERY_TIMEOUT; null: never.
    "query_timeout_rows": None,
    # The same of bulk jobs, which end as Failed.
    "bulk_timeout_rows": None,
    # What each sub-request of /composite costs at least.
    "composite_milliseconds": 5,
    # A bulk job says JobComplete at the earliest after so many polls and so many seconds.
    "bulk_polls": 1,
    "bulk_seconds": 0,
    # Rows of one set of bulk results where the caller names no maxRecords.
    "bulk_result_rows": 50_000,
    # Job lists show everybody's jobs, not the caller's alone.
    "lists_all_jobs": True,
    # A refresh answers with a new refresh token and the old one dies.
    "rotates_refresh_tokens": False,
    # The org has API access.
    "api_enabled": True,
    # The instance URL told at log-in; null: where the request came in.
    "instance_url": None,
    # What If-Unmodified-Since compares with: LastModifiedDate or SystemModstamp.
    "precondition_compares": "LastModifiedDate",
    # Describe's If-Modified-Since notices changed field permissions.
    "describe_notices_permissions": True,
    # [{"name", "when": SOQL condition over Contact, "message", "field"}]: refused when it holds.
    "validation_rules": [],
    # [{"field", "how": upper|lower|title|append, "with"}]: a trigger that rewrites a written value.
    "rewrites": [],
    # The next so many pages of a query are delivered twice: their nextRecordsUrl names themselves.
    "repeats_pages": 0,
    # How bulk jobs end: null = well; {"state": "Failed" or "Aborted", "errorMessage": ...}.
    "bulk_outcome": None,
    # --- where sources disagree about the vendor
    # Datetimes in Bulk 2.0 CSV end in Z or in +0000.
    "csv_datetimes_end_in": "Z",
    # The Content-Type of bulk results: the guide shows a charset, recorded traffic doesn't.
    "csv_content_type": "text/csv",
    # The code with which Bulk 2.0 refuses compound fields: API_ERROR, FUNCTIONALITY_NOT_ENABLED or INVALID_FIELD.
    "compound_refusal_code": "API_ERROR",
    # The key of resultPages' next address: nextRecordsUrl or nextRecordUrl.
    "result_pages_key": "nextRecordsUrl",
    # Failed rows of an update carry their Id in sf__Id.
    "failed_rows_have_ids": False,
    # A failed precondition (412) has a body.
    "precondition_has_body": True,
    # How far ahead a JWT assertion may expire.
    "jwt_longest_seconds": 300,
    # Answers to JWT assertions lack issued_at and signature.
    "jwt_answers_are_short": False,
    # Failed items of a collections answer carry no id.
    "failed_results_lack_id": True,
    # PEM of the certificate or public key that verifies JWT assertions; null: the flow isn't set up.
    "jwt_certificate": None,
}
