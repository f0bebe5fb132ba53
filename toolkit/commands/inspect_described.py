"""What a file says about itself, for `litesmith inspect`: standard TFLite metadata and the files that are appended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from litesmith.converters.tflite_model import TFLiteModel


def described(model: TFLiteModel) -> dict[str, Any] | None:
    """The metadata, the sizes of the files that are appended, and the text contract; None without metadata.

    Raises:
        ModelError: the metadata are damaged.
    """
    from dataclasses import asdict

    from litesmith.converters.metadata import read_metadata

    found = read_metadata(model)
    if found is None:
        return None
    files = {name: len(content) for name, content in found.files.items()}
    return {**asdict(found.facts), "files": files, "text": _text(found.files)}


def described_lines(facts: Mapping[str, Any] | None) -> dict[str, str]:
    """The same as lines for people."""
    if facts is None:
        return {}
    lines = {"called": facts["name"] or "(no name)"}
    for tensor in facts["inputs"]:
        if tensor["mean"] and tensor["std"]:
            lines["input"] = f"(value - {_plain(tensor['mean'])}) / {_plain(tensor['std'])}"
            lines["input"] += f" of {_plain(tensor['low'])} to {_plain(tensor['high'])}" if tensor["high"] else ""
    if facts["text"] is not None:
        lines["input"] = _text_line(facts["text"])
    if facts["outputs"] and facts["text"] is not None:
        lines["answer"] = facts["outputs"][0]["description"]
    if facts["files"]:
        lines["holds"] = ", ".join(f"{name} ({size:,} bytes)" for name, size in facts["files"].items())
    return lines


def _text(files: Mapping[str, bytes]) -> dict[str, Any] | None:
    """The text contract in short; what is wrong with it where it cannot be read."""
    from litesmith.calibration.text.contract import TextContract
    from litesmith.errors import DataError

    if "text.json" not in files:
        return None
    try:
        contract = TextContract.from_files(files)
    except DataError as error:
        return {"damaged": str(error)}
    names = ("kind", "length", "lowercase", "pad", "unknown", "start", "end")
    settings = {name: getattr(contract, name) for name in names}
    return {**settings, "vocabulary": len(contract.vocabulary), "digest": contract.digest}


def _text_line(text: Mapping[str, Any]) -> str:
    if "damaged" in text:
        return f"text by a contract that cannot be read: {text['damaged']}"
    case = ", lower case" if text["lowercase"] else ""
    return f"text as {text['length']} ids of {text['vocabulary']:,} tokens, {text['kind']}{case} (text.json inside)"


def _plain(numbers: tuple[float, ...]) -> str:
    texts = [f"{number:g}" for number in numbers]
    return texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
