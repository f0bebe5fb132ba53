"""How text becomes the ids that a model is given.

The one contract that training, calibration, evaluation and the app follow.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from litesmith.calibration.text import contract_checks as checks
from litesmith.calibration.text import contract_json
from litesmith.calibration.text.byte_bpe import ByteBpe
from litesmith.calibration.text.contract_checks import Kind, Merge
from litesmith.calibration.text.encoding import Encoding, Frame, PairTypes
from litesmith.calibration.text.normalise import Normaliser
from litesmith.calibration.text.special_tokens import AddedToken, AddedTokens
from litesmith.calibration.text.tokenizer import Tokenizer
from litesmith.calibration.text.wordpiece import WordPiece
from litesmith.errors import DataError


@dataclass(frozen=True, slots=True)
class TextContract:
    """One text, or a pair -> a row of `length` ids, in this order; what is named holds each step.

    1. A text is Unicode without surrogates; it may be empty.
    2. Added tokens that are not `normalized` are found in it: `special_tokens.AddedTokens`.
    3. What is between them becomes ids by `wordpiece.WordPiece` or `byte_bpe.ByteBpe`. Both rest on
       `unicode_tables`, never on the Unicode of the machine.
    4. The row is cut, framed and padded: `encoding.Frame`.

    Attributes:
        kind: "wordpiece" or "byte_bpe".
        vocabulary: the tokens; a token's place is its id.
        length: L, of the row with its special tokens, 3 to 32,768.
        pad: token that fills the row.
        unknown: token of words without pieces.
        start: first token of a row.
        end: token after each text.
        merges: of byte_bpe, most important first; none for wordpiece.
        clean_text: `normalise.Normaliser`, as the next three; all are off for byte_bpe.
        chinese_characters: spaces around CJK ideographs.
        strip_accents: decomposed, without the marks.
        lowercase: lower case.
        longest_word: of wordpiece, in code points; 0 for byte_bpe.
        add_prefix_space: of byte_bpe.
        added: tokens that are found in a text as they are written. Those not in it are ordinary text there.
        pair_ends: end tokens between the texts of a pair, 1 or 2.
        second_type: token type of the second text, 0 or 1.
        kept_ids: of a pruned vocabulary: for each token its id in the vocabulary before; None if it was not pruned.

    Raises:
        DataError: at construction, if a value is not one of the above or the values do not go together.
    """

    kind: Kind
    vocabulary: tuple[str, ...]
    length: int
    pad: str
    unknown: str
    start: str
    end: str
    merges: tuple[Merge, ...] = ()
    clean_text: bool = False
    chinese_characters: bool = False
    strip_accents: bool = False
    lowercase: bool = False
    longest_word: int = 0
    add_prefix_space: bool = False
    added: tuple[AddedToken, ...] = ()
    pair_ends: int = 1
    second_type: int = 1
    kept_ids: tuple[int, ...] | None = None
    _tokenizer: Tokenizer = field(init=False, repr=False, compare=False)
    _frame: Frame = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        checks.check(self)
        ids = {token: place for place, token in enumerate(self.vocabulary)}
        object.__setattr__(self, "_tokenizer", _tokenizer(self, ids))
        frame = Frame(self.length, ids[self.start], ids[self.end], ids[self.pad], self.pair_ends, self.second_type)
        object.__setattr__(self, "_frame", frame)

    @property
    def pad_id(self) -> int:
        """Id of the padding; the mask is 0 where the ids are this."""
        return self._frame.pad

    @property
    def pair_types(self) -> PairTypes:
        """How token types follow from ids, for a model that computes them itself."""
        return self._frame.pair_types

    @property
    def digest(self) -> str:
        """SHA-256 of `text.json`, which has those of the other files: contracts that say the same have the same."""
        return hashlib.sha256(self.to_files()["text.json"]).hexdigest()

    def pieces(self, text: str) -> list[int]:
        """Steps 1 to 3: all ids of a text, without special tokens around them.

        Raises:
            DataError: it is no text, or holds half of a character.
        """
        return self._tokenizer.ids(checks.checked_text(text))

    def encode(self, text: str, pair: str | None = None) -> Encoding:
        """The row of one text, or of a text and the one that it goes with (a question and its passage).

        Raises:
            DataError: it is no text, holds half of a character, or the length has no room for a pair.
        """
        if pair is None:
            return self._frame.single(self.pieces(text))
        checks.check_pair_room(self)
        return self._frame.pair(self.pieces(text), self.pieces(pair))

    def encode_all(self, texts: Sequence[str | tuple[str, str]]) -> npt.NDArray[np.int32]:
        """The ids of texts, or of pairs, `(N, L)` int32.

        Raises:
            DataError: one of them is no text, or holds half of a character; it says which.
        """
        if isinstance(texts, str):
            raise DataError("text: encode_all takes a list of texts; put the one text into a list")
        result = np.empty((len(texts), self.length), np.int32)
        for index, text in enumerate(texts):
            try:
                row = self.encode(*text) if isinstance(text, tuple) else self.encode(text)
                result[index] = row.ids
            except DataError as error:
                raise DataError(f"text {index}: {str(error).removeprefix('text: ')}") from error
        return result

    def to_dict(self) -> dict[str, Any]:
        """The content of `text.json`: the settings, and the SHA-256 of the other files."""
        return contract_json.document(self)

    def to_files(self) -> dict[str, bytes]:
        """The contract as files: text.json, vocabulary.txt, and merges.txt and kept_ids.txt where there are such."""
        return contract_json.files(self)

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> TextContract:
        """Read what `to_files` wrote; other files beside them are not looked at.

        Raises:
            DataError: a file is missing or is not what text.json says, a version or a key is not known, or values do
                not go together.
        """
        return cls(**contract_json.parse(files))


def _tokenizer(contract: TextContract, ids: Mapping[str, int]) -> Tokenizer:
    found_late = {t.content: t for t in contract.added if t.normalized}
    found_first = {t.content: t for t in contract.added if not t.normalized}
    if contract.kind == "byte_bpe":
        ranks = {pair: rank for rank, pair in enumerate(contract.merges)}
        return Tokenizer(ids, ByteBpe(ids, ranks, contract.add_prefix_space, AddedTokens(found_late)), found_first)
    normaliser = Normaliser(
        contract.clean_text, contract.chinese_characters, contract.strip_accents, contract.lowercase
    )
    late = AddedTokens({normaliser(content): token for content, token in found_late.items()})
    model = WordPiece(ids, ids[contract.unknown], normaliser, contract.longest_word, late)
    return Tokenizer(ids, model, found_first)
