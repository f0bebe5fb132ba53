"""What the card of a run's model says where it gives embeddings and no classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from litesmith.converters.metric import COSINE

RESULTS = (
    "Cosine is the mean of the cosines between a vector and that of the float teacher for the same text, on the test "
    "split, below 0 counted as 0: of a file through LiteRT, one sample at a time."
)
NO_OTHER_FIGURE = (
    "- It says how near the vectors are to the teacher's, not how well either finds what people call alike: measure "
    "that on texts of your own."
)
UNEXAMINED = "- Fairness, robustness and texts of other kinds or languages were not examined: every text gets a vector."


def figure(measured: Mapping[str, Any]) -> str:
    """The cosine in words, from the manifest's `measured`."""
    return (
        f"a mean cosine of {COSINE.text(measured['accuracy'])} to the teacher's vectors on "
        f"{measured['test_samples']:,} test texts"
    )


def training(distillation: Mapping[str, Any]) -> str:
    """What the student learned from, from the manifest's `distillation`."""
    words = {
        "hidden": "the error to the teacher's hidden states (TinyBERT, arXiv 1909.10351) weighs",
        "relations": "the divergence from its last layer's relations (MiniLM, arXiv 2002.10957) weighs",
    }
    further = [f"{text} {distillation[key]:g}" for key, text in words.items() if distillation.get(key)]
    return (
        ", and ".join(
            [
                "The student learned the teacher's embeddings, from texts without labels: 1 - cosine, plus the squared "
                "distance in units of the teacher's length",
                *further,
            ]
        )
        + "."
    )


def parity(found: Mapping[str, Any]) -> str:
    """The beginning of the sentence about the model that the file came from."""
    return f"the vectors of file and Keras model have a mean cosine of {COSINE.text(found['cosine'])}; they"
