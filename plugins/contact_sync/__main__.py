"""``python -m contact_sync``: the operator's commands."""

from __future__ import annotations

import sys

from contact_sync import cli

if __name__ == "__main__":
    sys.exit(cli.main())
