"""The supervisor's own HTTP calls, to the sidebar service and to the stand-ins' control routes: JSON in, JSON out."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from sandbox.demo_airflow import UnansweredError
from sandbox.demo_home import DemoError


def call(
    method: str, url: str, body: Any = None, *, headers: Mapping[str, str] | None = None, seconds: float = 60
) -> Any:
    """Return the answer's document. Raises UnansweredError if nobody answered in time, DemoError for a refusal."""
    route = f"{method} {url.partition('?')[0]}"
    request = urllib.request.Request(
        url,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json", **(headers or {})},
    )
    try:
        with urllib.request.urlopen(request, timeout=seconds) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        reason = error.read().decode(errors="replace")
        if error.code >= 500:
            raise UnansweredError(f"{route} answered {error.code}: {reason}") from error
        raise DemoError(f"{route} was refused with {error.code}: {reason}") from error
    except (OSError, ValueError) as error:
        raise UnansweredError(f"{route} was not answered: {error}") from error
