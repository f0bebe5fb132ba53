"""`litesmith convert`: a Keras model to a `.tflite` that is what it says."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from litesmith.commands.answer import Answer
from litesmith.commands.arguments import RANGE_METHODS, add_preprocess_arguments
from litesmith.errors import CalibrationError, OutputError

if TYPE_CHECKING:
    from litesmith.calibration.samples import CalibrationSet

SUMMARY = "convert a Keras model or a float .tflite, and prove what it became"
EXAMPLE = "litesmith convert model.h5 --out model.tflite --quantize int8 --calibration samples.npz"
DEFAULT_SAMPLES = 200
TRIAL_TIMEOUT_S = 60.0  # for one run of a .tflite before it is calibrated


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("model", type=Path, metavar="MODEL", help=".keras, .h5, SavedModel or float .tflite")
    parser.add_argument("--out", type=Path, required=True, metavar="X.tflite", help="the file to write")
    modes = ("float32", "float16", "dynamic", "int8", "int16x8")
    parser.add_argument("--quantize", choices=modes, default="int8", help="type of weights and activations (int8)")
    parser.add_argument(
        "--io", default="", metavar="TYPE", help="type of inputs and outputs: int8, uint8, int16, float32"
    )
    parser.add_argument(
        "--calibration",
        metavar="DATA",
        help="representative samples: .npz, folder of images, or package.module:function",
    )
    add_preprocess_arguments(parser)
    parser.add_argument(
        "--effort",
        choices=("none", "fast", "standard", "high"),
        default="fast",
        help="int8: correct biases at once (fast), layer by layer (standard), or with GPTQ rounding (high)",
    )
    parser.add_argument("--method", choices=RANGE_METHODS, default="minmax", help="how ranges are found (minmax)")
    parser.add_argument("--engine", choices=("mlir", "aeq"), help="quantizer: TensorFlow's or ai-edge-quantizer")
    parser.add_argument("--weight-bits", type=int, choices=(8, 4), default=8, help="4 stores weights as int4 (8)")
    parser.add_argument(
        "--samples", type=int, metavar="N", help=f"how many samples to draw (at most {DEFAULT_SAMPLES})"
    )
    parser.add_argument("--seed", type=int, default=0, help="for drawing samples (0)")
    parser.add_argument("--allow-code", action="store_true", help="load a model file that holds Python code")


def execute(args: argparse.Namespace) -> Answer:
    """Convert, prove, write."""
    from litesmith.commands.inspect import describe, render
    from litesmith.converters.convert import convert
    from litesmith.converters.quantize import QuantizationSpec
    from litesmith.converters.tflite_model import TFLiteModel
    from litesmith.files import write_bytes

    if args.seed < 0:
        raise CalibrationError(f"--seed {args.seed} is negative; give a whole number from 0 on")
    spec = QuantizationSpec(args.quantize, args.io, args.weight_bits)
    if spec.needs_calibration and args.calibration is None:
        raise CalibrationError(f"--quantize {spec.mode} needs representative samples; pass --calibration DATA")
    _refuse_overwriting_sources(args)
    source = _load(args)
    calibration = _calibration(args, source) if spec.needs_calibration else None
    done = convert(source, spec, calibration, effort=args.effort, method=args.method, engine=args.engine)
    converted = TFLiteModel(done.model.content, str(args.out))
    write_bytes(args.out, converted.content)
    how = {"route": done.route, "applied": list(done.applied), "note": done.note, "seconds": dict(done.seconds)}
    document = {"out": str(args.out), **describe(converted), **how}
    if calibration is not None:
        document["calibration"] = {
            "source": calibration.source, "samples": len(calibration), "digest": calibration.digest
        }  # fmt: skip
    steps = ", ".join(f"{step} {seconds:.2f} s" for step, seconds in done.seconds.items())
    made = f"made by   {done.route}" + (f" ({steps})" if steps else "")
    lines = [render(converted), made, *([f"note      {done.note}"] if done.note else [])]
    return Answer(document, "\n".join(lines))


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


def _calibration(args: argparse.Namespace, model: Any) -> CalibrationSet:
    from litesmith.calibration.samples import CalibrationSet
    from litesmith.commands.calibration_data import read_samples, sample_shape
    from litesmith.converters.tflite_model import TFLiteModel

    shape = sample_shape(model) if isinstance(model, TFLiteModel) else model.inputs[0].shape[1:]
    samples = CalibrationSet(read_samples(args, shape, args.calibration).inputs, args.seed, args.calibration)
    count = args.samples if args.samples is not None else min(DEFAULT_SAMPLES, len(samples))
    return samples.take(count, args.seed)
