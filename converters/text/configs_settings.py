"""The settings of a checkpoint's config.json, each checked for its type when it is read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from litesmith.converters.text.architecture import Activation, Kind
from litesmith.errors import ModelError

# transformers' names of activations that compute the same, or the same approximation.
_ACTIVATIONS: Mapping[str, Activation] = {
    "gelu": "gelu",
    "gelu_python": "gelu",
    "gelu_new": "gelu_tanh",
    "gelu_fast": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "relu": "relu",
    "silu": "silu",
    "swish": "silu",
    "tanh": "tanh",
}
_KINDS: Mapping[str, Kind] = {
    "ForSequenceClassification": "sequence",
    "ForTokenClassification": "token",
    "ForQuestionAnswering": "answer",
}


class Config:
    """The settings of one config.json, each checked for its type when it is read."""

    def __init__(self, path: Path) -> None:
        """Read the file.

        Raises:
            ModelError: it is missing or no JSON object.
        """
        self.path = path
        self._settings = read_object(path)

    def get(self, key: str, default: Any = None) -> Any:
        """A setting as it stands; null is the default."""
        value = self._settings.get(key)
        return default if value is None else value

    def number(self, key: str, default: int | None = None) -> int:
        """A whole number.

        Raises:
            ModelError: it is missing or something else.
        """
        value = self.get(key, default)
        if not isinstance(value, int) or isinstance(value, bool):
            raise ModelError(f"{key} is {value!r}; expected a whole number", file=self.path)
        return value

    def layers(self, key: str) -> range:
        """The layers that a setting counts; no more than fit an encoder, since a list is made for each."""
        return range(min(max(self.number(key), 0), 1 << 10))

    def activation(self, key: str) -> Activation:
        """The activation that a setting names.

        Raises:
            ModelError: it is none that is supported.
        """
        name = self.get(key, "gelu")
        if not isinstance(name, str) or name not in _ACTIVATIONS:
            raise ModelError(f"{key} is {name!r}; supported are {', '.join(_ACTIVATIONS)}", file=self.path)
        return _ACTIVATIONS[name]

    def flag(self, key: str, *, default: bool) -> bool:
        """A setting that is true or false.

        Raises:
            ModelError: it is something else.
        """
        value = self.get(key, default)
        if not isinstance(value, bool):
            raise ModelError(f"{key} is {value!r}; expected true or false", file=self.path)
        return value

    def epsilon(self) -> float:
        """What the normalization adds to the variance."""
        value = self.get("layer_norm_eps", 1e-12)
        if not isinstance(value, int | float):
            raise ModelError(f"layer_norm_eps is {value!r}; expected a number", file=self.path)
        return float(value)

    def refuse(self, key: str, *usual: Any) -> None:
        """Refuse a setting that changes what the model computes.

        Raises:
            ModelError: it is there and not as usual.
        """
        if (value := self.get(key, usual[0])) not in usual:
            raise ModelError(f"{key} is {value!r}, which cannot be imported; supported is {usual[0]!r}", file=self.path)

    def kind(self) -> Kind | None:
        """The head of the class that wrote the checkpoint; None where it does not say."""
        classes = self.get("architectures")
        if not isinstance(classes, list) or not classes:
            return None
        name = str(classes[0])
        return next((kind for suffix, kind in _KINDS.items() if name.endswith(suffix)), "embedding")

    def labels(self) -> tuple[str, ...]:
        """The class names in the order of the logits; empty where there are none.

        Raises:
            ModelError: they are not numbered 0, 1, 2, ..., one is no text, or two are the same.
        """
        stored = self.get("id2label", {})
        if not isinstance(stored, dict) or sorted(stored) != sorted(str(index) for index in range(len(stored))):
            raise ModelError("id2label does not number its labels 0, 1, 2, ...; repair it", file=self.path)
        labels = tuple(stored[str(index)] for index in range(len(stored)))
        for index, label in enumerate(labels):
            if not isinstance(label, str):
                raise ModelError(
                    f"id2label: label {index} is {json.dumps(label)}; expected a text: give the class a name",
                    file=self.path,
                )
        if len(set(labels)) < len(labels):
            raise ModelError(
                f"two classes have the same label: {', '.join(labels)}; give each its own in id2label", file=self.path
            )
        return labels


def read_json(path: Path) -> Any:
    """The content of a JSON file of a checkpoint.

    Raises:
        ModelError: it is missing or no JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ModelError("no such file; give the whole folder of the checkpoint", file=path) from error
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"it cannot be read as JSON ({error}); download it again", file=path) from error


def read_object(path: Path) -> dict[str, Any]:
    """`read_json` for a file that holds an object.

    Raises:
        ModelError: it is missing, no JSON, or holds something else.
    """
    content = read_json(path)
    if not isinstance(content, dict):
        found = type(content).__name__
        raise ModelError(f"it holds a {found} where settings were expected; download it again", file=path)
    return content
