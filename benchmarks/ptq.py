"""Post-training int8 and int4 of two MLPerf Tiny models, beside TensorFlow's converter and ai-edge-quantizer.

ResNet-8 on CIFAR-10 JPEGs, and the keyword spotter DS-CNN on half of its 1,000 recordings (the other half calibrates).

Usage: LITESMITH_DATA=FOLDER python benchmarks/ptq.py [--test 10000] [--calibration 100]

All files of a model are made from the same samples and run on the same test set. `agree` is the share of it with the
float model's class, with half the width of its 95% interval; `top-1` is against the labels, with the paired difference
to float. Seconds are of making the file, imports and loading apart.
"""

import argparse
import os
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from litesmith.calibration.native import quiet_native
from litesmith.calibration.samples import CalibrationSet
from litesmith.converters.backend import tensorflow
from litesmith.converters.keras import convert as converter
from litesmith.converters.load import load_keras_model
from litesmith.converters.post_training import quantize_float_model
from litesmith.converters.quantize import EFFORTS, QuantizationSpec
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.targets.runtimes import default

Array = npt.NDArray[Any]
BATCH = 100


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
    samples, _ = images(cifar / "cifar10_train_0.zip", args.calibration)
    test = images(cifar / "cifar10_test.zip", args.test)
    compare("ResNet-8", load_keras_model(tiny / "ic_resnet8.h5"), samples, *test)
    x, y = recordings(tiny)
    half = len(x) // 2
    compare("DS-CNN", load_keras_model(tiny / "kws_dscnn_saved_model"), x[:half], x[half:], y[half:])


def compare(title: str, model: Any, samples: Array, x: Array, y: Array) -> None:
    """Print a table of one model."""
    float_file = converter(model, QuantizationSpec("float32"))
    reference = classes(float_file.content, x)
    print(
        f"{title}: float32 top-1 {100 * np.mean(reference == y):.2f}, {len(x)} tested, {len(samples)} calibrated with"
    )
    print(f"{'file':<34}{'agree':>16}{'top-1':>9}{'against float':>18}{'bytes':>9}{'seconds':>9}")
    for name, make in makers(model, float_file, CalibrationSet.from_arrays(samples), samples).items():
        start = time.perf_counter()
        content = make()
        seconds = time.perf_counter() - start
        row(name, classes(content, x), reference, y, len(content), seconds)


def makers(
    model: Any, float_file: TFLiteModel, calibration: CalibrationSet, samples: Array
) -> dict[str, Callable[[], bytes]]:
    """What makes each file, by the name of its row."""

    def ours(effort: str, bits: int) -> Callable[[], bytes]:
        spec = QuantizationSpec("int8", weight_bits=bits)
        return lambda: quantize_float_model(float_file, spec, calibration, effort=effort, engine="aeq").model.content

    made: dict[str, Callable[[], bytes]] = {
        "int8, TensorFlow's converter": lambda: converter(model, QuantizationSpec("int8"), calibration).content,
        "int8, ai-edge-quantizer": lambda: peer(float_file, samples),
    }
    for bits in (8, 4):
        made |= {f"int{bits}, Litesmith, effort {effort}": ours(effort, bits) for effort in EFFORTS}
    return made


def peer(float_file: TFLiteModel, samples: Array) -> bytes:
    """ai-edge-quantizer as its documentation uses it: its own calibrator, its static 8-bit recipe."""
    from ai_edge_quantizer import quantizer, recipe

    with quiet_native():
        tool = quantizer.Quantizer(bytearray(float_file.content), recipe.static_wi8_ai8())
        name = next(iter(signature_inputs(float_file.content)))
        result = tool.calibrate({"serving_default": [{name: sample[None]} for sample in samples]})
        return bytes(tool.quantize(result).quantized_model)


def signature_inputs(content: bytes) -> dict[str, Any]:
    """Inputs of the file's only signature."""
    from ai_edge_litert.interpreter import Interpreter

    signatures = Interpreter(model_content=content).get_signature_list()
    return dict.fromkeys(next(iter(signatures.values()))["inputs"])


def row(name: str, found: Array, reference: Array, y: Array, size_bytes: int, seconds: float) -> None:
    """Print one file's figures."""
    same = found == reference
    width = 1.96 * np.sqrt(np.mean(same) * (1 - np.mean(same)) / len(y))
    change = (found == y).astype(float) - (reference == y)
    error = change.std() / np.sqrt(len(y))
    print(
        f"{name:<34}{100 * np.mean(same):>9.2f} ±{100 * width:>5.2f}{100 * np.mean(found == y):>9.2f}"
        f"{100 * change.mean():>+10.2f} ±{196 * error:>5.2f}{size_bytes:>9,}{seconds:>9.2f}",
        flush=True,
    )


def classes(content: bytes, x: Array) -> Array:
    """Predicted class of each image."""
    from ai_edge_litert.interpreter import Interpreter

    with quiet_native():
        interpreter = Interpreter(model_content=content, num_threads=2)
        into, out = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
        interpreter.resize_tensor_input(into["index"], (BATCH, *x.shape[1:]))
        interpreter.allocate_tensors()
    found = []
    for start in range(0, len(x), BATCH):
        batch = x[start : start + BATCH]
        if into["dtype"] == np.int8:
            scale, zero_point = into["quantization"]
            batch = np.clip(np.rint(batch / np.float32(scale)) + zero_point, -128, 127).astype(np.int8)
        interpreter.set_tensor(into["index"], batch)
        interpreter.invoke()
        found.append(interpreter.get_tensor(out["index"]).argmax(axis=1))
    return np.concatenate(found)


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


def images(archive: Path, count: int) -> tuple[Array, Array]:
    """`count` images, a multiple of the batch, drawn by a fixed seed: (N, 32, 32, 3) float32 0..255, and labels."""
    with zipfile.ZipFile(archive) as file:
        names = sorted(name for name in file.namelist() if name.endswith(".jpg"))
        labels = sorted({name.split("/")[-2] for name in names})
        chosen = [names[place] for place in np.random.default_rng(0).permutation(len(names))[: count // BATCH * BATCH]]
        pixels = np.stack([np.asarray(Image.open(file.open(name))) for name in chosen])
    return pixels.astype(np.float32), np.array([labels.index(name.split("/")[-2]) for name in chosen])


if __name__ == "__main__":
    main()
