"""Sentences of a table as datasets of ids: split by content, seen through the vocabularies of teacher and student."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from litesmith.calibration.draw import draw_at_most
from litesmith.calibration.table_rows import SUFFIXES
from litesmith.calibration.tables import read_table
from litesmith.calibration.text import sentences as sentence_files
from litesmith.calibration.text.contract import TextContract
from litesmith.calibration.text.pruned_vocabulary import counted, pruned
from litesmith.calibration.text.tokenizer_folder import contract_from_folder
from litesmith.data_spec import DataSpec
from litesmith.dataset import Dataset
from litesmith.errors import DataError, RecipeError
from litesmith.recipe_data import Samples, Unlabelled
from litesmith.recipe_paths import expanded, model_folder
from litesmith.splits import Splits, divide
from litesmith.text.spec import TextSpec

Labels = npt.NDArray[np.int64]
_PARTS = ("train", "validation", "calibration", "test")


@dataclass(frozen=True, slots=True)
class Sentences:
    """Texts with labels, and the names of the classes where the table or the recipe gives them."""

    texts: list[str]
    labels: Labels
    class_names: tuple[str, ...]

    def at(self, places: Sequence[int] | Labels) -> Sentences:
        """Those at `places`."""
        return Sentences([self.texts[place] for place in places], self.labels[list(places)], self.class_names)


def load_text(data: DataSpec, text: TextSpec, *, source: str, base: Path, seed: int) -> Samples:
    """Read, split and encode what `[data]` and `[data.text]` name.

    Which part a sentence falls in depends on its ids under the whole vocabulary. The student's vocabulary is pruned to
    what the training split uses; sentences of the training split that are those of another part after that, or occur
    in the table to test with, are left out.

    Raises:
        DataError: a table has no such columns, an empty text or a label that is no class, or too few samples.
        RecipeError: the tokenizer's folder does not exist.
    """
    contract = whole_contract(text, base)
    sentences = read_sentences(base / source, text)
    sentences = sentences.at(long_enough(sentences.texts, text))
    if text.samples is not None:
        drawn = draw_at_most(len(sentences.texts), text.samples, seed, sentences.labels, source=source)
        sentences = sentences.at(drawn)
    parts, duplicates, conflicts = _parts(data, text, sentences, contract, base, seed)
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
        RecipeError: it is no folder here.
    """
    folder = model_folder(text.tokenizer, base=base, key="data.text.tokenizer")
    if folder is None:
        raise RecipeError(f"{text.tokenizer} is no folder; check the path", key="data.text.tokenizer")
    return contract_from_folder(folder, text.length)


def read_sentences(path: Path, text: TextSpec) -> Sentences:
    """Texts and labels of a table.

    Raises:
        DataError: it cannot be read, lacks a column, or a text is empty or a label is no class.
    """
    texts, labels, names = _columns(path, text)
    if labels is None:
        raise DataError(f"{path}: has no column {text.label!r} of labels; name it in data.text.label")
    names = text.classes or names or tuple(str(label) for label in range(max(2, int(labels.max(initial=0)) + 1)))
    wrong = np.flatnonzero((labels < 0) | (labels >= len(names)))
    if wrong.size:
        raise DataError(
            f"{path}: sample {wrong[0]} has label {labels[wrong[0]]}, but the classes are {', '.join(names)}; "
            "number them from 0, or name them in data.text.classes"
        )
    return Sentences(texts, labels, names)


def _columns(path: Path, text: TextSpec) -> tuple[list[str], Labels | None, tuple[str, ...] | None]:
    if not path.is_file():
        raise DataError(f"{path}: no such file; give a .tsv or .csv with a column {text.column!r}")
    table = read_table(path)
    texts = table.columns.get(text.column)
    if not isinstance(texts, list):
        columns = ", ".join(map(repr, table.columns))
        raise DataError(f"{path}: has no column {text.column!r} of texts, but {columns}; name it in data.text.column")
    empty = next((place for place, one in enumerate(texts) if not one.strip()), None)
    if empty is not None:
        raise DataError(f"{path}: text {empty} is empty; remove its line")
    labels, names = table.labels, table.class_names
    other = table.columns.get(text.label)
    if isinstance(other, list):
        names = tuple(sorted(set(other)))
        labels = np.array([names.index(one) for one in other], np.int64)
    elif other is not None:
        labels = np.asarray(other).astype(np.int64)
    return texts, labels, names


def _parts(
    data: DataSpec, text: TextSpec, sentences: Sentences, contract: TextContract, base: Path, seed: int
) -> tuple[dict[str, Sentences], int, int]:
    """Sentences by part; how many of the source are duplicates and conflicts."""
    wanted: dict[str, float | int] = {"validation": data.validation, "calibration": data.calibration}
    ids = contract.encode_all(sentences.texts)
    test = None
    if text.test is None:
        wanted["test"] = data.test
    else:
        path = base / expanded(text.test, "data.text.test")
        test = read_sentences(path, text)
        if test.class_names != sentences.class_names:
            raise DataError(f"{path}: its classes {test.class_names} are not the source's, {sentences.class_names}")
        held = {row.tobytes() for row in contract.encode_all(test.texts)}
        rest = [place for place, row in enumerate(ids) if row.tobytes() not in held]
        sentences, ids = sentences.at(rest), ids[rest]
    dataset = Dataset(ids, sentences.labels, sentences.class_names, contract, data.source)
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
            parts[part].labels,
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
    column = text.column if path.suffix.lower() in SUFFIXES else None
    texts = sentence_files.read_sentences(path, column=column)
    seen = {row.tobytes() for part in _PARTS for row in contract.encode_all(parts[part].texts)}
    new = []
    for one, row in zip(texts, contract.encode_all(texts), strict=True):
        if row.tobytes() not in seen:
            seen.add(row.tobytes())
            new.append(one)
    if not new:
        raise DataError(f"{text.unlabelled}: every sentence is in another part already; leave it out")
    return Unlabelled(smaller.encode_all(new), contract.encode_all(new))
