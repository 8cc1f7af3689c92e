"""What queries answer, page by page."""

from __future__ import annotations

import httpx
import pytest

from sandbox.salesforce.store import Store
from tests.sandbox.salesforce.asking import CONTROL, contacts, make, refusal, switch
from tests.sandbox.salesforce.conftest import Clock


@pytest.fixture
def people(store: Store) -> list[str]:
    """Five contacts, two of them at a company."""
    account = store.insert_accounts([{"Name": "Acme"}])[0]
    return store.insert_contacts(
        [
            {
                "FirstName": "Ada",
                "LastName": "Lovelace",
                "Email": "Ada@Example.com",
                "AccountId": account,
                "Score__c": 1.5,
            },
            {"FirstName": "Grace", "LastName": "Hopper", "Title": "Admiral", "VIP__c": True, "Score__c": 3},
            {
                "LastName": "Curie",
                "Title": "professor",
                "Next_Call__c": "2026-10-02",
                "Interests__c": "Music;Food",
            },
            {"LastName": "100%", "Title": "a_b", "CreatedDate": 1_600_000_000, "Interests__c": "Travel"},
            {"LastName": "Noether", "Title": "Professor", "AccountId": account, "MailingCity": "Erlangen"},
        ]
    )


def names(client: httpx.Client, where: str) -> list[str]:
    return [
        row["LastName"] for row in contacts(client, "SELECT LastName FROM Contact", f"{where} ORDER BY Id")
    ]


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("Email = 'ada@example.COM'", ["Lovelace"]),
        ("Title = null", ["Lovelace"]),
        ("Title != 'Professor'", ["Lovelace", "Hopper", "100%"]),
        ("NOT Title = 'Professor'", ["Lovelace", "Hopper", "100%"]),
        ("Title IN ('PROFESSOR', 'Admiral')", ["Hopper", "Curie", "Noether"]),
        ("Title NOT IN ('Professor', null)", ["Hopper", "100%"]),
        ("Title NOT IN ('Professor')", ["Lovelace", "Hopper", "100%"]),
        ("NOT Score__c > 2", ["Lovelace", "Curie", "100%", "Noether"]),
        ("LastName LIKE 'h%' OR LastName LIKE '100\\%'", ["Hopper", "100%"]),
        ("Title LIKE 'a\\_b'", ["100%"]),
        ("VIP__c = TRUE", ["Hopper"]),
        ("Score__c >= 1.5 AND Score__c < 3", ["Lovelace"]),
        ("Next_Call__c = 2026-10-02", ["Curie"]),
        ("CreatedDate < 2020-12-31T23:00:00+01:00", ["100%"]),
        ("CreatedDate = TODAY AND LastName = 'Curie'", ["Curie"]),
        ("Account.Name = 'ACME'", ["Lovelace", "Noether"]),
        ("AccountId IN (SELECT Id FROM Account WHERE Name = 'Acme')", ["Lovelace", "Noether"]),
        ("Interests__c INCLUDES ('Food;Music', 'Travel')", ["Curie", "100%"]),
        ("(Title = 'Admiral' OR Title = 'a_b') AND VIP__c = false", ["100%"]),
    ],
)
def test_conditions_mean_what_they_mean_at_salesforce(
    client: httpx.Client, where: str, expected: list[str]
) -> None:
    assert names(client, where) == expected


def test_a_record_has_attributes_nested_parents_and_nulls(client: httpx.Client, people: list[str]) -> None:
    found = contacts(
        client, "SELECT Id, Account.Name, Email FROM Contact", f"Id IN ('{people[0]}', '{people[1]}')"
    )
    base = "/services/data/v66.0/sobjects"
    assert found[0]["attributes"] == {"type": "Contact", "url": f"{base}/Contact/{people[0]}"}
    assert found[0]["Account"]["Name"] == "Acme"
    assert found[0]["Account"]["attributes"]["type"] == "Account"
    assert found[1]["Account"] is None
    assert found[1]["Email"] is None


