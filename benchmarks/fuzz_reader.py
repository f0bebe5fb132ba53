"""Whether a damaged file can make `litesmith inspect` or `litesmith check` crash, hang or take memory without bound.

Usage: [LITESMITH_DATA=FOLDER] python benchmarks/fuzz_reader.py [--files 100000] [--start 0] [--seed 0]

Every file is a sound small model, of tests/golden or of LITESMITH_DATA, with a few damages. It has to be described, or
refused with an error of Litesmith's own, in limited time and memory. Exit 1 where one is not. A file is named by
the seed and its number: `--start N --files 1` repeats file N, and two runs can share the work.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import struct
import sys
import time
import traceback
import tracemalloc
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from random import Random
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from litesmith.commands import check as check_command
from litesmith.commands.inspect import describe, render
from litesmith.converters.label import LABELS, truth_label
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import LitesmithError
from litesmith.targets.check import check
from litesmith.targets.memory import estimate_memory
from litesmith.targets.profile import TargetProfile, list_profiles

GOLDEN = Path(__file__).resolve().parent.parent / "tests" / "golden"
SMALL_BYTES = 110_000
SECONDS = 10
MEMORY_BYTES, MEMORY_PER_BYTE = 8 << 20, 64
TRACE_EVERY = 10  # tracing memory makes a file four times as slow
# Counts, offsets and indices that careless readers break on.
NASTY = (0, 1, 2, 4, 5, 16, 33, 127, 255, 5000, 0x7FC00000, 0x7F800000, 2**30, 2**31 - 1, 2**31, 2**32 - 4, 2**32 - 1)


class TooSlow(BaseException):
    """A file took too long; no `except Exception` on the way may keep it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one file was answered: read, refused or, with a problem, failed."""

    number: int
    name: str
    size_bytes: int
    seconds: float
    result: str
    problem: str = ""
    memory_bytes: int = 0

    def __str__(self) -> str:
        return f"file {self.number}, {self.size_bytes:,} bytes of {self.name} {self.problem}".rstrip()


def main() -> int:
    """Fuzz and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=100_000, help="damaged files to try (100000)")
    parser.add_argument("--start", type=int, default=0, help="number of the first one (0)")
    parser.add_argument("--seed", default="0", help="names the series of files (0)")
    args = parser.parse_args()
    signal.signal(signal.SIGALRM, _give_up)
    models, profiles = sound_models(), [TargetProfile.load(name) for name in list_profiles()]
    answer(models["int8.tflite"], profiles)  # caches and imports are not charged to the first damaged file
    outcomes = []
    for number in range(args.start, args.start + args.files):
        name, content = damaged_file(models, Random(f"{args.seed}/{number}"))
        outcomes.append(examine(number, name, content, profiles))
    print(summary(outcomes))
    return int(any(outcome.result == "failed" for outcome in outcomes))


def sound_models() -> dict[str, bytes]:
    """Small real models by name."""
    folders = [GOLDEN, *(Path(folder) for folder in [os.environ.get("LITESMITH_DATA")] if folder)]
    paths = (path for folder in folders for path in sorted(folder.rglob("*.tflite")))
    return {path.name: path.read_bytes() for path in paths if path.stat().st_size <= SMALL_BYTES}


def answer(content: bytes, profiles: Sequence[TargetProfile]) -> None:
    """Everything that `inspect` and `check` say about a file, as JSON and as text."""
    model = TFLiteModel(content)
    if truth_label(model) not in LABELS:
        raise ValueError("there is no such label")
    reports = [check(model, profile) for profile in profiles]
    documents = [describe(model), estimate_memory(model).to_dict(), check_command.describe(model, reports)]
    json.dumps(documents, allow_nan=False)
    render(model)
    for report in reports:
        check_command.render(report)


def examine(number: int, name: str, content: bytes, profiles: Sequence[TargetProfile]) -> Outcome:
    """Answer one file within its limits."""
    result, problem, memory_bytes = "read", "", 0
    if number % TRACE_EVERY == 0:
        tracemalloc.start()
    start = time.perf_counter()
    signal.alarm(SECONDS)
    try:
        answer(content, profiles)
    except LitesmithError:
        result = "refused"
    except (Exception, TooSlow) as error:  # noqa: BLE001 - whatever comes is what is looked for
        result, problem = "failed", f"{error!r} at {traceback.extract_tb(error.__traceback__)[-1]}"
    signal.alarm(0)
    seconds = time.perf_counter() - start
    if tracemalloc.is_tracing():
        memory_bytes = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    if memory_bytes > MEMORY_BYTES + MEMORY_PER_BYTE * len(content):
        result, problem = "failed", f"took {memory_bytes:,} bytes of memory"
    return Outcome(number, name, len(content), seconds, result, problem, memory_bytes)


