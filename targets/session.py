"""A model opened in an interpreter: its inputs and outputs, and running it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from litesmith.calibration.native import quiet_native
from litesmith.errors import ModelError

if TYPE_CHECKING:
    from litesmith.targets.runtimes import Runtime

Array = npt.NDArray[Any]

# What the native interpreters raise about a file; std::bad_alloc arrives as MemoryError.
_NATIVE_ERRORS = (RuntimeError, ValueError, MemoryError)
_UNKNOWN_OP = re.compile(r"Didn't find op for builtin opcode '(\w+)' version '(\d+)'")
_CUSTOM_OP = re.compile(r"unresolved custom op: ([\w:.-]+?)\.?\s")


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """What an input or output holds; `scale` and `zero_point` are None where it is not quantized."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: float | None
    zero_point: int | None


class Session:
    """One model, ready to run; made by `Runtime.open`.

    Attributes:
        delegate: what runs the model: `xnnpack` only where that delegate really took operators.
        nodes: the interpreter's own list of what it runs, for `observed_xnnpack.placements_of`.
    """

    def __init__(self, interpreter: Any, runtime: Runtime, threads: int, delegate: str) -> None:
        self.runtime = runtime
        self.threads = threads
        self._interpreter = interpreter
        with native_errors(runtime), quiet_native():  # delegates announce themselves on stderr
            interpreter.allocate_tensors()
            self._input_details = interpreter.get_input_details()
            self._output_details = interpreter.get_output_details()
            self.nodes = tuple(interpreter._get_ops_details())
        self.inputs = tuple(_spec(detail) for detail in self._input_details)
        self.outputs = tuple(_spec(detail) for detail in self._output_details)
        delegated = any(node["op_name"] == "DELEGATE" for node in self.nodes)
        self.delegate = "none" if delegate == "xnnpack" and not delegated else delegate

    def run(self, inputs: Sequence[Array]) -> list[Array]:
        """Outputs for one set of inputs, both in the order of the file.

        Raises:
            ModelError: the inputs do not fit the model, or the runtime cannot run it.
        """
        self.set_inputs(inputs)
        with native_errors(self.runtime):
            # Sets of inputs are independent: the state that one leaves must not reach the next.
            self._interpreter.reset_all_variables()
        self.invoke()
        with native_errors(self.runtime):
            return [self._interpreter.get_tensor(detail["index"]) for detail in self._output_details]

    def set_inputs(self, inputs: Sequence[Array]) -> None:
        """Copy inputs in, after checking their number, shapes and types."""
        if len(inputs) != len(self.inputs):
            raise ModelError(f"takes {len(self.inputs)} inputs, but was given {len(inputs)}; pass one array for each")
        for spec, array in zip(self.inputs, inputs, strict=True):
            _check(spec, array)
        with native_errors(self.runtime):
            for detail, array in zip(self._input_details, inputs, strict=True):
                self._interpreter.set_tensor(detail["index"], array)

    def invoke(self) -> None:
        """Run on the inputs that are set; this alone is what a latency times."""
        # Entering a context manager would cost about a microsecond in every timed run.
        try:
            self._interpreter.invoke()
        except _NATIVE_ERRORS as error:
            raise _translated(error, self.runtime) from error


def sample_inputs(inputs: Sequence[TensorSpec], seed: int = 0) -> list[Array]:
    """Random inputs that any model can take.

    Integers of 32 bits and more are usually indices, and an index must be valid: they are zero.
    """
    generator = np.random.default_rng(seed)
    return [_sample(spec, generator) for spec in inputs]


@contextmanager
def native_errors(runtime: Runtime) -> Iterator[None]:
    """Translate what the interpreter raises into a ModelError that says what to do."""
    try:
        yield
    except _NATIVE_ERRORS as error:
        raise _translated(error, runtime) from error


def _translated(error: Exception, runtime: Runtime) -> ModelError:
    return ModelError(_explain(str(error), str(runtime)))


def _explain(reason: str, runtime: str) -> str:
    if unknown := _UNKNOWN_OP.search(reason):
        op, version = unknown.groups()
        return (
            f"{op} version {version} is unknown to {runtime}; install a newer runtime, "
            "or convert the model so that it uses an older version of this operator"
        )
    if custom := _CUSTOM_OP.search(reason):
        return (
            f"the custom operator {custom[1]} is unknown to {runtime}; pass the file from before "
            "it was compiled for an accelerator, or convert the model without custom operators"
        )
    summary = " ".join(reason.split()) or "no reason given"
    return f"{runtime} cannot run this file ({summary}); convert the model again, or try another delegate or runtime"


def _spec(detail: dict[str, Any]) -> TensorSpec:
    dtype = np.dtype(detail["dtype"])
    if dtype.kind not in "iufb":
        raise ModelError(f"{detail['name']} holds {dtype.name} elements; only models on numbers can be run")
    scales = detail["quantization_parameters"]["scales"]
    zero_points = detail["quantization_parameters"]["zero_points"]
    return TensorSpec(
        name=detail["name"],
        shape=tuple(int(size) for size in detail["shape"]),
        dtype=dtype.name,
        scale=float(scales[0]) if len(scales) else None,
        zero_point=int(zero_points[0]) if len(zero_points) else None,
    )


def _check(spec: TensorSpec, array: Array) -> None:
    if array.shape != spec.shape or array.dtype != np.dtype(spec.dtype):
        raise ModelError(
            f"input {spec.name!r} is {spec.dtype} {spec.shape}, but was given {array.dtype} {array.shape}; "
            "convert the array first"
        )


def _sample(spec: TensorSpec, generator: np.random.Generator) -> Array:
    dtype = np.dtype(spec.dtype)
    if dtype.kind == "f":
        return generator.random(spec.shape).astype(dtype)
    if dtype.kind == "b" or dtype.itemsize >= 4:
        return np.zeros(spec.shape, dtype)
    limits = np.iinfo(dtype)
    return generator.integers(limits.min, limits.max, spec.shape, dtype, endpoint=True)
