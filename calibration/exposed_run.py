"""Runs a model whose activations are outputs, on batches of any size."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

from litesmith.calibration.expose import Exposed
from litesmith.calibration.native import quiet_native
from litesmith.errors import CalibrationError

Array = npt.NDArray[Any]

_NATIVE_ERRORS = (RuntimeError, ValueError, MemoryError)


class Runner:
    """An interpreter of an exposed model, resized to each batch."""

    def __init__(self, exposed: Exposed, threads: int) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self._exposed = exposed
        with _native_errors(), quiet_native():  # XNNPACK announces itself on stderr
            self._interpreter = Interpreter(model_content=exposed.content, num_threads=threads)
            self._interpreter.allocate_tensors()
            details = {detail["index"]: detail for detail in self._interpreter.get_input_details()}
        self._types = [np.dtype(details[one.index]["dtype"]) for one in exposed.inputs]
        self._shapes = [tuple(int(size) for size in details[one.index]["shape"]) for one in exposed.inputs]

    def name(self, index: int) -> str:
        """Name of a tensor."""
        return self._exposed.names[index]

    def run(self, arrays: list[Array]) -> None:
        """Run a batch.

        Raises:
            CalibrationError: an array has the wrong type, or LiteRT fails.
        """
        typed = [self._typed(place, array) for place, array in enumerate(arrays)]
        with _native_errors():
            self._resize([array.shape for array in typed])
            for one, array in zip(self._exposed.inputs, typed, strict=True):
                self._interpreter.set_tensor(one.index, array)
            self._interpreter.invoke()

    def each(self, show: Callable[[int, Array], None]) -> None:
        """Show each activation of the last run, as a view that is valid during the call.

        A view that anything still refers to makes the next run fail, so none gets a name here.
        """
        for index in self._exposed.tensors:
            show(index, self._interpreter.tensor(index)())

    def _resize(self, shapes: list[tuple[int, ...]]) -> None:
        if shapes != self._shapes:
            for one, shape in zip(self._exposed.inputs, shapes, strict=True):
                self._interpreter.resize_tensor_input(one.index, shape)
            self._interpreter.allocate_tensors()
            self._shapes = shapes
        elif self._exposed.obstacle:
            # Samples are independent: state of the one before must not reach the next.
            self._interpreter.reset_all_variables()

    def _typed(self, place: int, array: Array) -> Array:
        """The array in the type of the input; only integers that fit are converted."""
        wanted = self._types[place]
        if array.dtype == wanted:
            return array
        if array.dtype.kind in "iu" and wanted.kind in "iu":
            typed = array.astype(wanted)
            if (typed == array).all():
                return typed
        name = self._exposed.inputs[place].names[-1]
        raise CalibrationError(
            f"input {name!r} holds {array.dtype} values but the model takes {wanted}; "
            "give the samples as the model sees them (images: scale, offset or preprocess)"
        )


@contextmanager
def _native_errors() -> Iterator[None]:
    try:
        yield
    except _NATIVE_ERRORS as error:
        reason = " ".join(str(error).split()) or "no reason given"
        raise CalibrationError(
            f"LiteRT cannot run the float model on the calibration samples ({reason}); check their shapes and that "
            "ids are in the vocabulary, and replace operators that it does not know"
        ) from error
