"""Golden vectors of sentences, for a text model of any head that gives one answer a text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from litesmith.calibration.text.contract import TextContract
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.dataset import Dataset
from litesmith.errors import DataError, ModelError
from litesmith.golden import MOST, make_golden, run_sample
from litesmith.golden_tolerance import TEXT, tolerance_of
from litesmith.golden_vectors import GoldenVectors
from litesmith.targets.runtimes import default


def golden_of_split(
    model: TFLiteModel, test: Dataset, *, quantization_aware: bool, texts: Sequence[str] | None
) -> GoldenVectors:
    """Golden vectors of a run: those of `golden.make_golden`, or of the first texts where there are no classes.

    Args:
        model: what ships.
        test: the split that samples are taken from.
        quantization_aware: see `golden.make_golden`, likewise `texts`.
        texts: see `quantization_aware`; needed where there are no classes.

    Raises:
        DataError: there are neither classes nor texts.
        ModelError: the model takes or gives something else, or the runtime cannot run it.
    """
    if test.class_names or not isinstance(test.preprocess, TextContract):
        return make_golden(model, test, quantization_aware=quantization_aware, texts=texts)
    return golden_of_texts(model, test.preprocess, texts or ())


def golden_of_texts(
    model: TFLiteModel, contract: TextContract, texts: Sequence[str], labels: tuple[str, ...] = ()
) -> GoldenVectors:
    """Run the first sentences, each once.

    Args:
        model: takes one row of ids, and gives one logit for each label, or an embedding.
        contract: which makes the ids.
        texts: at most the first 32 are taken.
        labels: none for an embedding.

    Raises:
        DataError: there is no sentence.
        ModelError: the model takes or gives something else, or the runtime cannot run it.
    """
    chosen = list(dict.fromkeys(texts))[:MOST]
    if not chosen:
        raise DataError("golden vectors need at least one sentence; give some like those of the app")
    session = default().open(model.content)
    into, out = session.inputs, session.outputs
    shapes = [(1, contract.length)], [(1, len(labels) or out[0].shape[-1])]
    if ([spec.shape for spec in into], [spec.shape for spec in out]) != shapes:
        raise ModelError(
            f"takes {[spec.shape for spec in into]} and gives {[spec.shape for spec in out]}; an app feeds one row of "
            f"{contract.length} ids, and reads {f'{len(labels)} logits' if labels else 'one embedding'}",
            file=model.source,
        )
    ids = contract.encode_all(chosen)
    vectors = tuple(
        run_sample(session, ids[place : place + 1], place, text=text, classes=bool(labels))
        for place, text in enumerate(chosen)
    )
    tolerance = tolerance_of(model, np.concatenate([vector.output for vector in vectors]), TEXT)
    ran = session.runtime
    computed_by = {"runtime": ran.name, "runtime_version": ran.version, "delegate": session.delegate}
    return GoldenVectors(vectors, into[0], out[0], labels, tolerance, computed_by)
