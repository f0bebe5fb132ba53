"""A text model as one file: its weights by name, and as JSON what they are of. No code, no pickle."""

from __future__ import annotations

import io
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from litesmith.calibration.text.encoding import PairTypes
from litesmith.converters.text.architecture import Architecture, Head, TextModel
from litesmith.errors import ModelError
from litesmith.files import write_bytes

_FACTS = "text_model.json"


def save_text_model(path: Path, model: TextModel) -> None:
    """Write a model, whole or not at all."""
    facts = {
        "architecture": asdict(model.architecture),
        "head": asdict(model.head),
        "length": model.length,
        "pad_id": model.pad_id,
        "origin": model.origin,
        "fresh": list(model.fresh),
    }
    if model.pair_types is not None:
        facts["pair_types"] = asdict(model.pair_types)
    buffer = io.BytesIO()
    np.savez(buffer, **{_FACTS: np.array(json.dumps(facts)), **model.weights})
    write_bytes(path, buffer.getvalue())


def load_text_model_file(path: Path) -> TextModel:
    """Read what `save_text_model` wrote.

    Raises:
        ModelError: it is no such file, or a damaged one.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            facts = json.loads(str(stored[_FACTS]))
            weights = {name: stored[name] for name in stored.files if name != _FACTS}
        architecture = Architecture(**_tuples(facts["architecture"]))
        head = Head(**_tuples(facts["head"]))
        types = PairTypes(**facts["pair_types"]) if "pair_types" in facts else None
        return TextModel(
            architecture, head, facts["length"], facts["pad_id"], weights, facts["origin"], tuple(facts["fresh"]), types
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"is no text model ({error}); run its stage again", file=path) from error


def _tuples(values: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
