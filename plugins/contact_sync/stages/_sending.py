"""Which edits go to Salesforce together, and what is remembered of what was tried."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from contact_sync import database, records
from contact_sync.salesforce import update
from contact_sync.stages import _reading


@dataclass(slots=True, kw_only=True)
class Tried:
    """What was tried for the edits in flight, by record; forgotten when they have landed."""

    last: dict[str, update.Written] = field(default_factory=dict)
    #: How often a record's call failed here: each time fewer share its next one.
    failures: Counter[str] = field(default_factory=Counter)

    def judged(self, results: Mapping[str, update.Written]) -> Mapping[str, update.Written]:
        """Remember results. What is gone twice though it was read in between is a value that points nowhere."""
        judged = {}
        for key, result in results.items():
            last = self.last.get(key)
            is_refused = result.outcome == "gone" and last is not None and last.outcome == "gone"
            judged[key] = replace(result, outcome="rejected") if is_refused else result
            self.failures[key] += result.outcome == "unknown"
        self.last.update(results)
        return judged

    def why_left(self, salesforce_id: str) -> tuple[str, str | None]:
        """Return the code, and Salesforce's words, of an edit that did not land however often it was tried."""
        last = self.last.get(salesforce_id)
        if last is not None and last.outcome == "unknown":
            return last.code or "NO_ANSWER", last.detail
        return "record_keeps_moving", None


def writes(rows: Sequence[database.Row], reading: _reading.Reading, tried: Tried) -> list[update.Write]:
    """One write per record, all its edited fields in it; conditional unless all their workspaces chose otherwise."""
    by_record: dict[str, dict[str, Any]] = {}
    conditional = {row["target_salesforce_id"] for row in rows if row["is_conditional"]}
    failures: Counter[str] = Counter()
    for row in rows:
        key = row["target_salesforce_id"]
        by_record.setdefault(key, {})[row["field_name"]] = row["new_value"]
        # an edit that came back from the queue, such as one of a locked row, failed before
        failures[key] = max(failures[key], row["attempts"] - 1)
    return [
        update.Write(
            salesforce_id=records.SalesforceId(salesforce_id),
            values=fields,
            unmodified_since=reading.found[salesforce_id].modstamp if salesforce_id in conditional else None,
            failures=failures[salesforce_id] + tried.failures[salesforce_id],
        )
        for salesforce_id, fields in by_record.items()
    ]
