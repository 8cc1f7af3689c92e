"""The rate limit of the respond.io stand-in: 5 requests per second, then 429 with ``Retry-After``.

Headers as in the vendor's guide: ``X-RateLimit-Limit``, ``X-RateLimit-Remaining``, ``Retry-After`` (whole seconds).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.respond import answers
from sandbox.respond.switches import Switches


@dataclass(slots=True)
class Bucket:
    """A token bucket that holds one second's worth of requests and is full at first."""

    tokens: float
    filled_at: float

    def take(self, per_second: int, now: float) -> float:
        """Take one token; return 0, or the seconds until there is one."""
        self.tokens = min(per_second, self.tokens + (now - self.filled_at) * per_second)
        self.filled_at = now
        if self.tokens >= 1:
            self.tokens -= 1
            return 0.0
        return (1 - self.tokens) / per_second


@dataclass(frozen=True, slots=True)
class RateLimit:
    """Answers 429 to requests of ``/v2`` beyond the rate; what shares a bucket is a switch."""

    app: ASGIApp
    switches: Callable[[], Switches]
    buckets: dict[str, Bucket]
    clock: Callable[[], float] = time.monotonic

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        switches = self.switches()
        per_second = switches.requests_per_second
        if scope["type"] != "http" or not scope["path"].startswith("/v2") or not per_second:
            await self.app(scope, receive, send)
            return
        now = self.clock()
        bucket = self.buckets.setdefault(_key(scope, switches.rate_bucket), Bucket(per_second, now))
        wait_seconds = bucket.take(per_second, now)
        headers = {"x-ratelimit-limit": str(per_second), "x-ratelimit-remaining": str(int(bucket.tokens))}
        if wait_seconds:
            headers["retry-after"] = str(max(1, math.ceil(wait_seconds)))
            refusal = answers.error_response(answers.ApiError(429, "Too Many Requests"), headers)
            await refusal(scope, receive, send)
            return
        encoded = [(name.encode(), value.encode()) for name, value in headers.items()]

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *encoded]}
            await send(message)

        await self.app(scope, receive, told)


def _key(scope: Scope, shared_by: str) -> str:
    if shared_by == "global":
        return "*"
    if shared_by == "method":
        return str(scope["method"])
    return f"{scope['method']} {scope['path']}"
