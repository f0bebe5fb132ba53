"""What a bundle's files say together: the model's own facts, compared with the manifest and with what feeds it.

Digests only show that no file was changed since the manifest was written. These checks show that the files belong to
each other, whoever wrote them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from litesmith.bundle import LABELS_FILE, MANIFEST_FILE, PREPROCESS_FILE, Bundle
from litesmith.bundle_promise import check_promise
from litesmith.calibration.preprocess import Preprocess
from litesmith.converters.graph import Tensor
from litesmith.converters.metadata import refuse_other_files
from litesmith.converters.op_versions import needed_ops
from litesmith.converters.runtime_versions import oldest_runtime
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import DataError, ModelError
from litesmith.golden import MODEL_FILE
from litesmith.targets.session import TensorSpec


@dataclass(frozen=True, slots=True)
class BundleFacts:
    """What manifest, model, labels and preprocessing agree on; `oldest_runtime` is read off the model's operators."""

    name: str
    sha256: str
    oldest_runtime: str
    input: TensorSpec
    output: TensorSpec
    labels: tuple[str, ...]
    preprocess: Preprocess


def bundle_facts(bundle: Bundle) -> BundleFacts:
    """Read a bundle's files against each other.

    Raises:
        ModelError: the model is not what the manifest says or promises, or labels or preprocessing do not fit it; the
            message names the file.
    """
    model = TFLiteModel(bundle.contents[MODEL_FILE], str(bundle.folder / MODEL_FILE))
    check_promise(bundle.manifest, model)
    facts = BundleFacts(
        name=str(bundle.manifest["name"]),
        sha256=model.sha256,
        oldest_runtime=_oldest_runtime(bundle, model),
        input=_spec(bundle, model, "inputs"),
        output=_spec(bundle, model, "outputs"),
        labels=_labels(bundle),
        preprocess=_preprocess(bundle),
    )
    _check_labels(bundle, facts)
    if facts.preprocess.tensor_shape != facts.input.shape[1:]:
        raise ModelError(
            f"gives {facts.preprocess.tensor_shape}, but the model takes {facts.input.shape[1:]}; "
            "write the bundle again",
            file=bundle.folder / PREPROCESS_FILE,
        )
    try:
        refuse_other_files(model, bundle.contents)
    except DataError as error:
        raise ModelError(f"{error}; then write the bundle again", file=bundle.folder / MANIFEST_FILE) from error
    return facts


def _oldest_runtime(bundle: Bundle, model: TFLiteModel) -> str:
    found, stated = str(oldest_runtime(needed_ops(model))), bundle.manifest.get("oldest_runtime")
    if found != stated:
        raise ModelError(
            f"oldest_runtime is {stated}, but the operators of the model need {found}; write the bundle again",
            file=bundle.folder / MANIFEST_FILE,
        )
    return found


def _spec(bundle: Bundle, model: TFLiteModel, side: str) -> TensorSpec:
    """The one input or output, as the manifest and the file say alike."""
    place = bundle.folder / MANIFEST_FILE
    stated = bundle.manifest.get(side)
    tensors = [model.main.tensors[index] for index in getattr(model.main, side)]
    if not isinstance(stated, list) or len(stated) != 1 or len(tensors) != 1:
        raise ModelError(f"{side}: a bundle's model has one; convert a model of one input and one output", file=place)
    try:
        spec = TensorSpec(
            **{key: stated[0][key] for key in ("name", "dtype", "scale", "zero_point")},
            shape=tuple(stated[0]["shape"]),
        )
    except (KeyError, TypeError) as error:
        raise ModelError(f"{side} cannot be read ({error!r}); write the bundle again", file=place) from error
    if not _agrees(spec, tensors[0]):
        raise ModelError(f"{side} is {spec}, but the file has {tensors[0]}; write the bundle again", file=place)
    return spec


def _agrees(spec: TensorSpec, tensor: Tensor) -> bool:
    quantization = tensor.quantization
    scales = quantization.scales if quantization is not None else ()
    points = quantization.zero_points if quantization is not None else ()
    stated = () if spec.scale is None else (spec.scale,), () if spec.zero_point is None else (spec.zero_point,)
    return (spec.shape, spec.dtype) == (tensor.shape, tensor.dtype) and stated == (tuple(scales), tuple(points))


def _labels(bundle: Bundle) -> tuple[str, ...]:
    try:
        return tuple(bundle.contents[LABELS_FILE].decode().splitlines())
    except UnicodeDecodeError as error:
        raise ModelError(
            f"is no UTF-8 ({error}); save it so, then write the bundle again", file=bundle.folder / LABELS_FILE
        ) from error


def _check_labels(bundle: Bundle, facts: BundleFacts) -> None:
    classes = facts.output.shape[-1] if facts.output.shape else 0
    if facts.output.shape != (1, classes) or len(facts.labels) != classes:
        raise ModelError(
            f"names {len(facts.labels)} classes, but the model gives {facts.output.shape}; "
            "give one label for each output, then write the bundle again",
            file=bundle.folder / LABELS_FILE,
        )


def _preprocess(bundle: Bundle) -> Preprocess:
    place = bundle.folder / PREPROCESS_FILE
    try:
        return Preprocess.from_dict(json.loads(bundle.contents[PREPROCESS_FILE]))
    except ValueError as error:
        raise ModelError("is no JSON; write the bundle again", file=place) from error
    except DataError as error:
        raise ModelError(str(error), file=place) from error
