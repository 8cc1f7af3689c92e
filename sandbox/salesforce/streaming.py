"""Sending a part of a file as the body of an answer, in large pieces and constant memory."""

from __future__ import annotations

import zlib
from collections.abc import Mapping

import anyio.to_thread
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from sandbox.salesforce.exchange import FileSlice

_PIECE = 1 << 22


class SlicedFile(Response):
    """A response whose body is a FileSlice; compressed where ``is_packed`` says so."""

    def __init__(self, part: FileSlice, status: int, headers: Mapping[str, str], *, is_packed: bool) -> None:
        super().__init__(None, status, dict(headers))
        self._part = part
        self._packer = zlib.compressobj(1, wbits=31) if is_packed else None
        length = len(part.head) + part.end - part.start
        if is_packed:
            del self.headers["content-length"]
            self.headers["content-encoding"] = "gzip"
        else:
            self.headers["content-length"] = str(length)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send everything; the file is closed even if the connection is cut in the middle."""
        start = {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
        await send(start)
        left = self._part.end - self._part.start
        with self._part.path.open("rb", buffering=0) as file:
            file.seek(self._part.start)
            if self._part.head:
                await self._send(send, self._part.head)
            while left > 0 and (piece := file.read(min(_PIECE, left))):
                left -= len(piece)
                await self._send(send, piece)
        last = self._packer.flush() if self._packer else b""
        await send({"type": "http.response.body", "body": last, "more_body": False})

    async def _send(self, send: Send, piece: bytes) -> None:
        if self._packer:
            piece = await anyio.to_thread.run_sync(self._packer.compress, piece)
        await send({"type": "http.response.body", "body": piece, "more_body": True})
