import re

import numpy as np
import pytest

from litesmith.bundle_facts import BundleFacts
from litesmith.calibration.preprocess import Preprocess
from litesmith.kotlin_model import model_source
from litesmith.targets.session import TensorSpec

IMAGE = Preprocess((5, 4, 3), "image", "bilinear", (0.5, 0.25, 2.0), -1.0, crop=0.875, fit="letterbox", fill=7,
                   antialias=True, layout="nchw")  # fmt: skip
DIGITS = Preprocess((8, 8, 1), "image", "area", 1 / 16, 0.0, fit="letterbox", block=4)
NUMBERS = Preprocess((2, 3), "tensor", "none", (0.5, 1.0, 2.0), 3.0)
TYPES = {"int8": (0.05, -3), "uint8": (0.05, 120), "int16": (0.001, 0), "float32": (None, None)}


def contract(preprocess: Preprocess, dtype: str, **others) -> BundleFacts:
    scale, zero_point = TYPES[dtype]
    scale = None if scale is None else float(np.float32(scale))
    values = {
        "name": "a model", "sha256": "ab" * 32, "oldest_runtime": "2.3.0",
        "input": TensorSpec("in:0", (1, *preprocess.tensor_shape), dtype, scale, zero_point),
        "output": TensorSpec("out:0", (1, 2), dtype, scale, zero_point),
        "labels": ("yes", "no"), "preprocess": preprocess,
    }  # fmt: skip
    return BundleFacts(**{**values, **others})


def field(source: str, name: str) -> str:
    """The right side of one line of the class."""
    found = re.search(rf"\b{name}(?:: [\w<>]+)? = (.*?),?$", source, re.MULTILINE)
    assert found, name
    return found[1]


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("preprocess", [IMAGE, DIGITS, NUMBERS], ids=["image", "digits", "tensor"])
def test_tensors_are_stated_with_type_and_quantization(preprocess, dtype):
    source = model_source(contract(preprocess, dtype))
    shape = ", ".join(map(str, (1, *preprocess.tensor_shape)))
    affine = {"int8": "Affine(0.05f, -3)", "uint8": "Affine(0.05f, 120)", "int16": "Affine(0.001f, 0)",
              "float32": "null"}[dtype]  # fmt: skip
    assert field(source, "input") == f'TensorSpec("in:0", listOf({shape}), ElementType.{dtype.upper()}, {affine})'
    assert field(source, "output") == f'TensorSpec("out:0", listOf(1, 2), ElementType.{dtype.upper()}, {affine})'
    assert f"as the {dtype} values that the model takes" in source
    assert "$" not in source


def test_every_step_of_an_image_contract_is_stated():
    source = model_source(contract(IMAGE, "int8"))
    expected = {
        "size": "Size(height = 5, width = 4)", "channels": "3", "crop": "0.875", "fit": "Fit.LETTERBOX",
        "resize": "Resize.ANTIALIASED", "fill": "7", "block": "1", "layout": "Layout.NCHW",
        "scaling": "Scaling(scale = floatArrayOf(0.5f, 0.25f, 2.0f), offset = floatArrayOf(-1.0f))",
    }  # fmt: skip
    assert {name: field(source, name) for name in expected} == expected
    assert "fun encode(image: Image, rotate: Int = 0): ByteBuffer" in source


def test_numbers_have_no_image_steps():
    source = model_source(contract(NUMBERS, "float32"))
    assert field(source, "shape") == "listOf(2, 3)"
    assert "fun encode(values: FloatArray): ByteBuffer" in source
    assert "Image" not in source
    assert "Resize" not in source


def test_the_blocks_of_the_digits_are_stated():
    source = model_source(contract(DIGITS, "int8"))
    assert (field(source, "block"), field(source, "resize")) == ("4", "Resize.AREA")


def test_labels_are_escaped():
    source = model_source(contract(NUMBERS, "int8", labels=('quo"te', "$name")))
    assert r'"quo\"te"' in source
    assert r'"\$name"' in source


def test_facts_of_the_file_are_stated():
    source = model_source(contract(NUMBERS, "int8"))
    assert field(source, "sha256") == f'"{"ab" * 32}"'
    assert field(source, "asset") == '"litesmith/model.tflite"'
    assert field(source, "golden") == '"litesmith/golden/vectors.json"'
    assert field(source, "oldestRuntime") == '"2.3.0"'
