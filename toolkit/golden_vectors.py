"""What golden/vectors.json holds: inputs of an app with the outputs that the file gave for them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from litesmith.errors import ModelError
from litesmith.measure import to_real, to_tensor
from litesmith.targets.session import TensorSpec

Array = npt.NDArray[Any]

VERSION = 1


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far another kernel may be off: `steps` times `step`, which is `unit` in terms of the real output.

    A step is one LSB of the output, or of the tensor behind it if the file dequantizes itself, or a share of the
    largest output if nothing is quantized.
    """

    step: float
    steps: int
    unit: str
    reason: str

    def __post_init__(self) -> None:
        if not (0 < self.step < np.inf and self.steps > 0):
            raise ValueError(f"a tolerance must be positive: {self}")


@dataclass(frozen=True, slots=True, eq=False)
class Vector:
    """One sample: `input` is preprocessed float32, or ids as int32; `tensor` is what the app feeds.

    `label` is None where it is not known, `predicted` where the sample as a whole has no class, `text` where it is not
    kept or the sample is none, and `pair`, the text that goes with it, where there is one text.
    """

    sample: int
    label: int | None
    predicted: int | None
    input: Array
    tensor: Array
    output_raw: Array
    output: npt.NDArray[np.float32]
    text: str | None = None
    pair: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class GoldenVectors:
    """Vectors of one file with one input and one output; `computed_by` names runtime, version and delegate.

    `class_names` is empty where the output is no logits. Where it is logits of each token, no vector has one class.
    """

    vectors: tuple[Vector, ...]
    input: TensorSpec
    output: TensorSpec
    class_names: tuple[str, ...]
    tolerance: Tolerance
    computed_by: Mapping[str, str]

    @property
    def classifies(self) -> bool:
        """Whether a sample as a whole has a class."""
        return bool(self.class_names) and len(self.output.shape) == 2

    def __post_init__(self) -> None:
        if not self.vectors:
            raise ValueError("there is no vector")
        for vector in self.vectors:
            agree = np.array_equal(to_tensor(vector.input, self.input), vector.tensor) and np.array_equal(
                to_real(vector.output_raw, self.output), vector.output
            )
            if not agree or (vector.output.argmax() if self.classifies else None) != vector.predicted:
                raise ValueError(f"raw and real values of sample {vector.sample} contradict each other")

    def to_json(self) -> str:
        """The content of golden/vectors.json: every float32 as the double that equals it, so nothing is rounded."""
        document = {
            "version": VERSION,
            "computed_by": dict(self.computed_by),
            "tolerance": asdict(self.tolerance),
            "input": asdict(self.input),
            "output": asdict(self.output),
            "class_names": list(self.class_names),
            "vectors": [self._vector(vector) for vector in self.vectors],
        }
        # Indented, every number would stand on a line of its own.
        return json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n"

    def _vector(self, vector: Vector) -> dict[str, Any]:
        return {
            "sample": vector.sample,
            "label": self._named(vector.label),
            "predicted": self._named(vector.predicted),
            **({"text": vector.text} if vector.text is not None else {"input": vector.input.ravel().tolist()}),
            **({"pair": vector.pair} if vector.pair is not None else {}),
            "input_tensor": vector.tensor.ravel().tolist(),
            "output_raw": vector.output_raw.ravel().tolist(),
            "output": vector.output.ravel().tolist(),
        }

    def _named(self, index: int | None) -> dict[str, Any] | None:
        return None if index is None else {"index": index, "name": self.class_names[index]}

    @classmethod
    def from_json(cls, text: str) -> GoldenVectors:
        """Read what `to_json` wrote.

        Raises:
            ValueError: another version, something is missing, or values contradict each other.
        """
        document = json.loads(text)
        try:
            if document["version"] != VERSION:
                raise ValueError(f"version {document['version']!r} is not known, only {VERSION}")
            into, out = _spec(document["input"]), _spec(document["output"])
            return cls(
                tuple(_vector(values, into, out) for values in document["vectors"]),
                into,
                out,
                tuple(document["class_names"]),
                Tolerance(**document["tolerance"]),
                document["computed_by"],
            )
        except (KeyError, TypeError, OverflowError) as error:
            raise ValueError(f"{type(error).__name__}: {error}") from error


def read_golden(path: Path) -> GoldenVectors:
    """Read a golden/vectors.json.

    Raises:
        ModelError: it cannot be read, or is not what `make_golden` makes.
    """
    try:
        return GoldenVectors.from_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(f"cannot be read ({error.strerror}); write the bundle again", file=path) from error
    except ValueError as error:
        raise ModelError(f"holds no golden vectors ({error}); write the bundle again", file=path) from error


def _spec(document: Mapping[str, Any]) -> TensorSpec:
    return TensorSpec(**{**document, "shape": tuple(document["shape"])})


def _vector(document: Mapping[str, Any], into: TensorSpec, out: TensorSpec) -> Vector:
    # The contract makes the ids of a text: nothing lies between them and what is fed.
    ids = "text" in document
    return Vector(
        sample=document["sample"],
        label=_index(document["label"]),
        predicted=_index(document["predicted"]),
        input=_array(document["input_tensor" if ids else "input"], into.shape, into.dtype if ids else "float32"),
        tensor=_array(document["input_tensor"], into.shape, into.dtype),
        output_raw=_array(document["output_raw"], out.shape, out.dtype),
        output=_array(document["output"], out.shape, "float32"),
        text=_text(document, "text"),
        pair=_text(document, "pair"),
    )


def _text(document: Mapping[str, Any], key: str) -> str | None:
    value = document.get(key)
    if value is None or isinstance(value, str):
        return value
    raise ValueError(f"sample {document['sample']}: {key} is {json.dumps(value)[:40]}; expected a text")


def _index(named: Mapping[str, Any] | None) -> int | None:
    return None if named is None else int(named["index"])


def _array(values: list[float], shape: tuple[int, ...], dtype: str) -> Array:
    found = np.array(values)
    with np.errstate(over="ignore"):
        array = found.astype(dtype)
    if not np.array_equal(array, found):
        raise ValueError(f"a value is not {dtype}")
    return array.reshape(shape)
