"""The files that a text model can become, and the answers of the float network that they are held against."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from litesmith.calibration.samples import CalibrationSet
from litesmith.converters.float_tensors import prove_integer_only
from litesmith.converters.metadata_text import with_text_metadata
from litesmith.converters.quantize import QuantizationSpec
from litesmith.converters.text.convert_source import Ids, TextSource
from litesmith.converters.text.integer.from_model import network_of
from litesmith.converters.text.integer.operations import Rows
from litesmith.converters.text.integer.quantize import IntegerText, Output, quantize_text, run_float
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import ModelError

Mode = Literal["int", "int8", "dynamic", "float32"]
MODES: tuple[Mode, ...] = get_args(Mode)
_BATCH = 16

Progress = Callable[[str, int, int], None]


def silent(step: str, done: int, total: int) -> None:
    """Report nothing."""


@dataclass(frozen=True, slots=True)
class TextFile:
    """A file that was made.

    Attributes:
        mode: what was asked for.
        model: with the text contract inside; without any float tensor where `mode` is an integer one.
        route: what made it.
        applied: rewrites, in order.
        seconds: that it took.
        integers: how `int` was made, else None.
    """

    mode: Mode
    model: TFLiteModel
    route: str
    applied: tuple[str, ...]
    seconds: float
    integers: IntegerText | None = None

    @property
    def is_integer(self) -> bool:
        """Whether no tensor is float."""
        return self.mode in ("int", "int8")


class TextConverter:
    """Makes files of one source; the Keras model and its float file are made once, and only where they are needed."""

    def __init__(self, source: TextSource, on_progress: Progress = silent) -> None:
        self._source = source
        self._on_progress = on_progress

    def make(self, mode: Mode, output: Output = "int8", wide_rows: int | None = None) -> TextFile:
        """Make one file.

        - int: integers throughout, by the rewrites (`converters.text.integer`); int8 with int16 where it is needed;
        - int8: by TensorFlow's quantizer, all activations in 8 bits;
        - dynamic: by ai-edge-quantizer, weights in int8 with a scale for each channel, activations in float;
        - float32: nothing is quantized.

        Args:
            mode: see above.
            output: type of the answer of `int`.
            wide_rows: first tokens whose sums `int` holds in int16; None finds out.

        Raises:
            ConversionError: the encoder cannot be so, or what was written is not integer-only where it has to be.
        """
        start = time.perf_counter()
        integers = self._integers(output, wide_rows) if mode == "int" else None
        if integers is None:
            content, route, applied = self._engine(mode)
        else:
            content, route, applied = integers.content, "rewrites for integers", integers.rewrites
        model = TFLiteModel(content, "<converted>")
        if mode in ("int", "int8"):
            prove_integer_only(model, allow_float_io=False)
        source = self._source
        model = with_text_metadata(model, source.contract, source.model.head, name=source.name, origin=source.origin)
        return TextFile(mode, model, route, applied, time.perf_counter() - start, integers)

    def expected(self, ids: Ids, *, through_keras: bool) -> npt.NDArray[Any]:
        """Answers (N, ...) of the float network: of the Keras model, or of the NumPy one, which needs no TensorFlow.

        Raises:
            ConversionError: TensorFlow is needed and not installed, or the NumPy form cannot hold the encoder.
            ModelError: an answer is NaN or infinite.
        """
        if through_keras:
            found = np.asarray(self._keras.predict(ids, batch_size=_BATCH, verbose=0))
        else:
            with np.errstate(all="ignore"):  # what is not finite is an error below
                found = self._without_keras(ids)
        if not np.isfinite(found).all():
            raise ModelError(
                "the network computes NaN or infinity for the texts to judge with; check the weights",
                file=self._source.name,
            )
        return found

    def _without_keras(self, ids: Ids) -> npt.NDArray[Any]:
        network, length = network_of(self._source.model), self._source.model.length
        rows, kind = (Rows(0, length, wide=False),), self._source.model.head.kind
        answers = []
        for first in range(0, len(ids), _BATCH):
            found = run_float(network, rows, ids[first : first + _BATCH])
            missing = length - found.shape[1] if kind in ("token", "answer") else 0
            answers.append(np.pad(found, ((0, 0), (0, missing), (0, 0))))
        joined = np.concatenate(answers)
        return joined if kind in ("token", "answer") else joined[:, 0]

    @cached_property
    def _keras(self) -> Any:
        from litesmith.converters.text.encoder import build_encoder

        return build_encoder(self._source.model)

    @cached_property
    def _float_file(self) -> TFLiteModel:
        from litesmith.converters.keras import convert

        self._on_progress("float file", 0, 1)
        made = convert(self._keras, QuantizationSpec("float32"))
        self._on_progress("float file", 1, 1)
        return made

    def _integers(self, output: Output, wide_rows: int | None) -> IntegerText:
        return quantize_text(
            self._source.model,
            self._source.calibration,
            output=output,
            wide=wide_rows,
            on_progress=lambda done, total: self._on_progress("calibrate", done, total),
        )

    def _engine(self, mode: Mode) -> tuple[bytes, str, tuple[str, ...]]:
        from litesmith.converters.convert import convert
        from litesmith.converters.text.convert_mask import integer_mask
        from litesmith.converters.text.convert_table import integer_table

        if mode == "float32":
            return self._float_file.content, "converter", ()
        if mode == "dynamic":
            # TensorFlow's has one scale for all of a dense layer's weights.
            done = convert(self._float_file, QuantizationSpec("dynamic", per_channel="all"), engine="aeq")
            smaller = integer_table(done.model, self._source.model.architecture.vocabulary)
            return smaller.content, done.route, (*done.applied, integer_table.__name__)
        samples = CalibrationSet({"ids": self._source.calibration}, source="sentences")
        masked = integer_mask(self._float_file, self._source.model)
        done = convert(masked, QuantizationSpec("int8"), samples)
        return done.model.content, done.route, (integer_mask.__name__, *done.applied)
