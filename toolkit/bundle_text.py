"""A bundle of a text model that no recipe made: a converted file, its contract, and sentences to prove it with."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from litesmith import __version__
from litesmith.bundle import Bundle, make_bundle, replace_folder
from litesmith.bundle_contract import contract_files
from litesmith.bundle_promise import PROMISE
from litesmith.calibration.text.contract import TextContract
from litesmith.card_text import text_card
from litesmith.converters.associated_files import appended_files
from litesmith.converters.label import truth_label
from litesmith.converters.metadata import LABELS_FILE
from litesmith.converters.runtime_traps import oldest_runtime_of
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import ModelError
from litesmith.golden_text import golden_of_texts
from litesmith.tasks import HOLDS, QUESTION_ANSWERING, task_of


def write_text_bundle(
    folder: Path,
    model: TFLiteModel,
    texts: Sequence[str | tuple[str, str]],
    contract: TextContract | None = None,
    *,
    name: str,
    labels: tuple[str, ...] | None = None,
) -> Path:
    """Write a bundle; one that is there already is replaced when the new one is complete.

    Arguments and errors are those of `text_bundle`.

    Raises:
        OutputError: the folder cannot be written, or holds something else.
    """
    replace_folder(folder, text_bundle(folder, model, texts, contract, name=name, labels=labels).contents)
    return folder


def text_bundle(
    folder: Path,
    model: TFLiteModel,
    texts: Sequence[str | tuple[str, str]],
    contract: TextContract | None = None,
    *,
    name: str,
    labels: tuple[str, ...] | None = None,
) -> Bundle:
    """A bundle that is not written yet.

    Args:
        folder: where it will be.
        model: takes one row of ids, and gives one logit for each label, the same for each token, an embedding, or two
            logits for each token: those of an answer's start and end.
        texts: like those of the app, pairs of question and passage for answers; the first 32 become golden vectors.
        contract: which makes the ids; None for the one inside the model.
        name: what a person calls the model.
        labels: one for each logit, none for an embedding and for answers; None for those inside the model.

    Raises:
        DataError: there is no contract or no sentence, there are no pairs where they are needed, or the model holds
            another contract or other labels.
        ModelError: the model takes or gives something else, or the runtime cannot run it.
    """
    inside = appended_files(model.content)
    contract = TextContract.from_files(inside) if contract is None else contract
    if labels is None:
        labels = tuple(inside.get(LABELS_FILE, b"").decode().splitlines())
    task = task_of(model.outputs[0].shape, labels)
    _check_fed(model, task)
    golden = golden_of_texts(model, contract, texts, labels)
    facts = {
        "name": name,
        "task": task,
        "label": truth_label(model),
        PROMISE: None,
        "oldest_runtime": str(oldest_runtime_of(model)),
        "inputs": [asdict(golden.input)],
        "outputs": [{**asdict(golden.output), "holds": HOLDS[task]}],
        "created_by": {"python": platform.python_version(), "litesmith": __version__},
    }
    return make_bundle(folder, model, golden, facts, contract_files(contract), text_card(facts, golden, contract))


def _check_fed(model: TFLiteModel, task: str) -> None:
    """An app feeds one row of ids: of one text, or of a question and its passage. What takes more is named."""
    if len(model.inputs) > 1:
        names = ", ".join(tensor.name for tensor in model.inputs)
        found = f"has {len(model.inputs)} inputs, {names}; bundles take models with one input, ids"
    # CUMSUM counts the ends of texts, see converters/text/integer/emit_types.py: it would be shown one text of two.
    elif task != QUESTION_ANSWERING and any(operator.op == "CUMSUM" for operator in model.main.operators):
        found = "judges pairs of texts; bundles take answers to questions and models of one text"
    else:
        return
    raise ModelError(
        f"{found}. Use the file with code of your own: docs/text_contract.md says what to feed", file=model.source
    )
