"""What is read beside the news, as status tells it: how old formula fields are, and big windows that nobody reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from contact_sync import database
from contact_sync.cli import output

Item = Mapping[str, Any]


def read(db: database.Database) -> dict[str, Item]:
    """Return per org ``formulas`` (None where none is shown) and ``big_windows`` (None where none waits)."""
    formulas = {row["org_id"]: _bare(dict(row)) for row in db.all("select_formula_ages")}
    waiting = {row["org_id"]: _bare(dict(row)) for row in db.all("select_idle_windows")}
    return {
        org_id: {"formulas": formulas.get(org_id), "big_windows": waiting.get(org_id)}
        for org_id in (row["org_id"] for row in db.all("select_org_status"))
    }


def lines(org: Item) -> Iterator[str]:
    """Tell a person."""
    if org["formulas"]:
        yield f"  formula fields    {_formulas(org['formulas'])}"
    if org["big_windows"]:
        yield f"  big windows       {_waiting(org['big_windows'])}"


def _formulas(formulas: Item) -> str:
    names, age = ", ".join(formulas["field_names"]), output.age(formulas["age_seconds"])
    told = f"{names}: {'not read yet' if age == 'never' else f'all read {age} ago'}"
    return f"{told}  ALERT: they are read daily; is reconcile_contacts on?" if formulas["is_late"] else told


def _waiting(windows: Item) -> str:
    told = f"{windows['windows']} to be read, the oldest for {output.age(windows['oldest_seconds'])}"
    if not windows["is_idle"]:
        return told
    asked = "is load_salesforce_contacts on, are its pools there (airflow pools list)?"
    return f"{told}  ALERT: nobody reads them; {asked}"


def _bare(row: Item) -> Item:
    return {name: value for name, value in row.items() if name != "org_id"}
