"""Post-training int8 and int4 of two MLPerf Tiny models, beside TensorFlow's converter and ai-edge-quantizer.

ResNet-8 on CIFAR-10 JPEGs, and the keyword spotter DS-CNN on half of its 1,000 recordings (the other half calibrates).
`ptq_table.py` says what the columns are.

Usage: LITESMITH_DATA=FOLDER python benchmarks/ptq.py [--test 10000] [--calibration 100]
"""

import argparse
import os
import sys
import zipfile
from pathlib import Path

import numpy as np
from ptq_table import Array, compare, images

from litesmith.converters.backend import tensorflow
from litesmith.converters.load import load_keras_model
from litesmith.targets.runtimes import default


def main() -> None:
    """Make every file, run it, and print a row for it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--test", type=int, default=10_000, help="test images (10000)")
    parser.add_argument("--calibration", type=int, default=100, help="calibration images (100)")
    args = parser.parse_args()
    if "LITESMITH_DATA" not in os.environ:
        sys.exit("set LITESMITH_DATA to the folder that holds mlperf_tiny/ and cifar10_jpeg/")
    data = Path(os.environ["LITESMITH_DATA"])
    tensorflow()
    tiny, cifar = data / "mlperf_tiny", data / "cifar10_jpeg"
    samples, _ = images(*sorted(cifar.glob("cifar10_train_*.zip")), count=args.calibration)
    test = images(cifar / "cifar10_test.zip", count=args.test)
    compare("ResNet-8", load_keras_model(tiny / "ic_resnet8.h5"), samples, *test)
    x, y = recordings(tiny)
    half = len(x) // 2
    compare("DS-CNN", load_keras_model(tiny / "kws_dscnn_saved_model"), x[:half], x[half:], y[half:])


def recordings(folder: Path) -> tuple[Array, Array]:
    """DS-CNN's inputs (1000, 49, 10, 1) float32 in a fixed random order, and labels."""
    with zipfile.ZipFile(folder / "kws01.zip") as file:
        places = {Path(name).name: name for name in file.namelist()}
        rows = [line.split(",") for line in file.read(places["y_labels.csv"]).decode().split()]
        raw = np.stack([np.frombuffer(file.read(places[row[0]]), np.int8).reshape(49, 10, 1) for row in rows])
    # They are stored in the int8 scale of the reference model's input.
    into = default().open((folder / "kws_dscnn_int8.tflite").read_bytes()).inputs[0]
    assert into.scale is not None and into.zero_point is not None
    order = np.random.default_rng(0).permutation(len(raw))
    x = (raw[order].astype(np.float32) - into.zero_point) * np.float32(into.scale)
    return x, np.array([int(row[2]) for row in rows])[order]


if __name__ == "__main__":
    main()
