# ruff: noqa: E501 (one case a line keeps the table readable)
"""Single operators around each limit of the Ethos-U profiles, compiled with Vela itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from litesmith.converters.tflite_model import TFLiteModel
from litesmith.targets.observed_vela import observe_with_vela, vela_version

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(vela_version() is None, reason="ethos-u-vela is not installed: pip install '.[ethos-u]'"),
]


@dataclass(frozen=True, slots=True)
class Given:
    """What one tensor is; a value makes it a constant."""

    shape: tuple[int, ...]
    dtype: str = "int8"
    scale: float | None = 0.5
    value: Any = None


def t(*shape: int, **facts: Any) -> Given:
    return Given(shape, **facts)


def ints(*values: int) -> Given:
    return Given((len(values),), "int32", None, np.array(values, np.int32))


def pairs(*values: tuple[int, int]) -> Given:
    return Given((len(values), 2), "int32", None, np.array(values, np.int32))


def weights(*shape: int, fill: int = 1) -> Given:
    return Given(shape, "int8", 0.1, np.full(shape, fill, np.int8))


def bias(count: int) -> Given:
    return Given((count,), "int32", 0.05, np.zeros(count, np.int32))


def model_of(op: str, inputs: Sequence[Given], output: Given, kind: str | None, options: Mapping[str, Any]) -> bytes:
    """A file with this one operator."""
    model, graph, operator, code = schema.ModelT(), schema.SubGraphT(), schema.OperatorT(), schema.OperatorCodeT()
    code.builtinCode, code.version = getattr(schema.BuiltinOperator, op), 1
    code.deprecatedBuiltinCode = min(code.builtinCode, 127)
    model.version, model.operatorCodes, model.buffers, graph.tensors = 3, [code], [schema.BufferT()], []
    for place, given in enumerate((*inputs, output)):
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.buffer = f"t{place}", np.array(given.shape, np.int32), 0
        tensor.type = getattr(schema.TensorType, given.dtype.upper())
        if given.scale is not None:
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.scale, tensor.quantization.zeroPoint = [given.scale], [0]
        if given.value is not None:
            buffer = schema.BufferT()
            buffer.data, tensor.buffer = np.frombuffer(given.value.tobytes(), np.uint8), len(model.buffers)
            model.buffers.append(buffer)
        graph.tensors.append(tensor)
    operator.inputs, operator.outputs = list(range(len(inputs))), [len(inputs)]
    if kind is not None:
        operator.builtinOptionsType = getattr(schema.BuiltinOptions, kind)
        operator.builtinOptions = getattr(schema, f"{kind}T")()
        for name, value in options.items():
            assert hasattr(operator.builtinOptions, name)
            setattr(operator.builtinOptions, name, value)
    graph.operators, graph.outputs, model.subgraphs = [operator], [len(inputs)], [graph]
    graph.inputs = [place for place, given in enumerate(inputs) if given.value is None]
    builder = flatbuffers.Builder(256)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


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
    "64 bits": ("RESHAPE", [t(1, 8, dtype="int64"), ints(8, 1)], t(8, 1, dtype="int64"), "ReshapeOptions", {"newShape": [8, 1]}),
}  # fmt: skip


@pytest.mark.parametrize("target", ["ethos_u55", "ethos_u85"])
@pytest.mark.parametrize("name", CASES)
def test_one_operator_goes_where_it_is_predicted_to_go(target, name):
    report = observe_with_vela(TFLiteModel(model_of(*CASES[name]), name), target).report
    assert report.differences == (), report.ops[0].reason
