"""What `litesmith calibrate` and `convert` are given: samples as the model sees them, and what an audit asks of it."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from litesmith.calibration.audit import AuditedModel
from litesmith.calibration.audit_finding import ModelInput
from litesmith.calibration.expose import expose
from litesmith.calibration.preprocess import Preprocess
from litesmith.calibration.same_contract import require_same
from litesmith.calibration.sample_checks import refuse_text
from litesmith.calibration.samples import CalibrationSet
from litesmith.calibration.sources import UNNAMED, RawData, read_source
from litesmith.converters.input_scale import expected_scale
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import CalibrationError, DataError

Shape = Sequence[int | None]


def sample_shape(model: TFLiteModel) -> tuple[int, ...]:
    """Shape of one sample of the first input, -1 where it is open."""
    return model.inputs[0].shape_signature[1:] or model.inputs[0].shape[1:]


def audited_model(model: TFLiteModel) -> AuditedModel:
    """What the audit has to know of a model.

    Raises:
        CalibrationError: it has no float activation: it is quantized already.
    """
    tensors = model.main.tensors
    inputs = tuple(
        ModelInput(one.names, one.shape, tensors[one.index].dtype, expected_scale(model, tensors[one.index]))
        for one in expose(model.content).inputs
    )
    names = tuple(tensor.name for tensor in tensors)
    output = model.outputs[0] if len(model.outputs) == 1 else None
    if output is None or output.dtype != "float32" or len(output.shape) != 2 or output.shape[1] < 2:
        return AuditedModel(model.content, inputs, names)
    return AuditedModel(model.content, inputs, names, output.index, output.shape[1])


def calibration_set(
    args: argparse.Namespace, shape: Shape, source: str, count: int | None = None, *, limit: int | None = None
) -> CalibrationSet:
    """Samples to calibrate with, drawn with `args.seed`, from all classes alike where there are labels.

    Args:
        args: those of `add_preprocess_arguments`, and `seed`.
        shape: see `read_samples`.
        source: see `read_samples`.
        count: draw exactly so many.
        limit: without `count`, draw at most so many; all if None.

    Raises:
        DataError: see `read_samples`.
        CalibrationError: see `read_samples`; or there are not so many samples, or they cannot calibrate.
    """
    raw = read_samples(args, shape, source, limit=limit if count is None else count, seed=args.seed)
    samples = CalibrationSet(raw.inputs, args.seed, source, raw.classes, raw.made_with)
    return samples if count is None else samples.take(count, args.seed)


def read_samples(
    args: argparse.Namespace, shape: Shape, source: str, *, limit: int | None = None, seed: int = 0
) -> RawData:
    """Read `source`, encode and preprocess it as the arguments say.

    Args:
        args: those of `add_preprocess_arguments`.
        shape: of one sample of the model's first input, -1 or None where it is open.
        source: `.npz`, `.tsv`, `.csv`, folder of images, or entry point.
        limit: draw at most so many samples; all if None.
        seed: for drawing.

    Raises:
        DataError: it cannot be read, or does not fit the preprocessing.
        CalibrationError: it holds text, or it is a folder of images and nothing says how pixels become inputs.
    """
    preprocess = _preprocess(args, shape)
    if preprocess is None and Path(source).is_dir():
        raise CalibrationError(
            f"{source}: say how pixels become the model's inputs; pass --scale (1 for raw 0..255) and --offset, "
            "or --preprocess"
        )
    raw = read_source(source, base=Path(), preprocess=preprocess, encode=args.encode, limit=limit, seed=seed)
    refuse_text(raw.inputs, source)
    return _preprocessed(raw, preprocess)


def read_reference(args: argparse.Namespace, shape: Shape, source: str) -> RawData:
    """Read training samples; floating-point ones are what the model saw, integers and images are still raw.

    Raises:
        DataError: see `read_samples`.
        CalibrationError: see `read_samples`.
    """
    if Path(source).is_dir():
        return read_samples(args, shape, source)
    raw = read_source(source, base=Path(), encode=args.encode)
    refuse_text(raw.inputs, source)
    preprocess = _preprocess(args, shape)
    require_same(raw.made_with, source, preprocess, "what is asked for")
    is_raw = len(raw.inputs) == 1 and raw.x.dtype.kind in "iu"
    return _preprocessed(raw, preprocess) if is_raw else raw


def _preprocessed(raw: RawData, preprocess: Preprocess | None) -> RawData:
    return raw if preprocess is None else replace(raw, inputs={UNNAMED: raw.tensors(preprocess)}, made_with=preprocess)


def _preprocess(args: argparse.Namespace, shape: Shape) -> Preprocess | None:
    if args.preprocess is not None and args.scale is not None:
        raise DataError("--preprocess and --scale say the same thing twice; give one of them")
    if args.preprocess is not None:
        try:
            return Preprocess.from_dict(json.loads(args.preprocess.read_text(encoding="utf-8")))
        except (OSError, ValueError) as error:
            raise DataError(f"{args.preprocess}: cannot be read as preprocess.json ({error})") from error
    if args.scale is None:
        return None
    sizes = tuple(size if size is not None else -1 for size in shape)
    if min(sizes, default=1) < 1:
        raise CalibrationError(f"the model takes any size {sizes}, so --scale cannot resize; pass --preprocess")
    if len(sizes) == 3 and sizes[2] in (1, 3):
        return Preprocess(sizes, "image", "bilinear", args.scale, args.offset)
    return Preprocess(sizes, "tensor", "none", args.scale, args.offset)
