"""One load in a process of its own, as a task runs: reads its place from stdin, prints what it took as JSON."""

from __future__ import annotations

import json
import os
import sys
import time

from benchmarks import sandbox
from contact_sync import database, edges, transport
from contact_sync.stages import load_salesforce_contacts


def main() -> None:
    """Run the load once; print ``{"seconds", "peak_mb", "counts"}``."""
    place = json.load(sys.stdin)
    db = database.Database(place["database_url"])
    with transport.http_client() as http:
        found = edges.Edges(db, http, lookup=lambda _: place["connection"], secret=place["secret"])
        session = found.salesforce_of(place["org_id"], lane="extract")
        began = time.perf_counter()
        counts = load_salesforce_contacts.run(db, session, org_id=place["org_id"], run_id="bench")
        seconds = time.perf_counter() - began
    db.close()
    print(json.dumps({"seconds": seconds, "peak_mb": sandbox.peak_mb(os.getpid()), "counts": counts}))


if __name__ == "__main__":
    main()
