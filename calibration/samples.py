"""Representative samples, by input name."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from litesmith.calibration.audit_content import sample_digests
from litesmith.calibration.draw import Places, draw
from litesmith.calibration.preprocess import Preprocess
from litesmith.calibration.sample_checks import check_shape, checked_input, checked_labels, read_only, refuse_text
from litesmith.calibration.sources import UNNAMED, read_source
from litesmith.calibration.stacking import stack_samples
from litesmith.errors import CalibrationError

Array = npt.NDArray[Any]


def digest_arrays(arrays: Mapping[str, Array]) -> str:
    """SHA-256 over names, types, shapes and little-endian bytes, in the order of the names."""
    digest = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        plain = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
        digest.update(f"{name!r} {plain.dtype.str} {array.shape}\n".encode())
        digest.update(plain.data)
    return digest.hexdigest()


@dataclass(frozen=True, slots=True, eq=False)
class CalibrationSet:
    """Samples to calibrate a model with; iterating twice gives the same.

    The arrays are copied once, here; what is drawn from them or bound to a model shares them.

    Attributes:
        inputs: read-only arrays by input name, first axis the sample. Floating point of any width becomes
            float32, because converters refuse float64; integers stay as they are.
        seed: what the samples were drawn with.
        source: where they came from, for reports.
        labels: the class of every sample, read-only whole numbers `(N,)`, for drawing from all classes alike; or
            None.
        preprocess: the contract that the only input went through, or None where nobody recorded one.

    Raises:
        CalibrationError: at construction, if there is no sample, lengths differ, a value is NaN or infinite,
            or a type is neither floating point nor integer.
    """

    inputs: Mapping[str, Array]
    seed: int = 0
    source: str = "arrays"
    labels: Array | None = None
    preprocess: Preprocess | None = None
    _digest: str = field(default="", init=False, repr=False)

    def __post_init__(self) -> None:
        refuse_text(self.inputs, self.source)
        inputs = {name: checked_input(name, array, self.source) for name, array in self.inputs.items()}
        lengths = {name: len(array) for name, array in inputs.items()}
        if not lengths or not all(lengths.values()):
            raise CalibrationError(f"{self.source}: the calibration set is empty; give at least one sample")
        if len(set(lengths.values())) > 1:
            listed = ", ".join(f"{name} {length}" for name, length in lengths.items())
            raise CalibrationError(
                f"{self.source}: inputs differ in their number of samples ({listed}); make them equal"
            )
        object.__setattr__(self, "inputs", inputs)
        if self.labels is not None:
            object.__setattr__(self, "labels", checked_labels(self.labels, len(self), self.source))

    @classmethod
    def from_arrays(
        cls,
        arrays: Array | Mapping[str, Array],
        *,
        labels: Array | None = None,
        seed: int = 0,
        source: str = "arrays",
    ) -> CalibrationSet:
        """One unnamed input, or inputs by name."""
        inputs = arrays if isinstance(arrays, Mapping) else {UNNAMED: arrays}
        known = None if labels is None else np.asarray(labels)
        return cls({name: np.asarray(array) for name, array in inputs.items()}, seed, source, known)

    @classmethod
    def from_samples(cls, items: Iterable[Any], *, seed: int = 0, source: str = "samples") -> CalibrationSet:
        """Read an iterable once, such as a generator; what its items may be is said at `stack_samples`.

        Raises:
            DataError: there is no item, or items differ in names or shapes.
            CalibrationError: they cannot calibrate.
        """
        return cls(stack_samples(items, source), seed, source)

    @classmethod
    def from_source(
        cls,
        source: str,
        *,
        base: Path,
        preprocess: Preprocess | None = None,
        encode: str | None = None,
        count: int | None = None,
        seed: int = 0,
    ) -> CalibrationSet:
        """Read what `sources.read_source` reads.

        Args:
            source: an `.npz`, `.tsv` or `.csv`, a folder of images, or an entry point.
            base: the folder that `source` is relative to.
            preprocess: applied to every sample of the only input; without it values stay as they are.
            encode: `package.module:function` that makes numbers of text; see `read_source`.
            count: draw so many samples with `seed`; all if None. Only these are looked at.
            seed: for drawing.

        Raises:
            DataError: the source cannot be read, or does not fit `preprocess`.
            CalibrationError: what was read cannot calibrate.
        """
        raw = read_source(source, base=base, preprocess=preprocess, encode=encode, limit=count, seed=seed)
        refuse_text(raw.inputs, source)
        inputs = raw.inputs if preprocess is None else {UNNAMED: raw.tensors(preprocess)}
        samples = cls(inputs, seed, source, raw.classes, preprocess or raw.made_with)
        return samples if count is None else samples.take(count, seed)

    def __len__(self) -> int:
        return len(next(iter(self.inputs.values())))

    @property
    def digest(self) -> str:
        """`digest_arrays` of `inputs`, computed when it is first asked for."""
        if not self._digest:
            object.__setattr__(self, "_digest", digest_arrays(self.inputs))
        return self._digest

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

        With `labels`, the classes get the same number, give or take one, as far as they have so many.

        Raises:
            CalibrationError: `n` is below 1, or there are not so many.
        """
        return self._at(draw(len(self), n, seed, self.labels, source=self.source), seed)

    def split(self, n: int, seed: int) -> tuple[CalibrationSet, CalibrationSet | None]:
        """`take(n, seed)`, and the samples that it leaves, in order; None if it leaves none.

        Raises:
            CalibrationError: as `take`.
        """
        places = draw(len(self), n, seed, self.labels, source=self.source)
        rest = np.setdiff1d(np.arange(len(self)), places)
        return self._at(places, seed), self._at(rest, seed) if rest.size else None

    def head(self, n: int) -> CalibrationSet:
        """The first `n` samples, or all if there are not so many; nothing is copied.

        Raises:
            CalibrationError: `n` is below 1.
        """
        if n < 1:
            raise CalibrationError(f"{self.source}: the first {n} samples are none; ask for at least 1")
        inputs = {name: array[:n] for name, array in self.inputs.items()}
        return self._with(inputs, None if self.labels is None else self.labels[:n], self.seed)

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
            check_shape(name, (1, *inputs[name].shape[1:]), tuple(shape), self.source)
        return self._with({name: inputs[name] for name in names_and_shapes}, self.labels, self.seed)

    def _at(self, places: Places, seed: int) -> CalibrationSet:
        """The samples at these places, all of them different; all samples are shared, fewer are copied."""
        if len(places) == len(self):
            return self._with(self.inputs, self.labels, seed)
        inputs = {name: read_only(array[places]) for name, array in self.inputs.items()}
        return self._with(inputs, None if self.labels is None else read_only(self.labels[places]), seed)

    def _with(self, inputs: Mapping[str, Array], labels: Array | None, seed: int) -> CalibrationSet:
        """A set of read-only arrays that were checked already: they are neither copied nor looked at again."""
        result = object.__new__(CalibrationSet)
        values = {"inputs": inputs, "labels": labels, "seed": seed, "source": self.source}
        for name, value in {**values, "preprocess": self.preprocess, "_digest": ""}.items():
            object.__setattr__(result, name, value)
        return result


def overlap(samples: CalibrationSet, other: CalibrationSet) -> int:
    """How many of `samples` also occur in `other`, say the test split, as the audit compares them.

    Raises:
        CalibrationError: their samples have other shapes, so nothing can be compared.
    """
    ours, theirs = ([one.inputs[name].shape[1:] for name in sorted(one.inputs)] for one in (samples, other))
    if ours != theirs:
        raise CalibrationError(
            f"{samples.source}: samples of shape {ours} cannot be compared with those of {other.source}, {theirs}; "
            "preprocess both alike"
        )
    held_out = set(sample_digests(other.inputs))
    return sum(digest in held_out for digest in sample_digests(samples.inputs))
