"""SOQL text to a tree. Imitates "SOQL SELECT Syntax" in the SOQL and SOSL Reference, as far as Contact needs.

What Salesforce would accept but the stand-in doesn't play raises 501; what Salesforce refuses, its own error.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from sandbox.salesforce import errors
from sandbox.salesforce.soql_tree import (
    Aggregate,
    Comparison,
    Condition,
    FieldsOf,
    Junction,
    Literal,
    Membership,
    Order,
    Path,
    Query,
)  # fmt: skip

_Item = TypeVar("_Item")

COMPARISONS = ("=", "!=", "<>", "<", "<=", ">", ">=")
AGGREGATES = ("COUNT", "COUNT_DISTINCT", "MIN", "MAX", "SUM", "AVG")
_NOT_PLAYED = ("GROUP", "HAVING", "WITH", "FOR", "USING", "TYPEOF", "UPDATE")


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    position: int


_TOKENS = re.compile(
    r"""(?P<space>\s+)
    |(?P<string>'(?:\\.|[^'\\])*')
    |(?P<datetime>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d))
    |(?P<date>\d{4}-\d\d-\d\d)
    |(?P<number>[+-]?\d+(?:\.\d+)?)
    |(?P<name>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*(?::\d+)?)
    |(?P<symbol><=|>=|!=|<>|[=<>(),])""",
    re.VERBOSE,
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}


def parse(text: str) -> Query:
    """Return the tree of one SELECT. Raises MALFORMED_QUERY, or 501 for clauses that are not played."""
    parser = _Parser(text)
    query = parser.query()
    parser.finish()
    return query


def condition(text: str) -> Condition:
    """Return the tree of a WHERE condition alone (validation rules are written so)."""
    parser = _Parser(text)
    found = parser.condition()
    parser.finish()
    return found


def unquoted(text: str) -> str:
    """Return the value of a quoted string, its escapes resolved; ``\\%`` and ``\\_`` stay for LIKE."""
    return re.sub(
        r"\\(.)", lambda hit: _ESCAPES.get(hit[1], f"\\{hit[1]}" if hit[1] in "%_" else hit[1]), text[1:-1]
    )


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(self._scan(text))
        self._next = 0

    def query(self) -> Query:
        self._word("SELECT")
        select = tuple(self._list(self._select_item))
        self._word("FROM")
        sobject = self._name().text
        alias = self._alias()
        where = self.condition() if self._take("WHERE") else None
        order = tuple(self._list(self._order_item)) if self._pair("ORDER", "BY") else ()
        limit = self._whole_number() if self._take("LIMIT") else None
        offset = self._whole_number() if self._take("OFFSET") else None
        return Query(self._text, select, sobject, alias, where, order, limit, offset)

    def condition(self) -> Condition:
        """``AND`` and ``OR`` may not be mixed without parentheses, as in Salesforce."""
        conditions = [self._term()]
        operator = ""
        while self._peek("AND", "OR"):
            word = self._advance().text.upper()
            if operator and word != operator:
                raise self._refusal()
            operator = word
            conditions.append(self._term())
        return Junction(operator, tuple(conditions)) if operator else conditions[0]

    def finish(self) -> None:
        if self._next < len(self._tokens):
            raise self._refusal()

    def _term(self) -> Condition:
        if self._take("NOT"):
            return Junction("NOT", (self._term(),))
        if self._take("("):
            inner = self.condition()
            self._word(")")
            return inner
        return self._predicate()

    def _predicate(self) -> Condition:
        path = self._path()
        if self._take("NOT"):
            self._word("IN")
            return Membership(path, "NOT IN", self._values())
        for operator in ("IN", "INCLUDES", "EXCLUDES"):
            if self._take(operator):
                return Membership(path, operator, self._values())
        if self._peek("LIKE", *COMPARISONS):
            operator = self._advance().text.upper().replace("<>", "!=")
            return Comparison(path, operator, self._literal())
        raise self._refusal()

    def _values(self) -> tuple[Literal, ...] | Query:
        self._word("(")
        values: tuple[Literal, ...] | Query
        values = self.query() if self._peek("SELECT") else tuple(self._list(self._literal))
        self._word(")")
        return values

    def _literal(self) -> Literal:
        token = self._advance()
        if token.kind in ("string", "number", "datetime", "date"):
            return Literal(token.kind, unquoted(token.text) if token.kind == "string" else token.text)
        word = token.text.upper()
        if word in ("TRUE", "FALSE"):
            return Literal("boolean", word)
        if token.kind == "name":
            return Literal("null" if word == "NULL" else "named", word)
        self._next -= 1
        raise self._refusal()

    def _select_item(self) -> Path | Aggregate | FieldsOf:
        if self._peek("("):
            raise errors.not_imitated("sub-queries in the SELECT list")
        name = self._name()
        if not self._take("("):
            self._alias()
            return Path(tuple(name.text.split(".")), name.position)
        function = name.text.upper()
        if function == "FIELDS":
            group = self._name().text.upper()
            self._word(")")
            return FieldsOf(group)
        if function not in AGGREGATES:
            raise errors.not_imitated(f"{name.text}() in the SELECT list")
        path = None if self._peek(")") else self._path()
        self._word(")")
        return Aggregate(function, path, self._alias())

    def _order_item(self) -> Order:
        path = self._path()
        is_descending = self._take("DESC")
        if not is_descending:
            self._take("ASC")
        nulls = "LAST" if is_descending else "FIRST"
        if self._take("NULLS"):
            nulls = self._advance().text.upper()
        return Order(path, is_descending, nulls)

    def _path(self) -> Path:
        token = self._name()
        if self._peek("("):
            raise errors.not_imitated(f"{token.text}() in a condition or an order")
        return Path(tuple(token.text.split(".")), token.position)

    def _alias(self) -> str | None:
        token = self._current()
        reserved = ("FROM", "WHERE", "ORDER", "LIMIT", "OFFSET", *_NOT_PLAYED)
        if token is None or token.kind != "name" or token.text.upper() in reserved:
            return None
        return self._advance().text

    def _whole_number(self) -> int:
        token = self._advance()
        if not token.text.isdecimal():
            self._next -= 1
            raise self._refusal()
        return int(token.text)

    def _list(self, item: Callable[[], _Item]) -> list[_Item]:
        items = [item()]
        while self._take(","):
            items.append(item())
        return items

    def _name(self) -> _Token:
        token = self._current()
        if token is None or token.kind != "name" or token.text.upper() in ("FROM", "WHERE", "SELECT"):
            raise self._refusal()
        return self._advance()

    def _word(self, word: str) -> None:
        if not self._take(word):
            raise self._refusal(word)

    def _pair(self, first: str, second: str) -> bool:
        if not self._take(first):
            return False
        self._word(second)
        return True

    def _take(self, word: str) -> bool:
        if self._peek(word):
            self._next += 1
            return True
        return False

    def _peek(self, *words: str) -> bool:
        token = self._current()
        return token is not None and token.kind != "string" and token.text.upper() in words

    def _current(self) -> _Token | None:
        return self._tokens[self._next] if self._next < len(self._tokens) else None

    def _advance(self) -> _Token:
        token = self._current()
        if token is None:
            raise self._refusal()
        self._next += 1
        return token

    def _refusal(self, expected: str | None = None) -> errors.ApiError:
        token = self._current()
        if token is not None and token.text.upper() in _NOT_PLAYED:
            return errors.not_imitated(f"{token.text.upper()} in SOQL")
        found = f"unexpected token: '{token.text}'" if token else "unexpected token: '<EOF>'"
        if expected and token is None:
            found = f"expecting '{expected}', found '<EOF>'"
        return errors.malformed_query(
            located(self._text, token.position if token else len(self._text), found)
        )

    def _scan(self, text: str) -> list[_Token]:
        tokens, position = [], 0
        while position < len(text):
            hit = _TOKENS.match(text, position)
            if hit is None:
                message = f"unexpected char: {text[position]!r}"
                raise errors.malformed_query(located(text, position, message))
            if hit.lastgroup != "space":
                tokens.append(_Token(str(hit.lastgroup), hit[0], position))
            position = hit.end()
        return tokens


def located(text: str, position: int, message: str) -> str:
    """Return a message the way Salesforce points into a query: the line around, a caret, row and column."""
    start = max(0, position - 60)
    shown = text[start : position + 60].replace("\n", " ")
    return f"\n{shown}\n{' ' * (position - start)}^\nERROR at Row:1:Column:{position + 1}\n{message}"
