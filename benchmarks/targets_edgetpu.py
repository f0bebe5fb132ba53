"""How often the Edge TPU prediction agrees with what the real compiler did, and how quickly it is made.

For each pair of a model and its compiled form: operators predicted right, whether the compiled file is read exactly
as it is, and the time that `litesmith check` takes for three targets. Most operators are on the Edge TPU, so the sum
also says how many of those on the CPU were found (recall), and how many of those predicted there are (precision).
Run with LITESMITH_DATA set to the folder that holds `edgetpu_pairs/`:

    python benchmarks/targets_edgetpu.py [--target edge_tpu@16]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from litesmith.converters.tflite_model import TFLiteModel
from litesmith.targets.check import check
from litesmith.targets.observed_edge_tpu import observe
from litesmith.targets.profile import TargetProfile
from litesmith.targets.report import CPU

TIMED = ("edge_tpu", "nnapi", "arm_cpu")
RUNS = 5  # the quickest counts: what else runs on the machine only makes it slower


@dataclass(frozen=True, slots=True)
class Score:
    """One model: operators predicted right, whether its compiled file was read exactly, and what is wrong.

    `on_cpu` operators were compiled for the CPU, `said_cpu` were predicted there, `found_cpu` are both.
    """

    model: str
    right: int
    total: int
    on_cpu: int
    said_cpu: int
    found_cpu: int
    read_exactly: bool
    wrong: tuple[str, ...]
    warm_ms: float


def score(folder: Path, pair: dict[str, Any], profile: TargetProfile) -> Score:
    """Check one model, read what was compiled from it, and compare both with the recorded placement."""
    model, compiled = (TFLiteModel.from_file(folder / pair[role]) for role in ("model", "compiled"))
    predicted = check(model, profile)
    observed = observe(model, profile, predicted, compiled=compiled)
    truth = ["edge_tpu" if actual == "tpu" else CPU for _, actual in pair["placement"]]
    wrong = tuple(
        f"op {op.index} {op.op}: predicted {op.placement} ({op.rule}), compiled {actual}"
        for op, actual in zip(predicted.ops, truth, strict=True)
        if op.placement != actual
    )
    exactly = [op.placement for op in observed.ops] == truth
    warm_ms = _warm_ms(folder / pair["model"])
    said = [op.placement for op in predicted.ops]
    return Score(
        pair["model"],
        right=predicted.total - len(wrong),
        total=predicted.total,
        on_cpu=truth.count(CPU),
        said_cpu=said.count(CPU),
        found_cpu=sum(where == actual == CPU for where, actual in zip(said, truth, strict=True)),
        read_exactly=exactly,
        wrong=wrong,
        warm_ms=warm_ms,
    )


def _warm_ms(path: Path) -> float:
    """CPU time of reading one file and checking it against three targets, in a process that has read the profiles."""
    profiles = [TargetProfile.load(name) for name in TIMED]
    times = []
    for _ in range(RUNS):
        started = time.process_time()
        model = TFLiteModel.from_file(path)
        for profile in profiles:
            check(model, profile).to_dict()
        times.append((time.process_time() - started) * 1e3)
    return min(times)


def _cold_s(path: Path) -> float:
    """The whole command in a process of its own."""
    targets = [argument for name in TIMED for argument in ("--target", name)]
    started = time.perf_counter()
    command = [sys.executable, "-m", "litesmith.cli", "check", str(path), *targets, "--json"]
    subprocess.run(command, capture_output=True, check=False)
    return time.perf_counter() - started


def _print_sums(profile: TargetProfile, rows: Sequence[Score]) -> None:
    """All models together."""
    right, total = sum(row.right for row in rows), sum(row.total for row in rows)
    exact, read = sum(row.right == row.total for row in rows), sum(row.read_exactly for row in rows)
    on_cpu, said, found = (sum(getattr(row, key) for row in rows) for key in ("on_cpu", "said_cpu", "found_cpu"))
    print(f"{profile.label}: {right} of {total} operators ({right / total:.2%}), {exact} of {len(rows)} models exact")
    print(f"operators on the CPU: {found} of {on_cpu} found (recall), {found} of {said} predicted right (precision)")
    print(f"compiled files read exactly: {read} of {len(rows)}")


def main() -> int:
    """Print the score; exit 2 where the data is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", default="edge_tpu")
    arguments = parser.parse_args()
    data = os.environ.get("LITESMITH_DATA")
    if not data:
        print("set LITESMITH_DATA to the folder that holds edgetpu_pairs/", file=sys.stderr)
        return 2
    folder, profile = Path(data) / "edgetpu_pairs", TargetProfile.load(arguments.target)
    rows = [score(folder, pair, profile) for pair in json.loads((folder / "placement.json").read_text())]
    for row in rows:
        size = (folder / row.model).stat().st_size / 2**20
        read = "read exactly" if row.read_exactly else "READ WRONGLY"
        print(f"{row.right:4} of {row.total:4}  {read}  {size:5.2f} MiB {row.warm_ms:6.1f} ms  {row.model}")
        print(*(f"        {line}\n" for line in row.wrong), sep="", end="")
    _print_sums(profile, rows)
    slowest, cold = max(row.warm_ms for row in rows), min(_cold_s(folder / rows[1].model) for _ in range(RUNS))
    print(
        f"{len(TIMED)} targets: {cold:.2f} s cold, {slowest:.1f} ms of CPU at most per further model (best of {RUNS})"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
