"""Loading people's own export."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from sandbox import load, places

REAL_ID = "0035g00000ABCDE"


@pytest.fixture
def place(tmp_path: Path) -> places.Places:
    """An empty sandbox."""
    return places.Places(tmp_path / "sandbox")


def loaded(place: places.Places, text: str, share: float = 1.0) -> list[str]:
    path = place.directory.with_name("export.csv")
    path.write_text(text, encoding="utf-8")
    return list(load.load(place, path, respond_share=share, seed=1))


def rows(path: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def test_headers_compare_whatever_their_case(place: places.Places) -> None:
    loaded(place, f"ID,lastname,FIRSTNAME,eMail\n{REAL_ID},Lopes,Ana,ana@example.com\n")
    assert rows(place.salesforce, "SELECT LastName, FirstName, Email FROM Contact") == [
        ("Lopes", "Ana", "ana@example.com")
    ]


def test_text_stays_text(place: places.Places) -> None:
    loaded(place, f'Id,LastName,Phone,Title\n{REAL_ID},NA,0123,"a ""b""\nc"\n')
    assert rows(place.salesforce, "SELECT LastName, Phone, Title FROM Contact") == [
        ("NA", "0123", 'a "b"\nc')
    ]


def test_an_id_that_is_none_is_minted_and_the_pair_kept(place: places.Places) -> None:
    lines = loaded(place, f"Id,LastName\n17,Lopes\n{REAL_ID},Smith\n")
    ids = dict(rows(place.salesforce, "SELECT LastName, Id FROM Contact"))
    assert ids["Smith"].startswith(REAL_ID)
    assert len(ids["Smith"]) == len(ids["Lopes"]) == 18
    assert place.id_map.read_text(encoding="utf-8") == f"file_id,salesforce_id\n17,{ids['Lopes']}\n"
    assert any("minted 1 Ids" in line for line in lines)


def test_references_inside_the_file_follow_the_minted_ids(place: places.Places) -> None:
    loaded(place, "Id,LastName,ReportsToId\n1,Lopes,\n2,Smith,1\n")
    ids = dict(rows(place.salesforce, "SELECT LastName, Id FROM Contact"))
    assert rows(place.salesforce, "SELECT ReportsToId FROM Contact WHERE LastName = 'Smith'") == [
        (ids["Lopes"],)
    ]


def test_unknown_columns_are_named_and_ignored(place: places.Places) -> None:
    lines = loaded(place, f"Id,LastName,Shoe size,Name\n{REAL_ID},Lopes,42,Ana Lopes\n")
    assert any("Shoe size" in line and "Name" in line for line in lines)


@pytest.mark.parametrize("header", ["Id,Name", "LastName,Email", "Vorname;Nachname"])
def test_without_a_needed_column_nothing_is_loaded(place: places.Places, header: str) -> None:
    with pytest.raises(load.LoadError) as refusal:
        loaded(place, f"{header}\n1,2\n")
    assert "Id, LastName" in str(refusal.value)
    assert all(column in str(refusal.value) for column in header.split(","))
    assert not place.salesforce.exists()


@pytest.mark.parametrize("content", [b"", b"Id,LastName\n1,M\xfcller\n"])
def test_a_file_that_is_no_csv_in_utf8_is_refused(place: places.Places, content: bytes) -> None:
    path = place.directory.with_name("export.csv")
    path.write_bytes(content)
    with pytest.raises(load.LoadError, match="no CSV in UTF-8"):
        list(load.load(place, path, respond_share=1, seed=1))


def test_a_missing_file_is_named(place: places.Places) -> None:
    with pytest.raises(load.LoadError, match=r"nowhere\.csv"):
        list(load.load(place, Path("nowhere.csv"), respond_share=1, seed=1))


def test_rows_nobody_could_have_are_left_out_and_counted(place: places.Places) -> None:
    lines = loaded(place, f"Id,LastName,Email\n{REAL_ID},Lopes,\n{REAL_ID},Again,\n3,,x@example.com\n")
    assert rows(place.salesforce, "SELECT LastName FROM Contact") == [("Lopes",)]
    assert any("1 rows without LastName" in line for line in lines)
    assert any("1 rows whose Id came before" in line for line in lines)


def test_cells_are_converted_by_the_fields_type(place: places.Places) -> None:
    header = "Id,LastName,VIP__c,Score__c,Next_Call__c,CreatedDate,IsDeleted"
    lines = loaded(
        place,
        f"{header}\n{REAL_ID},Lopes,TRUE,7.5,2027-01-02,2020-01-01T00:00:00.000Z,false\n4,B,maybe,x,,,\n",
    )
    query = (
        "SELECT VIP__c, Score__c, Next_Call__c, CreatedDate, IsDeleted FROM Contact WHERE LastName = 'Lopes'"
    )
    assert rows(place.salesforce, query) == [(1, 7.5, "2027-01-02", 1_577_836_800, 0)]
    assert any(line.startswith("VIP__c: 1 cells") for line in lines)
    assert any(line.startswith("Score__c: 1 cells") for line in lines)


def test_the_share_decides_how_many_are_at_respond(place: places.Places) -> None:
    lines = "".join(f"{number},Name{number},person{number}@example.com\n" for number in range(400))
    loaded(place, f"Id,LastName,Email\n{lines}", share=0.6)
    (count,) = rows(place.respond, "SELECT count(*) FROM contact")[0]
    assert 200 <= count <= 280


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_a_share_is_between_0_and_1(place: places.Places, share: float) -> None:
    with pytest.raises(load.LoadError, match="between 0 and 1"):
        loaded(place, "Id,LastName\n1,A\n", share)


def test_the_truth_claims_only_what_is_certain(place: places.Places) -> None:
    loaded(
        place,
        "Id,LastName,Email,Phone\n"
        "1,Certain,ana@company.example,\n"
        "2,TwinA,twin@company.example,\n"
        "3,TwinB,TWIN@company.example,\n"
        "4,Placeholder,test@test.com,\n"
        "5,National,,0171 234567\n"
        "6,International,,+49 171 7654321\n"
        "7,SharedPhone,bo@company.example,+1 415 555 0000\n"
        "8,SharedPhoneToo,,(415) 555-0000\n",
    )
    names = dict(rows(place.salesforce, "SELECT Id, LastName FROM Contact"))
    told = json.loads(place.truth.read_text(encoding="utf-8"))["people"]
    assert {names[person["salesforce_id"]] for person in told} == {"Certain", "International"}
    assert all(person["expect"] == "match" and len(person["respond_ids"]) == 1 for person in told)
    assert rows(place.respond, "SELECT count(*) FROM contact") == [(8,)]


def test_loading_over_people_is_refused(place: places.Places) -> None:
    loaded(place, "Id,LastName\n1,A\n")
    with pytest.raises(load.LoadError, match="reset"):
        loaded(place, "Id,LastName\n1,A\n")
