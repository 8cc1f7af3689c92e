"""Select lists too long for one address: Salesforce takes 16,384 bytes of URI and headers ("API Request Limits").

The fields are asked for in parts. The first one finds the records, the others read them by Id and are joined to it.
A record that changed in between keeps the stamp of its first part, so the next window reads it again, whole.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from urllib.parse import quote

from contact_sync import errors, records

#: Bytes of a query in an address, with room for host, path and headers (the token alone has some hundred).
LONGEST = 12_000
#: Contacts of which one call reads another part: their Ids take 6,000 bytes, which leaves as many for the fields.
IDS_A_CALL = 200
_FIELDS = 5_500


def parts(soql: str) -> list[str]:
    """Return the query itself, or the queries that read it in parts: the first whole, the others without WHERE.

    Raises RejectError if the condition alone is too long.
    """
    if _length(soql) <= LONGEST:
        return [soql]
    select, _, rest = soql.removeprefix("SELECT ").partition(" FROM ")
    sobject = rest.partition(" ")[0]
    if _length(rest) > LONGEST - _FIELDS:
        raise errors.RejectError("URI_TOO_LONG", "the condition of the query is too long for one call")
    first, *others = _chunks(select.split(", "))
    more = [" ".join(["SELECT Id,", names, "FROM", sobject]) for names in others]
    return [" ".join(["SELECT", first, "FROM", rest]), *more]


def joined(page: records.QueryPage, others: Iterable[records.Json]) -> records.QueryPage:
    """Return the page with the other fields of its records. Raises RetryError if one of them has vanished."""
    by_id = {record["Id"]: record for record in others}
    found = []
    for record in page.records:
        other = by_id.get(record["Id"])
        if other is None:
            raise errors.RetryError(
                "Salesforce no longer shows a record of which one part was read; query again"
            )
        found.append(_both(record, other))
    return dataclasses.replace(page, records=found)


def _both(record: records.Json, other: records.Json) -> records.Json:
    """One record; a parent's fields may be spread over both."""
    merged = {**other, **record}
    for name, value in other.items():
        if isinstance(value, dict) and isinstance(record.get(name), dict):
            merged[name] = value | record[name]
    return merged


def _chunks(names: list[str]) -> list[str]:
    chunks = [""]
    for name in names:
        longer = f"{chunks[-1]}, {name}" if chunks[-1] else name
        if _length(longer) > _FIELDS:
            chunks.append(name)
        else:
            chunks[-1] = longer
    return chunks


def _length(soql: str) -> int:
    return len(quote(soql))
