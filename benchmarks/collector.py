"""Milliseconds a sample and peak memory of Litesmith's collector, tf.lite's calibrator and ai-edge-quantizer's.

Usage: python benchmarks/collector.py [--model resnet8|mobilenet|MODEL.tflite ...] [--samples 100] [--rounds 7]

Each collector lives in a process of its own and calibrates the same samples once a round, one after the other, on
one thread; the medians over rounds are printed, and the median of the ratios to Litesmith within a round. Model
loading is part of every round. Memory is the highest during the rounds above what the process held before them
(imports and samples). `resnet8` is read from LITESMITH_DATA; `mobilenet` is MobileNetV1-0.25-224 with random weights.
Needs the `train` extra; ai-edge-quantizer is left out if it is not installed. GNU/Linux only.
"""

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

OURS = ("minmax", "minmax and means", "histogram")
TF_LITE = "tf.lite calibrator"
QUANTIZER = ("ai-edge-quantizer", "ai-edge-quantizer, profiler")
ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "TF_INTRAOP", "TF_INTEROP")}


def main() -> None:
    """Compare the collectors on each model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", action="append", help="repeatable (resnet8, mobilenet)")
    parser.add_argument("--samples", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--ours", action="store_true", help="leave the others out, to see how memory grows")
    parser.add_argument("--worker", nargs=3, metavar=("COLLECTOR", "MODEL", "SAMPLES"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        work(*args.worker)
        return
    with tempfile.TemporaryDirectory() as folder:
        for name in args.model or ("resnet8", "mobilenet"):
            model = float_model(name, Path(folder) / "model.tflite")
            others = () if args.ours else (TF_LITE, *QUANTIZER)
            compare(name, model, args.samples, args.rounds, (*OURS, *others), Path(folder))


def float_model(name: str, path: Path) -> Path:
    """A float `.tflite` with batch 1, and a signature, which ai-edge-quantizer needs."""
    from litesmith.converters.backend import tf_keras
    from litesmith.converters.keras import convert
    from litesmith.converters.quantize import QuantizationSpec

    if name.endswith(".tflite"):
        return Path(name)
    if name == "mobilenet":
        keras_model = tf_keras().applications.MobileNet(alpha=0.25, weights=None)
    else:
        keras_model = tf_keras().models.load_model(
            Path(os.environ["LITESMITH_DATA"]) / "mlperf_tiny" / "ic_resnet8.h5", compile=False
        )
    path.write_bytes(convert(keras_model, QuantizationSpec("float32", io="float32")).content)
    return path


def compare(name: str, model: Path, count: int, rounds: int, collectors: tuple[str, ...], folder: Path) -> None:
    """Run the rounds and print a table."""
    from ai_edge_litert.interpreter import Interpreter

    (detail,) = Interpreter(str(model)).get_input_details()
    samples = folder / "samples.npy"
    np.save(samples, np.random.default_rng(0).uniform(-1, 1, (count, *detail["shape"][1:])).astype(np.float32))
    installed = importlib.util.find_spec("ai_edge_quantizer") is not None
    children = {one: start(one, model, samples) for one in collectors if installed or one not in QUANTIZER}
    reports: dict[str, list[dict[str, float]]] = {one: [] for one in children}
    for place in range(rounds + 1):
        for one, child in children.items():
            report = ask(child)
            if place:  # the first round warms up
                reports[one].append(report)
    for child in children.values():
        child.communicate()
    base = [report["seconds"] for report in reports[OURS[0]]]
    print(f"{name}: {count} samples, {rounds} rounds")
    for one, found in reports.items():
        seconds = [report["seconds"] for report in found]
        ms = statistics.median(seconds) / count * 1e3
        ratio = statistics.median(a / b for a, b in zip(seconds, base, strict=True))
        extra_mb, before_mb = max(report["extra_mb"] for report in found), found[0]["mb"]
        print(f"{one:>28}: {ms:7.3f} ms a sample, {ratio:5.1f} x, {extra_mb:4.0f} MB more than {before_mb:4.0f} MB")


def start(collector: str, model: Path, samples: Path) -> "subprocess.Popen[str]":
    """A process that calibrates once for every line it reads."""
    line = [sys.executable, __file__, "--worker", collector, str(model), str(samples)]
    environment = {**os.environ, **ONE_THREAD, "TF_USE_LEGACY_KERAS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    return subprocess.Popen(
        line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    )


def ask(child: "subprocess.Popen[str]") -> dict[str, float]:
    """One round."""
    assert child.stdin is not None and child.stdout is not None
    child.stdin.write("\n")
    child.stdin.flush()
    answer: dict[str, float] = json.loads(child.stdout.readline())
    return answer


def work(collector: str, model: str, samples: str) -> None:
    """Calibrate at every line of standard input and answer in JSON."""
    run = collector_named(collector, Path(model).read_bytes(), np.load(samples))
    before_mb = memory_mb("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the highest so far is forgotten
    for _ in sys.stdin:
        start = time.perf_counter()
        run()
        seconds = time.perf_counter() - start
        report = {"seconds": seconds, "mb": before_mb, "extra_mb": memory_mb("VmHWM") - before_mb}
        print(json.dumps(report), flush=True)


def memory_mb(field: str) -> float:
    """A line of this process's status."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:")) / 1024


def collector_named(name: str, model: bytes, samples: Any) -> Callable[[], Any]:
    """What a round runs, its imports done."""
    if name in OURS:
        return ours(name, model, samples)
    return tf_lite(model, samples) if name == TF_LITE else ai_edge_quantizer(name, model, samples)


def ours(name: str, model: bytes, samples: Any) -> Callable[[], Any]:
    """Litesmith's collector."""
    from ai_edge_litert import interpreter, schema_py_generated  # noqa: F401 (imported before the clock starts)

    from litesmith.calibration.collect import collect
    from litesmith.calibration.histogram import Histogram
    from litesmith.calibration.observers import ChannelMoments, MinMax, Observer, Several
    from litesmith.calibration.samples import CalibrationSet

    makers: dict[str, Callable[[], Observer]] = {
        "minmax": MinMax,
        "minmax and means": lambda: Several((MinMax(), ChannelMoments())),
        "histogram": Histogram,
    }
    return partial(collect, model, CalibrationSet.from_arrays(samples), lambda *_: makers[name]())


def tf_lite(model: bytes, samples: Any) -> Callable[[], Any]:
    """The calibrator inside TensorFlow's converter."""
    from tensorflow.lite.python.optimize.calibrator import Calibrator

    return lambda: Calibrator(model).calibrate(lambda: ([sample[None]] for sample in samples))


def ai_edge_quantizer(name: str, model: bytes, samples: Any) -> Callable[[], Any]:
    """ai-edge-quantizer's calibrators, which take a list of samples by input name."""
    from ai_edge_litert.interpreter import Interpreter
    from ai_edge_quantizer import quantizer, recipe
    from ai_edge_quantizer.calibrator import CalibrationMode

    ((key, signature),) = Interpreter(model_content=model).get_signature_list().items()
    data = {key: [{signature["inputs"][0]: sample[None]} for sample in samples]}
    profiler = name == QUANTIZER[1]
    mode = CalibrationMode.CALIBRATION_PROFILER_BASED if profiler else CalibrationMode.CALIBRATION_PRESERVE_ALL_TENSORS
    return lambda: quantizer.Quantizer(bytearray(model), recipe.static_wi8_ai8()).calibrate(
        data, num_threads=1, mode=mode
    )


if __name__ == "__main__":
    main()
