"""The samples of a recipe, as its student and its teacher see them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from litesmith.calibration.text.contract import TextContract
from litesmith.data import load_dataset, split
from litesmith.data_spec import DataSpec
from litesmith.recipe_paths import expanded
from litesmith.splits import Splits
from litesmith.training_specs import CLASSIFICATION

Ids = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Unlabelled:
    """Further samples without labels, (N, ...), as student and teacher see them."""

    x: Ids
    teacher_x: Ids


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Splits of the same samples, in the same order.

    Attributes:
        splits: what the student sees.
        teacher: what the teacher sees: the same, but for a text student with a smaller vocabulary.
        digest: over everything that was read.
        unlabelled: where the recipe names some.
        test_texts: of a text model, what the test split's ids were made of.
    """

    splits: Splits
    teacher: Splits
    digest: str
    unlabelled: Unlabelled | None = None
    test_texts: tuple[str, ...] | None = None

    def with_vectors(self, vectors: npt.NDArray[np.float32]) -> Samples:
        """The same samples with what is wanted of them, see `Splits.with_vectors`."""
        return replace(self, splits=self.splits.with_vectors(vectors), teacher=self.teacher.with_vectors(vectors))

    @property
    def kept_ids(self) -> Ids | None:
        """For each id of a smaller vocabulary the teacher's; None where both see the same ids."""
        contract = self.splits.train.preprocess
        kept = contract.kept_ids if isinstance(contract, TextContract) else None
        return None if kept is None else np.array(kept, np.int32)


def load_samples(data: DataSpec, *, base: Path, seed: int, task: str = CLASSIFICATION) -> Samples:
    """Read and split what `[data]` names.

    Args:
        data: what is read.
        base: the recipe's folder.
        seed: of the split.
        task: the recipe's; samples of embeddings have no labels.

    Raises:
        DataError: the data are missing, malformed or too few.
        RecipeError: a path needs a variable of the environment that is not set.
    """
    source = expanded(data.source, "data.source")
    if data.text is not None:
        from litesmith.text.data import load_text

        return load_text(data, data.text, task=task, source=source, base=base, seed=seed)
    shape, scale, offset = data.image_shape or None, data.scale, data.offset
    dataset = load_dataset(source, base=base, image_shape=shape, scale=scale, offset=offset, steps=data.steps)
    splits = split(dataset, seed=seed, validation=data.validation, calibration=data.calibration, test=data.test)
    return Samples(splits, splits, dataset.digest)
