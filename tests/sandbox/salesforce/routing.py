"""Leads clients that insist on https://….salesforce.com to the stand-in; nothing else about them is changed."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter


class RoutedAdapter(HTTPAdapter):
    """Sends requests for any Salesforce host to a loopback port; the host named stays in the Host header."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self._port = port

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        """Send a request elsewhere than its URL says."""
        parts = urlsplit(str(request.url))
        request.headers["Host"] = parts.netloc
        request.url = parts._replace(netloc=f"127.0.0.1:{self._port}").geturl()
        return super().send(request, *args, **options)


def session(port: int, authority: str) -> requests.Session:
    """Return a session that trusts the stand-in's certificate authority (a PEM file) and talks to its port."""
    opened = requests.sessions.Session()
    # or the surroundings' own certificate bundle would win over ours
    opened.trust_env = False
    opened.verify = authority
    opened.mount("https://", RoutedAdapter(port))
    return opened
