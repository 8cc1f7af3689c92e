"""A worker that creates contacts, in a process of its own so that it can be killed: base URL, token."""

from __future__ import annotations

import os
import sys

from contact_sync import database, records, transport
from contact_sync.respond_io import session as respond_session
from contact_sync.stages import create_contacts
from tests.conftest import SECRET
from tests.stages.house import WORKSPACE


def main() -> int:
    """Run the stage once over the workspace of the tests."""
    base_url, token = sys.argv[1:]
    respond_session.CALLS_PER_SECOND = 10_000.0
    db = database.Database(os.environ["DATABASE"], secret=SECRET)
    connection = records.RespondConnection(conn_id="respond_io_default", base_url=base_url, token=token)
    with transport.http_client() as http:
        session = respond_session.Session(
            db, http, connection, workspace_id=records.WorkspaceId(WORKSPACE), lane="create"
        )
        create_contacts.run(db, session, workspace_id=WORKSPACE, run_id=f"worker-{os.getpid()}")
    db.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
