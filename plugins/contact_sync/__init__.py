"""Salesforce contacts in the respond.io sidebar: the library behind the DAGs, the commands and the sidebar service."""
