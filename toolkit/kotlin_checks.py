"""From a bundle to what an app's Kotlin states, or an error that says what such an app cannot do."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from litesmith.bundle import LABELS_FILE, MANIFEST_FILE, PREPROCESS_FILE, Bundle
from litesmith.calibration.preprocess import Preprocess
from litesmith.converters.graph import Tensor
from litesmith.converters.label import truth_label
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import DataError, ModelError
from litesmith.golden import MODEL_FILE
from litesmith.kotlin_contract import KotlinContract
from litesmith.targets.session import TensorSpec

# A class's constants are set up in one method, which the JVM limits to 64 KiB: about eight bytes a label.
MOST_LABELS = 4096
_TYPES = ("int8", "uint8", "int16", "float32")
# The steps of the contract that dev.litesmith.contract has, by field; None where any value will do.
_STEPS: Mapping[str, tuple[Any, ...] | None] = {
    "version": (2,),
    "kind": ("image", "tensor"),
    "resize": ("none", "nearest", "bilinear", "area"),
    "fit": ("stretch", "center_crop", "letterbox"),
    "layout": ("nhwc", "nchw"),
    **dict.fromkeys(("channels", "shape", "crop", "antialias", "fill", "block", "scale", "offset")),
}


def kotlin_contract(bundle: Bundle) -> KotlinContract:
    """Read a bundle for an app.

    Raises:
        ModelError: the file, its manifest, the labels and the preprocessing contradict each other, or the app's
            Kotlin cannot do what they ask for.
    """
    model = TFLiteModel(bundle.contents[MODEL_FILE], str(bundle.folder / MODEL_FILE))
    contract = KotlinContract(
        name=str(bundle.manifest["name"]),
        sha256=model.sha256,
        oldest_runtime=str(bundle.manifest["oldest_runtime"]),
        input=_spec(bundle, model, "inputs"),
        output=_spec(bundle, model, "outputs"),
        labels=tuple(bundle.contents[LABELS_FILE].decode().splitlines()),
        preprocess=_preprocess(bundle),
    )
    _check_promise(bundle, model)
    check_labels(bundle.folder / LABELS_FILE, contract)
    if contract.preprocess.tensor_shape != contract.input.shape[1:]:
        raise ModelError(
            f"gives {contract.preprocess.tensor_shape}, but the model takes {contract.input.shape[1:]}; "
            "write the bundle again",
            file=bundle.folder / PREPROCESS_FILE,
        )
    return contract


def _spec(bundle: Bundle, model: TFLiteModel, side: str) -> TensorSpec:
    """The one input or output, as the manifest and the file say alike."""
    place = bundle.folder / MANIFEST_FILE
    stated = bundle.manifest.get(side)
    tensors = [model.main.tensors[index] for index in getattr(model.main, side)]
    if not isinstance(stated, list) or len(stated) != 1 or len(tensors) != 1:
        raise ModelError(
            f"{side}: an app of this kind feeds one tensor and reads one; convert a model of one", file=place
        )
    try:
        spec = TensorSpec(
            **{key: stated[0][key] for key in ("name", "dtype", "scale", "zero_point")},
            shape=tuple(stated[0]["shape"]),
        )
    except (KeyError, TypeError) as error:
        raise ModelError(f"{side} cannot be read ({error!r}); write the bundle again", file=place) from error
    if spec.dtype not in _TYPES:
        raise ModelError(f"{side} holds {spec.dtype}; an app can use {', '.join(_TYPES)}", file=place)
    if not _agrees(spec, tensors[0]):
        raise ModelError(f"{side} is {spec}, but the file has {tensors[0]}; write the bundle again", file=place)
    return spec


def _agrees(spec: TensorSpec, tensor: Tensor) -> bool:
    quantization = tensor.quantization
    scales = quantization.scales if quantization is not None else ()
    points = quantization.zero_points if quantization is not None else ()
    stated = () if spec.scale is None else (spec.scale,), () if spec.zero_point is None else (spec.zero_point,)
    return (spec.shape, spec.dtype) == (tensor.shape, tensor.dtype) and stated == (tuple(scales), tuple(points))


def _preprocess(bundle: Bundle) -> Preprocess:
    place = bundle.folder / PREPROCESS_FILE
    try:
        document = json.loads(bundle.contents[PREPROCESS_FILE])
        preprocess = Preprocess.from_dict(document)
    except ValueError as error:
        raise ModelError("is no JSON; write the bundle again", file=place) from error
    except DataError as error:
        raise ModelError(str(error), file=place) from error
    check_steps(preprocess.to_dict(), place)
    return preprocess


def check_steps(document: Mapping[str, Any], place: Path) -> None:
    """Refuse a contract that asks for more than the app's Kotlin has.

    Raises:
        ModelError: a step, or a value of one, is not among those of dev.litesmith.contract.
    """
    for field, value in document.items():
        allowed = _STEPS.get(field, ())
        if allowed is not None and value not in allowed:
            raise ModelError(
                f"{field} {value!r} is a step that the app cannot do, only {', '.join(map(str, allowed)) or 'none'}; "
                "choose another in the recipe's [data], or add it to the package dev.litesmith.contract",
                file=place,
            )


def _check_promise(bundle: Bundle, model: TFLiteModel) -> None:
    label = truth_label(model)
    if bundle.manifest.get("label") != label:
        raise ModelError(
            f"is {label}, but the manifest promises {bundle.manifest.get('label')}; write the bundle again",
            file=model.source,
        )


def check_labels(place: Path, contract: KotlinContract) -> None:
    """Refuse labels that are not one for each output, or too many for a class.

    Raises:
        ModelError: they are.
    """
    classes = contract.output.shape[-1] if contract.output.shape else 0
    if contract.output.shape != (1, classes) or len(contract.labels) != classes:
        raise ModelError(
            f"names {len(contract.labels)} classes, but the model gives {contract.output.shape}; "
            "give one label for each output, then write the bundle again",
            file=place,
        )
    if classes > MOST_LABELS:
        raise ModelError(f"names {classes} classes; a Kotlin class takes at most {MOST_LABELS}", file=place)
