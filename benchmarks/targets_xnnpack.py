"""How often the prediction for `arm_cpu` agrees with what the installed runtime's XNNPACK takes, operator by operator.

Scores every `.tflite` below a folder (by default LITESMITH_DATA, where it is set) and a family of models of one
operator each. A model that the runtime loads only without XNNPACK counts as one operator, which is right if an error
was predicted; a model that it never loads is not scored.

    python benchmarks/targets_xnnpack.py [FOLDER] [--runtime tflite-runtime] [--only NAME]
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from xnnpack_family import family

from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import ModelError
from litesmith.targets.check import check
from litesmith.targets.isolated import run_isolated
from litesmith.targets.observed_xnnpack import observe_xnnpack
from litesmith.targets.report import TargetReport

TARGETS = {"litert": "arm_cpu@litert-2.3", "tflite-runtime": "arm_cpu@tflite-runtime-2.14"}


@dataclass(frozen=True, slots=True)
class Score:
    """One model: operators that were predicted right, all of them, and each disagreement in words."""

    name: str
    right: int
    total: int
    wrong: tuple[str, ...] = ()


def score(model: tuple[str, bytes | Path], runtime: str) -> Score:
    """Compare prediction and observation; a total of 0 where the runtime never loads the model."""
    name, content = model
    parsed = TFLiteModel.from_file(content) if isinstance(content, Path) else TFLiteModel(content)
    report = check(parsed, TARGETS[runtime])
    try:
        observed = observe_xnnpack(content, runtime=runtime)
    except ModelError as error:
        return _refused(name, content, runtime, report, str(error))
    differ = {op.index for op, actual in zip(report.ops, observed.placements, strict=True) if op.placement != actual}
    wrong = [
        f"op {op.index} {op.op}: predicted {op.placement} ({op.rule}), observed {observed.placements[op.index]}"
        for op in report.ops
        if op.index in differ
    ]
    wrong += [f"op {error.op_index}: predicted not to load ({error.rule}), but loads" for error in report.errors]
    missed = len(differ | {error.op_index for error in report.errors})
    if report.segments != observed.segments:
        wrong.append(f"predicted {report.segments} segments, observed {observed.segments}")
    return Score(name, report.total - missed, report.total, tuple(wrong))


def scores(chosen: Sequence[tuple[str, bytes | Path]], runtime: str) -> list[Score]:
    """All scores in the order of the models; every model is asked about in a process of its own."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(partial(score, runtime=runtime), chosen))


def _refused(name: str, content: bytes | Path, runtime: str, report: TargetReport, reason: str) -> Score:
    try:
        run_isolated(content, runtime=runtime, delegate="none")
    except ModelError:
        return Score(name, 0, 0)
    if report.errors:
        return Score(name, 1, 1)
    return Score(name, 0, 1, (f"loads only without XNNPACK, and no error was predicted: {reason}",))


def models(folder: Path | None) -> Iterator[tuple[str, bytes | Path]]:
    """What is scored: the files below `folder`, then the family."""
    files = sorted(folder.rglob("*.tflite")) if folder else []
    yield from ((str(path.relative_to(folder)) if folder else path.name, path) for path in files)
    yield from family()


def summary(results: Sequence[Score]) -> str:
    """One line of totals."""
    scored = [score for score in results if score.total]
    right, total = sum(score.right for score in scored), sum(score.total for score in scored)
    exact = sum(not score.wrong for score in scored)
    return (
        f"{right} of {total} operators ({right / max(total, 1):.2%}), {exact} of {len(scored)} models exact, "
        f"{len(results) - len(scored)} that this runtime never loads"
    )


def main() -> int:
    """Print every disagreement and the score; exit 1 where there is one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    data = os.environ.get("LITESMITH_DATA")
    parser.add_argument("folder", nargs="?", type=Path, default=Path(data) if data else None)
    parser.add_argument("--runtime", choices=TARGETS, default="litert")
    parser.add_argument("--only", default="", metavar="NAME", help="models whose name has this in it")
    arguments = parser.parse_args()
    chosen = [model for model in models(arguments.folder) if arguments.only in model[0]]
    results = scores(chosen, arguments.runtime)
    for line in (f"{found.name}\n        {wrong}" for found in results for wrong in found.wrong):
        print(line)
    print(f"{TARGETS[arguments.runtime]}: {summary(results)}")
    return int(any(found.wrong for found in results))


if __name__ == "__main__":
    sys.exit(main())
