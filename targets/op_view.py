"""What a rule sees of one operator: its tensors, its options, and the values of its constants."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from litesmith.converters.graph import MAX_RANK, Operator, Subgraph, Tensor
from litesmith.targets.constants import Constants

# These turn a stored constant into another one before the first run, so their result counts as constant.
UNPACKING_OPS = frozenset({"DEQUANTIZE", "DENSIFY"})
NAME_LENGTH = 48
# A padding has two numbers for each axis; nothing that rules read has more.
_MOST_INTEGERS = 2 * MAX_RANK


@dataclass(frozen=True, slots=True)
class OpView:
    """One operator with its tensors in order.

    `static` holds the tensors that are known before the first run, `interface` the model's inputs and outputs.
    """

    operator: Operator
    operands: tuple[Tensor | None, ...]
    results: tuple[Tensor, ...]
    static: frozenset[int]
    constants: Constants
    interface: frozenset[int] = frozenset()

    def tensors(self, of: str) -> tuple[Tensor, ...]:
        """The tensors that `of` names; a single one that is absent gives an empty tuple.

        Args:
            of: `activations` (run-time operands and results; no state, nor what is unpacked from a constant),
                `inputs` (run-time operands), `operands` (constants too), `outputs`, or one of them by its place:
                `input0`, `output0`, ...

        Raises:
            ValueError: `of` is none of these.
        """
        present = tuple(tensor for tensor in self.operands if tensor is not None)
        groups = {
            "operands": present,
            "inputs": tuple(tensor for tensor in present if self._is_activation(tensor)),
            "outputs": self.results,
        }
        if of == "activations":
            return groups["inputs"] + tuple(tensor for tensor in self.results if self._is_activation(tensor))
        return groups[of] if of in groups else self._one(of)

    def operand(self, place: int) -> Tensor | None:
        """The operand at `place`, or None where it is absent."""
        return self.operands[place] if place < len(self.operands) else None

    def option(self, name: str) -> Any:
        """A builtin option; None where the file does not store it."""
        return self.operator.options.get(name)

    def is_static(self, tensor: Tensor) -> bool:
        """Whether its value is known before the first run."""
        return tensor.index in self.static

    def integers(self, place: int) -> tuple[int, ...] | None:
        """The values of a constant integer operand; None where it is absent, computed or not an integer.

        Also None where there are more than sizes, axes and paddings of tensors can be: a hostile file would keep
        every rule busy with them.
        """
        tensor = self.operand(place)
        if tensor is None or not tensor.is_constant or tensor.dtype not in {"int32", "int64"}:
            return None
        if tensor.elements > _MOST_INTEGERS:
            return None
        return tuple(int(value) for value in np.atleast_1d(self.read(tensor)).reshape(-1))

    def read(self, tensor: Tensor) -> npt.NDArray[np.generic]:
        """The value of a constant."""
        return self.constants.read(tensor)

    def _is_activation(self, tensor: Tensor) -> bool:
        return not self.is_static(tensor) and not tensor.is_variable

    def _one(self, of: str) -> tuple[Tensor, ...]:
        for prefix, group in (("input", self.operands), ("output", self.results)):
            place = of.removeprefix(prefix)
            if of.startswith(prefix) and place.isdigit():
                tensor = group[int(place)] if int(place) < len(group) else None
                return (tensor,) if tensor is not None else ()
        raise ValueError(f"{of!r} names no tensors; use activations, inputs, operands, outputs, input0 or output0")


def is_selector(of: str) -> bool:
    """Whether `of` is something `OpView.tensors` understands."""
    try:
        OpView(Operator(0, "", 1, (), ()), (), (), frozenset(), Constants(_no_data)).tensors(of)
    except ValueError:
        return False
    return True


def op_views(graph: Subgraph, read: Callable[[Tensor], npt.NDArray[np.generic]]) -> tuple[OpView, ...]:
    """One view for each operator of `graph`; `read` gives the value of a constant tensor."""
    static = {tensor.index for tensor in graph.tensors if tensor.is_constant or tensor.is_external}
    views, constants = [], Constants(read)
    for operator in graph.operators:
        if operator.op in UNPACKING_OPS and static.issuperset(operator.inputs):
            static.update(operator.outputs)
    frozen, interface = frozenset(static), frozenset((*graph.inputs, *graph.outputs))
    for operator in graph.operators:
        operands, results = graph.operands(operator), graph.results(operator)
        views.append(OpView(operator, operands, results, frozen, constants, interface))
    return tuple(views)


def short_name(tensor: Tensor) -> str:
    """Its name, cut where a converter fused many names into one."""
    name = tensor.name or f"tensor {tensor.index}"
    return name if len(name) <= NAME_LENGTH else f"{name[: NAME_LENGTH - 3]}..."


def _no_data(tensor: Tensor) -> npt.NDArray[np.generic]:
    raise ValueError(f"tensor {tensor.index} has no data")
