"""Golden vectors of sentences, for a text model that gives one answer a text, or one for each token."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from litesmith.calibration.text.contract import TextContract
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.dataset import Dataset
from litesmith.errors import DataError, ModelError
from litesmith.golden import MOST, MOST_VALUES, make_golden, run_sample
from litesmith.golden_tolerance import TEXT, TOKENS, tolerance_of
from litesmith.golden_vectors import GoldenVectors
from litesmith.targets.runtimes import default
from litesmith.targets.session import TensorSpec
from litesmith.tasks import QUESTION_ANSWERING, TOKEN_CLASSIFICATION, output_shape, task_of
from litesmith.training_specs import CLASSIFICATION, EMBEDDING

_PAIR = 2  # texts, and as many logits for each token: an answer's start and end


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
    model: TFLiteModel, contract: TextContract, texts: Sequence[str | tuple[str, str]], labels: tuple[str, ...] = ()
) -> GoldenVectors:
    """Run the first sentences, each once.

    Args:
        model: takes one row of ids, and gives one logit for each label, the same for each token, an embedding, or two
            logits for each token: those of an answer's start and end.
        contract: which makes the ids.
        texts: pairs of question and passage for answers. The first 32 are taken, or fewer where what is given for each
            token would make a large file.
        labels: none for an embedding and for answers.

    Raises:
        DataError: there is no sentence, one is neither a text nor a pair, or there are pairs where one text is needed,
            or the other way round.
        ModelError: the model takes or gives something else, or the runtime cannot run it.
    """
    if not texts:
        raise DataError("golden vectors need at least one sentence; give some like those of the app")
    _check_texts(texts)
    session = default().open(model.content)
    task = task_of(session.outputs[0].shape, labels)
    _check_tensors(model, session.inputs, session.outputs, contract, labels)
    _check_pairs(task, texts, labels)
    (into,), (out,) = session.inputs, session.outputs
    chosen = list(dict.fromkeys(texts))[: max(1, min(MOST, MOST_VALUES // math.prod(out.shape)))]
    ids = contract.encode_all(chosen)
    parts = [(text, None) if isinstance(text, str) else text for text in chosen]
    vectors = tuple(
        run_sample(session, ids[place : place + 1], place, text=text, pair=pair, classes=task == CLASSIFICATION)
        for place, (text, pair) in enumerate(parts)
    )
    kind = TEXT if task in (CLASSIFICATION, EMBEDDING) else TOKENS
    tolerance = tolerance_of(model, np.concatenate([vector.output for vector in vectors]), kind)
    ran = session.runtime
    computed_by = {"runtime": ran.name, "runtime_version": ran.version, "delegate": session.delegate}
    return GoldenVectors(vectors, into, out, labels, tolerance, computed_by)


def _check_texts(texts: Sequence[str | tuple[str, str]]) -> None:
    """Each is a text, or a pair of them; counted from 0, as the contract counts."""
    for index, text in enumerate(texts):
        parts = text if isinstance(text, tuple) else (text,)
        if isinstance(text, tuple) and len(text) != _PAIR:
            raise DataError(f"text {index}: is a tuple of {len(text)}; give a text, or a question and its passage")
        for part in parts:
            if not isinstance(part, str):
                raise DataError(f"text {index}: a text must be a str, not {type(part).__name__}; a pair is a tuple")


def _check_pairs(task: str, texts: Sequence[str | tuple[str, str]], labels: tuple[str, ...]) -> None:
    answers = task == QUESTION_ANSWERING
    if all(isinstance(text, tuple) == answers for text in texts):
        return
    if answers:
        raise DataError(
            "a model that answers questions is proved by pairs of question and passage; give a .tsv or .csv, and name "
            "two columns, the question first: --column question --column context"
        )
    if task == TOKEN_CLASSIFICATION and len(labels) == _PAIR:  # by its output it may be either
        raise DataError(
            "only a model that answers questions is proved by pairs, and such a model has no labels: leave out "
            f"{' and '.join(labels)}, or give one column of texts for a model of labels"
        )
    raise DataError("only a model that answers questions is proved by pairs; give one column of texts")


def _check_tensors(
    model: TFLiteModel,
    into: Sequence[TensorSpec],
    out: Sequence[TensorSpec],
    contract: TextContract,
    labels: tuple[str, ...],
) -> None:
    task = task_of(out[0].shape, labels)
    wanted = output_shape(task, out[0].shape, labels, contract.length)
    if [spec.shape for spec in into] == [(1, contract.length)] and [spec.shape for spec in out] == [wanted]:
        return
    reads = {
        CLASSIFICATION: f"{len(labels)} logits",
        EMBEDDING: "one embedding",
        TOKEN_CLASSIFICATION: f"{len(labels)} logits for each of them",
        QUESTION_ANSWERING: "for each of them two logits, that an answer starts and ends there",
    }
    raise ModelError(
        f"takes {[spec.shape for spec in into]} and gives {[spec.shape for spec in out]}; an app feeds one row of "
        f"{contract.length} ids, and reads {reads[task]}",
        file=model.source,
    )
