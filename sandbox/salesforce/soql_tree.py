"""The tree of a SOQL query, as ``soql.parse`` makes it and ``compiler`` reads it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Path:
    """A field, perhaps of a parent: ``("Account", "Name")``; ``position`` counts characters from 0."""

    parts: tuple[str, ...]
    position: int


@dataclass(frozen=True, slots=True)
class Aggregate:
    """``COUNT()`` (path None), ``COUNT(Id)``, ``MAX(SystemModstamp) latest`` and the like."""

    function: str
    path: Path | None
    alias: str | None


@dataclass(frozen=True, slots=True)
class FieldsOf:
    """``FIELDS(ALL|STANDARD|CUSTOM)``."""

    group: str


@dataclass(frozen=True, slots=True)
class Literal:
    """A value as written; ``kind``: string, number, datetime, date, boolean, null or named (``TODAY``)."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """``path operator literal``; ``LIKE`` included."""

    path: Path
    operator: str
    literal: Literal


@dataclass(frozen=True, slots=True)
class Membership:
    """``path IN (…)``; also NOT IN, INCLUDES, EXCLUDES. Values are literals or one sub-query."""

    path: Path
    operator: str
    values: tuple[Literal, ...] | Query


@dataclass(frozen=True, slots=True)
class Junction:
    """``AND``, ``OR`` over several conditions, or ``NOT`` over one."""

    operator: str
    conditions: tuple[Condition, ...]


Condition = Comparison | Membership | Junction


@dataclass(frozen=True, slots=True)
class Order:
    """One ORDER BY item; ``nulls`` is FIRST or LAST."""

    path: Path
    is_descending: bool
    nulls: str


@dataclass(frozen=True, slots=True)
class Query:
    """One SELECT."""

    text: str
    select: tuple[Path | Aggregate | FieldsOf, ...]
    sobject: str
    alias: str | None
    where: Condition | None
    order: tuple[Order, ...]
    limit: int | None
    offset: int | None
