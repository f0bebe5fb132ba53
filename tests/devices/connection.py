"""One connection of an adb server to the phone: the greeting, and the streams that it opens to services."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Awaitable

from tests.devices.faults import Counters
from tests.devices.phone import Phone
from tests.devices.shell_service import ShellSession
from tests.devices.streams import Stream, StreamClosed
from tests.devices.sync_service import SyncSession
from tests.devices.wire import (
    AUTH_SIGNATURE,
    AUTH_TOKEN,
    MAX_PAYLOAD,
    VERSION_WITHOUT_CHECKSUMS,
    Message,
    ProtocolError,
    read_message,
)

# Without compression: no sendrecv_v2_brotli and the like.
FEATURES = ("shell_v2", "cmd", "stat_v2", "ls_v2", "fixed_push_mkdir", "sendrecv_v2")


class Connection:
    """One connection of an adb server, with its streams."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, phone: Phone, counters: Counters):
        self._reader = reader
        self._writer = writer
        self._phone = phone
        self._counters = counters
        self._streams: dict[int, Stream] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._next = 1
        self._chunk_bytes = 4096
        self._checksum = True
        self._old_shell = phone.faults.old_shell
        self.failures: list[Exception] = []

    async def serve(self) -> None:
        """Answer until the connection ends."""
        try:
            while True:
                message = await read_message(self._reader)
                if not self._phone.faults.offline:
                    await self._handle(message)
        except (asyncio.IncompleteReadError, ConnectionError, ProtocolError):
            pass  # the computer went, or is none of adb's
        finally:
            self.drop()
            for stream in self._streams.values():
                stream.end()
            if self._tasks:
                await asyncio.wait(self._tasks)

    def drop(self) -> None:
        """Pull the cable."""
        self._writer.transport.abort()

    async def _handle(self, message: Message) -> None:
        stream = self._streams.get(message.arg1)
        if message.command == "CNXN":
            await self._greet(message)
        elif message.command == "AUTH":
            await self._ask_for_key(message)
        elif message.command == "OPEN":
            await self._open(message)
        elif stream is None:
            if message.command == "WRTE":
                await self._send(Message("CLSE", 0, message.arg0))
        elif message.command == "OKAY":
            stream.acknowledge()
        elif message.command == "WRTE":
            stream.feed(message.payload)
            await self._send(Message("OKAY", stream.local, stream.remote))
        elif message.command == "CLSE":
            stream.end()
            del self._streams[stream.local]

    async def _greet(self, message: Message) -> None:
        if self._phone.faults.unauthorized:
            await self._send(Message("AUTH", AUTH_TOKEN, 0, os.urandom(20)))
            return
        self._counters.connections += 1
        self._chunk_bytes = min(message.arg1, MAX_PAYLOAD)
        self._checksum = message.arg0 < VERSION_WITHOUT_CHECKSUMS
        model = self._phone.model
        facts = {"ro.product.name": model.product, "ro.product.model": model.model, "ro.product.device": model.device}
        features = "" if self._old_shell else f"features={','.join(FEATURES)}"
        banner = "device::" + "".join(f"{name}={value};" for name, value in facts.items()) + features
        version = min(message.arg0, VERSION_WITHOUT_CHECKSUMS)
        await self._send(Message("CNXN", version, MAX_PAYLOAD, banner.encode()))

    async def _ask_for_key(self, message: Message) -> None:
        """No signature is good; after its last key the client sends the public one and waits for somebody to accept."""
        if message.arg0 == AUTH_SIGNATURE:
            await self._send(Message("AUTH", AUTH_TOKEN, 0, os.urandom(20)))

    async def _open(self, message: Message) -> None:
        stream = Stream(self._send, self._next, message.arg0, self._chunk_bytes)
        self._next += 1
        name = message.payload.rstrip(b"\0").decode("utf-8", "surrogateescape")
        service = self._service(stream, name)
        if service is None:
            await self._send(Message("CLSE", 0, message.arg0))
            return
        self._streams[stream.local] = stream
        await self._send(Message("OKAY", stream.local, stream.remote))
        task = asyncio.create_task(self._run(stream, service))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _service(self, stream: Stream, name: str) -> Awaitable[None] | None:
        kind, _, argument = name.partition(":")
        kind, *options = kind.split(",")
        if kind in ("shell", "exec"):
            return self._shell(stream, argument, v2="v2" in options, terminal=kind == "shell" and self._old_shell)
        if kind == "sync":
            return SyncSession(stream, self._phone.root, self._phone.faults, self._counters, self._pull_cable).run()
        return None

    async def _shell(self, stream: Stream, command: str, *, v2: bool, terminal: bool) -> None:
        faults = self._phone.faults
        self._counters.commands.append(command)
        if faults.shell_hangs:
            await stream.closed.wait()
            return
        if faults.shell_delay_s:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stream.closed.wait(), faults.shell_delay_s)
        self._phone.before_command()
        environment = self._phone.environment()
        if faults.disconnect_after_run_s is not None and "--graph=" in command:
            asyncio.get_running_loop().call_later(faults.disconnect_after_run_s, self._pull_cable)
            faults.disconnect_after_run_s = None
        await ShellSession(stream, self._phone.root, environment, v2=v2, terminal=terminal).run(command)

    async def _run(self, stream: Stream, service: Awaitable[None]) -> None:
        try:
            await service
        except (StreamClosed, ConnectionError):
            pass  # the client went
        except Exception as error:  # noqa: BLE001 - told to the test by Daemon.stop
            self.failures.append(error)
        if self._streams.pop(stream.local, None):
            with contextlib.suppress(ConnectionError):
                await self._send(Message("CLSE", stream.local, stream.remote))

    def _pull_cable(self) -> None:
        if not self._phone.faults.comes_back:
            self._phone.faults.offline = True
        self.drop()

    async def _send(self, message: Message) -> None:
        self._writer.write(message.pack(checksum=self._checksum))
        await self._writer.drain()
