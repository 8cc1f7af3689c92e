"""A SOQL tree to one SQLite statement and the plan by which its rows become records.

Every name is checked against the object's fields as the asking user sees them: a field without read
permission does not exist. Values travel as parameters, names come from our own field lists.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sandbox.salesforce import compiled, errors, literals, soql
from sandbox.salesforce.compiled import Column, Compiled, Parent, Visibility, find_object
from sandbox.salesforce.fields import Field
from sandbox.salesforce.objects import SObject
from sandbox.salesforce.soql_tree import (
    Aggregate,
    Comparison,
    Condition,
    FieldsOf,
    Junction,
    Membership,
    Path,
    Query,
)


def compile_query(query: Query, visibility: Visibility, *, is_all: bool, now: float) -> Compiled:
    """Return the statement of a query; ``is_all`` includes deleted rows. Raises the vendor's errors."""
    return _Compiler(query, _Scope(visibility, is_all, now)).compiled()


def compile_condition(condition: Condition, sobject: SObject, now: float) -> tuple[str, Mapping[str, object]]:
    """Return a condition over one object's rows (alias ``t``) as ``FROM … WHERE …`` and its parameters."""
    query = Query("", (), sobject.name, None, condition, (), None, None)
    found = _Compiler(query, _Scope(Visibility(), True, now)).compiled()
    return f"{found.source} {found.where}", found.parameters


@dataclass(frozen=True, slots=True)
class _Scope:
    """What a query and its sub-queries share."""

    visibility: Visibility
    is_all: bool
    now: float
    parameters: dict[str, object] = field(default_factory=dict)


