"""What the Kotlin class of a text model states of its contract."""

from __future__ import annotations

from collections.abc import Mapping

from litesmith import kotlin_literals as kotlin
from litesmith.calibration.text.contract import TextContract
from litesmith.calibration.text.contract_json import MERGES, VOCABULARY
from litesmith.calibration.text.special_tokens import AddedToken


def text_steps(contract: TextContract, assets: str) -> Mapping[str, str]:
    """What the template has places for; `assets` is the bundle's folder in the app's assets."""
    return {
        "length": str(contract.length),
        "pad": kotlin.text(contract.pad),
        "unknown": kotlin.text(contract.unknown),
        "start": kotlin.text(contract.start),
        "end": kotlin.text(contract.end),
        "pieces": _pieces(contract, assets),
        "added": _added(contract.added),
        "pair_ends": str(contract.pair_ends),
        "second_type": str(contract.second_type),
        "vocabulary": _file(contract, assets, VOCABULARY),
    }


def _pieces(contract: TextContract, assets: str) -> str:
    if contract.kind == "byte_bpe":
        space = kotlin.truth(contract.add_prefix_space)
        return f"PieceKind.ByteBpe(addPrefixSpace = {space}, merges = {_file(contract, assets, MERGES)})"
    steps = {
        "cleanText": contract.clean_text,
        "chineseCharacters": contract.chinese_characters,
        "stripAccents": contract.strip_accents,
        "lowercase": contract.lowercase,
    }
    stated = ", ".join(f"{name} = {kotlin.truth(on)}" for name, on in steps.items())
    return f"PieceKind.WordPiece(Normalisation({stated}), longestWord = {contract.longest_word})"


def _added(tokens: tuple[AddedToken, ...]) -> str:
    if not tokens:
        return "emptyList()"
    lines = "".join(
        f"            AddedToken({kotlin.text(token.content)}, normalized = {kotlin.truth(token.normalized)}, "
        f"lstrip = {kotlin.truth(token.lstrip)}, rstrip = {kotlin.truth(token.rstrip)}),\n"
        for token in tokens
    )
    return f"listOf(\n{lines}        )"


def _file(contract: TextContract, assets: str, name: str) -> str:
    facts = contract.to_dict()["files"][name]
    asset, sha256 = kotlin.text(f"{assets}/{name}"), kotlin.text(facts["sha256"])
    return f"TextFile({asset}, lines = {facts['lines']}, sha256 = {sha256})"
