"""What goes on at respond.io, as status tells it: how far the walk and the creations are, and when they end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from contact_sync import database
from contact_sync.cli import output
from contact_sync.stages import create_contacts

Item = Mapping[str, Any]


def read(db: database.Database) -> dict[str, Item]:
    """Return per workspace ``walk``, and ``creations`` (None where none was ever planned)."""
    creations = {row["workspace_id"]: _bare(dict(row)) for row in create_contacts.progress(db)}
    return {
        row["workspace_id"]: {"walk": _bare(dict(row)), "creations": creations.get(row["workspace_id"])}
        for row in db.all("select_walk_progress")
    }


def lines(workspace: Item) -> Iterator[str]:
    """Tell a person."""
    if workspace["walk"]["looked_at_since"]:
        yield f"  looked at         every contact, within {output.age(workspace['walk']['oldest_look_seconds'])}"
    if workspace["walk"]["began_at"]:
        yield f"  walk under way    {_walk(workspace['walk'])}"
    if workspace["creations"]:
        yield f"  creations         {_creations(workspace['creations'])}"


def _walk(walk: Item) -> str:
    of = f" of about {walk['contacts_expected']}" if walk["contacts_expected"] else ""
    told = f"begun {output.visible(walk['began_at'])} UTC, {walk['pages']} pages, {walk['contacts']} contacts{of}"
    return told + _end(walk)


def _creations(creations: Item) -> str:
    told = f"{creations['done']} done, {creations['left_over']} left, {creations['rejected']} rejected"
    if not creations["left_over"]:
        return told
    return f"{told}; {creations['per_hour']:.0f} an hour{_end(creations)}"


def _end(found: Item) -> str:
    return (
        f", expected end {output.visible(found['expected_end_at'])} UTC" if found["expected_end_at"] else ""
    )


def _bare(row: Item) -> Item:
    return {name: value for name, value in row.items() if name != "workspace_id"}