class _Compiler:
    def __init__(self, query: Query, scope: _Scope, alias: str = "t") -> None:
        self._query, self._scope, self._alias = query, scope, alias
        self._visibility = scope.visibility
        self._result = Compiled(query, find_object(query.sobject), parameters=scope.parameters)
        self._joins: dict[tuple[str, ...], tuple[str, SObject]] = {}
        self._join_texts: list[str] = []

    def compiled(self) -> Compiled:
        result, query = self._result, self._query
        self._select()
        where = self._where()
        self._order()
        result.source = " ".join([f"FROM {result.sobject.name} {self._alias}", *self._join_texts])
        result.where = where
        if result.aggregates and query.order:
            raise errors.malformed_query("Ordered field must be grouped or aggregated")
        return result

    def sql_of(self, path: Path, use: str = "selected") -> tuple[str, Field]:
        """Return the SQL of a field and the field; ``use`` is what it's wanted for."""
        alias, sobject, name = self._owner(path)
        found = sobject.field(name)
        if found is None or not self._visibility.sees(sobject, found):
            raise self._no_column(path, sobject, name)
        if use != "selected" and (not found.is_filterable or found.type == "address"):
            verb = "filtered in a query call" if use == "filtered" else "sorted in a query call"
            raise errors.bad_request(
                "INVALID_FIELD", self._at(path, f"field '{found.name}' can not be {verb}")
            )
        if found.expression is None:
            return f"{alias}.{found.name}", found
        own = re.sub(r"\bt\.", f"{alias}.", found.expression)
        return f"({own})", found

    def _select(self) -> None:
        for item in self._query.select:
            if isinstance(item, Aggregate):
                self._aggregate(item)
            else:
                for path in self._expanded(item):
                    self._column(path)
        if self._result.aggregates and self._result.columns:
            raise errors.malformed_query("Field must be grouped or aggregated")
        names = [column.parts for column in self._result.columns]
        if repeated := next((name for name in names if names.count(name) > 1), None):
            raise errors.malformed_query(f"duplicate field selected: {'.'.join(repeated)}")

    def _expanded(self, item: Path | FieldsOf) -> Iterator[Path]:
        if isinstance(item, Path):
            yield item
            return
        if item.group != "STANDARD" and (self._query.limit is None or self._query.limit > 200):
            raise errors.malformed_query("The SOQL FIELDS function must have a LIMIT of at most 200")
        wanted = {"ALL": (True, False), "STANDARD": (False,), "CUSTOM": (True,)}.get(item.group)
        if wanted is None:
            raise errors.malformed_query(f"unexpected token: '{item.group}'")
        for found in self._result.sobject.fields:
            if found.is_custom in wanted and self._visibility.sees(self._result.sobject, found):
                yield Path((found.name,), 0)

    def _aggregate(self, item: Aggregate) -> None:
        result = self._result
        if item.path is None:
            if item.function != "COUNT" or len(self._query.select) > 1:
                raise errors.malformed_query("Grouped field should not be aggregated: COUNT()")
            result.aggregates = ["count"]
            return
        sql, found = self.sql_of(item.path)
        function = "COUNT(DISTINCT " if item.function == "COUNT_DISTINCT" else f"{item.function}("
        value = f"{function}{sql})"
        result.expressions.append(
            literals.rendered(value, found) if item.function in ("MIN", "MAX") else value
        )
        result.aggregates.append(item.alias or f"expr{len(result.aggregates)}")

    def _column(self, path: Path) -> None:
        sql, found = self.sql_of(path)
        parents = self._relationships(path)
        parts = (*(part for _, part in parents), found.name)
        self._result.columns.append(Column(parts, found, self._place(literals.rendered(sql, found))))
        for depth in range(1, len(parts)):
            self._parent(parts[:depth])

    def _parent(self, parts: tuple[str, ...]) -> None:
        if all(parent.parts != parts for parent in self._result.parents):
            alias, sobject = self._joins[parts]
            self._result.parents.append(Parent(parts, sobject, self._place(f"{alias}.Id")))

    def _place(self, expression: str) -> int:
        self._result.expressions.append(expression)
        return len(self._result.expressions) - 1

    def _relationships(self, path: Path) -> list[tuple[Field, str]]:
        """Return the reference fields on the way to a path's last name, with their canonical relationship."""
        found, sobject = [], self._result.sobject
        for part in self._without_own_name(path.parts[:-1]):
            reference = _reference(sobject, part)
            if reference is None or not self._visibility.sees(sobject, reference):
                raise self._no_relationship(path, part)
            found.append((reference, str(reference.relationship)))
            sobject = find_object(reference.refers_to[0]) if reference.refers_to else sobject
        return found

    def _without_own_name(self, parts: tuple[str, ...]) -> tuple[str, ...]:
        own = (self._query.sobject.lower(), (self._query.alias or "").lower())
        is_own = (
            bool(parts) and parts[0].lower() in own and _reference(self._result.sobject, parts[0]) is None
        )
        return parts[1:] if is_own else parts

    def _owner(self, path: Path) -> tuple[str, SObject, str]:
        walked: tuple[str, ...] = ()
        alias, sobject = self._alias, self._result.sobject
        for reference, relationship in self._relationships(path):
            walked = (*walked, relationship)
            if walked not in self._joins:
                target, joined = find_object(reference.refers_to[0]), f"{self._alias}{len(self._joins)}"
                self._join_texts.append(
                    f"LEFT JOIN {target.name} {joined} ON {joined}.Id = {alias}.{reference.name}"
                )
                self._joins[walked] = (joined, target)
            alias, sobject = self._joins[walked]
        return alias, sobject, path.parts[-1]

    def _where(self) -> str:
        clauses = []
        if self._query.where is not None:
            clauses.append(self._condition(self._query.where))
        if not self._scope.is_all and self._result.sobject.field("IsDeleted") is not None:
            clauses.append(f"{self._alias}.IsDeleted = 0")
        if self._visibility.hides_records and self._result.sobject.name == "Contact":
            clauses.append(f"{self._alias}.Id NOT IN hidden_record")
        return f"WHERE {' AND '.join(clauses)}" if clauses else ""

    def _condition(self, condition: Condition) -> str:
        if isinstance(condition, Junction):
            inner = [self._condition(item) for item in condition.conditions]
            joined = f" {condition.operator} ".join(inner)
            return f"NOT coalesce({joined}, 0)" if condition.operator == "NOT" else f"({joined})"
        sql, found = self.sql_of(condition.path, "filtered")
        if isinstance(condition, Comparison):
            return literals.comparison(sql, found, condition, self._bound, self._scope.now)
        return self._membership(sql, found, condition)

    def _membership(self, sql: str, found: Field, condition: Membership) -> str:
        if not isinstance(condition.values, Query):
            return literals.membership(sql, found, condition, self._bound, self._scope.now)
        inner = _Compiler(condition.values, self._scope, f"{self._alias}s").compiled()
        return f"{sql} {condition.operator} ({inner.text(inner.expressions[0], inner.bounds())})"

    def _order(self) -> None:
        items = []
        for item in self._query.order:
            sql, found = self.sql_of(item.path, "sorted")
            collation = (
                "" if found.type in ("id", "reference") or found.column_type != "TEXT" else " COLLATE NOCASE"
            )
            direction = " DESC" if item.is_descending else ""
            items.append(f"{sql}{collation}{direction} NULLS {item.nulls}")
        if items:
            self._result.order = f"ORDER BY {', '.join(items)}"

    def _bound(self, value: object) -> str:
        name = f"p{len(self._result.parameters)}"
        self._result.parameters[name] = value
        return f":{name}"

    def _at(self, path: Path, message: str) -> str:
        return soql.located(self._query.text, path.position, message)

    def _no_column(self, path: Path, sobject: SObject, name: str) -> errors.ApiError:
        message = compiled.NO_COLUMN.format(name=name, entity=sobject.name)
        return errors.bad_request("INVALID_FIELD", self._at(path, message))

    def _no_relationship(self, path: Path, part: str) -> errors.ApiError:
        return errors.bad_request("INVALID_FIELD", self._at(path, compiled.NO_RELATIONSHIP.format(name=part)))


def _reference(sobject: SObject, relationship: str) -> Field | None:
    wanted = relationship.lower()
    return next((found for found in sobject.fields if (found.relationship or "").lower() == wanted), None)
