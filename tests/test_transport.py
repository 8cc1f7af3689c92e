from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

import httpx
import pytest

from contact_sync import errors, transport

Answer = Callable[[httpx.Request], httpx.Response]


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


class Vendor:
    """Gives the prepared answers in order, the last one for ever, and remembers the requests."""

    def __init__(self, *prepared: httpx.Response | Exception) -> None:
        self.prepared = list(prepared)
        self.requests: list[httpx.Request] = []
        self.clock = Clock()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        found = self.prepared.pop(0) if len(self.prepared) > 1 else self.prepared[0]
        if isinstance(found, Exception):
            raise found
        return httpx.Response(found.status_code, headers=found.headers, content=found.read())

    def opened(self, before_attempt: Callable[[], None] | None = None) -> transport.Transport:
        return transport.Transport(
            httpx.Client(transport=httpx.MockTransport(self)),
            system="respond.io",
            before_attempt=before_attempt,
            patience=transport.Patience(sleep=self.clock.sleep, clock=lambda: self.clock.now),
        )

    def get(self) -> httpx.Response:
        return self.opened().call(
            "GET", "http://vendor/contact/email:ada@example.com", route="/contact/{identifier}"
        )

    def post(self) -> httpx.Response:
        return self.opened().call("POST", "http://vendor/contact", route="/contact", json={"a": 1})


OK = httpx.Response(200, json={"ok": True})


def test_a_passing_trouble_is_waited_out() -> None:
    vendor = Vendor(httpx.Response(503), httpx.ReadTimeout("slow"), OK)
    assert vendor.get().json() == {"ok": True}
    assert len(vendor.requests) == 3


def test_retries_end_within_twenty_seconds() -> None:
    vendor = Vendor(httpx.Response(503))
    with pytest.raises(errors.RetryError):
        vendor.get()
    assert 10 < vendor.clock.now <= 20


def test_the_wait_the_vendor_asks_for_is_obeyed() -> None:
    vendor = Vendor(httpx.Response(429, headers={"Retry-After": "7"}), OK)
    vendor.get()
    assert vendor.clock.slept == [7.0]


def test_a_wait_too_long_for_one_task_is_handed_up() -> None:
    vendor = Vendor(httpx.Response(429, headers={"Retry-After": "300"}), OK)
    with pytest.raises(errors.RetryError) as caught:
        vendor.get()
    assert caught.value.retry_after_seconds == 300
    assert vendor.clock.slept == []


@pytest.mark.parametrize("trouble", [httpx.Response(500), httpx.ReadTimeout("slow"), httpx.ReadError("cut")])
def test_a_write_that_may_have_been_applied_is_never_sent_twice(trouble: httpx.Response | Exception) -> None:
    vendor = Vendor(trouble, OK)
    with pytest.raises(errors.RetryError) as caught:
        vendor.post()
    assert caught.value.is_ambiguous
    assert len(vendor.requests) == 1


@pytest.mark.parametrize("trouble", [httpx.Response(429), httpx.Response(449), httpx.ConnectError("refused")])
def test_a_write_that_was_not_taken_is_sent_again(trouble: httpx.Response | Exception) -> None:
    vendor = Vendor(trouble, OK)
    assert vendor.post().status_code == 200
    assert len(vendor.requests) == 2


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409])
def test_a_refusal_is_not_repeated(status: int) -> None:
    vendor = Vendor(httpx.Response(status))
    with pytest.raises(errors.ContactSyncError):
        vendor.get()
    assert len(vendor.requests) == 1


def test_a_used_up_day_is_not_repeated() -> None:
    vendor = Vendor(
        httpx.Response(403, json=[{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests"}])
    )
    with pytest.raises(errors.QuotaError):
        vendor.get()
    assert len(vendor.requests) == 1


def test_an_accepted_status_is_an_answer() -> None:
    vendor = Vendor(httpx.Response(404))
    answer = vendor.opened().call("GET", "http://vendor/x", route="/x", accept=(404,))
    assert answer.status_code == 404


@pytest.mark.parametrize(
    "trouble", [httpx.Response(503), httpx.Response(401), httpx.ConnectError("ada@example.com")]
)
def test_a_message_names_the_route_and_no_value(trouble: httpx.Response | Exception) -> None:
    with pytest.raises(errors.ContactSyncError) as caught:
        Vendor(trouble).get()
    assert "respond.io GET /contact/{identifier}" in str(caught.value)
    assert "ada@" not in str(caught.value)


def test_every_attempt_is_announced_first() -> None:
    announced: list[None] = []
    vendor = Vendor(httpx.Response(503), OK)
    vendor.opened(lambda: announced.append(None)).call("GET", "http://vendor/x", route="/x")
    assert len(announced) == 2


def test_no_url_reaches_the_logs(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        Vendor(OK).get()
    assert caplog.records == []


class Cut(httpx.SyncByteStream):
    """A body that breaks after its first piece."""

    def __iter__(self) -> Iterator[bytes]:
        yield b"first"
        raise httpx.ReadError("cut")


def test_a_body_cut_while_it_streams_is_a_retry_and_not_a_short_result() -> None:
    client = httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200, stream=Cut())))
    opened = transport.Transport(client, system="Salesforce")
    received: list[bytes] = []
    with (
        pytest.raises(errors.RetryError),
        opened.stream("GET", "http://vendor/results", route="/results") as answer,
    ):
        received.extend(answer.iter_bytes())
    assert received == [b"first"]


def test_a_whole_answer_that_breaks_off_is_asked_for_again() -> None:
    answers = iter([httpx.Response(200, stream=Cut()), httpx.Response(200, json={"ok": True})])
    client = httpx.Client(transport=httpx.MockTransport(lambda _: next(answers)))
    patience = transport.Patience(sleep=lambda _: None)
    opened = transport.Transport(client, system="Salesforce", patience=patience)
    assert opened.call("GET", "http://vendor/x", route="/x").json() == {"ok": True}


def test_a_client_waits_for_nothing_for_ever() -> None:
    with transport.http_client() as client:
        assert None not in client.timeout.as_dict().values()


def test_one_tenants_cookies_do_not_travel_with_anothers_calls() -> None:
    seen: list[str | None] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers.get("Cookie"))
        return httpx.Response(200, headers={"Set-Cookie": "sid=one; Path=/"})

    with transport.http_client() as client:
        client._transport = httpx.MockTransport(answer)
        client._mounts = {}
        for _ in range(2):
            client.get("http://vendor/")
    assert seen == [None, None]


def test_a_message_names_the_connection() -> None:
    client = httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(401)))
    opened = transport.Transport(client, system="respond.io", conn_id="respond_acme")
    with pytest.raises(errors.StopError, match=r"connection respond_acme: respond\.io GET /x answered 401"):
        opened.call("GET", "http://vendor/x", route="/x")


def test_the_clients_own_text_is_not_chained_to_our_error() -> None:
    with pytest.raises(errors.RetryError) as caught:
        Vendor(httpx.RemoteProtocolError("illegal status line: ada@example.com")).get()
    assert caught.value.__suppress_context__
