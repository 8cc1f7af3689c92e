"""Short ways to ask the stand-in things in tests; control routes are reached by whole address."""

from __future__ import annotations

from typing import Any

import httpx

CONTROL = "http://org.example/_sandbox"


def contacts(
    client: httpx.Client, soql: str, where: str = "", *, is_all: bool = False
) -> list[dict[str, Any]]:
    """Return the records of one page of a query; ``where`` is its condition and what follows."""
    text = " WHERE ".join(part for part in (soql, where) if part)
    answer = client.get("/queryAll" if is_all else "/query", params={"q": text})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["records"]
    return found


def make(client: httpx.Client, **fields: Any) -> str:
    """Create a contact as an administrator and return its Id."""
    answer = client.post(f"{CONTROL}/contacts", json={"LastName": "Doe", **fields})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["Id"])


def switch(client: httpx.Client, **switches: Any) -> None:
    """Set switches of the stand-in."""
    answer = client.post(f"{CONTROL}/settings", json=switches)
    assert answer.status_code == 200, answer.text


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """Return status and code of a list-shaped refusal."""
    body = answer.json()
    assert isinstance(body, list)
    return answer.status_code, body[0]["errorCode"]
