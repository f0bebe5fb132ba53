"""The graph of a `.tflite` file as plain, frozen values."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite, prod
from typing import Any

# Bytes of one element by TFLite type name; int4 and int2 are packed.
ELEMENT_BYTES: Mapping[str, float] = {
    "float64": 8, "int64": 8, "uint64": 8, "complex64": 8, "complex128": 16, "float32": 4, "int32": 4, "uint32": 4,
    "float16": 2, "bfloat16": 2, "int16": 2, "uint16": 2, "int8": 1, "uint8": 1, "bool": 1, "int4": 0.5, "int2": 0.25,
}  # fmt: skip
FLOAT_TYPES = frozenset({"float64", "float32", "float16", "bfloat16", "complex64", "complex128"})
MAX_RANK = 32  # NumPy 1's limit, far above the rank that any TFLite kernel takes


@dataclass(frozen=True, slots=True)
class Quantization:
    """Affine quantization `real = scale * (q - zero_point)`, one scale or one per channel along `axis`.

    The smallest and the largest are kept, because many operators may ask for them of one tensor.
    """

    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int
    smallest_scale: float = field(init=False, repr=False, compare=False)
    largest_scale: float = field(init=False, repr=False, compare=False)
    lowest_zero_point: int = field(init=False, repr=False, compare=False)
    highest_zero_point: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.scales or len(self.scales) != len(self.zero_points):
            raise ValueError(f"{len(self.scales)} scales but {len(self.zero_points)} zero points")
        if not all(isfinite(scale) for scale in self.scales):
            raise ValueError("a quantization scale is not a finite number")
        # a frozen dataclass can be completed only in this way
        object.__setattr__(self, "smallest_scale", min(self.scales))
        object.__setattr__(self, "largest_scale", max(self.scales))
        object.__setattr__(self, "lowest_zero_point", min(self.zero_points))
        object.__setattr__(self, "highest_zero_point", max(self.zero_points))

    @property
    def per_channel(self) -> bool:
        """Whether there is more than one scale."""
        return len(self.scales) > 1


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor of a subgraph; `shape_signature` has -1 where a dimension is not fixed.

    `is_sparse` says that its constant is stored compressed, without most of its zeros; `is_external` that it is a
    constant whose values are in another file.
    """

    index: int
    name: str
    shape: tuple[int, ...]
    shape_signature: tuple[int, ...]
    dtype: str
    buffer: int
    is_constant: bool
    is_variable: bool
    quantization: Quantization | None
    is_sparse: bool = False
    is_external: bool = False

    def __post_init__(self) -> None:
        if len(self.shape) > MAX_RANK or len(self.shape_signature) > MAX_RANK:
            raise ValueError(f"tensor {self.name!r} has more than {MAX_RANK} dimensions")
        if any(size < -1 for size in (*self.shape, *self.shape_signature)):
            raise ValueError(f"tensor {self.name!r} has a negative dimension")

    @property
    def is_float(self) -> bool:
        """Whether its elements are floating-point numbers of any width."""
        return self.dtype in FLOAT_TYPES

    @property
    def is_dynamic(self) -> bool:
        """Whether a dimension is only known at run time."""
        return any(size < 0 for size in self.shape_signature)

    @property
    def elements(self) -> int:
        """Number of elements of the shape that is stored in the file, a dimension that is not fixed taken as 1."""
        return prod(abs(size) for size in self.shape)

    @property
    def bytes(self) -> int:
        """Bytes of its elements, packed types rounded up."""
        return int(-(-self.elements * ELEMENT_BYTES.get(self.dtype, 0) // 1))


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator: `op` is the builtin's name or `CUSTOM:<code>`; an absent optional input is -1."""

    index: int
    op: str
    version: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Subgraph:
    """Tensors, and operators in execution order. Every index is checked at construction."""

    name: str
    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    def __post_init__(self) -> None:
        used = [*self.inputs, *self.outputs]
        optional = [index for op in self.operators for index in (*op.inputs, *op.outputs) if index != -1]
        for index in (*used, *optional):
            if not 0 <= index < len(self.tensors):
                raise ValueError(f"tensor {index} does not exist in subgraph {self.name!r}")

    def operands(self, operator: Operator) -> tuple[Tensor | None, ...]:
        """The input tensors of `operator`; None for an optional input that is absent."""
        return tuple(self.tensors[index] if index >= 0 else None for index in operator.inputs)

    def results(self, operator: Operator) -> tuple[Tensor, ...]:
        """The output tensors of `operator`."""
        return tuple(self.tensors[index] for index in operator.outputs if index >= 0)

    def consumers(self) -> dict[int, list[int]]:
        """For each tensor that operators read, the places of those operators, once for each time they read it."""
        readers = defaultdict[int, list[int]](list)
        for op in self.operators:
            for tensor in op.inputs:
                readers[tensor].append(op.index)
        readers.pop(-1, None)
        return dict(readers)

    def producers(self) -> dict[int, int]:
        """For each tensor that an operator writes, the place of that operator."""
        return {tensor: op.index for op in self.operators for tensor in op.outputs if tensor >= 0}
