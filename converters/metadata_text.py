"""What a text model's `.tflite` says about itself: the text contract, and what the answer is."""

from __future__ import annotations

from litesmith.calibration.text.contract import TextContract
from litesmith.converters.graph import Tensor
from litesmith.converters.metadata import LABELS_FILE, labels_text, output_facts, write_metadata
from litesmith.converters.metadata_tables import (
    MIN_TOKENIZER_VERSION,
    MIN_VOCABULARY_VERSION,
    NO_TYPE,
    VOCABULARY,
    AssociatedFile,
    ModelFacts,
    TensorFacts,
)
from litesmith.converters.text.architecture import Head
from litesmith.converters.tflite_model import TFLiteModel

_DESCRIPTIONS = {
    "text.json": ("The text contract: how a text becomes ids.", NO_TYPE),
    "vocabulary.txt": ("One token a line; the first line is id 0.", VOCABULARY),
    "merges.txt": ("Byte-level BPE: two pieces a line, most important first.", NO_TYPE),
    "kept_ids.txt": ("For each token its id in the vocabulary before it was pruned.", NO_TYPE),
}


def text_files(contract: TextContract, head: Head) -> dict[str, bytes]:
    """The files that travel inside a text model: the contract's, and labels.txt where there are labels.

    Raises:
        DataError: a label does not fit on one line.
    """
    labels = {LABELS_FILE: labels_text(head.labels).encode()} if head.labels else {}
    return {**contract.to_files(), **labels}


def with_text_metadata(
    model: TFLiteModel, contract: TextContract, head: Head, *, name: str, origin: str | None = None
) -> TFLiteModel:
    """The same model with the text contract and its labels inside; same arguments, same bytes.

    Args:
        model: whose input is ids, and whose output is that of `head`.
        contract: which makes the ids.
        head: whose answer the output is.
        name: what a person calls the model.
        origin: `NAME@COMMIT` of the checkpoint on the Hugging Face hub that it was made of, if it was one.

    Raises:
        DataError: a label does not fit on one line.
    """
    held = tuple(AssociatedFile(name, *_DESCRIPTIONS[name]) for name in contract.to_files())
    bert = contract.kind == "wordpiece"
    made = f"Made by Litesmith of hf:{origin}." if origin else "Made by Litesmith."
    facts = ModelFacts(
        name,
        f"{made} text.json says to the last id how a text becomes the input.",
        tuple(_input_facts(tensor, held) for tensor in model.inputs),
        (output_facts(model.outputs[0], _answer(head, model.outputs[0]), labels=bool(head.labels)),),
        MIN_TOKENIZER_VERSION if bert else MIN_VOCABULARY_VERSION,
        tuple(file for file in held if bert and file.kind == VOCABULARY),
    )
    return write_metadata(model, facts, text_files(contract, head))


def _input_facts(tensor: Tensor, held: tuple[AssociatedFile, ...]) -> TensorFacts:
    return TensorFacts(tensor.name, "Token ids, padded, as text.json says.", files=held)


def _answer(head: Head, output: Tensor) -> str:
    if head.kind == "embedding":
        return f"An embedding of {output.shape[-1]} numbers."
    if head.kind == "answer":
        return "Two logits for each token: that it is the first one of the answer, and the last one."
    return f"Logits of {len(head.labels)} classes{' for each token' if head.kind == 'token' else ''}."
