"""The services `shell:` and `exec:`: one command in a process of this machine, dressed as the phone's.

As on a phone, with `shell,v2` stdout, stderr and the exit code arrive apart; when the client goes, the shell gets
SIGHUP (and only it, not what it started), and its output pipes close. Without v2 all is one stream.
Source: packages/modules/adb/daemon/shell_service.cpp and shell_protocol.h.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import struct
from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.devices.paths import Unmapper, command_to_host
from tests.devices.streams import Stream, StreamClosed

PACKET = struct.Struct("<BI")
STDIN, STDOUT, STDERR, EXIT, CLOSE_STDIN = range(5)
HOST_SHELL = "/bin/sh"

Emit = Callable[[int, bytes], Awaitable[None]]


class ShellSession:
    """One command on one stream.

    Args:
        stream: to the client.
        root: the folder that plays `/`.
        environment: of the command.
        v2: the packets of `shell,v2`.
        terminal: newlines become carriage return and newline, as from the terminal that old phones put in between.
    """

    def __init__(self, stream: Stream, root: Path, environment: dict[str, str], *, v2: bool, terminal: bool):
        self._stream = stream
        self._root = root
        self._environment = environment
        self._v2 = v2
        self._terminal = terminal

    async def run(self, command: str) -> None:
        """Run the command; without one, a shell that reads commands from the client.

        Raises:
            StreamClosed: the client went before the end.
        """
        arguments = ["-c", command_to_host(self._root, command)] if command else []
        outputs = [os.pipe() for _ in range(2 if self._v2 else 1)]
        stderr = outputs[1][1] if self._v2 else asyncio.subprocess.STDOUT
        process = await asyncio.create_subprocess_exec(
            "/system/bin/sh",
            *arguments,
            executable=HOST_SHELL,
            cwd=self._root,
            env=self._environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=outputs[0][1],
            stderr=stderr,
            start_new_session=True,
            preexec_fn=_heed_signals,
        )
        for _, writing in outputs:
            os.close(writing)
        feeding = asyncio.create_task(self._feed(process))
        pumping = [self._pump(reading, STDOUT + number) for number, (reading, _) in enumerate(outputs)]
        results = await asyncio.gather(*pumping, return_exceptions=True)
        gone = next((result for result in results if result is not None), None)
        if gone is not None and self._v2 and process.returncode is None:
            process.send_signal(signal.SIGHUP)
        returncode = await process.wait()
        feeding.cancel()
        await asyncio.wait([feeding])
        if gone is not None:
            raise gone
        if self._v2:
            await self._emit(EXIT, bytes([_exit_code(returncode)]))

    async def _feed(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        with contextlib.suppress(StreamClosed, BrokenPipeError, ConnectionResetError):
            while True:
                if self._v2:
                    kind, length = PACKET.unpack(await self._stream.read(PACKET.size))
                    data = await self._stream.read(length)
                    if kind == CLOSE_STDIN:
                        break
                    if kind != STDIN:
                        continue  # the size of a window
                else:
                    data = await self._stream.read_some()
                process.stdin.write(data)
                await process.stdin.drain()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            process.stdin.close()
            await process.stdin.wait_closed()

    async def _pump(self, descriptor: int, kind: int) -> None:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader()
        transport, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(descriptor, "rb")
        )
        unmapper = Unmapper(self._root)
        reading, closing = None, asyncio.create_task(self._stream.closed.wait())
        try:
            while True:
                reading = asyncio.create_task(reader.read(65536))
                await asyncio.wait([reading, closing], return_when=asyncio.FIRST_COMPLETED)
                if closing.done():
                    raise StreamClosed
                piece = reading.result()
                await self._emit(kind, unmapper.feed(piece) if piece else unmapper.flush())
                if not piece:
                    return
        finally:
            transport.close()
            closing.cancel()
            if reading is not None:
                reading.cancel()

    async def _emit(self, kind: int, data: bytes) -> None:
        if self._v2:
            if data:
                await self._stream.write(PACKET.pack(kind, len(data)) + data)
        else:
            await self._stream.write(data.replace(b"\n", b"\r\n") if self._terminal else data)


def _exit_code(returncode: int) -> int:
    """As adbd gives it: 128 and the signal for a process that a signal ended."""
    return returncode if returncode >= 0 else 128 - returncode


def _heed_signals() -> None:
    """Like a shell of a phone, also where the tests are started so that they ignore these signals."""
    for one in (signal.SIGHUP, signal.SIGINT):
        signal.signal(one, signal.SIG_DFL)