def test_values_look_as_rest_shows_them(client: httpx.Client, people: list[str]) -> None:
    soql = "SELECT Name, VIP__c, Score__c, CreatedDate, MailingAddress, Next_Call__c FROM Contact"
    found = contacts(client, soql, f"Id = '{people[3]}'")[0]
    del found["attributes"]
    assert found == {
        "Name": "100%", "VIP__c": False, "Score__c": None, "MailingAddress": None, "Next_Call__c": None,
        "CreatedDate": "2020-09-13T12:26:40.000+0000",
    }  # fmt: skip


def test_an_address_is_an_object(client: httpx.Client, people: list[str]) -> None:
    found = contacts(client, "SELECT MailingAddress FROM Contact", f"Id = '{people[4]}'")[0]
    assert found["MailingAddress"]["city"] == "Erlangen"
    assert found["MailingAddress"]["postalCode"] is None


@pytest.mark.usefixtures("people")
def test_counting(client: httpx.Client) -> None:
    counted = client.get("/query", params={"q": "SELECT COUNT() FROM Contact WHERE Title != null"}).json()
    assert counted == {"totalSize": 4, "done": True, "records": []}
    aggregated = client.get(
        "/query", params={"q": "SELECT COUNT(Id), MAX(Score__c) best FROM Contact"}
    ).json()
    expected = {"attributes": {"type": "AggregateResult"}, "expr0": 5, "best": 3.0}
    assert aggregated == {"totalSize": 1, "done": True, "records": [expected]}


@pytest.mark.usefixtures("people")
def test_order_limit_and_offset(client: httpx.Client) -> None:
    found = contacts(client, "SELECT Title FROM Contact ORDER BY Title DESC NULLS FIRST, Id LIMIT 3 OFFSET 1")
    assert [row["Title"] for row in found] == ["professor", "Professor", "Admiral"]


def test_pages_follow_their_locator_and_hold_everything_once(client: httpx.Client, store: Store) -> None:
    made = store.insert_contacts({"LastName": f"Person {n}"} for n in range(450))
    asked = {"Sforce-Query-Options": "batchSize=200"}
    page = client.get("/query", params={"q": "SELECT Id FROM Contact ORDER BY Id"}, headers=asked).json()
    found = [row["Id"] for row in page["records"]]
    while not page["done"]:
        assert page["totalSize"] == 450
        page = client.get(f"http://org.example{page['nextRecordsUrl']}").json()
        found += [row["Id"] for row in page["records"]]
    assert found == made


def test_the_org_may_shrink_pages(client: httpx.Client, store: Store) -> None:
    store.insert_contacts({"LastName": f"Person {n}"} for n in range(10))
    switch(client, largest_page=4)
    assert len(contacts(client, "SELECT Id FROM Contact")) == 4


def test_a_locator_dies_after_two_days(client: httpx.Client, store: Store, clock: Clock) -> None:
    store.insert_contacts({"LastName": f"Person {n}"} for n in range(201))
    asked = {"Sforce-Query-Options": "batchSize=200"}
    page = client.get("/query", params={"q": "SELECT Id FROM Contact"}, headers=asked).json()
    clock.advance(2 * 86_400 + 1)
    switch(client, session_seconds=10**9)
    answer = client.get(f"http://org.example{page['nextRecordsUrl']}")
    assert refusal(answer) == (400, "INVALID_QUERY_LOCATOR")


def test_deleted_rows_are_for_query_all_only(client: httpx.Client, people: list[str]) -> None:
    client.delete(f"{CONTROL}/contacts/{people[0]}")
    assert len(contacts(client, "SELECT Id FROM Contact")) == 4
    deleted = contacts(client, "SELECT Id FROM Contact WHERE IsDeleted = true", is_all=True)
    assert [row["Id"] for row in deleted] == people[:1]


