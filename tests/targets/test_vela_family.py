"""A family of small files around scalars, computed shapes, float and variables: what is predicted is what Vela does."""

from collections.abc import Mapping

import numpy as np
import pytest

from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import ModelError
from litesmith.targets.check import check
from litesmith.targets.observed_vela import observe_with_vela, vela_version
from litesmith.targets.report import FOLDED
from tests.targets.op_files import Given, Step, bias, file_of, ints, model_of, t, weights

pytestmark = pytest.mark.skipif(
    vela_version() is None, reason="ethos-u-vela is not installed: pip install '.[ethos-u]'"
)
TARGETS = ("ethos_u55", "ethos_u65", "ethos_u85")
IMAGE, SCALAR = t(1, 8, 8, 4), t()
REAL = t(1, 8, 8, 4, dtype="float32", scale=None)
FLAGS = t(1, 8, 8, 4, dtype="bool", scale=None)
ZERO, ONE = Given((1,), "int32", None, np.zeros(1, np.int32)), Given((1,), "int32", None, np.ones(1, np.int32))
POOL = {"strideH": 1, "strideW": 1, "filterHeight": 1, "filterWidth": 1}
CONV = {"strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1}


def shaped(last: str, result: Given, constants: Mapping[str, Given], step: Step) -> bytes:
    """`step` with a shape (`last`) that comes from the model's input by way of SHAPE, STRIDED_SLICE and PACK."""
    number = t(dtype="int32", scale=None)
    tensors = {
        "x": IMAGE, "zero": ZERO, "one": ONE, "all": t(4, dtype="int32", scale=None), "batch": number,
        last: t(len(result.shape), dtype="int32", scale=None), "y": result, **constants,
        **{
            f"side{place}": Given((), "int32", None, np.array(side, np.int32))
            for place, side in enumerate(result.shape[1:])
        },
    }  # fmt: skip
    sides = [name for name in tensors if name.startswith("side")]
    steps = [
        Step("SHAPE", ["x"], "all", "ShapeOptions", {"outType": 2}),
        Step("STRIDED_SLICE", ["all", "zero", "one", "one"], "batch", "StridedSliceOptions", {"shrinkAxisMask": 1}),
        Step("PACK", ["batch", *sides], last, "PackOptions", {"valuesCount": len(sides) + 1}),
        step,
    ]
    return file_of(tensors, steps, ["x"], ["y"])


def scalar_sum() -> bytes:
    tensors = {"x": t(1, 8), "axes": ints(0, 1), "sum": SCALAR, "y": t(1, 8)}
    steps = [Step("SUM", ["x", "axes"], "sum", "ReducerOptions"), Step("ADD", ["x", "sum"], "y", "AddOptions")]
    return file_of(tensors, steps, ["x"], ["y"])


def choice() -> bytes:
    tensors = {"a": IMAGE, "b": IMAGE, "flags": FLAGS, "y": IMAGE}
    steps = [Step("GREATER", ["a", "b"], "flags", "GreaterOptions"), Step("SELECT_V2", ["flags", "a", "b"], "y")]
    return file_of(tensors, steps, ["a", "b"], ["y"])


RESHAPED = Step("RESHAPE", ["x", "shape"], "y", "ReshapeOptions")
DECONVOLVED = Step(
    "TRANSPOSE_CONV", ["shape", "w", "x"], "y", "TransposeConvOptions", {"strideH": 2, "strideW": 2, "padding": 0}
)
KERNEL = weights(4, 3, 3, 4)

COMPILED = {
    "sum to a scalar, and its reader": scalar_sum(),
    "maximum of all": model_of("REDUCE_MAX", [t(1, 8), ints(0, 1)], SCALAR, "ReducerOptions", {}),
    "comparison within": choice(),
    "computed shape of RESHAPE": shaped("shape", t(1, 256), {}, RESHAPED),
    "computed shape of TRANSPOSE_CONV": shaped("shape", t(1, 16, 16, 4), {"w": KERNEL}, DECONVOLVED),
    "float convolution": model_of(
        "CONV_2D", [REAL, KERNEL, bias(4)], REAL, "Conv2DOptions", CONV
    ),
    "float RELU": model_of("RELU", [REAL], REAL, None, {}),
    "float to int8": model_of("QUANTIZE", [REAL], IMAGE, "QuantizeOptions", {}),
    "float ADD": model_of("ADD", [REAL, REAL], REAL, "AddOptions", {}),
}  # fmt: skip
INDICES = t(1, 8, 8, dtype="int32", scale=None)
STOPPED = {
    "float HARD_SWISH": model_of("HARD_SWISH", [REAL], REAL, "HardSwishOptions", {}),
    "ARG_MAX of float": model_of("ARG_MAX", [REAL, ints(3)], INDICES, "ArgMaxOptions", {"outputType": 2}),
    "ADD of two types": model_of("ADD", [IMAGE, REAL], REAL, "AddOptions", {}),
    "pool to another type": model_of("MAX_POOL_2D", [IMAGE], t(1, 8, 8, 4, dtype="int16"), "Pool2DOptions", POOL),
}  # fmt: skip


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", COMPILED)
def test_vela_compiles_the_file_and_places_what_is_predicted(target, name):
    model = TFLiteModel(COMPILED[name], name)
    report = observe_with_vela(model, target).report
    assert report.differences == (), report.ops
    assert [finding.rule for finding in check(model, target).errors if finding.rule != "nothing_mapped"] == []


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", STOPPED)
def test_vela_stops_where_an_error_is_predicted_and_its_words_are_told(target, name):
    model = TFLiteModel(STOPPED[name], name)
    errors = [finding for finding in check(model, target).errors if finding.rule != "nothing_mapped"]
    assert errors
    assert "uantize" in errors[0].fix
    with pytest.raises(ModelError, match=r"valid TFLite Semantics; .*types?.*; quantize the whole model"):
        observe_with_vela(model, target)


def test_flags_stop_the_small_ones_at_the_models_edge_alone():
    model = TFLiteModel(model_of("LOGICAL_NOT", [FLAGS], FLAGS, "LogicalNotOptions", {}), "flags")
    assert "interface_types" in {finding.rule for finding in check(model, "ethos_u55").errors}
    with pytest.raises(ModelError, match="could not"):
        observe_with_vela(model, "ethos_u55")
    assert observe_with_vela(model, "ethos_u85").report.differences == ()


def test_what_vela_removes_is_folded_and_neither_here_nor_there():
    model = TFLiteModel(COMPILED["computed shape of RESHAPE"], "folded")
    report = observe_with_vela(model, "ethos_u85").report
    folded = [op for op in report.ops if op.placement == FOLDED]
    assert [op.op for op in folded] == ["SHAPE", "STRIDED_SLICE", "PACK"]
    assert all("Vela removed it" in (op.reason or "") for op in folded)
    assert (report.mapped, report.first_break, report.differences) == (1, None, ())
