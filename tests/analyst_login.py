"""Sessions as the analysts' roles have them: by name and password, with nothing set."""

from __future__ import annotations

import secrets

from sandbox import postgres


def url(server: postgres.Server, database_url: str, role: str) -> str:
    """Let a role log in with a new password; return the URL with which it does."""
    password = secrets.token_hex()
    postgres.psql(server, f"ALTER ROLE {role} LOGIN PASSWORD '{password}'")
    return f"postgresql://{role}:{password}@127.0.0.1:{server.port}/{database_url.rsplit('/', 1)[1]}"
