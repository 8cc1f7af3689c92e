"""What compiling a query gives: the statement in pieces and the plan by which rows become records."""

from __future__ import annotations

from dataclasses import dataclass, field

from sandbox.salesforce import errors, objects
from sandbox.salesforce.fields import Field
from sandbox.salesforce.objects import SObject
from sandbox.salesforce.soql_tree import Query

#: Real standard objects this org doesn't have; anything else unknown is the caller's mistake.
STANDARD_OBJECTS = frozenset(
    (
        "lead", "opportunity", "case", "task", "event", "campaign", "campaignmember", "product2",
        "pricebook2", "order", "contract", "asset", "solution", "group", "profile", "recordtype",
    )
)  # fmt: skip
_ADVICE = "Please reference your WSDL or the describe call for the appropriate names."
NO_COLUMN = (
    "No such column '{name}' on entity '{entity}'. If you are attempting to use a custom field, be sure to "
    "append the '__c' after the custom field name. " + _ADVICE
)
NO_RELATIONSHIP = (
    "Didn't understand relationship '{name}' in field path. If you are attempting to use a custom "
    "relationship, be sure to append the '__r' after the custom relationship name. " + _ADVICE
)


@dataclass(frozen=True, slots=True)
class Column:
    """One selected value: the path in the record, its field and its place in the row."""

    parts: tuple[str, ...]
    field: Field
    place: int


@dataclass(frozen=True, slots=True)
class Parent:
    """A parent whose fields are selected: its relationship path, its object and the place of its Id."""

    parts: tuple[str, ...]
    sobject: SObject
    place: int


@dataclass(frozen=True, slots=True)
class Visibility:
    """What one user may not read: lower-case ``(object, field)`` pairs; ``hides_records``: some contacts as well."""

    hidden: frozenset[tuple[str, str]] = frozenset()
    hides_records: bool = False

    def sees(self, sobject: SObject, field: Field) -> bool:
        """Say whether the field exists for this user."""
        return (sobject.name.lower(), field.name.lower()) not in self.hidden


@dataclass(slots=True)
class Compiled:
    """A statement in pieces: put together by ``text`` with any columns in front."""

    query: Query
    sobject: SObject
    columns: list[Column] = field(default_factory=list)
    parents: list[Parent] = field(default_factory=list)
    expressions: list[str] = field(default_factory=list)
    aggregates: list[str] = field(default_factory=list)
    source: str = ""
    where: str = ""
    order: str = ""
    parameters: dict[str, object] = field(default_factory=dict)

    @property
    def is_count(self) -> bool:
        """True for ``SELECT COUNT() FROM``."""
        return self.aggregates == ["count"]

    def text(self, selected: str, extra: str = "") -> str:
        """Return ``SELECT selected`` with this query's FROM, WHERE and ORDER BY, then ``extra``."""
        return " ".join(["SELECT", selected, self.source, self.where, self.order, extra])

    def text_of_page(self, selected: str) -> str:
        """Return the statement that reads given records (parameter ``page``: a JSON list of Ids) in that order."""
        page = "JOIN json_each(:page) page ON page.value = t.Id ORDER BY page.key"
        return " ".join(["SELECT", selected, self.source, page])

    def bounds(self) -> str:
        """Return the query's own LIMIT and OFFSET."""
        limit = -1 if self.query.limit is None else self.query.limit
        return f"LIMIT {limit} OFFSET {self.query.offset or 0}"


def find_object(name: str) -> SObject:
    """Return a queryable object. Raises INVALID_TYPE, or 501 for a standard object this org lacks."""
    sobject = objects.find(name)
    if sobject is not None:
        return sobject
    if name.lower() in STANDARD_OBJECTS:
        raise errors.not_imitated(f"the object {name}")
    raise errors.bad_request(
        "INVALID_TYPE",
        f"sObject type '{name}' is not supported. If you are attempting to use a custom object, be sure to "
        f"append the '__c' after the entity name. {_ADVICE}",
    )
