"""The respond.io edge: list, get, create, change and tag contacts, read custom fields. Decides nothing."""
