# ruff: noqa: E501 (one case a line keeps the table readable)
"""Single operators around each limit of the Ethos-U profiles, compiled with Vela itself."""

from collections.abc import Sequence
from typing import Any

import pytest

from litesmith.converters.tflite_model import TFLiteModel
from litesmith.targets.observed_vela import observe_with_vela, vela_version
from tests.targets.op_files import Given, bias, ints, model_of, pairs, t, weights

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(vela_version() is None, reason="ethos-u-vela is not installed: pip install '.[ethos-u]'"),
]


X, WIDE = t(1, 8, 8, 4), t(1, 64, 64, 1)
SAME, VALID = 0, 1
Case = tuple[str, Sequence[Given], Given, str | None, dict[str, Any]]


def conv(stride: int, padding: int, dilation: int = 1, source: int = 16) -> Case:
    reach = 2 * dilation + 1
    side = -(-source // stride) if padding == SAME else (source - reach) // stride + 1
    options = {
        "padding": padding,
        "strideH": stride,
        "strideW": stride,
        "dilationHFactor": dilation,
        "dilationWFactor": dilation,
    }
    return (
        "CONV_2D",
        [t(1, source, source, 4), weights(4, 3, 3, 4), bias(4)],
        t(1, side, side, 4),
        "Conv2DOptions",
        options,
    )


def deconv(side: int, padding: int) -> Case:
    options = {"padding": padding, "strideH": 2, "strideW": 2}
    operands = [ints(1, side, side, 4), weights(4, 3, 3, 4), X]
    return ("TRANSPOSE_CONV", operands, t(1, side, side, 4), "TransposeConvOptions", options)


def pool(op: str, side: int, padding: int) -> Case:
    size = 64 if padding == SAME else 65 - side
    options = {"padding": padding, "strideH": 1, "strideW": 1, "filterHeight": side, "filterWidth": side}
    return (op, [WIDE], t(1, size, size, 1), "Pool2DOptions", options)


def mean(source: Given, axes: Sequence[int], *result: int) -> Case:
    return ("MEAN", [source, ints(*axes)], t(*result, dtype=source.dtype), "ReducerOptions", {})


def resize(side: int, **options: bool) -> Case:
    return ("RESIZE_BILINEAR", [X, ints(side, side)], t(1, side, side, 4), "ResizeBilinearOptions", options)


def sliced(*steps: int) -> Case:
    shape = [-(-size // step) for size, step in zip(X.shape, steps, strict=True)]
    return ("STRIDED_SLICE", [X, ints(0, 0, 0, 0), ints(*X.shape), ints(*steps)], t(*shape), "StridedSliceOptions", {})


CASES: dict[str, Case] = {
    **{f"conv stride {s} padding {p} dilation {d}": conv(s, p, d) for s in (3, 4, 5) for p in (SAME, VALID) for d in (1, 2)},
    **{f"{op} {side} padding {p}": pool(op, side, p) for op in ("AVERAGE_POOL_2D", "MAX_POOL_2D") for side in (8, 9) for p in (SAME, VALID)},
    **{f"resize to {side}": resize(side) for side in (8, 9, 16, 24, 32, 64, 128)},
    **{f"resize to {side}, half pixel": resize(side, halfPixelCenters=True) for side in (8, 16, 32)},
    **{f"resize to {side}, corners": resize(side, alignCorners=True) for side in (15, 16, 29)},
    "resize both": resize(16, alignCorners=True, halfPixelCenters=True),
    "mean of the image": mean(X, (1, 2), 1, 4),
    "mean of channels": mean(X, (3,), 1, 8, 8),
    "mean of channels of a row": mean(t(1, 1, 8, 4), (3,), 1, 1, 8),
    "mean of a batch": mean(t(2, 8, 8, 4), (1, 2), 2, 4),
    "mean of too many 16-bit values": mean(t(1, 300, 300, 1, dtype="int16"), (1, 2), 1, 1),
    "largest dimension of a mean": mean(t(1, 4096, 2, 1), (1,), 1, 2, 1),
    "argmax of 127": ("ARG_MAX", [t(1, 4, 4, 127), ints(3)], t(1, 4, 4, dtype="int32", scale=None), "ArgMaxOptions", {"outputType": 2}),
    "argmax of 128": ("ARG_MAX", [t(1, 4, 4, 128), ints(3)], t(1, 4, 4, dtype="int32", scale=None), "ArgMaxOptions", {"outputType": 2}),
    "argmax of rows": ("ARG_MAX", [X, ints(1)], t(1, 8, 4, dtype="int32", scale=None), "ArgMaxOptions", {"outputType": 2}),
    "softmax of 65536 rows": ("SOFTMAX", [t(1, 256, 256, 2)], t(1, 256, 256, 2), "SoftmaxOptions", {"beta": 1.0}),
    "softmax of more rows": ("SOFTMAX", [t(70000, 2)], t(70000, 2), "SoftmaxOptions", {"beta": 1.0}),
    "steps in the image": sliced(1, 2, 2, 1),
    "steps in the channels": sliced(1, 1, 1, 2),
    "reversed": ("REVERSE_V2", [X, ints(1)], X, "ReverseV2Options", {}),
    "padded batch": ("PAD", [X, pairs((0, 1), (0, 0), (0, 0), (0, 0))], t(2, 8, 8, 4), "PadOptions", {}),
    "scales of maximum": ("MAXIMUM", [X, t(1, 8, 8, 4, scale=0.25)], X, "MaximumMinimumOptions", {}),
    "sum of weights": ("CONV_2D", [t(1, 4, 4, 8192), weights(1, 3, 3, 8192, fill=127), bias(1)], t(1, 4, 4, 1), "Conv2DOptions", {"strideH": 1, "strideW": 1}),
    "no scale": ("ADD", [t(1, 8, 8, 4, scale=None), X], X, "AddOptions", {}),
    "whole numbers without scale": ("ADD", [t(1, 8, 8, 4, scale=None, dtype="int32")] * 2, t(1, 8, 8, 4, scale=None, dtype="int32"), "AddOptions", {}),
    **{f"transposed convolution to {side} padding {p}": deconv(side, p) for side, p in ((15, SAME), (16, SAME), (16, VALID), (17, VALID))},
    "64 bits": ("RESHAPE", [t(1, 8, dtype="int64"), ints(8, 1)], t(8, 1, dtype="int64"), "ReshapeOptions", {"newShape": [8, 1]}),
}  # fmt: skip


@pytest.mark.parametrize("target", ["ethos_u55", "ethos_u85"])
@pytest.mark.parametrize("name", CASES)
def test_one_operator_goes_where_it_is_predicted_to_go(target, name):
    report = observe_with_vela(TFLiteModel(model_of(*CASES[name]), name), target).report
    assert report.differences == (), report.ops[0].reason
