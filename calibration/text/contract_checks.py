"""What a text contract may say, and what it may be given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args

from litesmith.calibration.text.byte_bpe import ALPHABET
from litesmith.calibration.text.normalise import Normaliser
from litesmith.calibration.text.special_tokens import AddedToken
from litesmith.calibration.text.unicode_tables import unicode_tables
from litesmith.errors import DataError

if TYPE_CHECKING:
    from litesmith.calibration.text.contract import TextContract

Kind = Literal["wordpiece", "byte_bpe"]
Merge = tuple[str, str]

NORMALISATION = ("clean_text", "chinese_characters", "strip_accents", "lowercase")
SPECIAL = ("pad", "unknown", "start", "end")
LEAST_LENGTH, MOST_LENGTH = 3, 1 << 15
MOST_TOKENS = 1 << 20
_MOST_WORD = 1 << 10


def check(contract: TextContract) -> None:
    """Refuse a contract that could not be followed.

    Raises:
        DataError: a value is not allowed, or does not go with the others.
    """
    if contract.kind not in get_args(Kind):
        raise DataError(f"text: kind {contract.kind!r} is not one of {', '.join(get_args(Kind))}")
    _whole("length", contract.length, LEAST_LENGTH, MOST_LENGTH)
    _whole("pair_ends", contract.pair_ends, 1, 2)
    _whole("second_type", contract.second_type, 0, 1)
    for name in (*NORMALISATION, "add_prefix_space"):
        if not isinstance(getattr(contract, name), bool):
            raise DataError(f"text: {name} must be true or false, not {getattr(contract, name)!r}")
    known = _checked_vocabulary(contract.vocabulary)
    _check_special(contract, known)
    _check_added(contract, known)
    _check_kept(contract)
    if contract.kind == "wordpiece":
        _check_wordpiece(contract)
    else:
        _check_byte_bpe(contract, known)


def check_pair_room(contract: TextContract) -> None:
    """Refuse pairs where a row has no place for a token of each.

    Raises:
        DataError: it has none.
    """
    if contract.length < (least := contract.pair_ends + 4):
        raise DataError(f"text: length {contract.length} has no room for a pair; use a length of at least {least}")


def checked_text(text: Any) -> str:
    """Refuse what is not Unicode text.

    Raises:
        DataError: it is of another type, or holds a surrogate, which is half of a character.
    """
    if not isinstance(text, str):
        hint = "; decode it as UTF-8 first" if isinstance(text, bytes) else ""
        raise DataError(f"text: a text must be a str, not {type(text).__name__}{hint}")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise DataError(
            f"text: character {error.start} is half of a surrogate pair (U+{ord(text[error.start]):04X}); "
            "read the text as UTF-8, or replace it by U+FFFD"
        ) from error
    return text


def _checked_vocabulary(vocabulary: Any) -> dict[str, int]:
    if not isinstance(vocabulary, tuple) or not vocabulary or len(vocabulary) > MOST_TOKENS:
        raise DataError(f"text: the vocabulary must be a tuple of 1 to {MOST_TOKENS:,} tokens")
    known: dict[str, int] = {}
    for place, token in enumerate(vocabulary):
        if not isinstance(token, str) or not token or "\n" in token:
            raise DataError(f"text: token {place} of the vocabulary, {token!r}, must be text of one line, not empty")
        if (before := known.setdefault(token, place)) != place:
            raise DataError(f"text: token {place} of the vocabulary, {token!r}, is token {before} too; remove one")
    try:
        "".join(vocabulary).encode()
    except UnicodeEncodeError as error:
        raise DataError("text: a token of the vocabulary holds half of a surrogate pair; remove it") from error
    return known


def _check_special(contract: TextContract, known: dict[str, int]) -> None:
    for name in SPECIAL:
        token = getattr(contract, name)
        if not isinstance(token, str) or token not in known:
            raise DataError(f"text: the {name} token {token!r} is not in the vocabulary; add it, or name another")
    if contract.pad in (contract.start, contract.end):
        raise DataError(f"text: {contract.pad!r} cannot be padding and frame a text; name two tokens")


def _check_added(contract: TextContract, known: dict[str, int]) -> None:
    if not isinstance(contract.added, tuple) or not all(isinstance(token, AddedToken) for token in contract.added):
        raise DataError("text: added must be a tuple of AddedToken")
    contents = [token.content for token in contract.added]
    for content in contents:
        if content not in known:
            raise DataError(f"text: the added token {content!r} is not in the vocabulary; add it, or leave it out")
    if len(set(contents)) < len(contents):
        raise DataError("text: an added token is there twice; remove one")


def _check_kept(contract: TextContract) -> None:
    kept = contract.kept_ids
    if kept is None:
        return
    if not isinstance(kept, tuple) or len(kept) != len(contract.vocabulary):
        raise DataError(f"text: kept_ids must have one old id for each of the {len(contract.vocabulary)} tokens")
    for old in kept:
        _whole("an old id in kept_ids", old, 0, MOST_TOKENS - 1)
    if len(set(kept)) < len(kept):
        raise DataError("text: kept_ids has an old id twice; each token was one token before")


def _check_wordpiece(contract: TextContract) -> None:
    _whole("longest_word", contract.longest_word, 1, _MOST_WORD)
    if contract.merges or contract.add_prefix_space:
        raise DataError("text: merges and add_prefix_space belong to byte_bpe; remove them")
    normaliser = Normaliser(*(getattr(contract, name) for name in NORMALISATION))
    late = [normaliser(token.content) for token in contract.added if token.normalized]
    if len(set(late)) < len(late):
        raise DataError("text: two added tokens are the same after normalisation; remove one")
    for content in late:
        if not content or any(ord(c) in unicode_tables().spaces for c in content):
            raise DataError(f"text: an added token is {content!r} after normalisation; it must be one word")


def _check_byte_bpe(contract: TextContract, known: dict[str, int]) -> None:
    if any(getattr(contract, name) for name in NORMALISATION) or contract.longest_word:
        raise DataError(f"text: {', '.join(NORMALISATION)} and longest_word belong to wordpiece; remove them")
    if missing := [character for character in ALPHABET if character not in known]:
        raise DataError(
            f"text: the vocabulary lacks {len(missing)} of the 256 bytes, the first {missing[0]!r}; add all"
        )
    if not isinstance(contract.merges, tuple) or len(set(contract.merges)) < len(contract.merges):
        raise DataError("text: merges must be a tuple in which no pair is there twice")
    for place, merge in enumerate(contract.merges):
        _check_merge(place, merge, known)


def _check_merge(place: int, merge: Any, known: dict[str, int]) -> None:
    if not isinstance(merge, tuple) or len(merge) != 2 or not all(isinstance(part, str) and part for part in merge):
        raise DataError(f"text: merge {place}, {merge!r}, must be two texts")
    for token in (*merge, "".join(merge)):
        if token not in known:
            raise DataError(f"text: merge {place}, {' '.join(merge)}, needs {token!r}, which the vocabulary lacks")


def _whole(name: str, value: Any, low: int, high: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise DataError(f"text: {name} must be a whole number of {low} to {high}, not {value!r}")
