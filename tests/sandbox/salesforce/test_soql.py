"""SOQL that parses, and SOQL that doesn't, with the vendor's codes."""

from __future__ import annotations

import pytest

from sandbox.salesforce import soql
from sandbox.salesforce.errors import ApiError
from sandbox.salesforce.soql_tree import Aggregate, Comparison, Junction, Literal, Membership, Path, Query


def code_of(text: str) -> str:
    with pytest.raises(ApiError) as refused:
        soql.parse(text)
    return refused.value.code


def test_a_query_becomes_a_tree() -> None:
    query = soql.parse(
        "select Id, Account.Name from Contact c where c.Title = 'x' order by Id desc limit 5 offset 2"
    )
    assert [item.parts for item in query.select if isinstance(item, Path)] == [("Id",), ("Account", "Name")]
    assert (query.sobject, query.alias, query.limit, query.offset) == ("Contact", "c", 5, 2)
    assert (query.order[0].is_descending, query.order[0].nulls) == (True, "LAST")


def test_not_and_parentheses_nest() -> None:
    condition = soql.condition("NOT (A = 1 OR (B != null AND C LIKE 'x%'))")
    assert isinstance(condition, Junction)
    assert condition.operator == "NOT"
    inner = condition.conditions[0]
    assert isinstance(inner, Junction)
    assert inner.operator == "OR"


def test_quotes_are_unescaped_and_wildcards_stay_escaped() -> None:
    condition = soql.condition(r"Name = 'O\'Brien \"x\" \\ \n 100\%'")
    assert isinstance(condition, Comparison)
    assert condition.literal == Literal("string", 'O\'Brien "x" \\ \n 100\\%')


def test_a_membership_takes_literals_or_a_query() -> None:
    listed = soql.condition("Id NOT IN ('a', 'b')")
    nested = soql.condition("AccountId IN (SELECT Id FROM Account)")
    assert isinstance(listed, Membership)
    assert isinstance(nested, Membership)
    assert listed.operator == "NOT IN"
    assert isinstance(nested.values, Query)


def test_aggregates_may_have_an_alias() -> None:
    query = soql.parse("SELECT COUNT(Id), MAX(SystemModstamp) latest FROM Contact")
    assert query.select == (
        Aggregate("COUNT", Path(("Id",), 13), None),
        Aggregate("MAX", Path(("SystemModstamp",), 22), "latest"),
    )


@pytest.mark.parametrize(
    "text",
    [
        "", "SELECT", "SELECT Id", "SELECT Id FROM", "SELECT Id Contact", "SELECT Id,, FROM Contact",
        "SELECT Id FROM Contact WHERE", "SELECT Id FROM Contact WHERE Id", "SELECT Id FROM Contact LIMIT x",
        "SELECT Id FROM Contact WHERE A = 1 AND B = 2 OR C = 3", "SELECT Id FROM Contact WHERE Name = 'open",
        "SELECT Id FROM Contact; DROP TABLE Contact",
    ],
)  # fmt: skip
def test_malformed_soql_is_refused(text: str) -> None:
    assert code_of(text) == "MALFORMED_QUERY"


@pytest.mark.parametrize(
    "text",
    [
        "SELECT Id FROM Contact GROUP BY Id", "SELECT (SELECT Id FROM Cases) FROM Contact",
        "SELECT toLabel(Title) FROM Contact", "SELECT Id FROM Contact WITH SECURITY_ENFORCED",
        "SELECT Id FROM Contact FOR UPDATE", "SELECT Id FROM Contact WHERE CALENDAR_YEAR(CreatedDate) = 2026",
    ],
)  # fmt: skip
def test_soql_that_is_not_played_says_so(text: str) -> None:
    assert code_of(text) == "NOT_IMITATED"


def test_an_error_points_at_its_place() -> None:
    with pytest.raises(ApiError) as refused:
        soql.parse("SELECT Id FROM Contact WHERE Title == 'x'")
    assert "ERROR at Row:1:Column:37" in refused.value.message
