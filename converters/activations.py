"""Runs a `.tflite` of our own sample by sample, and reads its tensors as real values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

from litesmith.calibration.affine import QUANTIZED_TYPES, quantize
from litesmith.calibration.collect import bind
from litesmith.calibration.expose import graph_inputs
from litesmith.calibration.native import quiet_native
from litesmith.calibration.samples import CalibrationSet
from litesmith.converters.editing import ModelEditor
from litesmith.converters.graph import Quantization, Tensor
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import CalibrationError, ModelError

Array = npt.NDArray[Any]

_NATIVE_ERRORS = (RuntimeError, ValueError, MemoryError)


class FileRun:
    """A file in the default runtime, with the delegate that apps get, batch 1, one thread.

    Attributes:
        model: the file.

    Raises:
        ModelError: at construction, if the runtime cannot run it.
    """

    def __init__(self, model: TFLiteModel) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self.model = model
        with _native_errors(model), quiet_native():  # XNNPACK announces itself on stderr
            self._interpreter = Interpreter(model_content=model.content, num_threads=1)
            self._interpreter.allocate_tensors()
        self._has_state = any(tensor.is_variable for graph in model.subgraphs for tensor in graph.tensors)

    def run(self, values: Sequence[Array]) -> None:
        """Run one sample.

        Args:
            values: real values of the graph's inputs in the order of the file, each of its tensor's shape; integers
                where the model takes ids.

        Raises:
            CalibrationError: a value is of another type than the input.
            ModelError: the runtime cannot run it.
        """
        typed = [_typed(tensor, array) for tensor, array in zip(self.model.inputs, values, strict=True)]
        with _native_errors(self.model):
            if self._has_state:  # samples are independent
                self._interpreter.reset_all_variables()
            for tensor, array in zip(self.model.inputs, typed, strict=True):
                self._interpreter.set_tensor(tensor.index, array)
            self._interpreter.invoke()

    def read(self, index: int) -> Array:
        """A copy of what a tensor stands for: an input, an output or a constant, float32; ids stay integers."""
        with _native_errors(self.model):
            stored: Array = self._interpreter.get_tensor(index)
        return real_values(stored, self.model.main.tensors[index].quantization)


def with_every_output(model: TFLiteModel) -> TFLiteModel:
    """The same file with every tensor of the main subgraph among its outputs that is computed from the inputs.

    A tensor that is an output keeps memory of its own, and a delegate hands it out; but XNNPACK does not write what is
    computed from constants alone. The interpreter's `experimental_preserve_all_tensors` gives the same values, but asks
    for the kernels without a delegate, which are five times slower and not those that an app gets.
    """
    computed: dict[int, None] = dict.fromkeys(model.main.inputs)
    for operator in model.main.operators:
        if not computed.keys().isdisjoint(operator.inputs):
            computed.update(dict.fromkeys(index for index in operator.outputs if index >= 0))
    editor = ModelEditor(model.content)
    editor.graph.outputs = np.array([index for index in computed if index not in model.main.inputs], np.int32)
    return without_signature(editor, model)


def without_signature(editor: ModelEditor, source: TFLiteModel) -> TFLiteModel:
    """The edited file; signatures and metadata go, because they speak of inputs and outputs by their place."""
    editor.model.signatureDefs, editor.model.metadata = [], []
    return TFLiteModel(editor.to_bytes(), source.source)


def bind_samples(model: TFLiteModel, samples: CalibrationSet) -> list[Array]:
    """The samples' arrays in the order of a file's inputs, whatever the types of these.

    Raises:
        CalibrationError: names or shapes differ.
    """
    return bind(graph_inputs(ModelEditor(model.content).model, frozenset()), samples)


def each_sample(arrays: Sequence[Array]) -> Iterator[list[Array]]:
    """One sample after the other, each array of shape (1, ...)."""
    for place in range(len(arrays[0])):
        yield [array[place : place + 1] for array in arrays]


def real_values(stored: Array, quantization: Quantization | None) -> Array:
    """`scale * (q - zero_point)` as float32, with one scale or one a channel; what is not quantized as it is.

    Up to 16 bits float32 gives what `calibration.affine.dequantize` gives: the difference is exact.
    """
    if quantization is None or (stored.dtype.kind != "i" and stored.dtype != np.uint8):
        return stored
    shape = [-1 if quantization.per_channel and axis == quantization.axis else 1 for axis in range(stored.ndim)]
    scales: Array = np.array(quantization.scales, np.float32).reshape(shape)
    zeros: Array = np.array(quantization.zero_points, np.float32).reshape(shape)
    # A bias has more digits than float32 holds.
    steps: Array = stored.astype(np.float32 if stored.dtype.itemsize <= 2 else np.float64)
    values: Array = ((steps - zeros) * scales).astype(np.float32, copy=False)
    return values


def _typed(tensor: Tensor, values: Array) -> Array:
    """Real values as the input stores them; only integers that fit are converted."""
    if tensor.dtype in QUANTIZED_TYPES and tensor.quantization is not None:
        if values.dtype == np.float32:
            return quantize(values, tensor.quantization.scales[0], tensor.quantization.zero_points[0], tensor.dtype)
    elif values.dtype.name == tensor.dtype:
        return values
    elif values.dtype.kind in "iu" and np.dtype(tensor.dtype).kind in "iu":
        typed = values.astype(tensor.dtype)
        if (typed == values).all():
            return typed
    raise CalibrationError(
        f"input {tensor.name!r} is given {values.dtype} values but takes {tensor.dtype}; "
        "give the samples as the float model sees them (images: scale, offset or preprocess)"
    )


@contextmanager
def _native_errors(model: TFLiteModel) -> Iterator[None]:
    try:
        yield
    except _NATIVE_ERRORS as error:
        reason = " ".join(str(error).split()) or "no reason given"
        fix = "convert the model again, or replace the operator"
        if "out of bounds" in reason:
            fix = "an id in the samples is not in the vocabulary: repair what makes them"
        raise ModelError(f"LiteRT cannot run it ({reason}); {fix}", file=model.source) from error
