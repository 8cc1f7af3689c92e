"""The Salesforce stand-in: one org behind the vendor's HTTP API, kept in one SQLite file."""
