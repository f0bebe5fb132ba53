"""Which head a checkpoint has, and how the one that was asked for is made of it or anew."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from litesmith.converters.text.architecture import Head, Pooling
from litesmith.converters.text.checkpoint import Checkpoint
from litesmith.converters.text.configs import Family
from litesmith.converters.text.configs_settings import Config, read_json, read_object
from litesmith.errors import ModelError

MODULES = "modules.json"
_POOLINGS: dict[str, Pooling] = {
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_cls_token": "first",
    "pooling_mode_max_tokens": "max",
}
_UNNAMED = re.compile(r"LABEL_\d+")


@dataclass(frozen=True, slots=True)
class ChosenHead:
    """A head, and how it stands to the checkpoint's own.

    Attributes:
        fresh: its output layer is drawn anew instead of read.
        replaces: the checkpoint's own head is of another kind, and left behind.
    """

    head: Head
    fresh: bool
    replaces: bool


def choose_head(asked: Head | None, config: Config, family: Family, checkpoint: Checkpoint) -> ChosenHead:
    """The head to import: the one asked for, or the checkpoint's own.

    A head that the checkpoint was not trained with is made anew; it needs labels.

    Raises:
        ModelError: the labels are not those of the checkpoint's head, or there are none.
    """
    own = config.kind()
    kind = asked.kind if asked else own or "embedding"
    replaces = asked is not None and own != kind
    if kind == "embedding":
        return ChosenHead(asked or _pooling(checkpoint.folder), fresh=False, replaces=replaces)
    activation = family.head_activation(config) if kind == "sequence" else ""
    head = replace(asked or Head(kind), activation=activation)
    output = family.names.heads[kind]["head.output"] + ".weight"
    fresh = own not in (None, kind) or output not in checkpoint.tensors
    if kind in ("sequence", "token"):
        labels = _new_labels(head, checkpoint) if fresh else _labels(head, config, checkpoint, output)
        head = replace(head, labels=labels)
    return ChosenHead(head, fresh, replaces)


def _new_labels(head: Head, checkpoint: Checkpoint) -> tuple[str, ...]:
    if not head.labels:
        raise ModelError(
            f"the checkpoint has no head of kind {head.kind}; to train one, give its labels: "
            f"head=Head({head.kind!r}, labels=(...))",
            file=checkpoint.folder,
        )
    return head.labels


def _labels(head: Head, config: Config, checkpoint: Checkpoint, output: str) -> tuple[str, ...]:
    """The names of the logits: the checkpoint's, or those asked for where it has none."""
    shape = checkpoint.tensors[output].shape
    count = shape[0] if shape else 0
    stored = config.labels() or tuple(f"LABEL_{index}" for index in range(count))
    if len(stored) != count:
        raise ModelError(
            f"it names {len(stored)} labels, but the head has {count} outputs; repair it", file=config.path
        )
    if not head.labels or head.labels == stored:
        return stored
    if len(head.labels) == count and all(_UNNAMED.fullmatch(label) for label in stored):
        return head.labels
    raise ModelError(
        f"the head was trained with the labels {', '.join(stored)}, in this order; asked for were "
        f"{', '.join(head.labels)}. Leave the labels out, or start from a checkpoint without a head",
        file=config.path,
    )


def _pooling(folder: Path) -> Head:
    """The sentence embedding that sentence-transformers' files describe; the plain mean without them."""
    if not (folder / MODULES).is_file():
        return Head("embedding")
    path = folder / MODULES
    modules = read_json(path)
    if not isinstance(modules, list) or not all(isinstance(module, dict) for module in modules):
        raise ModelError("it is no list of modules; download it again", file=path)
    kinds = [str(module.get("type")).rsplit(".", 1)[-1] for module in modules]
    if kinds not in (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"]):
        raise ModelError(
            f"it chains {', '.join(kinds)}; supported are Transformer, Pooling and Normalize. "
            "Give head=Head('embedding') for the mean over tokens without the rest",
            file=path,
        )
    return Head("embedding", pooling=_stored_pooling(folder, modules[1], path), normalize="Normalize" in kinds)


def _stored_pooling(folder: Path, module: dict[str, Any], path: Path) -> Pooling:
    place = str(module.get("path"))
    if not re.fullmatch(r"\w+", place):
        raise ModelError(f"it names {place!r}, which is no folder beside it", file=path)
    settings = read_object(folder / place / "config.json")
    chosen = [name for name, value in settings.items() if name.startswith("pooling_mode_") and value is True]
    if len(chosen) != 1 or chosen[0] not in _POOLINGS:
        raise ModelError(
            f"it pools by {' and '.join(chosen) or 'nothing'}; supported is one of {', '.join(_POOLINGS)}",
            file=folder / place / "config.json",
        )
    return _POOLINGS[chosen[0]]
