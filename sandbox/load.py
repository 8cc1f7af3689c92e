"""Loads people's own Salesforce export (CSV with Salesforce column names) into both stand-ins.

Headers compare case-insensitively; unknown columns are named and ignored; an ``Id`` that is not 15 or 18 characters
is replaced by a minted one and the pair kept in ``id-map.csv``. A share of the people get a respond.io contact with
the same e-mail and phone, so that something matches.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import pandas

from sandbox import load_cells, load_people, places, seed, truth
from sandbox.salesforce import ids, objects
from sandbox.salesforce.store import mint_id

Row = dict[str, Any]

NEEDED = ("Id", "LastName")
#: Columns that refer to records outside the file: kept only where they hold real Ids.
_REFERENCES = ("AccountId", "OwnerId", "CreatedById", "LastModifiedById", "ReportsToId", "MasterRecordId")


class LoadError(places.SandboxError):
    """The file cannot be loaded; nothing was."""


@dataclass(slots=True)
class Loaded:
    """What became of a file: rows to insert, the Ids that were minted, and what a person should be told."""

    rows: list[Row] = field(default_factory=list)
    minted: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def load(place: places.Places, path: Path, *, respond_share: float, seed: int) -> Iterator[str]:
    """Load the contacts of a CSV file, yielding what was done line by line.

    Raises LoadError, with nothing loaded, where the file has no ``Id`` or ``LastName`` column or cannot be read.
    """
    table = _table(path)
    columns, ignored = _columns(table)
    if not 0 <= respond_share <= 1:
        raise LoadError("--respond-share is between 0 and 1")
    with place.claimed():
        if place.is_populated:
            raise LoadError(
                f"{place.directory} holds people already; run reset first, or choose another --data"
            )
        place.clear()
        yield from _moved(place, table[list(columns)].rename(columns=columns), respond_share, seed)
    if ignored:
        yield f"ignored columns that Contact does not have or that nobody can write: {', '.join(ignored)}"


def _table(path: Path) -> pandas.DataFrame:
    try:
        # utf-8-sig: exports made for spreadsheets begin with a byte order mark
        return pandas.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except FileNotFoundError as exc:
        raise LoadError(f"there is no file {path}") from exc
    except (UnicodeDecodeError, pandas.errors.ParserError, pandas.errors.EmptyDataError) as exc:
        raise LoadError(f"{path} is no CSV in UTF-8: {str(exc).splitlines()[0]}") from exc


def _columns(table: pandas.DataFrame) -> tuple[dict[str, str], list[str]]:
    """Return file column → field name of the known columns, and the unknown ones; LoadError if a needed one lacks."""
    known: dict[str, str] = {}
    ignored: list[str] = []
    for column in map(str, table.columns):
        found = objects.CONTACT.field(column.strip())
        if found is None or not found.is_stored or found.name in known.values():
            ignored.append(column)
        else:
            known[column] = found.name
    if missing := [name for name in NEEDED if name not in known.values()]:
        raise LoadError(
            f"nothing loaded: columns needed: {', '.join(NEEDED)}; missing: {', '.join(missing)};"
            f" columns found: {', '.join(map(str, table.columns))}"
        )
    return known, ignored


def _moved(
    place: places.Places, table: pandas.DataFrame, respond_share: float, seed_number: int
) -> Iterator[str]:
    sandbox = seed.opened(place)
    with closing(sandbox.salesforce), closing(sandbox.respond):
        serial = sandbox.salesforce.next_serial("Contact", len(table))
        loaded = read_rows(table.to_dict("records"), serial, prefix=objects.CONTACT.prefix)
        sandbox.salesforce.insert_contacts(loaded.rows)
        derived = load_people.derive(loaded.rows, respond_share, Random(seed_number))
        respond_ids = sandbox.respond.insert_contacts(person.respond for person in derived)
        _write_map(place, loaded.minted)
        told = truth.write(place.truth, load_people.known(derived, respond_ids))
    yield f"loaded {len(loaded.rows)} Salesforce contacts and {len(derived)} respond.io contacts"
    yield f"the truth is certain about {told} of them"
    if loaded.minted:
        yield f"minted {len(loaded.minted)} Ids; the pairs are in {place.id_map}"
    yield from loaded.notes


def read_rows(records: Iterable[Mapping[Any, Any]], serial: int, *, prefix: str) -> Loaded:
    """Return the rows of a file as the org stores them, Ids minted from ``serial`` on where they are none."""
    loaded = Loaded()
    seen: set[str] = set()
    spoiled: dict[str, int] = {}
    nameless = doubled = 0
    for number, record in enumerate(records):
        row = load_cells.converted(record, spoiled)
        if not row.get("LastName"):
            nameless += 1
            continue
        record_id = ids.full_id(record["Id"].strip())
        if record_id is None:
            record_id = mint_id(prefix, serial + number)
            loaded.minted.append((record["Id"], record_id))
        if record_id in seen:
            doubled += 1
            continue
        seen.add(record_id)
        loaded.rows.append({**row, "Id": record_id})
    _settle_references(loaded, spoiled)
    if nameless:
        loaded.notes.append(f"left out {nameless} rows without LastName, which Salesforce requires")
    if doubled:
        loaded.notes.append(f"left out {doubled} rows whose Id came before")
    loaded.notes += [
        f"{name}: {cells} cells hold no such value and were left empty" for name, cells in spoiled.items()
    ]
    return loaded


def _settle_references(loaded: Loaded, spoiled: dict[str, int]) -> None:
    """Follow minted Ids inside the file; leave out references that are no Ids."""
    minted = dict(loaded.minted)
    for row in loaded.rows:
        for name in _REFERENCES:
            value = row.get(name)
            if value is None:
                continue
            row[name] = minted.get(value) if name in ("ReportsToId", "MasterRecordId") else None
            row[name] = row[name] or ids.full_id(value)
            if row[name] is None:
                spoiled[name] = spoiled.get(name, 0) + 1


def _write_map(place: places.Places, minted: list[tuple[str, str]]) -> None:
    if not minted:
        return
    with place.id_map.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(("file_id", "salesforce_id"))
        writer.writerows(minted)
