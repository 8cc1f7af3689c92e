"""REST queries: pages, counts, and the pieces of SOQL that need care. Always ``queryAll``: deleted records matter.

Shapes and limits: REST API Developer Guide, "Query" and "QueryAll"; SOQL and SOSL Reference, "Quoted String Escape
Sequences" and "Date Formats".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from contact_sync import answers, errors, records
from contact_sync.salesforce import auth, wide

_ESCAPES = str.maketrans(
    {"\\": "\\\\", "'": "\\'", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}
)
_ROUTE = "/queryAll"
_NEXT_ROUTE = "/query/{locator}"

#: Rows of a page, unless they are wide ("Specify Query Batch Size").
PAGE_ROWS = 2_000


class QueryTimeoutError(errors.RetryError):
    """The query was too slow for its range: a smaller range may work. Repeating it as it is will not."""


def pages(session: auth.Session, soql: str, *, page_size: int = PAGE_ROWS) -> Iterator[records.QueryPage]:
    """Yield the result page by page, deleted records included; each page is one call, made when it is asked for.

    ``page_size`` (200 to 2,000) is a wish: wide rows come in smaller pages. ``server_date`` of the first page is
    the clock at query start. Records come without their ``attributes``; a parent is a nested object or None.
    Salesforce takes 16,384 bytes of address and headers: a longer select list is asked for in parts, see ``wide``.
    Raises QueryTimeoutError (halve the range), RejectError (such as INVALID_FIELD), RetryError if the result was
    cut, and as Session.call.
    """
    parts = wide.parts(soql)
    for page in _pages(session, parts[0], page_size):
        for part in parts[1:] if page.records else ():
            page = wide.joined(page, _of_ids(session, part, page))
        yield page


def _pages(session: auth.Session, soql: str, page_size: int) -> Iterator[records.QueryPage]:
    headers = {"Sforce-Query-Options": f"batchSize={page_size}"}
    route, path = _ROUTE, None
    seen: set[str] = set()
    while True:
        params = {} if path else {"params": {"q": soql}}
        page = _page(_get(session, route, path, headers=headers, **params), route)
        yield page
        if page.next_path is None:
            return
        if page.next_path in seen:
            raise errors.RetryError(f"Salesforce GET {_NEXT_ROUTE} gave the same page locator twice")
        seen.add(page.next_path)
        route, path = _NEXT_ROUTE, page.next_path


def _of_ids(session: auth.Session, soql: str, page: records.QueryPage) -> Iterator[records.Json]:
    """Read the next part of the fields of a page's records."""
    ids = [str(record["Id"]) for record in page.records]
    for start in range(0, len(ids), wide.IDS_A_CALL):
        asked = f"{soql} WHERE Id IN {text_list(ids[start : start + wide.IDS_A_CALL])}"
        for found in _pages(session, asked, PAGE_ROWS):
            yield from found.records


def count(session: auth.Session, soql: str) -> tuple[int, datetime]:
    """Return the number of a ``COUNT()`` query, deleted records included, and the server's clock (UTC)."""
    page = _page(_get(session, _ROUTE, None, params={"q": soql}), _ROUTE)
    return page.total_size, page.server_date


def oldest_stamp(session: auth.Session) -> str | None:
    """Return the oldest SystemModstamp of all Contacts as Salesforce spells it, None if there is none."""
    found = next(
        _pages(session, "SELECT SystemModstamp FROM Contact ORDER BY SystemModstamp LIMIT 1", PAGE_ROWS)
    )
    return str(found.records[0]["SystemModstamp"]) if found.records else None


def select(fields: Iterable[str], *, where: str = "", sobject: str = "Contact") -> str:
    """Return the SOQL that reads ``fields``. ``where`` is SOQL, its values quoted by the functions below."""
    clauses = ["SELECT", ", ".join(fields), "FROM", sobject]
    return " ".join([*clauses, "WHERE", where] if where else clauses)


def select_count(*, where: str = "", sobject: str = "Contact") -> str:
    """Return the SOQL that counts."""
    return select(["COUNT()"], where=where, sobject=sobject)


def text_literal(text: str) -> str:
    """``text`` as a quoted SOQL literal."""
    return f"'{text.translate(_ESCAPES)}'"


def text_list(texts: Iterable[str]) -> str:
    """A parenthesized list of literals, for ``IN``."""
    return f"({', '.join(map(text_literal, texts))})"


def datetime_literal(moment: datetime) -> str:
    """An aware time as an unquoted SOQL literal in UTC, cut to the second below: stamps have whole seconds."""
    if moment.tzinfo is None:
        raise ValueError("a time without a zone has no SOQL literal")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def server_date(answer: httpx.Response, route: str) -> datetime:
    """The answer's ``Date``. Raises StopError without one: windows are bounded by Salesforce's clock, not by ours."""
    date = answers.http_date(answer.headers.get("Date"))
    if date is None:
        raise errors.StopError(
            f"Salesforce GET {route} answered without a Date header; is there a proxy between?"
        )
    return date


def asked_at(answer: httpx.Response, route: str) -> datetime:
    """The server's clock when it was asked, to the second below: ``Date`` is of the answer, minutes later perhaps.

    What was saved while a slow query ran is not in its result, and is to be read by the next one.
    """
    return server_date(answer, route) - timedelta(seconds=int(answer.elapsed.total_seconds()))


def _get(session: auth.Session, route: str, path: str | None, **parts: Any) -> httpx.Response:
    try:
        return session.call("GET", route, path, **parts)
    except errors.RejectError as exc:
        if exc.code == "QUERY_TIMEOUT":
            raise QueryTimeoutError(f"Salesforce GET {route}: QUERY_TIMEOUT; read a smaller range") from exc
        if exc.code == "INVALID_QUERY_LOCATOR":
            raise errors.RetryError(f"Salesforce GET {route}: the page locator expired; query again") from exc
        raise


def _page(answer: httpx.Response, route: str) -> records.QueryPage:
    body = answers.json_object(answer, f"Salesforce GET {route}")
    found, is_done, next_path = body.get("records"), body.get("done"), body.get("nextRecordsUrl")
    if not isinstance(found, list) or not isinstance(body.get("totalSize"), int):
        raise errors.RetryError(f"Salesforce GET {route} answered without records")
    if not is_done and not next_path:
        raise errors.RetryError(f"Salesforce GET {route} answered a part without the way to the rest")
    return records.QueryPage(
        total_size=body["totalSize"],
        records=[_bare(record) for record in found],
        next_path=None if is_done else str(next_path),
        server_date=asked_at(answer, route),
    )


def _bare(record: records.Json) -> records.Json:
    """The record, and its parents, without ``attributes``."""
    return {
        name: _bare(value) if isinstance(value, dict) else value
        for name, value in record.items()
        if name != "attributes"
    }
