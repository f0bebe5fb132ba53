"""Arguments that several commands share; nothing here loads numpy, because every start builds all of them."""

from __future__ import annotations

import argparse
from pathlib import Path

# The names of `litesmith.calibration.ranges.RANGE_METHODS`.
RANGE_METHODS = ("minmax", "moving_average", "percentile", "mse", "entropy")


def add_preprocess_arguments(parser: argparse.ArgumentParser) -> None:
    """How what is read becomes what the model sees; `calibration_data.read_samples` understands them."""
    parser.add_argument("--preprocess", type=Path, metavar="JSON", help="preprocess.json that turns DATA into inputs")
    parser.add_argument("--scale", type=float, help="inputs are values of DATA * SCALE + OFFSET; images are resized")
    parser.add_argument("--offset", type=float, default=0.0, help="see --scale (0)")
    parser.add_argument(
        "--encode",
        metavar="FUNCTION",
        help="package.module:function that makes inputs of the columns of DATA, such as text",
    )
