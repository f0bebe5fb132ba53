"""The table of the post-training benchmarks: every file of a model, how it agrees with float, and what it took.

All files of a model are made from the same samples and run on the same test set. `agree` is the share of it with the
float model's class, with half the width of its 95% interval; `top-1` is against the labels, with the paired difference
to float. Seconds are of making the file, imports and loading apart.
"""

import time
import zipfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from litesmith.calibration.native import quiet_native
from litesmith.calibration.samples import CalibrationSet
from litesmith.converters.keras import convert as converter
from litesmith.converters.post_training import quantize_float_model
from litesmith.converters.quantize import EFFORTS, QuantizationSpec
from litesmith.converters.tflite_model import TFLiteModel

Array = npt.NDArray[Any]
BATCH = 100


def compare(title: str, model: Any, samples: Array, x: Array, y: Array, *, bits: tuple[int, ...] = (8, 4)) -> None:
    """Make every file of a Keras model from `samples`, run it on `x` with the labels `y`, and print a row for it."""
    float_file = converter(model, QuantizationSpec("float32"))
    reference = classes(float_file.content, x)
    print(
        f"{title}: float32 top-1 {100 * np.mean(reference == y):.2f}, {len(x)} tested, {len(samples)} calibrated with"
    )
    print(f"{'file':<34}{'agree':>16}{'top-1':>9}{'against float':>18}{'bytes':>9}{'seconds':>9}")
    for name, make in makers(model, float_file, samples, bits).items():
        start = time.perf_counter()
        content = make()
        seconds = time.perf_counter() - start
        row(name, classes(content, x), reference, y, len(content), seconds)


def makers(
    model: Any, float_file: TFLiteModel, samples: Array, bits: tuple[int, ...]
) -> dict[str, Callable[[], bytes]]:
    """What makes each file, by the name of its row."""
    calibration = CalibrationSet.from_arrays(samples)

    def ours(effort: str, weight_bits: int) -> Callable[[], bytes]:
        spec = QuantizationSpec("int8", weight_bits=weight_bits)
        return lambda: quantize_float_model(float_file, spec, calibration, effort=effort, engine="aeq").model.content

    made: dict[str, Callable[[], bytes]] = {
        "int8, TensorFlow's converter": lambda: converter(model, QuantizationSpec("int8"), calibration).content,
        "int8, ai-edge-quantizer": lambda: peer(float_file, samples),
    }
    for count in bits:
        made |= {f"int{count}, Litesmith, effort {effort}": ours(effort, count) for effort in EFFORTS}
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


def images(*archives: Path, count: int | None = None) -> tuple[Array, Array]:
    """Images of zips with a folder for each class, in an order drawn by a fixed seed.

    Args:
        archives: taken together; the images of each are sorted by name before the draw.
        count: how many, a multiple of the batch; all if None.

    Returns:
        Pixels (N, 32, 32, 3) float32 0..255, and labels: the place of the class among the sorted folder names.
    """
    places = [(archive, name) for archive in archives for name in jpegs(archive)]
    folders = sorted({Path(name).parent.name for _, name in places})
    order = np.random.default_rng(0).permutation(len(places))[:count]
    with ExitStack() as stack:
        files = {archive: stack.enter_context(zipfile.ZipFile(archive)) for archive in archives}
        pixels = [np.asarray(Image.open(files[archive].open(name))) for archive, name in (places[i] for i in order)]
    return np.stack(pixels).astype(np.float32), np.array([folders.index(Path(places[i][1]).parent.name) for i in order])


def jpegs(archive: Path) -> list[str]:
    """Sorted names of the JPEGs in a zip."""
    with zipfile.ZipFile(archive) as file:
        return sorted(name for name in file.namelist() if name.endswith(".jpg"))
