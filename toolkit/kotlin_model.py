"""The Kotlin class of one bundle's model: its tensors, labels and preprocessing, with no number left to write by hand.

The class needs the package `dev.litesmith.contract`, which android_demo has; another app takes that folder along.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from string import Template

from litesmith import kotlin_literals as kotlin
from litesmith.calibration.preprocess import Preprocess
from litesmith.kotlin_contract import KotlinContract
from litesmith.targets.session import TensorSpec


def model_source(contract: KotlinContract) -> str:
    """The content of BundledModel.kt."""
    preprocess = contract.preprocess
    kind = "image" if preprocess.kind == "image" else "tensor"
    folder = files("litesmith").joinpath("kotlin_templates")
    template = Template(folder.joinpath(f"{kind}_model.kt").read_text(encoding="utf-8"))
    steps = _image_steps(preprocess) if kind == "image" else {"shape": kotlin.whole_numbers(preprocess.shape)}
    return template.substitute(_facts(contract), **_scaling(preprocess), **steps)


def _facts(contract: KotlinContract) -> Mapping[str, str]:
    return {
        "name": kotlin.text(contract.name),
        "asset": kotlin.text(contract.model_asset),
        "golden": kotlin.text(contract.golden_asset),
        "sha256": kotlin.text(contract.sha256),
        "oldest_runtime": kotlin.text(contract.oldest_runtime),
        "input": _spec(contract.input),
        "output": _spec(contract.output),
        "labels": kotlin.texts(contract.labels),
        "input_type": contract.input.dtype,
        "output_type": contract.output.dtype,
    }


def _image_steps(preprocess: Preprocess) -> Mapping[str, str]:
    height, width, channels = preprocess.shape
    return {
        "height": str(height),
        "width": str(width),
        "channels": str(channels),
        "crop": kotlin.double(preprocess.crop),
        "fit": preprocess.fit.upper(),
        "resize": "ANTIALIASED" if preprocess.antialias else preprocess.resize.upper(),
        "fill": str(preprocess.fill),
        "block": str(preprocess.block),
        "layout": preprocess.layout.upper(),
    }


def _scaling(preprocess: Preprocess) -> Mapping[str, str]:
    numbers = {"scale": preprocess.scale, "offset": preprocess.offset}
    return {name: kotlin.floats(value if isinstance(value, tuple) else (value,)) for name, value in numbers.items()}


def _spec(spec: TensorSpec) -> str:
    affine = "null"
    if spec.scale is not None:
        affine = f"Affine({kotlin.float32(spec.scale)}, {spec.zero_point})"
    shape = kotlin.whole_numbers(spec.shape)
    return f"TensorSpec({kotlin.text(spec.name)}, {shape}, ElementType.{spec.dtype.upper()}, {affine})"
