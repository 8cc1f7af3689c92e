"""The respond.io stand-in: the Developer API v2 of one workspace, kept in one SQLite file."""
