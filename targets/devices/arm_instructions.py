"""Which multiply-accumulate instructions a run came to, read from the log of the emulator.

`qemu -d in_asm` lists each block of instructions once, when it is about to be executed for the first time. What is
listed inside the runtime's library was therefore run; which kernels a runtime chose need not be guessed from the
processor's features.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

# Family -> (mask, value) of its encodings: Arm Architecture Reference Manual (DDI 0487), C4.1 "A64 instruction set
# encoding" and F4.1 "T32/A32"; the vector form first, then the one with an indexed element.
_ENCODINGS: Mapping[str, Mapping[str, Sequence[tuple[int, int]]]] = {
    "arm64": {
        "smlal": ((0xBF20FC00, 0x0E208000), (0xBF00F400, 0x0F002000)),
        "sdot": ((0xBFE0FC00, 0x0E809400), (0xBFC0F400, 0x0F80E000)),
        "i8mm": ((0xFFE0FC00, 0x4E80A400),),
        "fmla": ((0xBFA0FC00, 0x0E20CC00), (0xBF80F400, 0x0F801000)),
    },
    "armhf": {
        "vmlal": ((0xFF800F50, 0xF2800800), (0xFF800F50, 0xF2800240)),
        "vmla.f32": ((0xFFA00F10, 0xF2000D10), (0xFFA00F50, 0xF2A00140), (0xFFA00F10, 0xF2000C10)),
    },
}
_LISTED = re.compile(rb"^0x([0-9a-f]+):  ([0-9a-f]{8}) ", re.MULTILINE)

Ranges = Sequence[tuple[int, int]]


def count_instructions(log: Path, architecture: str, ranges: Ranges) -> dict[str, int] | None:
    """How many different instructions of each family a run came to.

    Args:
        log: of `qemu -d in_asm`.
        architecture: `arm64` or `armhf`.
        ranges: addresses (first, after the last) of the library to look at.

    Returns:
        Family -> instructions; None where the log lists nothing in that library, so that nothing is known.
    """
    words = list(_words(log, ranges))
    if not words:
        return None
    families = _ENCODINGS[architecture]
    return {
        family: sum(any(word & mask == value for mask, value in encodings) for word in words)
        for family, encodings in families.items()
    }


def _words(log: Path, ranges: Ranges) -> Iterable[int]:
    """The 32-bit instructions in the ranges, each address once."""
    try:
        content = log.read_bytes()
    except FileNotFoundError:
        return []
    found = {int(address, 16): int(word, 16) for address, word in _LISTED.findall(content)}
    return [word for address, word in found.items() if any(first <= address < last for first, last in ranges)]
