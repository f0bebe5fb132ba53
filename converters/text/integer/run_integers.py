"""An integer file of a text model run in LiteRT, its tensors as real numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from litesmith.calibration.native import quiet_native
from litesmith.converters.text.integer.blocks import Array
from litesmith.converters.text.integer.float_operations import Ids


class IntegerRun:
    """The file of one model, a text at a time.

    Args:
        content: as `quantize_text` writes it.
        inner: keep what is between ids and answer; this takes more memory, and no delegate.
    """

    def __init__(self, content: bytes, *, inner: bool = False) -> None:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType

        kernels = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES if inner else OpResolverType.AUTO
        with quiet_native():
            self._interpreter: Any = Interpreter(
                model_content=content,
                num_threads=1,
                experimental_op_resolver_type=kernels,
                experimental_preserve_all_tensors=inner,
            )
            self._interpreter.allocate_tensors()
        (self._ids,) = (detail["index"] for detail in self._interpreter.get_input_details())
        (self._output,) = self._interpreter.get_output_details()
        details = self._interpreter.get_tensor_details() if inner else []
        self._details = {detail["name"]: detail for detail in details if detail["quantization"][0]}

    def answer(self, ids: Ids) -> Array:
        """The answer to one text: its ids are (L,), the answer (rows, C)."""
        self._interpreter.set_tensor(self._ids, ids[None])
        self._interpreter.invoke()
        return self._values(self._output)

    def has(self, name: str) -> bool:
        """Whether the file has a tensor of that name."""
        return name in self._details

    def tensor(self, name: str) -> Array:
        """A tensor of the text that was answered last: (rows, C)."""
        return self._values(self._details[name])

    def dtype(self, name: str) -> str:
        """Type of its integers."""
        return np.dtype(self._details[name]["dtype"]).name

    def _values(self, detail: dict[str, Any]) -> Array:
        scale, zero_point = detail["quantization"]
        integers = self._interpreter.get_tensor(detail["index"])
        values: Array = (integers.astype(np.float32) - np.float32(zero_point)) * np.float32(scale)
        return values.reshape(-1, values.shape[-1])
