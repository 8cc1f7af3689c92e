"""What the demo tells about the way back: new people at respond.io, and agents' edits in Salesforce."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sandbox import demo_creations, demo_edits, demo_hires


def creations(found: demo_creations.Creations) -> Iterator[str]:
    """Tell what became of each new person, and what respond.io has of those that were created."""
    people = demo_hires.HIRES
    when = "meanwhile" if found.is_new else "at an earlier start"
    yield f"{len(people)} people were entered in Salesforce {when}. What became of them:"
    for hire, row in zip(people, found.rows, strict=True):
        yield f"  {demo_creations.outcome(row):<22} {_aligned(hire.name, 18)} {hire.why}"
    yield from (f"  FAILED  {line}" for line in found.failures)
    yield "As respond.io has those that were created:"
    for row in demo_creations.created(found.rows):
        yield "  " + _contact(found.contacts.get(row["respond_id"]))
    yield (
        f"  {found.tagged_contacts} contacts have the tag, {found.created} were created by us; "
        + ("nobody is there twice" if not found.doubles else f"{found.doubles} ARE THERE TWICE")
        + ("" if found.is_new else "; this start created nobody")
    )


def _contact(contact: dict[str, Any] | None) -> str:
    if contact is None:
        return "MISSING at respond.io"
    name = " ".join(filter(None, (contact.get("firstName"), contact.get("lastName"))))
    tags = ", ".join(f"[{tag}]" for tag in contact.get("tags") or ["no tag"])
    return (
        f"{contact['id']:<9} {_aligned(name, 18)} {contact.get('phone') or '-':<14} "
        f"{contact.get('email') or '-':<34} {tags}"
    )


def _aligned(name: str, width: int) -> str:
    """Pad a name to ``width`` columns of a terminal; characters of East Asian scripts take two."""
    wide = sum(ord(character) >= 0x1100 for character in name)
    return name + " " * max(0, width - len(name) - wide)


def edits(found: demo_edits.Edits) -> Iterator[str]:
    """Tell both edits and show the sidebar row before and after."""
    applied, conflicting = found.applied, found.conflicting
    yield f"Two edits posted to the sidebar service for respond.io contact {found.respond_id}:"
    yield f"  {applied.field_name}: {applied.base!r} -> {applied.wish!r}"
    yield (
        f"    {applied.end.get('status')} after {applied.seconds:.1f} s; Salesforce has {applied.in_salesforce!r} now"
    )
    yield (
        f"  {conflicting.field_name}: {conflicting.base!r} -> {conflicting.wish!r}, "
        f"while a colleague set {conflicting.colleague!r} in Salesforce"
    )
    yield (
        f"    {conflicting.end.get('status')} after {conflicting.seconds:.1f} s; "
        f"Salesforce still has {conflicting.in_salesforce!r}"
    )
    yield f"    the agent reads: {conflicting.end.get('error_detail')}"
    before, after = demo_edits.shown(found.before), demo_edits.shown(found.after)
    yield f"  {'the sidebar row':<24} {'before':<36} after"
    for item in found.after.get("fields", []):
        name = item["name"]
        mark = "*" if before.get(name) != after.get(name) else " "
        yield f"  {mark} {item['label']:<22} {_shown(before.get(name)):<36} {_shown(after.get(name))}"


def _shown(value: Any) -> str:
    return "-" if value is None else str(value)
