"""`litesmith convert`: a Keras model to a `.tflite` that is what it says."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from litesmith.commands.answer import Answer
from litesmith.errors import CalibrationError, DataError

if TYPE_CHECKING:
    from litesmith.calibration.preprocess import Preprocess
    from litesmith.calibration.samples import CalibrationSet

SUMMARY = "convert a Keras model (.keras, .h5, SavedModel) to .tflite and prove what it became"
EXAMPLE = "litesmith convert model.h5 --out model.tflite --quantize int8 --calibration samples.npz"
DEFAULT_SAMPLES = 200


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("model", type=Path, metavar="MODEL", help=".keras or .h5 file, or SavedModel folder")
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
    parser.add_argument("--preprocess", type=Path, metavar="JSON", help="preprocess.json that turns DATA into inputs")
    parser.add_argument("--scale", type=float, help="with images: inputs are pixel * SCALE + OFFSET")
    parser.add_argument("--offset", type=float, default=0.0, help="see --scale (0)")
    parser.add_argument(
        "--samples", type=int, metavar="N", help=f"how many samples to draw (at most {DEFAULT_SAMPLES})"
    )
    parser.add_argument("--seed", type=int, default=0, help="for drawing samples (0)")
    parser.add_argument("--allow-code", action="store_true", help="load a model file that holds Python code")


def execute(args: argparse.Namespace) -> Answer:
    """Convert, prove, write."""
    from litesmith.commands.inspect import describe, render
    from litesmith.converters.keras import convert
    from litesmith.converters.load import load_keras_model
    from litesmith.converters.quantize import QuantizationSpec
    from litesmith.converters.tflite_model import TFLiteModel
    from litesmith.files import write_bytes

    spec = QuantizationSpec(args.quantize, args.io)
    if spec.needs_calibration and args.calibration is None:
        raise CalibrationError(f"--quantize {spec.mode} needs representative samples; pass --calibration DATA")
    model = load_keras_model(args.model, allow_code=args.allow_code)
    calibration = _calibration(args, model) if spec.needs_calibration else None
    converted = TFLiteModel(convert(model, spec, calibration).content, str(args.out))
    write_bytes(args.out, converted.content)
    document = {"out": str(args.out), **describe(converted)}
    if calibration is not None:
        document["calibration"] = {
            "source": calibration.source, "samples": len(calibration), "digest": calibration.digest
        }  # fmt: skip
    return Answer(document, render(converted))


def _calibration(args: argparse.Namespace, model: Any) -> CalibrationSet:
    from litesmith.calibration.samples import CalibrationSet

    preprocess = _preprocess(args, model)
    samples = CalibrationSet.from_source(args.calibration, base=Path(), preprocess=preprocess)
    count = args.samples if args.samples is not None else min(DEFAULT_SAMPLES, len(samples))
    return samples.take(count, args.seed)


def _preprocess(args: argparse.Namespace, model: Any) -> Preprocess | None:
    from litesmith.calibration.preprocess import Preprocess

    if args.preprocess is not None:
        try:
            return Preprocess.from_dict(json.loads(args.preprocess.read_text(encoding="utf-8")))
        except (OSError, ValueError) as error:
            raise DataError(f"{args.preprocess}: cannot be read as preprocess.json ({error})") from error
    if args.scale is None and Path(args.calibration).is_dir():
        raise CalibrationError(
            f"{args.calibration}: say how pixels become the model's inputs; pass --scale (1 for raw 0..255) and "
            "--offset, or --preprocess"
        )
    if args.scale is None:
        return None
    shape = tuple(model.inputs[0].shape[1:])
    return Preprocess(shape, "image", "bilinear", args.scale, args.offset)
