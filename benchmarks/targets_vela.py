"""How often the prediction for an Ethos-U agrees with what Arm's compiler Vela does, operator by operator.

Scores the models of `edgetpu_pairs/` (not what the Edge TPU compiler made of them) and of `mlperf_tiny/`. Needs Vela
(pip install '.[ethos-u]'), and LITESMITH_DATA set to the folder that holds both:

    python benchmarks/targets_vela.py [--target ethos_u55@128] [--only NAME]
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import LitesmithError
from litesmith.targets.check import check
from litesmith.targets.observed_vela import observe_with_vela
from litesmith.targets.profile import TargetProfile

FOLDERS = ("edgetpu_pairs", "mlperf_tiny")


def models(data: Path, only: str) -> Iterator[Path]:
    """The files to score."""
    for folder in FOLDERS:
        for path in sorted((data / folder).glob("*.tflite")):
            if not path.stem.endswith("_edgetpu") and only in path.name:
                yield path


def score(path: Path, profile: TargetProfile) -> tuple[int, int]:
    """Operators of one model predicted right, and all.

    Raises:
        LitesmithError: the file cannot be read, or Vela refuses it or is not installed.
    """
    model = TFLiteModel.from_file(path)
    predicted, observed = check(model, profile), observe_with_vela(model, profile).report
    pairs = zip(predicted.ops, observed.ops, strict=True)
    return sum(one.placement == other.placement for one, other in pairs), predicted.total


def main() -> int:
    """Print the score; exit 2 where the data is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", default="ethos_u55")
    parser.add_argument("--only", default="", metavar="NAME", help="models whose name has this in it")
    arguments = parser.parse_args()
    data = os.environ.get("LITESMITH_DATA")
    if not data:
        print(f"set LITESMITH_DATA to the folder that holds {' and '.join(FOLDERS)}", file=sys.stderr)
        return 2
    profile = TargetProfile.load(arguments.target)
    sums: dict[str, list[int]] = {folder: [0, 0, 0] for folder in FOLDERS}
    for path in models(Path(data), arguments.only):
        try:
            right, total = score(path, profile)
        except LitesmithError as error:
            print(f"not scored: {error}")
            continue
        print(f"{right:4} of {total:4}  {path.name}", flush=True)
        sums[path.parent.name] = [a + b for a, b in zip(sums[path.parent.name], (1, right, total), strict=True)]
    for folder, (files, right, total) in sums.items():
        print(f"{profile.label}, {folder}: {right} of {total} operators in {files} files")
    return 0


if __name__ == "__main__":
    sys.exit(main())