def summary(outcomes: Sequence[Outcome]) -> str:
    """Counts, the slowest file, the largest memory, and each failure."""
    counts = Counter(outcome.result for outcome in outcomes)
    slowest, largest = max(outcomes, key=attrgetter("seconds")), max(outcomes, key=attrgetter("memory_bytes"))
    lines = [
        f"{len(outcomes)} files: {counts['read']} read, {counts['refused']} refused, {counts['failed']} failed",
        f"slowest: {slowest.seconds:.3f} s, {slowest}",
        f"most memory of every {TRACE_EVERY}th: {largest.memory_bytes:,} bytes, {largest}",
        f"the process took {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10} MiB at most",
    ]
    return "\n".join([*lines, *(str(outcome) for outcome in outcomes if outcome.result == "failed")])


def damaged_file(models: dict[str, bytes], random: Random) -> tuple[str, bytes]:
    """The name of a model and its content with one or more damages; the identifier stays."""
    name = random.choice(sorted(models))
    content, damages = models[name], random.randrange(1, 4)
    if random.random() < 0.5:
        content, damages = change_fields(content, random), random.choice((0, 0, 0, 1))
    edited = bytearray(content)
    for _ in range(damages):
        random.choice(DAMAGES)(edited, random)
    edited[4:8] = b"TFL3"
    return name, bytes(edited)


def flip_bits(content: bytearray, random: Random) -> None:
    """Flip 1 to 16 bits anywhere."""
    for _ in range(random.randrange(1, 17)):
        content[random.randrange(len(content))] ^= 1 << random.randrange(8)


def truncate(content: bytearray, random: Random) -> None:
    """Cut the end off."""
    del content[random.randrange(9, max(len(content), 10)) :]


def overwrite(content: bytearray, random: Random) -> None:
    """Random bytes over 1 to 64 bytes."""
    start, length = _span(content, random, 64)
    content[start : start + length] = random.randbytes(length)


def swap_chunks(content: bytearray, random: Random) -> None:
    """Exchange two pieces of up to 256 bytes."""
    (one, length), (other, longest) = _span(content, random, 256), _span(content, random, 256)
    first, second = slice(one, one + min(length, longest)), slice(other, other + min(length, longest))
    content[first], content[second] = content[second], content[first]


def insert_chunk(content: bytearray, random: Random) -> None:
    """Repeat a piece of up to 64 bytes elsewhere, which moves what follows."""
    start, length = _span(content, random, 64)
    place = random.randrange(8, len(content))
    content[place:place] = content[start : start + length]


def huge_words(content: bytearray, random: Random) -> None:
    """Nasty numbers where offsets, counts and indices stand: at multiples of four."""
    for _ in range(random.randrange(1, 6)):
        place = 4 * random.randrange(2, max(len(content) // 4, 3))
        content[place : place + 4] = struct.pack("<I", random.choice(NASTY))


DAMAGES = (flip_bits, truncate, overwrite, swap_chunks, insert_chunk, huge_words)


def change_fields(content: bytes, random: Random) -> bytes:
    """A well-formed file again, with one to six fields changed: indices, types, shapes, scales, options, data."""
    model = schema.ModelT.InitFromPackedBuf(content)
    fields = list(_fields(model))
    for _ in range(random.randrange(1, 7)):
        owner, field = random.choice(fields)
        setattr(owner, field, _changed(getattr(owner, field), random))
    builder = flatbuffers.Builder(len(content))
    try:
        builder.Finish(model.Pack(builder), b"TFL3")
    except (TypeError, AttributeError, struct.error):  # a number does not fit its field, or the options their type
        return content
    return bytes(builder.Output())


def _fields(table: Any) -> Iterator[tuple[Any, str]]:
    for field, value in vars(table).items():
        yield table, field
        for child in value if isinstance(value, list) else [value]:
            if hasattr(child, "Pack"):
                yield from _fields(child)


def _changed(value: Any, random: Random) -> Any:
    if isinstance(value, np.ndarray) and value.size:
        edited = value.copy()
        edited.flat[random.randrange(value.size)] = np.array(random.choice((0, 1, -1, 3, 127, 2**31 - 1))).astype(
            value.dtype
        )
        return random.choice((edited, edited[: value.size // 2], np.resize(edited, 3 * value.size), None))
    if isinstance(value, list) and value:
        return random.choice((value[::-1], value[:-1], value * 2, [], [random.choice(value)]))
    if isinstance(value, bytes):
        return random.choice((b"", value * 3, b"\xff\xfe{0}%s\x1b[2J"))
    if isinstance(value, float):
        return random.choice((float("nan"), float("inf"), -1.0, 0.0, 1e-45, 3.4e38))
    numbers = (0, 1, 2, 3, 7, 31, 100, 118, 119, 127, 129, 5000, 2**31 - 1)  # 118, 119, 129: IF, WHILE, CALL_ONCE
    return random.choice(numbers) if isinstance(value, int) else value


def _span(content: bytearray, random: Random, longest: int) -> tuple[int, int]:
    start = random.randrange(min(8, len(content) - 1), len(content))
    return start, random.randrange(1, min(longest, len(content) - start) + 1)


def _give_up(_signal: int, _frame: object) -> None:
    raise TooSlow


if __name__ == "__main__":
    sys.exit(main())
