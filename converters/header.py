"""The first bytes of a file: whether it is a TFLite flatbuffer, and what it is if not."""

from __future__ import annotations

FILE_IDENTIFIER = b"TFL3"
HEADER_BYTES = 8  # the offset of the root table, then the identifier
_ZIP = b"PK\x03\x04"


def is_flatbuffer(content: bytes) -> bool:
    """Whether the first `HEADER_BYTES` of `content` are those of a TFLite flatbuffer."""
    return content[4:HEADER_BYTES] == FILE_IDENTIFIER


def refusal(content: bytes) -> str:
    """What to say of a file that does not begin like a TFLite flatbuffer."""
    if content.startswith(_ZIP):
        return "this is a zip file, not a TFLite flatbuffer; unpack it and pass the .tflite inside"
    return "this is not a TFLite flatbuffer (no 'TFL3' identifier at byte 4); pass a file that a TFLite converter wrote"
