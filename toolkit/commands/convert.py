"""`litesmith convert`: a Keras model or a Hugging Face checkpoint to a `.tflite` that is what it says."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from litesmith.commands.acceptance import acceptance, add_acceptance_arguments, refuse_unjudged, required_lines
from litesmith.commands.answer import Answer
from litesmith.commands.arguments import RANGE_METHODS, add_preprocess_arguments
from litesmith.commands.convert_text import add_text_arguments, convert_text_model, is_text, refuse_text_options
from litesmith.commands.tries_text import tries_text
from litesmith.errors import CalibrationError, ConversionError, OutputError

if TYPE_CHECKING:
    from litesmith.commands.conversion_samples import Samples
    from litesmith.converters.convert import Conversion
    from litesmith.converters.quantize import QuantizationSpec
    from litesmith.converters.tflite_model import TFLiteModel

SUMMARY = "convert a Keras model, a Hugging Face text model or a float .tflite, and prove what it became"
EXAMPLE = (
    "litesmith convert model.h5 --out model.tflite --quantize int8 --calibration samples.npz\n"
    "text:    litesmith convert hf:FOLDER --out model.tflite --quantize int --calibration sentences.txt"
)
TRIAL_TIMEOUT_S = 60.0  # for one run of a .tflite before it is calibrated


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument(
        "model", type=Path, metavar="MODEL", help=".keras, .h5, SavedModel, float .tflite, or hf:FOLDER for text"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="X.tflite", help="the file to write")
    modes = ("float32", "float16", "dynamic", "int8", "int16x8", "int", "compare")
    parser.add_argument(
        "--quantize",
        choices=modes,
        help="type of weights and activations (int8); text: int, integers throughout (its default), or compare: all",
    )
    parser.add_argument(
        "--io", default="", metavar="TYPE", help="type of inputs and outputs: int8, uint8, int16, float32"
    )
    parser.add_argument(
        "--calibration",
        metavar="DATA",
        help="representative samples: .npz, .tsv, .csv, folder of images, package.module:function; or sentences",
    )
    add_preprocess_arguments(parser)
    add_text_arguments(parser)
    _add_quantization_arguments(parser)
    parser.add_argument(
        "--samples", type=int, metavar="N", help="how many samples to calibrate with (200, or all there are)"
    )
    parser.add_argument("--seed", type=int, default=0, help="for drawing samples (0)")
    add_acceptance_arguments(parser)
    parser.add_argument("--allow-code", action="store_true", help="load a model file that holds Python code")


def _add_quantization_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--effort",
        choices=("none", "fast", "standard", "high"),
        default="fast",
        help="int8: correct biases at once (fast), layer by layer (standard), or with GPTQ rounding (high)",
    )
    parser.add_argument("--method", choices=RANGE_METHODS, default="minmax", help="how ranges are found (minmax)")
    parser.add_argument(
        "--range",
        action="append",
        default=[],
        metavar="PATTERN=METHOD",
        help="the same for tensors by name",
    )
    parser.add_argument("--engine", choices=("mlir", "aeq"), help="quantizer: TensorFlow's or ai-edge-quantizer")
    parser.add_argument("--weight-bits", type=int, choices=(8, 4), default=8, help="4 stores weights as int4 (8)")
    parser.add_argument(
        "--per-channel",
        choices=("none", "conv", "all"),
        default="conv",
        help="operators with a weight scale for each channel (conv)",
    )
    parser.add_argument("--symmetric", action="store_true", help="int8 activations with zero point 0")
    parser.add_argument(
        "--precision",
        action="append",
        default=[],
        metavar="PATTERN=TYPE",
        help="int16, float32 or (with int4 weights) int8 for operators by the name of their output",
    )


def execute(args: argparse.Namespace) -> Answer:
    """Convert, prove, measure, write; exit code 1 if a limit is unmet."""
    _refuse_unwritable(args.out)
    _refuse_overwriting_sources(args)
    if is_text(args.model):
        return convert_text_model(args, add_arguments)
    refuse_text_options(args)
    return _convert_other(args)


def _convert_other(args: argparse.Namespace) -> Answer:
    from litesmith.commands.conversion_samples import conversion_samples
    from litesmith.converters.calibrated import Treatment
    from litesmith.converters.convert import convert
    from litesmith.converters.tflite_model import TFLiteModel
    from litesmith.files import write_bytes

    if args.seed < 0:
        raise CalibrationError(f"--seed {args.seed} is negative; give a whole number from 0 on")
    spec, treatment = _spec(args), Treatment(args.effort, args.method, _choices(args.range, "--range"))
    if spec.needs_calibration and args.calibration is None:
        raise CalibrationError(f"--quantize {spec.mode} needs representative samples; pass --calibration DATA")
    source = _load(args)
    samples = conversion_samples(args, source, calibrate=spec.needs_calibration)
    calibration = samples.calibration if spec.needs_calibration else None
    judged = None if samples.evaluation is None else acceptance(args, samples.evaluation)
    done = convert(source, spec, calibration, treatment=treatment, engine=args.engine, acceptance=judged)
    refuse_unjudged(args, done, judged)
    converted = TFLiteModel(done.model.content, str(args.out))
    write_bytes(args.out, converted.content)
    return _answer(args, converted, done, samples)


def _spec(args: argparse.Namespace) -> QuantizationSpec:
    from litesmith.converters.quantize import QuantizationSpec

    precision = _choices(args.precision, "--precision")
    return QuantizationSpec(
        args.quantize or "int8", args.io, args.weight_bits, args.per_channel, args.symmetric, precision
    )


def _choices(texts: list[str], option: str) -> dict[str, str]:
    for text in texts:
        if not all(text.rpartition("=")[::2]):
            raise ConversionError(f"{option} {text}: write PATTERN=CHOICE, for example conv2d_3=int16")
    return {pattern: choice for pattern, _, choice in (text.rpartition("=") for text in texts)}


def _answer(args: argparse.Namespace, converted: TFLiteModel, done: Conversion, samples: Samples) -> Answer:
    from litesmith.commands.inspect import describe, render

    diagnosis = None if done.diagnosis is None else done.diagnosis.to_dict()
    notes = [note for note in (done.note, samples.note) if note]
    document = {
        "out": str(args.out),
        **describe(converted),
        "route": done.route,
        "applied": list(done.applied),
        "note": "; ".join(notes),
        "seconds": dict(done.seconds),
        "tries": done.tries_to_list(),
        "diagnosis": diagnosis,
        "float_accuracy": None if done.judged is None else done.judged.accuracy,
        "unmet": list(done.unmet),
        **samples.to_dict(),
    }
    steps = ", ".join(f"{step} {seconds:.2f} s" for step, seconds in done.seconds.items())
    lines = [render(converted), f"made by   {done.route}" + (f" ({steps})" if steps else "")]
    lines += [f"note      {note}" for note in notes]
    if done.tries:
        lines += ["", _judged_on(done, samples), tries_text(document["tries"], diagnosis)]
    lines += [*required_lines(converted, args.require), *(f"unmet: {text}" for text in done.unmet)]
    return Answer(document, "\n".join(lines), 1 if done.unmet else 0)


def _refuse_unwritable(out: Path) -> None:
    """Before the work, not after it."""
    parent = next(folder for folder in (out.absolute().parent, *out.absolute().parents) if folder.exists())
    if out.is_dir():
        raise OutputError(f"{out}: is a folder; name a file in it")
    if not parent.is_dir() or not os.access(parent, os.W_OK):
        raise OutputError(f"{out}: {parent} cannot be written to; choose another place")


def _refuse_overwriting_sources(args: argparse.Namespace) -> None:
    for source in (args.model, *([Path(args.calibration)] if args.calibration else [])):
        if source.exists() and args.out.exists() and args.out.samefile(source):
            raise OutputError(f"{args.out}: is what is read here; choose another --out")


def _load(args: argparse.Namespace) -> Any:
    if args.model.suffix == ".tflite":
        from litesmith.converters.tflite_model import TFLiteModel
        from litesmith.targets.isolated import run_isolated

        model = TFLiteModel.from_file(args.model)
        # Calibration runs the file in this process: one that takes its runtime down shall do so in a child first.
        run_isolated(args.model, timeout_s=TRIAL_TIMEOUT_S)
        return model
    from litesmith.converters.load import load_keras_model
    from litesmith.converters.saved_model import float_file, holds_keras_model

    if args.model.is_dir() and not holds_keras_model(args.model):
        return float_file(args.model)
    return load_keras_model(args.model, allow_code=args.allow_code)


def _judged_on(done: Conversion, samples: Samples) -> str:
    assert samples.evaluation is not None
    text = f"judged on {len(samples.evaluation)} samples of {samples.evaluation.source}"
    if done.judged is None or done.judged.accuracy is None:
        return f"{text}:"
    return f"{text}, where the float model has an accuracy of {100 * done.judged.accuracy:.2f}%:"
