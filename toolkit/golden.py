"""Makes golden vectors from the test split, and runs those of a bundle again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from litesmith.calibration.text.contract import TextContract
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.dataset import Dataset
from litesmith.errors import ModelError
from litesmith.golden_tolerance import AFTER_TRAINING, AWARE, TEXT, tolerance_of
from litesmith.golden_vectors import GoldenVectors, Vector, read_golden
from litesmith.measure import to_real, to_tensor
from litesmith.targets.isolated import IsolatedRun, run_isolated
from litesmith.targets.runtimes import default
from litesmith.targets.session import Session

Array = npt.NDArray[Any]

MODEL_FILE = "model.tflite"
VECTORS_FILE = "golden/vectors.json"
FEWEST, MOST = 10, 32
# Of all inputs, or of all outputs: keeps the file under about 15 MB. A 224x224 RGB model gets three vectors.
MOST_VALUES = 500_000
# Per vector wanted, how many samples are tried to find one whose class no kernel's rounding can change.
TRIES = 4
# Of a step: a float32 output of up to 2^15 steps is itself rounded by 0.002 of one.
ROUNDING = 0.01


@dataclass(frozen=True, slots=True)
class GoldenResult:
    """What a rerun found: `max_steps` is the largest difference, in LSB or whatever `unit` the tolerance has.

    `different` counts output values that are not equal, `wrong_class` lists vectors whose class is another:
    None where a sample has no class.
    """

    vectors: int
    max_steps: float
    tolerance_steps: int
    unit: str
    different: int
    values: int
    wrong_class: tuple[int, ...] | None
    runtime: str
    runtime_version: str
    delegate: str

    @property
    def ok(self) -> bool:
        """Whether every class is the expected one and no output is further off than the tolerance."""
        return not self.wrong_class and self.max_steps <= self.tolerance_steps + ROUNDING

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"ok": self.ok, **asdict(self)}


def make_golden(
    model: TFLiteModel, test: Dataset, *, quantization_aware: bool, texts: Sequence[str] | None = None
) -> GoldenVectors:
    """Run samples of the test split that cover every class where there is room for it; the choice is deterministic.

    Per class, samples come first whose largest output leads by more than kernels may differ, and among them those
    that come first in the split.

    Args:
        model: a classifier with one input and one output, batch 1.
        test: where samples are taken from.
        quantization_aware: whether the file was trained so, which decides the tolerance.
        texts: what the samples were made of, in their order, for vectors of a text model that begin with the text.

    Raises:
        ModelError: the runtime cannot run the file, or it does not give a finite number for each class.
    """
    session = default().open(model.content)
    (into,), (out,) = session.inputs, session.outputs
    classes = len(test.class_names)
    if out.shape != (1, classes):
        raise ModelError(f"gives {list(out.shape)}, not one logit for each of {classes} classes", file=model.source)
    count = vector_count(classes, test.x[0].size)
    tried = in_turns(test.y, np.zeros(len(test), bool))[: TRIES * count]
    given = [None if texts is None else texts[place] for place in tried]
    vectors = [
        run_sample(session, test.x[place : place + 1], int(place), text=text, label=int(test.y[place]))
        for place, text in zip(tried, given, strict=True)
    ]
    outputs = np.concatenate([vector.output for vector in vectors])
    kind = TEXT if isinstance(test.preprocess, TextContract) else AWARE if quantization_aware else AFTER_TRAINING
    tolerance = tolerance_of(model, outputs, kind)
    lead = np.diff(np.sort(outputs, axis=-1)[:, -2:], axis=-1)[:, 0]
    unclear = lead <= 2 * tolerance.steps * tolerance.step
    chosen = in_turns(test.y[tried], unclear)[:count]
    runtime = session.runtime
    computed_by = {"runtime": runtime.name, "runtime_version": runtime.version, "delegate": session.delegate}
    return GoldenVectors(tuple(vectors[place] for place in chosen), into, out, test.class_names, tolerance, computed_by)


def verify_golden(bundle: Path, *, runtime: str | None = None, delegate: str = "xnnpack") -> GoldenResult:
    """Run the golden vectors of a bundle through its model, in a child process, and compare.

    Args:
        bundle: the bundle's folder.
        runtime: see `litesmith.targets.isolated.run_isolated`, likewise `delegate`.
        delegate: see `runtime`.

    Raises:
        ModelError: the vectors cannot be read or fed to the model, or the model cannot be run.
    """
    golden = read_golden(bundle / VECTORS_FILE)
    runs = [
        run_isolated(bundle / MODEL_FILE, [vector.tensor], runtime=runtime, delegate=delegate)
        for vector in golden.vectors
    ]
    raws = [_single_output(run, golden, bundle) for run in runs]
    ran = runs[0]
    return compare_golden(golden, raws, ran.runtime, ran.runtime_version, ran.delegate)


def compare_golden(
    golden: GoldenVectors, raws: Sequence[Array], runtime: str, runtime_version: str, delegate: str
) -> GoldenResult:
    """Compare outputs that were computed again, one for each vector and in its type and shape, with those recorded."""
    steps = [_steps(raw, vector, golden) for raw, vector in zip(raws, golden.vectors, strict=True)]
    wrong = tuple(
        place
        for place, (raw, vector) in enumerate(zip(raws, golden.vectors, strict=True))
        if raw.argmax() != vector.predicted
    )
    return GoldenResult(
        vectors=len(raws),
        max_steps=max(float(apart.max()) for apart in steps),
        tolerance_steps=golden.tolerance.steps,
        unit=golden.tolerance.unit,
        different=sum(int(np.count_nonzero(apart)) for apart in steps),
        values=sum(apart.size for apart in steps),
        wrong_class=wrong if golden.classifies else None,
        runtime=runtime,
        runtime_version=runtime_version,
        delegate=delegate,
    )


def vector_count(classes: int, values: int) -> int:
    """How many vectors to make for a number of classes and of values in one input."""
    return max(1, min(max(FEWEST, classes), MOST, MOST_VALUES // values))


def in_turns(labels: npt.NDArray[np.int64], last: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Places in an order that gives each class its turn: the first of every class, then the second, and so on.

    Args:
        labels: the class of each place (N,).
        last: places that come after all others of their class (N,).
    """
    by_class = np.lexsort((last, labels))
    ordered = labels[by_class]
    rank = np.arange(len(ordered)) - np.searchsorted(ordered, ordered)
    turns: npt.NDArray[np.int64] = by_class[np.lexsort((ordered, rank))]
    return turns


