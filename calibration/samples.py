"""Representative samples, by input name."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from litesmith.calibration.preprocess import Preprocess
from litesmith.calibration.sources import UNNAMED, read_source
from litesmith.errors import CalibrationError

Array = npt.NDArray[Any]


def digest_arrays(arrays: Mapping[str, Array]) -> str:
    """SHA-256 over names, types, shapes and little-endian bytes, in the order of the names."""
    digest = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        plain = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
        digest.update(f"{name!r} {plain.dtype.str} {array.shape}\n".encode())
        digest.update(plain.tobytes())
    return digest.hexdigest()


@dataclass(frozen=True, slots=True, eq=False)
class CalibrationSet:
    """Samples to calibrate a model with; iterating twice gives the same.

    Attributes:
        inputs: read-only arrays by input name, first axis the sample. Floating point of any width becomes
            float32, because converters refuse float64; integers stay as they are.
        seed: what the samples were drawn with.
        source: where they came from, for reports.
        digest: `digest_arrays` of `inputs`.

    Raises:
        CalibrationError: at construction, if there is no sample, lengths differ, a value is NaN or infinite,
            or a type is neither floating point nor integer.
    """

    inputs: Mapping[str, Array]
    seed: int = 0
    source: str = "arrays"
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        inputs = {name: _checked(name, array, self.source) for name, array in self.inputs.items()}
        lengths = {name: len(array) for name, array in inputs.items()}
        if not lengths or not all(lengths.values()):
            raise CalibrationError(f"{self.source}: the calibration set is empty; give at least one sample")
        if len(set(lengths.values())) > 1:
            listed = ", ".join(f"{name} {length}" for name, length in lengths.items())
            raise CalibrationError(
                f"{self.source}: inputs differ in their number of samples ({listed}); make them equal"
            )
        object.__setattr__(self, "inputs", inputs)
        object.__setattr__(self, "digest", digest_arrays(inputs))

    @classmethod
    def from_arrays(
        cls, arrays: Array | Mapping[str, Array], *, seed: int = 0, source: str = "arrays"
    ) -> CalibrationSet:
        """One unnamed input, or inputs by name."""
        inputs = arrays if isinstance(arrays, Mapping) else {UNNAMED: arrays}
        return cls({name: np.asarray(array) for name, array in inputs.items()}, seed, source)

    @classmethod
    def from_source(
        cls,
        source: str,
        *,
        base: Path,
        preprocess: Preprocess | None = None,
        count: int | None = None,
        seed: int = 0,
    ) -> CalibrationSet:
        """Read what `sources.read_source` reads; labels are ignored.

        Args:
            source: an `.npz`, a folder of images, or an entry point.
            base: the folder that `source` is relative to.
            preprocess: applied to every sample of the only input; without it values stay as they are.
            count: draw so many samples with `seed`; all if None.
            seed: for drawing.

        Raises:
            DataError: the source cannot be read, or does not fit `preprocess`.
            CalibrationError: what was read cannot calibrate.
        """
        raw = read_source(source, base=base, preprocess=preprocess)
        inputs = raw.inputs if preprocess is None else {UNNAMED: preprocess.apply_batch(raw.x)}
        samples = cls(inputs, seed, source)
        return samples if count is None else samples.take(count, seed)

    def __len__(self) -> int:
        return len(next(iter(self.inputs.values())))

    @property
    def is_constant(self) -> bool:
        """Whether every input is one value in all elements of all samples: no range can be learned from that."""
        return all(not array.size or bool(array.min() == array.max()) for array in self.inputs.values())

    def __iter__(self) -> Iterator[dict[str, Array]]:
        """One sample at a time, each array of shape `(1, ...)`."""
        for index in range(len(self)):
            yield {name: array[index : index + 1] for name, array in self.inputs.items()}

    def take(self, n: int, seed: int) -> CalibrationSet:
        """Draw `n` samples without replacement, kept in order; fewer with the same seed are a subset.

        Raises:
            CalibrationError: `n` is below 1, or there are not so many.
        """
        if not 1 <= n <= len(self):
            raise CalibrationError(
                f"{self.source}: cannot take {n} of {len(self)} calibration samples; ask for 1 to {len(self)}"
            )
        chosen = np.sort(np.random.default_rng(seed).permutation(len(self))[:n])
        return CalibrationSet({name: array[chosen] for name, array in self.inputs.items()}, seed, self.source)

    def bind(self, names_and_shapes: Mapping[str, Sequence[int | None]]) -> CalibrationSet:
        """Match the inputs to a model's, in the model's order.

        One unnamed input ("x") fits a model with one input of any name; otherwise the names must be the same.

        Args:
            names_and_shapes: the model's inputs with the batch axis first; None or -1 fits any size.

        Raises:
            CalibrationError: names or shapes differ; the message gives both.
        """
        inputs = dict(self.inputs)
        if len(names_and_shapes) == 1 and list(inputs) == [UNNAMED]:
            inputs = {next(iter(names_and_shapes)): inputs[UNNAMED]}
        if inputs.keys() != names_and_shapes.keys():
            raise CalibrationError(
                f"{self.source}: the data have inputs {', '.join(sorted(inputs))} but the model has "
                f"{', '.join(sorted(names_and_shapes))}; name the arrays as the model's inputs"
            )
        for name, shape in names_and_shapes.items():
            _check_shape(name, (1, *inputs[name].shape[1:]), tuple(shape), self.source)
        return CalibrationSet({name: inputs[name] for name in names_and_shapes}, self.seed, self.source)


def _checked(name: str, array: Array, source: str) -> Array:
    if array.dtype.kind not in "iuf":
        raise CalibrationError(f"{source}: input {name!r} has type {array.dtype}; give float32 or integer arrays")
    if array.ndim == 0:
        raise CalibrationError(f"{source}: input {name!r} is a single number; its first axis must be the sample")
    # A float64 beyond float32's range becomes infinite here and is refused below.
    with np.errstate(over="ignore"):
        result = np.array(array, np.float32 if array.dtype.kind == "f" else array.dtype.newbyteorder("="))
    if result.dtype.kind == "f" and not np.isfinite(result).all():
        place = int(np.argwhere(~np.isfinite(result))[0][0])
        raise CalibrationError(f"{source}: input {name!r}, sample {place} holds NaN or infinity; repair or remove it")
    result.flags.writeable = False
    return result


def _check_shape(name: str, sample: tuple[int, ...], wanted: tuple[int | None, ...], source: str) -> None:
    fits = len(sample) == len(wanted) and all(
        size is None or size < 0 or size == actual for actual, size in zip(sample, wanted, strict=True)
    )
    if not fits:
        raise CalibrationError(
            f"{source}: input {name!r} has samples of shape {sample} but the model takes {wanted}; "
            "reshape or preprocess the data"
        )
