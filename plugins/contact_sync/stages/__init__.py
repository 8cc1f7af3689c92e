"""The stages: one module and one public function ``run`` each. Edges first, then plain keyword values; counts out."""

from __future__ import annotations

from contact_sync.stages import (
    apply_edits,
    create_contacts,
    extract_respond_contacts,
    extract_salesforce_contacts,
    gate_contacts,
    judge_bulk_imports,
    load_salesforce_contacts,
    match_contacts,
    materialize_sidebar,
    normalize_contacts,
    reconcile_contacts,
    restore_tags,
    sweep_leftovers,
)

__all__ = [
    "apply_edits",
    "create_contacts",
    "extract_respond_contacts",
    "extract_salesforce_contacts",
    "gate_contacts",
    "judge_bulk_imports",
    "load_salesforce_contacts",
    "match_contacts",
    "materialize_sidebar",
    "normalize_contacts",
    "reconcile_contacts",
    "restore_tags",
    "sweep_leftovers",
]
