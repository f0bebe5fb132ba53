"""Streams: what one adb connection carries many of, each to one service."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from tests.devices.wire import Message

Send = Callable[[Message], Awaitable[None]]


class StreamClosed(Exception):
    """The client closed the stream, or the connection ended."""


class Stream:
    """One open stream, seen from the device.

    adb allows one unacknowledged WRTE in each direction: `write` waits for the client's OKAY.
    """

    def __init__(self, send: Send, local: int, remote: int, chunk_bytes: int):
        self._send = send
        self.local = local
        self.remote = remote
        self._chunk_bytes = chunk_bytes
        self._incoming: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._buffer = b""
        self._acknowledged = asyncio.Event()
        self.closed = asyncio.Event()

    # From the connection.

    def feed(self, data: bytes) -> None:
        """The client wrote."""
        self._incoming.put_nowait(data)

    def acknowledge(self) -> None:
        """The client took what was written."""
        self._acknowledged.set()

    def end(self) -> None:
        """The client closed the stream, or is gone."""
        self.closed.set()
        self._acknowledged.set()
        self._incoming.put_nowait(None)

    # For the service.

    async def read_some(self) -> bytes:
        """What comes next.

        Raises:
            StreamClosed: nothing comes any more.
        """
        if self._buffer:
            buffered, self._buffer = self._buffer, b""
            return buffered
        data = await self._incoming.get()
        if data is None:
            self._incoming.put_nowait(None)
            raise StreamClosed
        return data

    async def read(self, length: int) -> bytes:
        """Exactly `length` bytes.

        Raises:
            StreamClosed: the stream ends before.
        """
        pieces, missing = [], length
        while missing > 0:
            piece = await self.read_some()
            pieces.append(piece[:missing])
            self._buffer = piece[missing:]
            missing -= len(pieces[-1])
        return b"".join(pieces)

    async def write(self, data: bytes) -> None:
        """Send all of `data`.

        Raises:
            StreamClosed: the client does not want it.
        """
        for start in range(0, len(data), self._chunk_bytes):
            self._acknowledged.clear()
            if self.closed.is_set():
                raise StreamClosed
            chunk = data[start : start + self._chunk_bytes]
            await self._send(Message("WRTE", self.local, self.remote, chunk))
            await self._acknowledged.wait()
