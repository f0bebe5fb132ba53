"""The per-operator table of `benchmark_model --enable_op_profiling=true`."""

from __future__ import annotations

import re

from litesmith.errors import DeviceError
from litesmith.targets.block import OpTime
from litesmith.targets.devices.benchmark_errors import quoted

# Newer versions profile the initialization before; the table that counts comes after this line.
_RUNS = "Operator-wise Profiling Info for Regular Benchmark Runs"
_TABLE = "= Run Order ="
_NUMBER = r"\d{1,12}(?:\.\d{1,9})?"
# First, average, shares, memory and calls in a run; until 2021 with the start before them.
_VALUES = rf"{_NUMBER}\s+({_NUMBER})\s+[\d.]+%\s+[\d.]+%\s+-?[\d.]+\s+(\d{{1,9}})\s+(\S.*?)\s*$"
_ROW = re.compile(rf"\s*(\S.*?)\s+{_VALUES}")
_ROW_WITH_START = re.compile(rf"\s*(\S.*?)\s+{_NUMBER}\s+{_VALUES}")
_NODE = re.compile(r"^\[?(.*?)\]?(?::(\d{1,9}))?$")


def read_profile(log: str) -> tuple[OpTime, ...]:
    """Times of the nodes of the main graph in the order they run; a delegate's piece is one of them.

    `OpTime.mean_ms` is that of one call, and `calls` how many there are in one run of the model. What happens within
    a delegate or in other subgraphs is in tables of their own, which are left out: it would be counted twice.

    Raises:
        DeviceError: there is no such table, or it has a line that is not understood.
    """
    lines = log[log.rfind(_RUNS) + 1 :].splitlines() if _RUNS in log else log.splitlines()
    start = next((place for place, line in enumerate(lines) if _TABLE in line), None)
    if start is None or start + 1 >= len(lines):
        raise DeviceError(
            f"the runner gives no times of operators: {quoted(log)}; leave --profile away, or pass TensorFlow Lite's "
            "benchmark_model with --runner"
        )
    pattern = _ROW_WITH_START if "[start]" in lines[start + 1] else _ROW
    times: list[OpTime] = []
    for line in lines[start + 2 :]:
        if not line.strip() or line.lstrip().startswith("="):
            break
        row = pattern.match(line)
        if row is None:
            raise DeviceError(f"the runner's table of operators has the line {line.strip()[:200]!r}; report it")
        times.append(_read_row(*row.groups()))
    if not times:
        raise DeviceError(f"the runner's table of operators is empty: {quoted(log)}; report it")
    return tuple(times)


def _read_row(kind: str, mean: str, calls: str, name: str) -> OpTime:
    """Names are `[tensor]`, `[tensor]:node` or `kernel/node`; the oldest versions count no calls."""
    named = _NODE.match(name)
    tensor, node = (named[1], named[2]) if named else (name, None)
    return OpTime(kind, tensor, int(node) if node is not None else None, float(mean), max(1, int(calls)))
