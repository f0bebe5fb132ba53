"""Messages of the adb protocol, as they go over TCP.

A message is a header of six little-endian words (command, two arguments, payload length, checksum, inverted command)
and a payload. Source: Android's packages/modules/adb/protocol.txt.
"""

from __future__ import annotations

import asyncio
import struct
from dataclasses import dataclass

HEADER = struct.Struct("<6I")
MAX_PAYLOAD = 1024 * 1024
# From this version on nobody looks at checksums.
VERSION_WITHOUT_CHECKSUMS = 0x01000001

# First arguments of AUTH.
AUTH_TOKEN = 1
AUTH_SIGNATURE = 2


class ProtocolError(Exception):
    """The other side does not speak adb."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message; `command` is its four letters."""

    command: str
    arg0: int
    arg1: int
    payload: bytes = b""

    def pack(self, *, checksum: bool) -> bytes:
        """The bytes of the message; without a checksum its field is zero."""
        word = int.from_bytes(self.command.encode("ascii"), "little")
        total = sum(self.payload) & 0xFFFFFFFF if checksum else 0
        header = HEADER.pack(word, self.arg0, self.arg1, len(self.payload), total, word ^ 0xFFFFFFFF)
        return header + self.payload


async def read_message(reader: asyncio.StreamReader) -> Message:
    """The next message.

    Raises:
        ProtocolError: the header is not one of adb's.
        asyncio.IncompleteReadError: the connection ended.
    """
    word, arg0, arg1, length, _, inverted = HEADER.unpack(await reader.readexactly(HEADER.size))
    if word ^ 0xFFFFFFFF != inverted or length > MAX_PAYLOAD:
        raise ProtocolError(f"not a message of adb: command {word:#x}, {length} bytes")
    command = word.to_bytes(4, "little").decode("latin-1")
    return Message(command, arg0, arg1, await reader.readexactly(length))
