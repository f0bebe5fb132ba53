"""A smaller vocabulary, of the tokens that a task uses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace

from litesmith.calibration.text.byte_bpe import ALPHABET
from litesmith.calibration.text.contract import TextContract
from litesmith.calibration.text.contract_checks import SPECIAL
from litesmith.calibration.text.wordpiece import CONTINUES
from litesmith.errors import DataError


def counted(contract: TextContract, texts: Iterable[str]) -> Counter[str]:
    """How often each token of the vocabulary stands in the texts.

    Raises:
        DataError: one of them is no text.
    """
    ids: Counter[int] = Counter()
    for text in texts:
        ids.update(contract.pieces(text))
    return Counter({contract.vocabulary[place]: count for place, count in ids.items()})


def pruned(contract: TextContract, counts: Mapping[str, int], size: int) -> TextContract:
    """The same contract with at most `size` tokens, in the order they had.

    Special and added tokens stay, and what spells: the 256 bytes of byte_bpe; for wordpiece each single character that
    `counts` has a token with, at the beginning of a word and within one, as far as the vocabulary had it. Then come
    the tokens that are counted most, of equal ones that of the lower id, until the size is reached; one of byte_bpe
    brings the pieces that it is merged from, or is left out where they have no place.

    What the old vocabulary had one token for is spelt in more of the new one, or is unknown where a character of it
    was in no text. `kept_ids` has the id that each token had in the vocabulary before any pruning: the rows of the
    embedding to keep are `embedding[list(contract.kept_ids)]`.

    Args:
        contract: with the vocabulary to choose from; it may have been pruned before.
        counts: by token; see `counted`. Tokens without a count, or with 0, are left out.
        size: how many tokens there may be.

    Raises:
        DataError: a count is for a token that the vocabulary lacks, or the size has no place for what must stay.
    """
    ids = {token: place for place, token in enumerate(contract.vocabulary)}
    for token in counts:
        if token not in ids:
            raise DataError(f"text: {token!r} is counted and not in the vocabulary; count with the same contract")
    kept = _must_stay(contract, ids, counts)
    if len(kept) > size:
        raise DataError(
            f"text: {len(kept)} tokens must stay, and size {size} has no place for them; give at least that"
        )
    parts = {left + right: (left, right) for left, right in reversed(contract.merges)}
    for token in sorted((t for t in counts if counts[t] > 0), key=lambda t: (-counts[t], ids[t])):
        brought = _with_parts(token, parts) - kept
        if len(kept) + len(brought) <= size:
            kept |= brought
    return _restricted(contract, [place for place, token in enumerate(contract.vocabulary) if token in kept])


def _must_stay(contract: TextContract, ids: Mapping[str, int], counts: Mapping[str, int]) -> set[str]:
    special = {getattr(contract, name) for name in SPECIAL} | {token.content for token in contract.added}
    if contract.kind == "byte_bpe":
        return special | set(ALPHABET)
    letters = {letter for t in counts if counts[t] > 0 and t not in special for letter in t.removeprefix(CONTINUES)}
    return special | {t for letter in letters for t in (letter, CONTINUES + letter) if t in ids}


def _with_parts(token: str, parts: Mapping[str, tuple[str, str]]) -> set[str]:
    """A token and all that its merges pass through."""
    result, waiting = set(), [token]
    while waiting:
        piece = waiting.pop()
        if piece not in result:
            result.add(piece)
            waiting += parts.get(piece, ())
    return result


def _restricted(contract: TextContract, places: list[int]) -> TextContract:
    old = contract.kept_ids or range(len(contract.vocabulary))
    vocabulary = tuple(contract.vocabulary[place] for place in places)
    known = set(vocabulary)
    merges = tuple(pair for pair in contract.merges if known.issuperset((*pair, "".join(pair))))
    return replace(contract, vocabulary=vocabulary, merges=merges, kept_ids=tuple(old[place] for place in places))
