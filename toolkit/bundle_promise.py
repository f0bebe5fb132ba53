"""What a recipe promises of the numbers in its file, and whether a bundle's file keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from litesmith.converters.label import prove_integer_only, truth_label
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import ConversionError, ModelError

# Key of the manifest. Bundles that were written before it was there promise their label alone.
PROMISE = "promised"
_INTEGER_MODES = ("int8", "int16x8")
# Inputs that are numbers of words or places, and are never quantized.
_INDEX = ("int32", "int64", "bool")


def promise_of(recipe: Mapping[str, Any]) -> dict[str, Any] | None:
    """What the `[quantize]` of a locked recipe asks for; None where it has no such section.

    Float operators are allowed where the recipe says so, by `allow_float` or for some by name.
    """
    wanted = recipe.get("quantize")
    if wanted is None:
        return None
    some_float = bool(wanted.get("allow_float")) or "float32" in wanted.get("precision", {}).values()
    return {"mode": wanted["mode"], "io": wanted["io"], "float_operators": some_float}


def check_promise(manifest: Mapping[str, Any], model: TFLiteModel) -> None:
    """Refuse a file that is less than the manifest says: above all a float one where integers were promised.

    Raises:
        ModelError: its label is another one, its inputs and outputs have another type than the recipe asked for, or
            it holds float tensors although the recipe asked for integers throughout.
    """
    label, promised = truth_label(model), manifest.get(PROMISE)
    if manifest.get("label") != label:
        raise _broken(model, f"is {label}, but the manifest promises {manifest.get('label')}")
    if not isinstance(promised, Mapping):
        return
    mode, io = promised.get("mode"), promised.get("io")
    for tensor in (*model.inputs, *model.outputs):
        if tensor.dtype not in (*_INDEX, io):
            raise _broken(model, f"{tensor.name!r} is {tensor.dtype}, but the recipe promised {io}")
    if mode in _INTEGER_MODES and not promised.get("float_operators"):
        try:
            prove_integer_only(model, allow_float_io=io == "float32")
        except ConversionError as error:
            raise _broken(model, f"the recipe promised {mode}, but it is {label}: {error}") from error


def _broken(model: TFLiteModel, what: str) -> ModelError:
    return ModelError(f"{what}; run the recipe again, which writes the bundle", file=model.source)
