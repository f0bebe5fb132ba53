"""Inputs of one's own for `benchmark_model`, and the outputs it gives for them.

`--input_layer_value_files` is there since 2020, `--output_filepath` only in newer versions: one file with the bytes of
all outputs in the order of the model (benchmark_tflite_model.cc). LiteRT's tool of the same name has neither.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from litesmith.converters.graph import Tensor
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import DeviceError, ModelError
from litesmith.targets.devices import benchmark_model
from litesmith.targets.devices.benchmark_errors import failure, without_delegate
from litesmith.targets.devices.benchmark_flags import unknown_flags
from litesmith.targets.devices.device import Configuration, Demand

Array = npt.NDArray[Any]


def runnable(content: bytes, inputs: Sequence[Array]) -> TFLiteModel:
    """The model, if it takes these inputs and the size of its outputs is known.

    Raises:
        ModelError: the inputs do not fit, or a shape is open.
    """
    model = TFLiteModel(content)
    if len(inputs) != len(model.inputs):
        raise ModelError(f"takes {len(model.inputs)} inputs, but was given {len(inputs)}; pass one array for each")
    for tensor, array in zip(model.inputs, inputs, strict=True):
        if array.shape != tensor.shape or array.dtype.name != tensor.dtype:
            raise ModelError(
                f"input {tensor.name!r} is {tensor.dtype} {tensor.shape}, but was given {array.dtype} {array.shape}; "
                "convert the array first"
            )
    for tensor in (*model.inputs, *model.outputs):
        if any(size < 1 for size in (*tensor.shape, *tensor.shape_signature)):
            raise ModelError(f"{tensor.name!r} has an open shape; convert the model with a fixed one")
    return model


def arguments(
    graph: str, model: TFLiteModel, files: Sequence[str], output: str, asked: Configuration
) -> tuple[str, ...]:
    """The command line of one run, and none for warm-up: a state that it left would change the outputs.

    Inputs are named by their number, because a name of the model may hold the signs that separate names here.

    Raises:
        ModelError: an input has no shape.
    """
    if not all(tensor.shape for tensor in model.inputs):
        raise ModelError("an input is a single number, which benchmark_model cannot take; give it the shape (1,)")
    names = [f"input{place}" for place in range(len(files))]
    shapes = [",".join(map(str, tensor.shape)) for tensor in model.inputs]
    once = benchmark_model.arguments(graph, asked, Demand(runs=1))
    return (
        *(flag for flag in once if not flag.startswith("--warmup_")),
        "--warmup_runs=0",
        "--warmup_min_secs=0",
        f"--input_layer={','.join(names)}",
        f"--input_layer_shape={':'.join(shapes)}",
        f"--input_layer_value_files={','.join(f'{name}:{file}' for name, file in zip(names, files, strict=True))}",
        f"--output_filepath={output}",
    )


def check_log(log: str, exit_code: int, content: bytes, asked: Configuration) -> None:
    """Refuse a run that did not take the inputs or did not write the outputs.

    Raises:
        DeviceError: the runner does not know these flags, or the delegate is not there.
        ModelError: the runtime cannot run the file.
    """
    unknown = {flag.partition("=")[0] for flag in unknown_flags(log)}
    if missing := sorted(unknown & {"--input_layer_value_files", "--output_filepath"}):
        raise DeviceError(
            f"this runner cannot run golden vectors: it does not know {', '.join(missing)}; "
            "pass a newer TensorFlow Lite benchmark_model with --runner"
        )
    if exit_code != 0:
        raise failure(log, exit_code, content, asked.delegate)
    if reason := without_delegate(log, asked.delegate):
        raise reason


def read_outputs(written: bytes | None, model: TFLiteModel) -> tuple[Array, ...]:
    """The outputs of a model, from the file with all of them; None where there is no such file.

    Raises:
        DeviceError: it is not there, or has another size.
    """
    if written is None:
        raise DeviceError(
            "this runner cannot run golden vectors: it wrote no outputs; "
            "pass a newer TensorFlow Lite benchmark_model with --runner"
        )
    sizes = [_bytes(tensor) for tensor in model.outputs]
    if len(written) != sum(sizes):
        raise DeviceError(
            f"the runner wrote {len(written)} bytes of outputs instead of {sum(sizes)}; "
            "pass another benchmark_model with --runner"
        )
    starts = np.cumsum([0, *sizes])
    return tuple(
        np.frombuffer(written[start : start + size], tensor.dtype).reshape(tensor.shape)
        for tensor, start, size in zip(model.outputs, starts, sizes, strict=False)
    )


def _bytes(tensor: Tensor) -> int:
    return prod(tensor.shape) * np.dtype(tensor.dtype).itemsize
