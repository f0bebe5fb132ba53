"""Seconds from a cold start to the answer of `litesmith inspect` and `litesmith check` on a 3 MB file.

Usage: python benchmarks/cold_start.py [--rounds 9] [MODEL.tflite]

Without MODEL, a full-integer net of 3 MB is made first (needs TensorFlow; the timed commands do not).
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from litesmith.calibration.samples import CalibrationSet
from litesmith.converters.backend import tf_keras
from litesmith.converters.keras import convert
from litesmith.converters.quantize import QuantizationSpec

TARGETS = ["--target", "edge_tpu", "--target", "nnapi", "--target", "arm_cpu"]


def main() -> None:
    """Time the commands and print medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9, help="starts of each command (9)")
    parser.add_argument("model", type=Path, nargs="?", help="a .tflite; made if left out")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        model = args.model or make_model(Path(folder) / "model.tflite")
        print(f"{model.name}: {model.stat().st_size:,} bytes")
        commands = {
            "python -c 'import numpy'": [sys.executable, "-c", "import numpy"],
            "litesmith inspect": [sys.executable, "-m", "litesmith.cli", "inspect", str(model)],
            "litesmith check, 3 targets": [sys.executable, "-m", "litesmith.cli", "check", str(model), *TARGETS],
        }
        seconds: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(args.rounds):
            for name, line in commands.items():
                start = time.perf_counter()
                done = subprocess.run(line, capture_output=True)
                seconds[name].append(time.perf_counter() - start)
                if done.returncode not in (0, 1):
                    sys.exit(done.stderr.decode())
    for name, values in seconds.items():
        print(f"{name:>28}: median {statistics.median(values):.3f} s, worst {max(values):.3f} s")


def make_model(path: Path) -> Path:
    """A plain convolutional net with 3 MB of int8 weights."""
    keras = tf_keras()
    layers = keras.layers
    x = inputs = keras.Input((32, 32, 3))
    for width in (64, 128, 256, 256, 256, 256, 384):
        x = layers.Conv2D(width, 3, padding="same", activation="relu")(x)
    model = keras.Model(inputs, layers.Dense(10)(layers.GlobalAveragePooling2D()(x)))
    samples = CalibrationSet.from_arrays(np.random.default_rng(0).random((4, 32, 32, 3), np.float32))
    path.write_bytes(convert(model, QuantizationSpec("int8"), samples).content)
    return path


if __name__ == "__main__":
    main()
