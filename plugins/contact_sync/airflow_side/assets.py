"""The doorbells between DAGs. An asset event carries nothing: every DAG finds its work in tables."""

from __future__ import annotations

from airflow.sdk import Asset


def _doorbell(name: str) -> Asset:
    return Asset(name, uri=f"x-contact-sync://{name}")


salesforce_contacts = _doorbell("salesforce_contacts")
respond_contacts = _doorbell("respond_contacts")
contact_matches = _doorbell("contact_matches")
