"""What Salesforce holds now of the records that edits concern."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from contact_sync import records
from contact_sync.salesforce import auth, query, replication
from contact_sync.stages import _windows

#: Stamps have whole seconds: a record may base a write once Salesforce's clock is this far past its stamp.
RIPE = timedelta(seconds=2)


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
    """Records by id, and Salesforce's clock when they were read. An id that is absent is gone or not visible."""

    found: Mapping[str, Record]
    read_at: datetime


def read_ripe(salesforce: auth.Session, rows: Sequence[Mapping[Any, Any]]) -> Reading:
    """Read; where a record was stamped a moment ago, wait until its second has passed and read again."""
    reading = read(salesforce, rows)
    latest = max((record.modstamp for record in reading.found.values()), default=None)
    if latest is not None and reading.read_at < latest + RIPE:
        time.sleep((latest + RIPE - reading.read_at).total_seconds())
        reading = read(salesforce, rows)
    return reading


def read(salesforce: auth.Session, rows: Sequence[Mapping[Any, Any]]) -> Reading:
    """Read the edited fields of the edits' records, at most 200 records a call's worth."""
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
