"""An adb daemon: the phone's side of the protocol, over TCP on 127.0.0.1, in a thread of its own."""

from __future__ import annotations

import asyncio
import threading

from tests.devices.connection import Connection
from tests.devices.faults import Counters, Faults
from tests.devices.phone import Phone
from tests.devices.processes import end_processes


class Daemon:
    """Serves one phone to any number of adb servers, from `start` to `stop`."""

    def __init__(self, phone: Phone):
        self.phone = phone
        self.counters = Counters()
        self.port = 0
        self._connections: set[Connection] = set()
        self._failures: list[Exception] = []
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="adb daemon", daemon=True)

    @property
    def faults(self) -> Faults:
        """What is wrong with the phone."""
        return self.phone.faults

    def start(self) -> None:
        """Listen on a free port, then in `port`."""
        self._thread.start()
        if not self._ready.wait(timeout=30):
            raise RuntimeError("the daemon did not start")

    def stop(self) -> None:
        """Close all connections and end what was started on the phone.

        Raises:
            RuntimeError: the daemon itself failed, now or while it served.
        """
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(timeout=30)
        if self._thread.is_alive():
            raise RuntimeError("the daemon did not stop")
        end_processes(self.phone.root)
        if self._failures:
            raise RuntimeError("the daemon failed while it served") from self._failures[0]

    def drop(self) -> None:
        """Pull the cable now: every connection ends."""
        self._loop.call_soon_threadsafe(self._drop_all)

    def _drop_all(self) -> None:
        for connection in self._connections:
            connection.drop()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stopping.wait()
        server.close()
        self._drop_all()
        while self._connections:  # each waits for the commands that it started
            end_processes(self.phone.root)
            await asyncio.sleep(0.02)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(reader, writer, self.phone, self.counters)
        self._connections.add(connection)
        try:
            await connection.serve()
        finally:
            self._connections.discard(connection)
            self._failures += connection.failures
