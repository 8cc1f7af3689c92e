"""One org's authenticated calls in one lane: the token, its renewal, call counts and the limits Salesforce reports."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from typing import Unpack

import httpx

from contact_sync import answers, budget, database, errors, records, transport
from contact_sync.salesforce import authorization, login, quota, tokens

#: The one place that pins the version; Spring '26.
API_VERSION = "66.0"
DATA_PATH = f"/services/data/v{API_VERSION}"

#: 401s that look like an expired session and are not: a new token would be refused as well.
_NOT_EXPIRED = ("Connected app is not attached to Agent", "not valid for use with the REST API")


class Session:
    """Calls one org as its integration user. Several threads may call at once: a token expires and is renewed once."""

    def __init__(
        self,
        db: database.Database,
        http: httpx.Client,
        connection: records.SalesforceConnection,
        *,
        org_id: records.OrgId | None,
        lane: records.Lane,
        secret: str,
    ) -> None:
        """``org_id`` None: the org is not known yet (first connect); nothing is stored or counted until ``bind``."""
        self.connection = connection
        self.org_id = org_id
        self.lane: records.Lane = lane
        #: The org's daily API calls, as far as anybody heard.
        self.quota = quota.Quota(db)
        self._db = db
        self._tokens = tokens.TokenStore(db, secret, connection)
        self._token: records.SalesforceToken | None = None
        self._transport = transport.Transport(
            http, system="Salesforce", conn_id=connection.conn_id, before_attempt=self._before_attempt
        )

    def login(self) -> records.SalesforceToken:
        """Log in now, even if a token is stored or the last log-in was refused; say who and where we are."""
        self._token = self._renewed(failed=None, is_forced=True)
        return self._token

    def ask_person(self) -> str:
        """Return the address at which a person authorizes this connection; their answer goes to ``authorize``."""
        if not (self.connection.is_authorized or self.connection.refresh_token):
            raise errors.StopError(
                f"connection {self.connection.conn_id} logs in without a person; for a person's authorization set flow"
                " to authorization_code in its extra"
            )
        question = authorization.question(self.connection)
        self._tokens.write_question(question)
        return question.url

    def authorize(self, pasted: str) -> records.SalesforceToken:
        """Exchange what a person brought back for a token; it is stored at once if the org is known, else by ``bind``.

        Raises StopError if nothing was asked, or this does not answer it; LoginRefusedError with Salesforce's reason.
        """
        conn_id = self.connection.conn_id
        asked = self._tokens.question()
        if asked is None:
            raise errors.StopError(
                f"connection {conn_id}: nobody was asked to authorize it, or CONTACT_SYNC_SECRET changed:"
                f" run `python -m contact_sync connect {conn_id}` for an address"
            )
        code = authorization.code_of(pasted, conn_id=conn_id, state=asked.state)
        token = login.exchange(
            self._transport, self.connection, asked=asked, code=code, headers=self._lane_header()
        )
        self._tokens.delete_question()
        self._token = self._checked(token)
        if self.org_id:
            self._tokens.write(self.org_id, token)
        return token

    def bind(self, org_id: records.OrgId) -> None:
        """Store the token of a first connect, once ``salesforce_org`` has the org's row."""
        self.org_id = org_id
        if self._token:
            self._tokens.write(org_id, self._token)

    def call(
        self,
        method: str,
        route: str,
        path: str | None = None,
        *,
        is_idempotent: bool | None = None,
        accept: Collection[int] = (),
        **parts: Unpack[transport.Parts],
    ) -> httpx.Response:
        """Call ``path`` (``route`` itself if None) below the data path, or as it is if it begins with ``/services/``.

        An expired session is renewed once and the request replayed with all its headers. Raises as Transport.call.
        """

        def send(token: records.SalesforceToken) -> httpx.Response:
            return self._transport.call(
                method,
                token.instance_url + _full_path(path or route),
                route=route,
                is_idempotent=is_idempotent,
                accept={401, *accept},
                **self._authorized(token, parts),
            )

        self.quota.check(self.org_id, self.lane, self._limits)
        answer = self._with_renewal(send, f"{method} {route}")
        self.quota.hear(self.org_id, answer, self._limits)
        return answer

    @contextmanager
    def stream(
        self, method: str, route: str, path: str | None = None, **parts: Unpack[transport.Parts]
    ) -> Iterator[httpx.Response]:
        """Like ``call``, with the body unread for ``iter_bytes()``."""
        with ExitStack() as stack:

            def send(token: records.SalesforceToken) -> httpx.Response:
                answer = stack.enter_context(
                    self._transport.stream(
                        method,
                        token.instance_url + _full_path(path or route),
                        route=route,
                        accept={401},
                        **self._authorized(token, parts),
                    )
                )
                if answer.status_code == 401:
                    answer.read()
                return answer

            self.quota.check(self.org_id, self.lane, self._limits)
            answer = self._with_renewal(send, f"{method} {route}")
            self.quota.hear(self.org_id, answer, None)
            yield answer

    def get_json(self, route: str, path: str | None = None, **parts: Unpack[transport.Parts]) -> records.Json:
        """GET one JSON object."""
        return answers.json_object(self.call("GET", route, path, **parts), f"Salesforce GET {route}")

    def _with_renewal(
        self, send: Callable[[records.SalesforceToken], httpx.Response], call: str
    ) -> httpx.Response:
        token = self._current()
        try:
            answer = send(token)
            if answer.status_code == 401 and _is_expired(answer):
                token = self._token = self._renewed(failed=token.access_token)
                answer = send(token)
        except errors.QuotaError:
            self.quota.exhausted(self.org_id)
            raise
        if answer.status_code == 401:
            raise self._refused_twice(token, answer, call)
        return answer

    def _refused_twice(
        self, token: records.SalesforceToken, answer: httpx.Response, call: str
    ) -> errors.StopError:
        """A new token is refused as well: nobody asks for another one."""
        message = (
            f"connection {self.connection.conn_id}: Salesforce {call} answered 401"
            f" {answers.read_error(answer).code} to a new token. Check the integration user's API access"
        )
        if self.org_id and _is_expired(answer):
            self._tokens.reject(self.org_id, token, message)
        return errors.StopError(message)

    def _limits(self) -> records.Json:
        """Ask for the limits, whatever our share of them is."""
        route = "/limits"

        def send(token: records.SalesforceToken) -> httpx.Response:
            return self._transport.call(
                "GET",
                token.instance_url + _full_path(route),
                route=route,
                accept={401},
                **self._authorized(token, {}),
            )

        return answers.json_object(self._with_renewal(send, f"GET {route}"), f"Salesforce GET {route}")

    def _current(self) -> records.SalesforceToken:
        if self._token is None and self.org_id:
            self._token = self._tokens.read(self.org_id)
        if self._token is None:
            self._token = self._renewed(failed=None)
        return self._token

    def _renewed(self, *, failed: str | None, is_forced: bool = False) -> records.SalesforceToken:
        org_id = self.org_id or self._tokens.descendant(self.connection.conn_id)
        if org_id is None:
            return self._log_in(None)
        return self._tokens.renew(org_id, self._log_in, failed=failed, is_forced=is_forced)

    def _log_in(self, refresh_token: str | None) -> records.SalesforceToken:
        token = login.log_in(
            self._transport, self.connection, refresh_token=refresh_token, headers=self._lane_header()
        )
        return self._checked(token)

    def _checked(self, token: records.SalesforceToken) -> records.SalesforceToken:
        if self.org_id and token.org_id and token.org_id != self.org_id:
            raise errors.StopError(
                f"connection {self.connection.conn_id} logs in to org {token.org_id}, but serves org {self.org_id}."
                " Correct the connection, or connect the other org"
            )
        return token

    def _authorized(self, token: records.SalesforceToken, parts: transport.Parts) -> transport.Parts:
        headers = {
            "Accept": "application/json",
            **parts.get("headers", {}),
            **self._lane_header(),
            "Authorization": f"Bearer {token.access_token}",
        }
        return {**parts, "headers": headers}

    def _lane_header(self) -> dict[str, str]:
        return {"Sforce-Call-Options": f"client=contact-sync-{self.lane}"}

    def _before_attempt(self) -> None:
        if self.org_id:
            budget.count_calls(self._db, self.org_id, self.lane)


def _full_path(path: str) -> str:
    return path if path.startswith("/services/") else DATA_PATH + path


def _is_expired(answer: httpx.Response) -> bool:
    found = answers.read_error(answer)
    return found.code == "INVALID_SESSION_ID" and not any(text in found.text for text in _NOT_EXPIRED)
