"""Our Salesforce hook: the provider's form, connection test and lineage; the log-in is ours.

The provider's own log-ins know neither refresh tokens nor a custom host and have no time-outs, so the client it
hands out is given the token that all our workers share.

Airflow's own *Test* button asks the provider's hook, not this one: hooks are found by connection type in the metadata
of installed packages, the first of a type wins, and ours must stay ``salesforce``. What the button cannot say,
``ContactSyncSalesforceHook("salesforce_default").test_connection()`` does, or ``connect … --dry-run``.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import requests
from airflow.providers.salesforce.hooks.salesforce import SalesforceHook
from simple_salesforce.api import Salesforce

from contact_sync.airflow_side import wiring
from contact_sync.salesforce import auth


class _BoundedSession(requests.Session):
    """Gives up on a silent server; simple-salesforce would wait for ever."""

    def request(self, *args: Any, **options: Any) -> requests.Response:
        return super().request(*args, **{"timeout": (5, 60), **options})


class ContactSyncSalesforceHook(SalesforceHook):
    """The provider's hook with a log-in of ours. For ad-hoc work in tasks; the stages use the session itself.

    Made like the provider's from a connection id, or over a session that is open already.
    """

    hook_name = "Salesforce"

    def __init__(
        self,
        salesforce_conn_id: str = SalesforceHook.default_conn_name,
        *,
        opened: auth.Session | None = None,
    ) -> None:
        super().__init__(salesforce_conn_id=opened.connection.conn_id if opened else salesforce_conn_id)
        self._opened = opened

    @cached_property
    def conn(self) -> Salesforce:
        """A simple-salesforce client with a token that is valid now, and time-outs on every call."""
        with self._session() as session:
            token = session.login()
        return Salesforce(
            session_id=token.access_token,
            instance_url=token.instance_url,
            version=auth.API_VERSION,
            session=_BoundedSession(),
        )

    @contextlib.contextmanager
    def _session(self) -> Iterator[auth.Session]:
        if self._opened:
            yield self._opened
            return
        with wiring.opened() as edges:
            yield edges.salesforce_under(self.conn_id, lane="extract")
