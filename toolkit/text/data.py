"""Sentences of a file as datasets of ids: split by content, seen through the vocabularies of teacher and student."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from litesmith.calibration.draw import draw_at_most
from litesmith.calibration.text.contract import TextContract
from litesmith.calibration.text.pruned_vocabulary import counted, pruned
from litesmith.calibration.text.tokenizer_folder import contract_from_folder
from litesmith.data_spec import DataSpec
from litesmith.dataset import Dataset
from litesmith.errors import DataError, RecipeError
from litesmith.recipe_data import Samples, Unlabelled
from litesmith.recipe_paths import expanded, model_folder
from litesmith.splits import Splits, divide
from litesmith.text.sentences import Sentences, read_labelled, read_plain
from litesmith.text.spec import TextSpec
from litesmith.training_specs import EMBEDDING

_PARTS = ("train", "validation", "calibration", "test")


def load_text(data: DataSpec, text: TextSpec, *, task: str, source: str, base: Path, seed: int) -> Samples:
    """Read, split and encode what `[data]` and `[data.text]` name.

    Which part a sentence falls in depends on its ids under the whole vocabulary. The student's vocabulary is pruned to
    what the training split uses; sentences of the training split that are those of another part after that, or occur
    in the table to test with, are left out.

    Raises:
        DataError: a file cannot be read, a table has no such columns, an empty text or a label that is no class, or
            there are too few samples.
        RecipeError: the tokenizer's folder does not exist, or has fewer tokens than the student shall keep.
    """
    contract = whole_contract(text, base)
    if text.vocabulary is not None and text.vocabulary > len(contract.vocabulary):
        raise RecipeError(
            f"{text.vocabulary:,} is more than the {len(contract.vocabulary):,} tokens of {text.tokenizer}; leave it "
            "out to keep all of them",
            key="data.text.vocabulary",
        )
    read = read_plain if task == EMBEDDING else read_labelled
    sentences = read(base / source, text)
    sentences = sentences.at(long_enough(sentences.texts, text))
    if text.samples is not None:
        drawn = draw_at_most(len(sentences.texts), text.samples, seed, sentences.labels, source=source)
        sentences = sentences.at(drawn)
    test = None if text.test is None else read(base / expanded(text.test, "data.text.test"), text)
    parts, duplicates, conflicts = _parts(data, sentences, test, contract, seed)
    smaller = contract
    if text.vocabulary is not None:
        smaller = pruned(contract, counted(contract, parts["train"].texts), text.vocabulary)
        parts["train"] = _apart(parts, smaller)
    student, teacher = (_splits(parts, one, source, duplicates, conflicts) for one in (smaller, contract))
    unlabelled = _unlabelled(text, parts, smaller, contract, base)
    digest = hashlib.sha256(f"{smaller.digest} {contract.digest}".encode())
    for part in _PARTS:
        digest.update(f"{getattr(student, part).digest} {getattr(teacher, part).digest}".encode())
    if unlabelled is not None:
        digest.update(unlabelled.teacher_x.tobytes())
    return Samples(student, teacher, digest.hexdigest(), unlabelled, tuple(parts["test"].texts))


def long_enough(texts: Sequence[str], text: TextSpec) -> list[int]:
    """Places of the texts with as many words as the recipe asks for.

    Raises:
        DataError: there is none.
    """
    places = [place for place, one in enumerate(texts) if len(one.split()) >= text.least_words]
    if not places:
        raise DataError(f"no sentence has {text.least_words} words; lower data.text.least_words")
    return places


def whole_contract(text: TextSpec, base: Path) -> TextContract:
    """The contract of the recipe's tokenizer with all of its vocabulary.

    Raises:
        RecipeError: there is no such folder, and no such name on the hub.
    """
    return contract_from_folder(model_folder(text.tokenizer, base=base, key="data.text.tokenizer"), text.length)


def _parts(
    data: DataSpec, sentences: Sentences, test: Sentences | None, contract: TextContract, seed: int
) -> tuple[dict[str, Sentences], int, int]:
    """Sentences by part; how many of the source are duplicates and conflicts."""
    wanted: dict[str, float | int] = {"validation": data.validation, "calibration": data.calibration}
    ids = contract.encode_all(sentences.texts)
    if test is None:
        wanted["test"] = data.test
    else:
        if test.class_names != sentences.class_names:
            raise DataError(
                f"data.text.test: its classes {test.class_names} are not the source's, {sentences.class_names}"
            )
        held = {row.tobytes() for row in contract.encode_all(test.texts)}
        rest = [place for place, row in enumerate(ids) if row.tobytes() not in held]
        sentences, ids = sentences.at(rest), ids[rest]
    dataset = Dataset(ids, sentences.targets, sentences.class_names, contract, data.source)
    division = divide(dataset, seed=seed, wanted=wanted)
    parts = {part: sentences.at(places) for part, places in division.places.items()}
    return parts if test is None else {**parts, "test": test}, division.duplicates, division.conflicts


def _apart(parts: dict[str, Sentences], contract: TextContract) -> Sentences:
    """The training sentences that are none of the other parts' under a smaller vocabulary."""
    held = {row.tobytes() for part in _PARTS if part != "train" for row in contract.encode_all(parts[part].texts)}
    train = parts["train"]
    rows = contract.encode_all(train.texts)
    return train.at([place for place, row in enumerate(rows) if row.tobytes() not in held])


def _splits(
    parts: dict[str, Sentences], contract: TextContract, source: str, duplicates: int, conflicts: int
) -> Splits:
    datasets = {
        part: Dataset(
            contract.encode_all(parts[part].texts),
            parts[part].targets,
            parts[part].class_names,
            contract,
            f"{source}/{part}",
        )
        for part in _PARTS
    }
    return Splits(**datasets, duplicates=duplicates, conflicts=conflicts)


def _unlabelled(
    text: TextSpec, parts: dict[str, Sentences], smaller: TextContract, contract: TextContract, base: Path
) -> Unlabelled | None:
    """Sentences of the further table that are in no part, each once."""
    if text.unlabelled is None:
        return None
    path = base / expanded(text.unlabelled, "data.text.unlabelled")
    texts = read_plain(path, text).texts
    seen = {row.tobytes() for part in _PARTS for row in contract.encode_all(parts[part].texts)}
    new = []
    for one, row in zip(texts, contract.encode_all(texts), strict=True):
        if row.tobytes() not in seen:
            seen.add(row.tobytes())
            new.append(one)
    if not new:
        raise DataError(f"{text.unlabelled}: every sentence is in another part already; leave it out")
    return Unlabelled(smaller.encode_all(new), contract.encode_all(new))
