"""MODEL_CARD.md: what a bundle's file is, how to feed it, how well it does and what that does not say."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from litesmith import card_embedding
from litesmith.card_preprocessing import preprocessing
from litesmith.card_quantization import quantization_text
from litesmith.card_text import reading
from litesmith.converters.metric import ACCURACY
from litesmith.golden_vectors import GoldenVectors
from litesmith.splits import Splits
from litesmith.targets.session import TensorSpec
from litesmith.training_specs import EMBEDDING

if TYPE_CHECKING:
    from litesmith.bundle import Provenance

# Latency and seconds, the last two cells of a row, differ between runs; the card must not.
_TIMED = 2
_CLASSES_SHOWN = 20
_Z95 = 1.959964  # the normal distribution's 97.5% quantile


def model_card(facts: Mapping[str, Any], golden: GoldenVectors, splits: Splits, provenance: Provenance) -> str:
    """The card as Markdown.

    Args:
        facts: the manifest without its files, see `litesmith.bundle`.
        golden: for the scales of input and output, and the tolerance.
        splits: for the data's sizes and preprocessing.
        provenance: for the ledger, parity and targets.
    """
    sections = {
        "": _summary(facts, splits),
        "Results by stage": _results(provenance),
        "Training": _training(facts),
        "Data": _data(facts, splits),
        "Preparing the input": preprocessing(splits.test.preprocess),
        "Feeding the model": _feeding(golden.input),
        "Reading the output": _reading(golden.output) if golden.class_names else reading(golden.output, ()),
        "How it was quantized": quantization_text(provenance.details["quantize"], str(facts["label"])),
        "Parity with the model it came from": _parity(provenance.details["quantize"]["parity"]),
        "Targets, as predicted": _targets(facts["targets"]),
        "Limits": _limits(facts, golden),
        "Made with": _versions(facts),
        "Licence": "Litesmith does not know those of the data and of the teacher's weights; whoever ships this file "
        "states them, beside the bundle and not in it: a changed file no longer fits manifest.json.",
    }
    parts = [f"## {title}\n\n{text}" if title else text for title, text in sections.items()]
    # A heading ends with its line.
    return "\n\n".join([f"# {' '.join(facts['name'].split())}", *parts]) + "\n"


def standard_error(share: float, samples: int) -> float:
    """Of a share that was measured on independent samples: `sqrt(p (1 - p) / n)`."""
    return math.sqrt(share * (1 - share) / samples)


def wilson_interval(share: float, samples: int) -> tuple[float, float]:
    """95% confidence interval of a share, sound also near 0 and 1 (Wilson 1927, doi:10.1080/01621459.1927.10502953)."""
    z2 = _Z95**2
    centre = (share + z2 / (2 * samples)) / (1 + z2 / samples)
    half = _Z95 * math.sqrt(share * (1 - share) / samples + z2 / (4 * samples**2)) / (1 + z2 / samples)
    return max(0.0, centre - half), min(1.0, centre + half)


def _summary(facts: Mapping[str, Any], splits: Splits) -> str:
    measured = facts["measured"]
    if facts["task"] == EMBEDDING:
        purpose, figure = "for embeddings of texts", card_embedding.figure(measured)
    else:
        purpose = f"for {facts['task']} into {len(splits.test.class_names)} classes"
        figure = f"{_accuracy(measured)} ({_spread(measured)})"
    return (
        f"A {facts['label']} TFLite model {purpose}: "
        f"{measured['bytes']:,} bytes ({measured['gzip_bytes']:,} gzipped), {figure}. "
        f"It went through: {', '.join(facts['steps'])}. "
        f"By its operators and their types, the oldest TFLite runtime that can run it is {facts['oldest_runtime']}."
    )


def _results(provenance: Provenance) -> str:
    ledger = provenance.ledger
    rows = [cells[:-_TIMED] for cells in ledger.table]
    figure = (
        "Accuracy is on the test split: of a file through LiteRT, one sample at a time; of a training graph where it "
        "was trained."
        if ledger.metric == ACCURACY.name
        else card_embedding.RESULTS
    )
    note = f"{figure} Sparsity is the share of weights of convolutions and dense layers that are exactly zero."
    return f"{_table(ledger.header[:-_TIMED], rows)}\n\n{note}"


def _training(facts: Mapping[str, Any]) -> str:
    distillation, views = facts["distillation"], facts["shifted_views"]
    if distillation is None:
        signal = "The student learned from the labels alone, without a teacher."
    elif facts["task"] == EMBEDDING:
        signal = card_embedding.training(distillation)
    else:
        source = {"data": "those of the data", "teacher": "the classes that the teacher names"}[distillation["labels"]]
        signal = (
            "The student was distilled from a teacher (Hinton et al., arXiv 1503.02531) at temperature "
            f"{distillation['temperature']:g}: the divergence from the teacher weighs {distillation['alpha']:g}, the "
            f"cross-entropy with the labels, which are {source}, {1 - distillation['alpha']:g}."
        )
    if views is None:
        return f"{signal} Each training sample was used as it is."
    return (
        f"{signal} Each training sample was used in {views['views']} views: as it is, and shifted at random by up to "
        f"{views['shift_pixels']} {'pixel' if views['shift_pixels'] == 1 else 'pixels'}."
    )


def _data(facts: Mapping[str, Any], splits: Splits) -> str:
    names = splits.test.class_names
    more = f" and {len(names) - _CLASSES_SHOWN} more" if len(names) > _CLASSES_SHOWN else ""
    parts = {"train": splits.train, "validation": splits.validation, "calibration": splits.calibration}
    rows = [(name, f"{len(part):,}") for name, part in {**parts, "test": splits.test}.items()]
    classes = f"Classes: {', '.join(names[:_CLASSES_SHOWN])}{more} (all in labels.txt). " if names else ""
    return (
        f"{_table(('split', 'samples'), rows)}\n\n"
        f"No sample is in two splits. {classes}Data digest: `{facts['digests']['data']}`."
    )


def _feeding(spec: TensorSpec) -> str:
    head = f"Input `{spec.name}`, {spec.dtype}, shape {list(spec.shape)}, batch 1. "
    if spec.scale is None:
        return head + ("Feed the ids as they are." if spec.dtype == "int32" else "Feed `x` as it is.")
    limits = np.iinfo(spec.dtype)
    return (
        f"{head}Feed\n\n"
        f"    q = clamp(round(x / {spec.scale!r}){_plus(spec.zero_point)}, {limits.min}, {limits.max})\n\n"
        "in float32, where `round` takes ties away from zero, as C's `roundf`. The golden vectors hold `x` as `input` "
        "and `q` as `input_tensor`."
    )


def _reading(spec: TensorSpec) -> str:
    head = f"Output `{spec.name}`, {spec.dtype}, shape {list(spec.shape)}: one logit per line of labels.txt. "
    if spec.scale is not None:
        q = f"(q{_plus(-spec.zero_point)})" if spec.zero_point else "q"
        head += (
            f"The real value is\n\n    logit = {spec.scale!r} * {q}\n\n"
            "and grows with `q`, so the class can be read off `q` itself. "
        )
    return (
        f"{head}The class is the place of the largest value, the first of equal ones. Softmax of the logits gives "
        "scores that sum to 1; nobody has checked that they are calibrated probabilities."
    )


def _plus(value: int | None) -> str:
    """What adds a value to a formula; nothing for 0."""
    return f" {'-' if value < 0 else '+'} {abs(value)}" if value else ""


def _parity(parity: Mapping[str, Any]) -> str:
    steps = "" if parity["max_lsb"] is None else f" ({parity['max_lsb']:.2f} and {parity['mean_lsb']:.3f} LSB)"
    if parity["argmax_agreement"] is None:
        same = card_embedding.parity(parity)
    else:
        agreement = f"{100 * parity['argmax_agreement']:.2f}%"
        same = f"file and Keras model name the same class in {agreement}; their logits"
    return (
        f"Over {parity['samples']:,} test samples, {same} differ by at most {parity['max_difference']:.4g}, "
        f"on average by {parity['mean_difference']:.4g}{steps}."
    )


def _targets(targets: Mapping[str, Mapping[str, Any]]) -> str:
    if not targets:
        return "None was checked."
    rows = [
        (
            name, report["basis"], report["accelerator"], f"{report['mapped']} of {report['total']}",
            *(str(report["findings"][severity]) for severity in ("error", "warning")),
        )
        for name, report in targets.items()
    ]  # fmt: skip
    header = ("target", "basis", "accelerator", "operators on it", "errors", "warnings")
    return (
        f"{_table(header, rows)}\n\n"
        "Predicted from the file and published rules; no device, delegate or compiler was asked. Nothing here is a "
        "speed. `litesmith check` gives every finding."
    )


def _limits(facts: Mapping[str, Any], golden: GoldenVectors) -> str:
    tolerance, measured = golden.tolerance, facts["measured"]
    low, high = wilson_interval(measured["accuracy"], measured["test_samples"])
    first = (
        f"- The {_accuracy(measured)} is an estimate: the 95% interval (Wilson) is {100 * low:.2f}% to "
        f"{100 * high:.2f}%. It holds for data like the test split, and says nothing about other sources."
    )
    last = "- Fairness, robustness and inputs of no class were not examined: every input gets one of the labels."
    if facts["task"] == EMBEDDING:
        first, last = card_embedding.NO_OTHER_FIGURE, card_embedding.UNEXAMINED
    return "\n".join(
        [
            first,
            "- No latency stands here. What the run measured is in its ledger.json and is that of the computer it ran "
            "on, not of a phone.",
            f"- Other kernels may give outputs up to {tolerance.steps} {tolerance.unit} apart from the golden vectors: "
            f"{tolerance.reason}.",
            last,
        ]
    )


def _versions(facts: Mapping[str, Any]) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in facts["created_by"].items())
    # The digest of a checkpoint of the Hugging Face hub is NAME@COMMIT.
    checkpoints = sorted({digest for digest in facts["digests"].values() if "@" in digest})
    made_of = f" Made of {' and '.join(f'`hf:{name}`' for name in checkpoints)}." if checkpoints else ""
    return (
        f"{versions}. Recipe digest: `{facts['digests']['recipe']}`; the recipe itself is the run's recipe.lock.toml."
        f"{made_of}"
    )


def _accuracy(measured: Mapping[str, Any]) -> str:
    return f"accuracy of {100 * measured['accuracy']:.2f}% on {measured['test_samples']:,} test samples"


def _spread(measured: Mapping[str, Any]) -> str:
    """The standard error, or the interval where all samples went the same way and the formula gives a false zero."""
    share, samples = measured["accuracy"], measured["test_samples"]
    if error := 100 * standard_error(share, samples):
        return f"standard error {error:.2f} points"
    low, high = wilson_interval(share, samples)
    return f"95% interval {100 * low:.2f}% to {100 * high:.2f}%"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
