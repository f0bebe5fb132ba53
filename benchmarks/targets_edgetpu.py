"""How often the Edge TPU prediction agrees with what the real compiler did, operator by operator.

Run with LITESMITH_DATA set to the folder that holds `edgetpu_pairs/`:

    python benchmarks/targets_edgetpu.py [--target edge_tpu@16]
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from litesmith.converters.tflite_model import TFLiteModel
from litesmith.targets.check import check
from litesmith.targets.profile import TargetProfile


def score(folder: Path, profile: TargetProfile) -> list[tuple[str, int, int, list[str]]]:
    """For each model: its name, agreeing operators, all operators, and each disagreement in words."""
    rows = []
    for pair in json.loads((folder / "placement.json").read_text()):
        report = check(TFLiteModel.from_file(folder / pair["model"]), profile)
        wrong = [
            f"op {op.index} {op.op}: predicted {op.placement} ({op.rule}), compiled {actual}"
            for op, (_, actual) in zip(report.ops, pair["placement"], strict=True)
            if (op.placement == "edge_tpu") != (actual == "tpu")
        ]
        rows.append((pair["model"], report.total - len(wrong), report.total, wrong))
    return rows


def main() -> int:
    """Print the score; exit 2 where the data is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", default="edge_tpu")
    arguments = parser.parse_args()
    data = os.environ.get("LITESMITH_DATA")
    if not data:
        print("set LITESMITH_DATA to the folder that holds edgetpu_pairs/", file=sys.stderr)
        return 2
    rows = score(Path(data) / "edgetpu_pairs", TargetProfile.load(arguments.target))
    for model, right, total, wrong in rows:
        print(f"{right:4} of {total:4}  {model}", *(f"\n        {line}" for line in wrong), sep="")
    right, total = sum(row[1] for row in rows), sum(row[2] for row in rows)
    whole = sum(row[1] == row[2] for row in rows)
    print(
        f"{arguments.target}: {right} of {total} operators ({right / total:.2%}), {whole} of {len(rows)} models whole"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
