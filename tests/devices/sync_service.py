"""The service `sync:`: files to the phone and back, in the forms of old clients and of new ones.

Every request is four letters, a length and a path. Source: packages/modules/adb/SYNC.TXT, file_sync_protocol.h and
daemon/file_sync_service.cpp.
"""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Callable
from pathlib import Path

from tests.devices.faults import Counters, Faults
from tests.devices.paths import to_host
from tests.devices.streams import Stream, StreamClosed

_REQUEST = struct.Struct("<4sI")
_STAT_V1 = struct.Struct("<3I")
_STAT_V2 = struct.Struct("<IQQIIIIQqqq")
_SEND_V2 = struct.Struct("<4sII")
_CHUNK_BYTES = 64 * 1024


class SyncSession:
    """Serves requests on one stream until the client quits.

    Args:
        stream: to the client.
        root: the folder that plays `/`.
        faults: what is wrong with the phone now.
        counters: of what was asked.
        pull_cable: ends the connection.
    """

    def __init__(self, stream: Stream, root: Path, faults: Faults, counters: Counters, pull_cable: Callable[[], None]):
        self._stream = stream
        self._root = root
        self._faults = faults
        self._counters = counters
        self._pull_cable = pull_cable

    async def run(self) -> None:
        """Serve.

        Raises:
            StreamClosed: the client went without quitting.
        """
        while True:
            name, length = _REQUEST.unpack(await self._stream.read(_REQUEST.size))
            if name == b"QUIT":
                return
            path = (await self._stream.read(length)).decode("utf-8", "surrogateescape")
            if name == b"STAT":
                await self._stream.write(b"STAT" + _stat_v1(self._find(path), follow=False))
            elif name in (b"STA2", b"LST2"):
                await self._stream.write(name + _stat_v2(self._find(path), follow=name == b"STA2"))
            elif name in (b"LIST", b"LIS2"):
                await self._list(path, v2=name == b"LIS2")
            elif name in (b"SEND", b"SND2"):
                if not await self._receive(path, v2=name == b"SND2"):
                    return
            elif name in (b"RECV", b"RCV2"):
                await self._send_file(path, v2=name == b"RCV2")
            else:
                await self._fail(f"unknown command {name.decode('latin-1')}")
                return

    def _find(self, path: str) -> Path | None:
        try:
            return to_host(self._root, path)
        except PermissionError:
            return None

    async def _list(self, path: str, *, v2: bool) -> None:
        folder = self._find(path)
        names = [".", "..", *sorted(os.listdir(folder))] if folder is not None and folder.is_dir() else []  # noqa: PTH208
        for name in names:
            entry = to_host(self._root, f"{path}/{name}")
            encoded = os.fsencode(name)
            facts = b"DNT2" + _stat_v2(entry, follow=False) if v2 else b"DENT" + _stat_v1(entry, follow=False)
            await self._stream.write(facts + struct.pack("<I", len(encoded)) + encoded)
        await self._stream.write(b"DONE" + bytes((_STAT_V2 if v2 else _STAT_V1).size + 4))

    async def _send_file(self, path: str, *, v2: bool) -> None:
        if v2:
            await self._stream.read(8)  # the name again and flags: which compressions, none are offered
        try:
            with to_host(self._root, path, follow=True).open("rb") as file:
                self._counters.pulls += 1
                while data := file.read(_CHUNK_BYTES):
                    await self._stream.write(_REQUEST.pack(b"DATA", len(data)) + data)
        except OSError as error:
            await self._fail(f"open failed: {error.strerror}")
            return
        await self._stream.write(_REQUEST.pack(b"DONE", 0))

    async def _receive(self, path: str, *, v2: bool) -> bool:
        """Take a file from the client; returns whether all went well."""
        if v2:
            _, mode, _ = _SEND_V2.unpack(await self._stream.read(_SEND_V2.size))
        else:
            path, _, digits = path.rpartition(",")
            mode = int(digits)
        try:
            target = self._new_file(path)
        except OSError as error:
            await self._skip_file()
            await self._fail(f"couldn't create file: {error.strerror}")
            return False
        try:
            modified = await self._write_file(target)
        except OSError as error:
            target.unlink()
            await self._skip_file()
            await self._fail(f"write failed: {error.strerror}")
            return False
        except StreamClosed:
            target.unlink()
            raise
        owner = mode >> 6 & 7
        target.chmod(owner << 6 | owner << 3 | owner)  # adbd gives group and others the owner's rights
        os.utime(target, (modified, modified))
        self._counters.pushes += 1
        await self._stream.write(_REQUEST.pack(b"OKAY", 0))
        return True

    def _new_file(self, path: str) -> Path:
        target = to_host(self._root, path, follow=True)
        if self._faults.read_only:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(b"")
        return target

    async def _write_file(self, target: Path) -> int:
        with target.open("wb") as file:
            while True:
                name, number = _REQUEST.unpack(await self._stream.read(_REQUEST.size))
                if name == b"DONE":
                    return number
                data = await self._stream.read(number)
                self._charge(len(data))
                file.write(data)

    async def _skip_file(self) -> None:
        """As adbd does it, or the client would never read what went wrong."""
        while True:
            name, length = _REQUEST.unpack(await self._stream.read(_REQUEST.size))
            if name == b"DONE":
                return
            await self._stream.read(length)

    def _charge(self, length: int) -> None:
        """Count what was pushed, and let happen what was to happen after so many bytes."""
        faults = self._faults
        if faults.space_bytes is not None:
            if length > faults.space_bytes:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            faults.space_bytes -= length
        self._counters.pushed_bytes += length
        if faults.disconnect_after_pushed_bytes is not None:
            faults.disconnect_after_pushed_bytes -= length
            if faults.disconnect_after_pushed_bytes <= 0:
                faults.disconnect_after_pushed_bytes = None
                self._pull_cable()
                raise StreamClosed

    async def _fail(self, reason: str) -> None:
        encoded = reason.encode()
        await self._stream.write(_REQUEST.pack(b"FAIL", len(encoded)) + encoded)


def _stat_v1(path: Path | None, *, follow: bool) -> bytes:
    try:
        facts = None if path is None else path.stat(follow_symlinks=follow)
    except OSError:
        facts = None
    if facts is None:
        return bytes(_STAT_V1.size)
    return _STAT_V1.pack(facts.st_mode, facts.st_size & 0xFFFFFFFF, int(facts.st_mtime))


def _stat_v2(path: Path | None, *, follow: bool) -> bytes:
    if path is None:
        return _STAT_V2.pack(errno.EACCES, *[0] * 10)
    try:
        facts = path.stat(follow_symlinks=follow)
    except OSError as error:
        return _STAT_V2.pack(error.errno or errno.EIO, *[0] * 10)
    times = (int(facts.st_atime), int(facts.st_mtime), int(facts.st_ctime))
    return _STAT_V2.pack(
        0, facts.st_dev, facts.st_ino, facts.st_mode, facts.st_nlink, facts.st_uid, facts.st_gid, facts.st_size, *times
    )
