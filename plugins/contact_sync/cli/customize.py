"""fields: "Customize view" from a terminal. What may be shown and edited, what is, and why not."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import Any

from contact_sync import database, errors, fields, records, tenants
from contact_sync.cli import output, words


def add_commands(commands: words.Commands) -> None:
    parser = words.declare(
        commands,
        "fields",
        run,
        about="List the fields of Contact, or choose which ones the agents of a workspace see and edit; those of"
        " the records it refers to are shown, too, as Account.Name or Owner.Name.",
        example="fields demo --set Title,Account.Name,Email --editable Title --label 'Title=Job title'",
        changes=True,
    )
    parser.add_argument("workspace_id")
    parser.add_argument("--set", type=words.names, metavar="A,B", help="show these fields, in this order")
    parser.add_argument(
        "--editable", type=words.names, metavar="A,B", help="agents may edit these, no others"
    )
    parser.add_argument(
        "--label",
        type=_label,
        action="append",
        default=[],
        metavar="NAME=TEXT",
        help="call a field so; an empty text gives it Salesforce's label back",
    )


def run(arguments: argparse.Namespace) -> None:
    """List, or choose; what an option does not mention stays as it is."""
    is_choosing = arguments.set is not None or arguments.editable is not None or arguments.label
    with words.opened_database(is_rehearsal=arguments.dry_run) as db:
        workspace = tenants.known_workspace(db, arguments.workspace_id)
        if workspace["org_id"] is None:
            raise errors.StopError(
                f"workspace {arguments.workspace_id} serves no org: workspace set {arguments.workspace_id} --org ORG_ID"
            )
        described = _described(db, workspace["org_id"], arguments.set or ())
        if is_choosing:
            tenants.choose_fields(db, arguments.workspace_id, _choices(db, arguments, described))
        chosen = db.all("select_chosen_fields", workspace_id=arguments.workspace_id)
    document = {"workspace_id": arguments.workspace_id, "fields": [_chosen(row) for row in chosen]}
    if is_choosing:
        document["dry_run"] = arguments.dry_run
        verb = "would show" if arguments.dry_run else "shows"
        lines = [f"workspace {arguments.workspace_id} {verb}:", *_table(document["fields"])]
    else:
        shown = {row["field_name"] for row in chosen}
        document["available"] = [_available(f) for name, f in described.items() if name not in shown]
        document["related"] = _related(described)
        lines = [*_table(document["fields"]), "", "not shown:", *_table(document["available"])]
        lines += [f"and fields of related records: {', '.join(document['related'])}"] * bool(
            document["related"]
        )
    output.answer(arguments, document, lines)


def _described(
    db: database.Database, org_id: str, names: Sequence[str]
) -> Mapping[str, records.SalesforceField]:
    """Return what may be chosen; related records that ``names`` are the first to show are asked for."""
    described = tenants.described_fields(db, org_id)
    parents = fields.undescribed_parents(names, described)
    if not parents:
        return described
    # a session keeps its tokens in a database that does not forget, whatever becomes of the choice
    with words.opened_edges() as edges:
        session = edges.salesforce_of(org_id, lane="extract")
        tenants.refresh_fields(db, session, org_id=org_id, is_full=False, parents=parents)
    return tenants.described_fields(db, org_id)


def _related(described: Mapping[str, records.SalesforceField]) -> list[str]:
    """Records whose fields may be shown, and are not described because nobody does."""
    names = [f"{relationship}.…" for relationship in fields.parents(described.values())]
    return sorted(f"{parent}.…" for parent in fields.undescribed_parents(names, described))


def _choices(
    db: database.Database,
    arguments: argparse.Namespace,
    described: Mapping[str, records.SalesforceField],
) -> list[tenants.FieldChoice]:
    held = {
        row["field_name"]: row for row in db.all("select_chosen_fields", workspace_id=arguments.workspace_id)
    }

    def spelled(names: Sequence[str]) -> list[str]:
        known = (*described, *held)
        return [fields.canonical_name(name, known) or name for name in names]

    chosen = list(held) if arguments.set is None else list(dict.fromkeys(spelled(arguments.set)))
    editable = {name for name, row in held.items() if row["editable"]}
    if arguments.editable is not None:
        editable = set(spelled(arguments.editable))
        _check_chosen(editable, chosen, "--editable")
    labels: dict[str, str | None] = {name: row["chosen_label"] for name, row in held.items()}
    given = {spelled([name])[0]: text for name, text in arguments.label}
    _check_chosen(given, chosen, "--label")
    labels |= {name: text or None for name, text in given.items()}
    return [
        tenants.FieldChoice(name=name, label=labels.get(name), is_editable=name in editable)
        for name in chosen
    ]


def _check_chosen(names: Any, chosen: Sequence[str], option: str) -> None:
    missing = sorted(set(names) - set(chosen))
    if missing:
        raise errors.StopError(
            f"{option} names {', '.join(missing)}, which the sidebar does not show: add it by --set"
        )


def _label(text: str) -> tuple[str, str]:
    name, equals, label = text.partition("=")
    if not equals or not name.strip():
        raise argparse.ArgumentTypeError("write NAME=TEXT")
    return name.strip(), label.strip()


def _chosen(row: database.Row) -> dict[str, Any]:
    reason = None
    if row["lost_at"] is not None or row["type"] is None:
        reason = "Salesforce no longer shows this field to the connection."
    elif not row["editable"]:
        reason = fields.read_only_reason(fields.of_row({**row, "name": row["field_name"]}))
    return {
        "name": row["field_name"],
        "label": row["chosen_label"] or row["label"] or row["field_name"],
        "type": row["type"],
        "editable": row["editable"],
        "read_only_reason": reason,
    }


def _available(field: records.SalesforceField) -> dict[str, Any]:
    reason = fields.read_only_reason(field)
    if not fields.displayable(field):
        reason = f"Cannot be shown: its type is {field.type}."
    return {
        "name": field.name,
        "label": field.label,
        "type": field.type,
        "editable": False,
        "read_only_reason": reason,
    }


def _table(items: Sequence[Mapping[str, Any]]) -> list[str]:
    rows = [
        (
            item["name"],
            item["label"],
            item["type"],
            "yes" if item["editable"] else item["read_only_reason"] or "no, but may be",
        )
        for item in items
    ]
    return output.table(("field", "label", "type", "editable"), rows, indent="  ") or ["  none"]
