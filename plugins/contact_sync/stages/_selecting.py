"""Which fields a window reads. Only what is used is read: identity, match and chosen fields."""

from __future__ import annotations

from collections.abc import Sequence

from contact_sync import database, fields, tenants
from contact_sync.stages import _windows


def in_use(db: database.Database, org_id: str) -> _windows.Selection:
    """Return the fields that the org's workspaces use now, as the describe knows them."""
    described = tenants.described_fields(db, org_id)
    chosen = [row["field_name"] for row in db.all("select_fields_in_use", org_id=org_id)]
    return _typed(fields.select_list(chosen, described), db, org_id)


def of_names(db: database.Database, org_id: str, names: Sequence[str]) -> _windows.Selection:
    """Return the selection of a window that was planned with ``names``; what was lost since is left out."""
    described = tenants.described_fields(db, org_id)
    wanted = [name for name in names if name not in fields.SYSTEM_FIELDS]
    kept = [name for name in fields.select_list(wanted, described) if name in names]
    return _typed(kept, db, org_id)


def _typed(names: Sequence[str], db: database.Database, org_id: str) -> _windows.Selection:
    described = tenants.described_fields(db, org_id)
    own = {*fields.SYSTEM_FIELDS, *fields.MIRROR_COLUMNS}
    types = {
        name: described[name].type if name in described else "string" for name in names if name not in own
    }
    return _windows.Selection(names=tuple(names), payload_types=types)
