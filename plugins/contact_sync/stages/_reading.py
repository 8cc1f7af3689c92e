"""What Salesforce holds now of the records that edits concern."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from contact_sync import errors, records
from contact_sync.salesforce import auth, query, replication
from contact_sync.stages import _windows

#: Stamps have whole seconds: a record may base a write once Salesforce's clock is this far past its stamp.
RIPE = timedelta(seconds=2)

Rows = Sequence[Mapping[Any, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What Salesforce holds of one contact now: edited fields by API name, parents left out."""

    salesforce_id: str
    modstamp: datetime
    modified_by_id: str
    is_deleted: bool
    master_record_id: str | None
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Records by id, and Salesforce's clock when they were read. An id that is absent is gone or not visible.

    ``refused`` tells, by edit, Salesforce's code where it refused to read the edit's record or field.
    """

    found: Mapping[str, Record]
    read_at: datetime
    refused: Mapping[int, str] = field(default_factory=dict)

    def is_ripe(self, salesforce_id: str) -> bool:
        """Return whether a write may be based on what was read of a record."""
        return self.read_at >= self.found[salesforce_id].modstamp + RIPE


def read_ripe(salesforce: auth.Session, rows: Rows) -> Reading:
    """Read; where a record was stamped a moment ago, wait until its second has passed and read again.

    A record that moved again meanwhile is not ripe.
    """
    reading = read(salesforce, rows)
    latest = max((record.modstamp for record in reading.found.values()), default=None)
    if latest is not None and reading.read_at < latest + RIPE:
        # a stamp of tomorrow is no reason to wait until then
        time.sleep(min(latest + RIPE - reading.read_at, 2 * RIPE).total_seconds())
        reading = read(salesforce, rows)
    return reading


def read(salesforce: auth.Session, rows: Rows) -> Reading:
    """Read the edited fields of the edits' records, at most 200 records a call's worth.

    What Salesforce refuses as a whole is halved until the edits are found that it refuses: one field without
    permission, or one record, keeps nobody else's from being read. Raises RetryError and StopError.
    """
    try:
        return _read(salesforce, rows)
    except query.QueryTimeoutError:
        code = "QUERY_TIMEOUT"
    except errors.RejectError as exc:
        if exc.code == "INVALID_TYPE":
            raise errors.StopError(
                "Salesforce answers INVALID_TYPE: the integration user may not read Contacts any more."
                " Give it back that right, then run again"
            ) from None
        code = exc.code
    by = "field_name" if code == "INVALID_FIELD" else "target_salesforce_id"
    keys = sorted({row[by] for row in rows})
    if len(keys) == 1:
        refused = {row["edit_id"]: code for row in rows}
        return Reading(found={}, read_at=datetime.min.replace(tzinfo=UTC), refused=refused)
    first = set(keys[: len(keys) // 2])
    halves = ([row for row in rows if (row[by] in first) is is_first] for is_first in (True, False))
    one, other = (read(salesforce, half) for half in halves)
    return _joined(one, other)


def _joined(one: Reading, other: Reading) -> Reading:
    """Two readings as one: of a record that both hold, the older stamp, so that a move in between is noticed."""
    found = dict(one.found)
    for key, record in other.found.items():
        known = found.get(key)
        if known is not None:
            older = min(known, record, key=lambda each: each.modstamp)
            record = replace(older, fields={**known.fields, **record.fields})
        found[key] = record
    times = [reading.read_at for reading in (one, other) if reading.found]
    return Reading(
        found=found, read_at=min(times, default=one.read_at), refused={**one.refused, **other.refused}
    )


def _read(salesforce: auth.Session, rows: Rows) -> Reading:
    ids = sorted({row["target_salesforce_id"] for row in rows})
    names = sorted({row["field_name"] for row in rows})
    system = ("Id", "SystemModstamp", "LastModifiedById", "IsDeleted", "MasterRecordId")
    soql = query.select(dict.fromkeys((*system, *names)), where=f"Id IN {query.text_list(ids)}")
    pages = list(query.pages(salesforce, soql))
    found = (_record(record, names) for page in pages for record in page.records)
    return Reading(found={record.salesforce_id: record for record in found}, read_at=pages[0].server_date)


def _record(record: records.Json, names: Iterable[str]) -> Record:
    flat = _windows.flat(record)
    return Record(
        salesforce_id=flat["Id"],
        modstamp=replication.parse_time(flat["SystemModstamp"]),
        modified_by_id=flat["LastModifiedById"],
        is_deleted=bool(flat["IsDeleted"]),
        master_record_id=flat.get("MasterRecordId"),
        fields={name: flat.get(name) for name in names},
    )
