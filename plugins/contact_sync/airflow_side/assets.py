"""The doorbells between DAGs. An asset event carries nothing: every DAG finds its work in tables."""

from __future__ import annotations

from airflow.sdk import Asset, AssetAlias, AssetWatcher

from contact_sync.airflow_side import queue_trigger


def _doorbell(name: str) -> Asset:
    return Asset(name, uri=f"x-contact-sync://{name}")


salesforce_contacts = _doorbell("salesforce_contacts")
respond_contacts = _doorbell("respond_contacts")
contact_matches = _doorbell("contact_matches")
field_edits = _doorbell("field_edits")
planned_windows = _doorbell("planned_windows")
held_changes = _doorbell("held_changes")

#: Through this a task rings ``planned_windows`` only when it planned something.
maybe_planned_windows = AssetAlias("maybe_planned_windows")

#: Rung by the database itself when an edit is queued, through the trigger that listens to it.
edit_queue = Asset(
    "edit_queue",
    uri="x-contact-sync://edit_queue",
    watchers=[AssetWatcher(name="edit_queue_listener", trigger=queue_trigger.EditQueueTrigger())],
)
