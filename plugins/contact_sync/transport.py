"""One HTTP call: time-outs, retries, Retry-After, and what an answer's status means for the caller.

Knows no vendor, no credentials and no database. Messages name the system, the method, the route's *template*,
the status and the vendor's code; never an address, a query string or a value, because messages reach logs.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from typing import Any, TypedDict, Unpack

import httpx

from contact_sync import answers, errors

# httpx logs every URL at INFO, and a respond.io URL holds the contact's e-mail or phone.
logging.getLogger("httpx").setLevel(logging.WARNING)
logging.getLogger("httpcore").setLevel(logging.WARNING)

#: Back-off in seconds: doubles with each attempt, up to the longest.
_BACK_OFF_FIRST = 0.5
_BACK_OFF_LONGEST = 8.0

#: The request never left us, so even a write may be repeated.
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


class Parts(TypedDict, total=False):
    """What a request carries besides its method and path."""

    params: Mapping[str, str | int]
    json: Any
    data: Mapping[str, str]
    content: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request. ``route`` is the template that messages show, such as ``/contact/{identifier}``."""

    method: str
    url: str
    route: str
    parts: Parts = field(repr=False)
    #: False: an attempt that may have been applied is never repeated blindly.
    is_idempotent: bool
    #: Statuses that the caller reads itself instead of getting an error.
    accept: Container[int]


def http_client(
    base_url: str = "",
    *,
    connect_seconds: float = 5.0,
    read_seconds: float = 60.0,
    connections: int = 10,
    verify: Any = True,
) -> httpx.Client:
    """Return a client with time-outs on every step; nothing waits for ever. ``read_seconds`` bounds one
    silent stretch of an answer, not the whole. Redirects are not followed: they carry the token elsewhere.
    """
    client = httpx.Client(
        base_url=base_url,
        timeout=httpx.Timeout(read_seconds, connect=connect_seconds),
        limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
        verify=verify,
    )
    # one client serves many tenants: what one answer sets must not travel with another's call
    client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return client


def _call(
    method: str,
    url: str,
    *,
    route: str,
    is_idempotent: bool | None,
    accept: Container[int],
    parts: Parts,
) -> Call:
    if is_idempotent is None:
        is_idempotent = method in {"GET", "HEAD", "PUT", "DELETE"}
    return Call(method=method, url=url, route=route, parts=parts, is_idempotent=is_idempotent, accept=accept)


@dataclass(slots=True, kw_only=True)
class Patience:
    """How long one call may be repeated, and the clock it goes by. ``sleep`` and ``clock`` count seconds."""

    retry_seconds: float = 20.0
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic


class Transport:
    """Calls one system over a given client. ``before_attempt`` runs before each request that is sent, repeats
    included (to count it, or to wait for its turn); ``on_retry_after`` hears the seconds a refusal asks us to wait.
    """

    def __init__(
        self,
        http: httpx.Client,
        *,
        system: str,
        conn_id: str | None = None,
        before_attempt: Callable[[], None] | None = None,
        on_retry_after: Callable[[float], None] | None = None,
        patience: Patience | None = None,
    ) -> None:
        self._http = http
        self._system = system
        self._caller = f"connection {conn_id}: {system}" if conn_id else system
        self._before_attempt = before_attempt
        self._on_retry_after = on_retry_after
        self._patience = patience or Patience()

    def call(
        self,
        method: str,
        url: str,
        *,
        route: str,
        is_idempotent: bool | None = None,
        accept: Container[int] = (),
        **parts: Unpack[Parts],
    ) -> httpx.Response:
        """Return the whole answer: status 2xx, or one in ``accept``.

        ``is_idempotent`` None means: GET, HEAD, PUT and DELETE are, POST and PATCH are not.
        Raises RetryError (``is_ambiguous`` when a write may have been applied), QuotaError, RejectError and
        StopError.
        """
        call = _call(method, url, route=route, is_idempotent=is_idempotent, accept=accept, parts=parts)
        return self._open(call, reads_body=True)

    @contextmanager
    def stream(
        self,
        method: str,
        url: str,
        *,
        route: str,
        is_idempotent: bool | None = None,
        accept: Container[int] = (),
        **parts: Unpack[Parts],
    ) -> Iterator[httpx.Response]:
        """Yield the answer with its body unread, for ``iter_bytes()``; errors as in ``call``.

        Only opening is repeated. A connection that breaks while the body is read raises RetryError: what was
        read so far is a part, and the caller starts this piece again.
        """
        call = _call(method, url, route=route, is_idempotent=is_idempotent, accept=accept, parts=parts)
        answer = self._open(call, reads_body=False)
        try:
            yield answer
        except httpx.HTTPError as exc:
            raise self._broken(call, exc, was_sent=True) from None
        finally:
            answer.close()

    def _open(self, call: Call, *, reads_body: bool) -> httpx.Response:
        started = self._patience.clock()
        attempt = 0
        while True:
            attempt += 1
            try:
                return self._attempt(call, reads_body=reads_body)
            except errors.QuotaError:
                raise
            except errors.RetryError as exc:
                if exc.retry_after_seconds is not None and self._on_retry_after:
                    self._on_retry_after(exc.retry_after_seconds)
                delay = self._delay(exc, attempt)
                left = self._patience.retry_seconds - (self._patience.clock() - started)
                if exc.is_ambiguous or delay > left:
                    raise
                self._patience.sleep(delay)

    def _attempt(self, call: Call, *, reads_body: bool) -> httpx.Response:
        if self._before_attempt:
            self._before_attempt()
        try:
            request = self._http.build_request(call.method, call.url, **call.parts)
            answer = self._http.send(request, stream=True)
            is_wanted = answer.is_success or answer.status_code in call.accept
            if reads_body or not is_wanted:
                answer.read()
        except _NEVER_SENT as exc:
            raise self._broken(call, exc, was_sent=False) from None
        except httpx.HTTPError as exc:
            raise self._broken(call, exc, was_sent=True) from None
        if is_wanted:
            return answer
        raise answers.error(
            answer, f"{self._caller} {call.method} {call.route}", is_idempotent=call.is_idempotent
        )

    # raised "from None": the client's own text may quote a header or bytes of a body, and tracebacks reach logs
    def _broken(self, call: Call, exc: httpx.HTTPError, *, was_sent: bool) -> errors.RetryError:
        is_ambiguous = was_sent and not call.is_idempotent
        outcome = "; it may have been applied, look before sending again" if is_ambiguous else ""
        return errors.RetryError(
            f"{self._caller} {call.method} {call.route}: no answer ({type(exc).__name__}){outcome}."
            f" Check that {self._system} is up and reachable; the next run tries again",
            is_ambiguous=is_ambiguous,
        )

    @staticmethod
    def _delay(exc: errors.RetryError, attempt: int) -> float:
        if exc.retry_after_seconds is not None:
            return exc.retry_after_seconds
        longest = min(_BACK_OFF_LONGEST, _BACK_OFF_FIRST * 2 ** (attempt - 1))
        return float(longest * random.uniform(0.5, 1.0))
