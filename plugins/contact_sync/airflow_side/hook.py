"""Our Salesforce hook: the provider's form, connection test and lineage; the log-in is ours.

The provider's own log-ins know neither refresh tokens nor a custom host and have no time-outs, so the client it
hands out is given the token that all our workers share.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import requests
from airflow.providers.salesforce.hooks.salesforce import SalesforceHook
from simple_salesforce.api import Salesforce

from contact_sync.salesforce import auth


class _BoundedSession(requests.Session):
    """Gives up on a silent server; simple-salesforce would wait for ever."""

    def request(self, *args: Any, **options: Any) -> requests.Response:
        return super().request(*args, **{"timeout": (5, 60), **options})


class ContactSyncSalesforceHook(SalesforceHook):
    """The provider's hook over a session of ours. For ad-hoc work in tasks; the stages use the session itself."""

    hook_name = "Salesforce"

    def __init__(self, session: auth.Session) -> None:
        super().__init__(salesforce_conn_id=session.connection.conn_id)
        self._contact_sync_session = session

    @cached_property
    def conn(self) -> Salesforce:
        """A simple-salesforce client with a token that is valid now, and time-outs on every call."""
        token = self._contact_sync_session.login()
        return Salesforce(
            session_id=token.access_token,
            instance_url=token.instance_url,
            version=auth.API_VERSION,
            session=_BoundedSession(),
        )