def run_sample(
    session: Session,
    x: Array,
    place: int,
    *,
    text: str | None = None,
    pair: str | None = None,
    label: int | None = None,
    classes: bool = True,
) -> Vector:
    """The vector of one sample.

    Args:
        session: the model.
        x: preprocessed (1, ...).
        place: what the vector calls it.
        text: what it was made of.
        pair: the second text that it was made of.
        label: its class, where that is known.
        classes: whether the output is logits of the sample.

    Raises:
        ModelError: the model gives NaN or infinity for it.
    """
    tensor = to_tensor(x, session.inputs[0])
    (raw,) = session.run([tensor])
    output = to_real(raw, session.outputs[0])
    if not np.isfinite(output).all():
        raise ModelError(f"test sample {place} gives {output.ravel()}; an app cannot use that, train the model again")
    return Vector(place, label, int(output.argmax()) if classes else None, x, tensor, raw, output, text, pair)


def _single_output(run: IsolatedRun, golden: GoldenVectors, bundle: Path) -> Array:
    shapes = [(output.shape, output.dtype.name) for output in run.outputs]
    if shapes != [(golden.output.shape, golden.output.dtype)]:
        raise ModelError(
            f"its outputs are {shapes}, not what {VECTORS_FILE} describes; write the bundle again",
            file=bundle / MODEL_FILE,
        )
    return run.outputs[0]


def _steps(raw: Array, vector: Vector, golden: GoldenVectors) -> npt.NDArray[np.float64]:
    """How many steps of the tolerance each output value is off."""
    step = golden.tolerance.step if golden.output.scale is None else 1.0
    steps: npt.NDArray[np.float64] = np.abs(np.subtract(raw, vector.output_raw, dtype=np.float64)) / step
    # NaN is as wrong as a number can be, and JSON has no word for it.
    return np.nan_to_num(steps, nan=float(np.finfo(np.float64).max))