def test_a_formula_over_the_account_follows_it_without_a_new_stamp(client: httpx.Client) -> None:
    account = client.post(f"{CONTROL}/accounts", json={"Name": "Acme"}).json()["id"]
    contact = make(client, Title="CEO", AccountId=account)
    text, where = "SELECT Full_Title__c, SystemModstamp FROM Contact", f"Id = '{contact}'"
    before = contacts(client, text, where)[0]
    client.post(f"{CONTROL}/accounts", json={"Id": account, "Name": "Globex"})
    after = contacts(client, text, where)[0]
    assert (before["Full_Title__c"], after["Full_Title__c"]) == ("CEO at Acme", "CEO at Globex")
    assert before["SystemModstamp"] == after["SystemModstamp"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("SELECT Foo FROM Contact", "INVALID_FIELD"),
        ("SELECT Foo.Name FROM Contact", "INVALID_FIELD"),
        ("SELECT Id FROM Foo__c", "INVALID_TYPE"),
        ("SELECT Id, Id FROM Contact", "MALFORMED_QUERY"),
        ("SELECT Id FROM Contact WHERE Description = 'x'", "INVALID_FIELD"),
        ("SELECT Id FROM Contact WHERE CreatedDate > '2026-01-01'", "INVALID_FIELD"),
        ("SELECT Id FROM Contact WHERE VIP__c = 'true'", "INVALID_FIELD"),
        ("SELECT Id FROM Contact WHERE Id = 'nonsense'", "INVALID_QUERY_FILTER_OPERATOR"),
        ("SELECT Id FROM Contact WHERE VIP__c LIKE 'x'", "INVALID_QUERY_FILTER_OPERATOR"),
        ("SELECT FIELDS(ALL) FROM Contact", "MALFORMED_QUERY"),
    ],
)
def test_bad_queries_get_the_vendors_code(client: httpx.Client, text: str, code: str) -> None:
    assert refusal(client.get("/query", params={"q": text})) == (400, code)


def test_an_object_this_org_lacks_is_not_imitated(client: httpx.Client) -> None:
    answer = client.get("/query", params={"q": "SELECT Id FROM Lead"})
    assert refusal(answer) == (501, "NOT_IMITATED")
    assert "Lead" in answer.json()[0]["message"]


def test_fields_all_needs_a_small_limit_and_gives_everything(client: httpx.Client, people: list[str]) -> None:
    assert people
    found = contacts(client, "SELECT FIELDS(ALL) FROM Contact LIMIT 1")[0]
    assert {"Id", "Loyalty_Tier__c", "MailingAddress", "PhotoUrl"} <= set(found)


def test_a_query_over_its_time_limit_is_refused_until_it_is_small(
    client: httpx.Client, people: list[str]
) -> None:
    switch(client, query_timeout_rows=3)
    assert refusal(client.get("/query", params={"q": "SELECT Id FROM Contact"})) == (400, "QUERY_TIMEOUT")
    assert len(contacts(client, "SELECT Id FROM Contact", f"Id <= '{people[2]}'")) == 3


def test_a_page_may_come_twice(client: httpx.Client, store: Store) -> None:
    store.insert_contacts({"LastName": f"Person {n}"} for n in range(450))
    switch(client, repeats_pages=1)
    asked = {"Sforce-Query-Options": "batchSize=200"}
    first = client.get("/query", params={"q": "SELECT Id FROM Contact"}, headers=asked).json()
    again = client.get(f"http://org.example{first['nextRecordsUrl']}").json()
    after = client.get(f"http://org.example{again['nextRecordsUrl']}").json()
    assert again["records"] == first["records"]
    assert after["records"] != first["records"]


def test_a_locator_is_its_users_own(client: httpx.Client, store: Store) -> None:
    store.insert_contacts({"LastName": f"Person {n}"} for n in range(201))
    asked = {"Sforce-Query-Options": "batchSize=200"}
    page = client.get("/query", params={"q": "SELECT Id FROM Contact"}, headers=asked).json()
    told = client.post(f"{CONTROL}/tokens", json={"user_id": store.admin_user_id}).json()
    other = {"Authorization": f"Bearer {told['access_token']}"}
    answer = client.get(f"http://org.example{page['nextRecordsUrl']}", headers=other)
    assert refusal(answer) == (400, "INVALID_QUERY_LOCATOR")
