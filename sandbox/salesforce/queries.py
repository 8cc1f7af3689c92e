"""REST queries: ``/query``, ``/queryAll`` and the pages behind a locator.

A locator remembers the Ids that were found, in order; each page reads their fields when it is fetched.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from sandbox.salesforce import compiler, errors, soql
from sandbox.salesforce.compiled import Compiled
from sandbox.salesforce.exchange import Answer, Call, api

_LOCATOR_SECONDS = 2 * 86_400
_ID_LENGTH = 18


@api.add("GET", "/query")
def query(call: Call) -> Answer:
    """Imitates "Query" (REST API Developer Guide): live rows only."""
    return _first_page(call, is_all=False)


@api.add("GET", "/queryAll")
def query_all(call: Call) -> Answer:
    """Imitates "QueryAll": deleted and merged rows too."""
    return _first_page(call, is_all=True)


@api.add("GET", "/query/{locator}")
def query_more(call: Call) -> Answer:
    """Imitates "Query More Results": the path of ``nextRecordsUrl``, without parameters."""
    locator, _, offset = call.arguments["locator"].partition("-")
    row = (
        call.org.store.read()
        .execute(
            "SELECT user_id, soql, batch_size, is_all, created_at, length(record_ids) FROM cursor WHERE locator = ?",
            (locator,),
        )
        .fetchone()
    )
    total = row[5] // _ID_LENGTH if row else 0
    is_good = row and row[0] == call.user_id and offset.isdecimal() and int(offset) < total
    if not is_good or call.org.store.clock() - row[4] > _LOCATOR_SECONDS:
        raise errors.bad_request("INVALID_QUERY_LOCATOR", "invalid query locator")
    return _page(call, _compiled(call, row[1], is_all=bool(row[3])), locator, int(offset), int(row[2]), total)


def compiled_for(call: Call, text: str, *, is_all: bool) -> Compiled:
    """Return a query's statement as the calling user may run it, with every record's Id as the last expression."""
    return _compiled(call, text, is_all=is_all)


def records(call: Call, found: Compiled, rows: Sequence[Sequence[Any]]) -> list[dict[str, Any]]:
    """Return rows (of ``found.expressions`` and the Id) as REST records with ``attributes`` and nested parents."""
    shape = _Shape(found, call.data_url("/sobjects"))
    return [shape.record(row) for row in rows]


def selected(found: Compiled) -> str:
    """Return the expressions a record needs: what was selected and its Id."""
    return ", ".join([*found.expressions, "t.Id"])


def _first_page(call: Call, *, is_all: bool) -> Answer:
    if "q" not in call.params:
        raise errors.bad_request("MALFORMED_QUERY", "A query string has to be specified")
    text = call.params["q"]
    found = _compiled(call, text, is_all=is_all)
    if found.aggregates:
        return _aggregated(call, found)
    size = _batch_size(call)
    connection = call.org.store.read()
    _check_size(call, found)
    rows = connection.execute(
        f"{found.text(selected(found))} {_bounds(found, size + 1)}", found.parameters
    ).fetchall()
    if len(rows) <= size:
        return Answer(200, {"totalSize": len(rows), "done": True, "records": records(call, found, rows)})
    record_ids = [row[0] for row in connection.execute(found.text("t.Id", found.bounds()), found.parameters)]
    locator = _keep(call, text, size, is_all, record_ids)
    return _page(call, found, locator, 0, size, len(record_ids))


def _page(call: Call, found: Compiled, locator: str, offset: int, size: int, total: int) -> Answer:
    connection = call.org.store.read()
    # the page may be smaller than asked if the switch was lowered since
    size = min(size, call.org.switch("largest_page"))
    packed = connection.execute(
        "SELECT substr(record_ids, ?, ?) FROM cursor WHERE locator = ?",
        (offset * _ID_LENGTH + 1, size * _ID_LENGTH, locator),
    ).fetchone()[0]
    wanted = re.findall(".{18}", packed.decode())
    text = found.text_of_page(selected(found))
    rows = connection.execute(text, found.parameters | {"page": json.dumps(wanted)}).fetchall()
    body: dict[str, Any] = {"totalSize": total, "done": offset + size >= total}
    if not body["done"]:
        body["nextRecordsUrl"] = call.data_url(f"/query/{locator}-{_next_offset(call, offset, size)}")
    body["records"] = records(call, found, rows)
    return Answer(200, body)


def _next_offset(call: Call, offset: int, size: int) -> int:
    """Return where the next page begins; where the switch says so, at this page again."""
    repeats = call.org.switch("repeats_pages")
    if not repeats:
        return offset + size
    call.org.set_switches({"repeats_pages": repeats - 1})
    return offset


def _compiled(call: Call, text: str, *, is_all: bool) -> Compiled:
    if len(text) > 100_000:
        raise errors.malformed_query("SOQL statements cannot be longer than 100000 characters.")
    visibility = call.org.visibility(call.user_id)
    return compiler.compile_query(soql.parse(text), visibility, is_all=is_all, now=call.org.store.clock())


def _aggregated(call: Call, found: Compiled) -> Answer:
    connection = call.org.store.read()
    if found.is_count:
        inner = found.text("1", found.bounds())
        total = connection.execute(
            " ".join(["SELECT count(*) FROM (", inner, ")"]), found.parameters
        ).fetchone()[0]
        return Answer(200, {"totalSize": total, "done": True, "records": []})
    row = connection.execute(found.text(", ".join(found.expressions)), found.parameters).fetchone()
    record = {"attributes": {"type": "AggregateResult"}} | dict(zip(found.aggregates, row, strict=True))
    return Answer(200, {"totalSize": 1, "done": True, "records": [record]})


def _check_size(call: Call, found: Compiled) -> None:
    """Play a query that is too big for its time limit, where the switch says how big that is."""
    most = call.org.switch("query_timeout_rows")
    if most is None:
        return
    limit = most + 1 if found.query.limit is None else min(most + 1, found.query.limit)
    inner = found.text("1", f"LIMIT {limit}")
    total = (
        call.org.store.read()
        .execute(" ".join(["SELECT count(*) FROM (", inner, ")"]), found.parameters)
        .fetchone()[0]
    )
    if total > most:
        raise errors.bad_request("QUERY_TIMEOUT", "Your query request was running for too long.")


def _bounds(found: Compiled, rows: int) -> str:
    limit = rows if found.query.limit is None else min(rows, found.query.limit)
    return f"LIMIT {limit} OFFSET {found.query.offset or 0}"


def _batch_size(call: Call) -> int:
    """Return the page size: ``Sforce-Query-Options: batchSize=200…2000``; the org may give less."""
    hit = re.search(r"batchSize\s*=\s*(\d+)", call.headers.get("sforce-query-options", ""), re.IGNORECASE)
    asked = min(max(int(hit[1]), 200), 2000) if hit else 2000
    return int(min(asked, call.org.switch("largest_page")))


def _keep(call: Call, text: str, size: int, is_all: bool, record_ids: list[str]) -> str:
    store = call.org.store
    with store.writing() as connection:
        locator = f"0r8xx{store.next_serial('cursor'):010d}AAA"
        connection.execute("DELETE FROM cursor WHERE created_at < ?", (store.clock() - _LOCATOR_SECONDS,))
        connection.execute(
            "INSERT INTO cursor (locator, user_id, soql, batch_size, is_all, created_at, record_ids) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (locator, call.user_id, text, size, is_all, store.clock(), "".join(record_ids).encode()),
        )
    return locator


class _Shape:
    """How rows of one statement become records, worked out once per page."""

    def __init__(self, found: Compiled, url: str) -> None:
        self._type, self._url = found.sobject.name, f"{url}/"
        self._converters = {
            column.place: _CONVERTERS[column.field.type]
            for column in found.columns
            if column.field.type in _CONVERTERS
        }
        parents = {parent.parts: parent for parent in found.parents}
        self._own = [(column.parts[0], column.place) for column in found.columns if len(column.parts) == 1]
        self._order = list(dict.fromkeys(column.parts[0] for column in found.columns))
        self._is_flat = not parents
        self._parents = parents
        self._columns = [column for column in found.columns if len(column.parts) > 1]

    def record(self, row: Sequence[Any]) -> dict[str, Any]:
        values = list(row)
        for place, convert in self._converters.items():
            if values[place] is not None:
                values[place] = convert(values[place])
        record: dict[str, Any] = {"attributes": self._attributes(self._type, row[-1])}
        if self._is_flat:
            for name, place in self._own:
                record[name] = values[place]
            return record
        own = dict(self._own)
        for name in self._order:
            record[name] = values[own[name]] if name in own else self._parent((name,), values)
        return record

    def _parent(self, parts: tuple[str, ...], values: list[Any]) -> dict[str, Any] | None:
        parent = self._parents[parts]
        if values[parent.place] is None:
            return None
        record: dict[str, Any] = {"attributes": self._attributes(parent.sobject.name, values[parent.place])}
        for column in self._columns:
            if column.parts[: len(parts)] != parts:
                continue
            name = column.parts[len(parts)]
            is_own = len(column.parts) == len(parts) + 1
            record[name] = values[column.place] if is_own else self._parent((*parts, name), values)
        return record

    def _attributes(self, kind: str, record_id: str) -> dict[str, str]:
        return {"type": kind, "url": f"{self._url}{kind}/{record_id}"}


_CONVERTERS: dict[str, Any] = {"boolean": bool, "address": json.loads}
