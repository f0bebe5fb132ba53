"""What the card of a text model says: how a text becomes ids, and all of it for one that no recipe made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from litesmith.calibration.text.contract import TextContract
from litesmith.golden_vectors import GoldenVectors
from litesmith.targets.session import TensorSpec
from litesmith.tasks import QUESTION_ANSWERING, TOKEN_CLASSIFICATION, task_of
from litesmith.training_specs import CLASSIFICATION

_NORMALISATION = {
    "clean_text": "control characters go and every space becomes U+0020",
    "chinese_characters": "ideographs stand alone",
    "strip_accents": "accents go",
    "lowercase": "lower case",
}


def text_steps(contract: TextContract) -> str:
    """The steps from a text to a row of ids."""
    if contract.kind == "wordpiece":
        steps = [words for name, words in _NORMALISATION.items() if getattr(contract, name)]
        cut = f"WordPiece ({'; '.join(steps) or 'text as it is'}; words of at most {contract.longest_word} characters)"
    else:
        space = "with" if contract.add_prefix_space else "without"
        cut = f"byte-level BPE ({len(contract.merges):,} merges, {space} a space before the text)"
    return (
        f"A text becomes {contract.length} ids by {cut} over {len(contract.vocabulary):,} tokens: `{contract.start}`, "
        f"its pieces, `{contract.end}`, then `{contract.pad}` up to the end; what does not fit is cut off. text.json, "
        "vocabulary.txt and what else text.json names say so to the last id. It follows its own tables of Unicode: a "
        "tokenizer of another library or a phone's own lower case gives other ids for some texts."
    )


def pair_step(contract: TextContract) -> str:
    """How a question and its passage share a row."""
    between = " ".join([f"`{contract.end}`"] * contract.pair_ends)
    return (
        f" A question and its passage share the row: `{contract.start}`, the question, {between}, the passage, "
        f"`{contract.end}`; of what does not fit, the longer one is cut first."
    )


def text_card(facts: Mapping[str, Any], golden: GoldenVectors, contract: TextContract) -> str:
    """The card of a bundle that was made of a converted file, as Markdown.

    Args:
        facts: the manifest without its files, see `litesmith.bundle_text`.
        golden: for input, output and tolerance.
        contract: of the input.
    """
    tolerance = golden.tolerance
    answers = task_of(golden.output.shape, golden.class_names) == QUESTION_ANSWERING
    sections = {
        "Preparing the input": text_steps(contract) + (pair_step(contract) if answers else ""),
        "Feeding the model": f"Input `{golden.input.name}`, {golden.input.dtype}, shape {list(golden.input.shape)}, "
        "batch 1: the ids as they are.",
        "Reading the output": reading(golden.output, golden.class_names),
        "Limits": "\n".join(
            [
                "- No accuracy stands here: this bundle was made of a file, not by a recipe that measures it.",
                f"- Other kernels may give outputs up to {tolerance.steps} {tolerance.unit} apart from the golden "
                f"vectors: {tolerance.reason}.",
            ]
        ),
        "Made with": ", ".join(f"{name} {version}" for name, version in facts["created_by"].items()) + ".",
        "Licence": "Litesmith does not know those of the checkpoint and its data; whoever ships this file states them, "
        "beside the bundle and not in it: a changed file no longer fits manifest.json.",
    }
    head = f"A {facts['label']} TFLite model of texts; the oldest runtime that can run it is {facts['oldest_runtime']}."
    parts = [f"## {title}\n\n{text}" for title, text in sections.items()]
    return "\n\n".join([f"# {' '.join(facts['name'].split())}", head, *parts]) + "\n"


def reading(spec: TensorSpec, labels: tuple[str, ...]) -> str:
    """How the output of a text model is read; without labels it is an embedding."""
    shape = f"Output `{spec.name}`, {spec.dtype}, shape {list(spec.shape)}: "
    scaled = "" if spec.scale is None else f" The real value is `{spec.scale!r} * (q - {spec.zero_point})`."
    task = task_of(spec.shape, labels)
    if task == CLASSIFICATION:
        return f"{shape}one logit per line of labels.txt, the largest of which is the class.{scaled}"
    if task == TOKEN_CLASSIFICATION:
        return (
            f"{shape}for each place of the row one logit per line of labels.txt, the largest of which is the label of "
            f"the piece there.{scaled} A word has the label of its first piece; what stands at padding, start and end "
            "means nothing."
        )
    if task == QUESTION_ANSWERING:
        return (
            f"{shape}for each place of the row two logits, that the answer starts and that it ends there.{scaled} The "
            "answer is the span of the passage, of at most 30 pieces, with the largest sum of both. That one is always "
            "found: it does not say whether the passage answers the question."
        )
    return (
        f"{shape}the embedding of the text.{scaled} Texts are alike as the cosine of their embeddings is large, which "
        "does not depend on the scale but does on the zero point."
    )
