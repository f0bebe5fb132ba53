"""Makes small text models, bundles them and generates their Kotlin: the text template's test, and the text screen's.

Usage: make_text_cases.py SOURCES ASSETS. A case has a package of its own, and a folder in the assets; where the
model has an answer for each token, read.json there is how Python reads that of each golden vector.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from make_cases import PACKAGE
from make_text_vectors import contracts

from litesmith.bundle import read_bundle
from litesmith.bundle_text import write_text_bundle
from litesmith.calibration.text.answers import best_answer
from litesmith.calibration.text.contract import TextContract
from litesmith.calibration.text.token_labels import labelled_words
from litesmith.converters.text.architecture import Head
from litesmith.files import write_bytes, write_text
from litesmith.golden import VECTORS_FILE
from litesmith.golden_vectors import GoldenVectors, Vector
from litesmith.kotlin_checks import app_facts
from litesmith.kotlin_model import ASSETS, model_source
from litesmith.tasks import QUESTION_ANSWERING, TOKEN_CLASSIFICATION
from tests.calibration.text.text_samples import sentences
from tests.toolkit.made_text_bundle import float_of, integer_of, model_with

LENGTH = 16
READ_FILE = "read.json"
_NAMES = Head("token", ("O", "B-PER", "I-PER", "LOC"))
# By name: the contract's name in make_text_vectors.py, the head, whether the file holds integers throughout.
CASES = {
    "text_classes": ("uncased", Head("sequence", ("bad", "so-so", "good"), activation="tanh"), False),
    "text_embedding": ("byte_bpe_with_space", Head("embedding"), False),
    "text_integers": ("cased", Head("sequence", ("no", "yes"), activation="tanh"), True),
    "text_tokens": ("cased", _NAMES, False),
    "text_token_bytes": ("byte_bpe", _NAMES, False),
    "text_answers": ("byte_bpe_with_space", Head("answer"), False),
    "text_answer_pieces": ("uncased", Head("answer"), False),
}


def make_text_cases(sources: Path, assets: Path) -> int:
    """Write a class and the assets of each case; gives their number."""
    known, texts = dict(contracts()), sentences(200, seed=11)
    questions = [(text[:10], passage) for text, passage in pairwise(texts)]
    questions[1] = ("nothing?", " ")
    for name, (kind, head, integers) in CASES.items():
        contract = replace(known[kind], length=LENGTH)
        drawn = model_with(head, contract)
        model = integer_of(drawn, contract, texts) if integers else float_of(drawn)
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder) / "bundle"
            asked = questions if head.kind == "answer" else texts
            bundle = read_bundle(write_text_bundle(place, model, asked, contract, name=name, labels=head.labels))
            facts = app_facts(bundle)
            source = model_source(facts)
        source = source.replace(PACKAGE, f"package dev.litesmith.cases.{name}").replace(
            f'"{ASSETS}/', f'"cases/{name}/'
        )
        write_text(sources / name / "BundledModel.kt", source)
        for file, content in bundle.contents.items():
            write_bytes(assets / "cases" / name / file, content)
        if facts.task in READERS:
            golden = GoldenVectors.from_json(bundle.contents[VECTORS_FILE].decode())
            read = [READERS[facts.task](contract, one, head.labels) for one in golden.vectors]
            write_text(assets / "cases" / name / READ_FILE, json.dumps(read))
    return len(CASES)


def _words(contract: TextContract, one: Vector, labels: tuple[str, ...]) -> list[dict[str, Any]]:
    return [asdict(word) for word in labelled_words(contract, one.tensor[0], one.output[0], labels)]


def _answer(contract: TextContract, one: Vector, _: tuple[str, ...]) -> dict[str, Any] | None:
    found = best_answer(contract, contract.encode(one.text or "", one.pair), one.output[0])
    return None if found is None else asdict(found)


READERS: dict[str, Callable[[TextContract, Vector, tuple[str, ...]], Any]] = {
    TOKEN_CLASSIFICATION: _words,
    QUESTION_ANSWERING: _answer,
}


if __name__ == "__main__":
    sys.stdout.write(f"{make_text_cases(Path(sys.argv[1]), Path(sys.argv[2]))} text models\n")
