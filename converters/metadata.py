"""What a `.tflite` says about itself to an app: normalization, ranges, labels, and the preprocessing contract.

The file gets the standard TFLite metadata that Android Studio and `MetadataExtractor` read, and the labels and the
contract as files appended to it. The metadata's mean and standard deviation are rounded; where the last bit counts,
the contract is what holds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from litesmith.calibration.preprocess import Preprocess
from litesmith.converters.associated_files import append_files, appended_files
from litesmith.converters.editing import ModelEditor
from litesmith.converters.graph import Tensor
from litesmith.converters.metadata_reader import parse_metadata
from litesmith.converters.metadata_tables import (
    AXIS_LABELS,
    NO_TYPE,
    AssociatedFile,
    ModelFacts,
    TensorFacts,
    metadata_bytes,
)
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import DataError, ModelError

ENTRY = "TFLITE_METADATA"
LABELS_FILE = "labels.txt"
PREPROCESS_FILE = "preprocess.json"
_LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True, slots=True)
class Metadata:
    """The metadata of a file and the content of the files that are appended to it, by name."""

    facts: ModelFacts
    files: dict[str, bytes]


def with_metadata(model: TFLiteModel, preprocess: Preprocess, class_names: Sequence[str], *, name: str) -> TFLiteModel:
    """The same model with metadata; what it had of them is replaced. Same arguments, same bytes.

    Args:
        model: a classifier with one input and one output.
        preprocess: the contract of its input.
        class_names: in label order.
        name: what a person calls the model.

    Raises:
        DataError: a class name does not fit on one line.
        ModelError: it has several inputs or outputs.
    """
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise ModelError(
            f"has {len(model.inputs)} inputs and {len(model.outputs)} outputs; metadata are written for one of each",
            file=model.source,
        )
    files = {LABELS_FILE: labels_text(class_names).encode(), PREPROCESS_FILE: preprocess.to_json().encode()}
    facts = ModelFacts(
        name,
        "Made by Litesmith. preprocess.json says to the last bit how an image or a row becomes the input.",
        (_input_facts(model.inputs[0], preprocess),),
        (output_facts(model.outputs[0], f"Logits of {len(class_names)} classes.", labels=True),),
    )
    return write_metadata(model, facts, files)


def write_metadata(model: TFLiteModel, facts: ModelFacts, files: Mapping[str, bytes]) -> TFLiteModel:
    """The same model with these metadata in place of earlier ones, and with these files appended."""
    editor = ModelEditor(model.content)
    _set_entry(editor, metadata_bytes(facts))
    return TFLiteModel(append_files(editor.to_bytes(), files), model.source)


def read_metadata(model: TFLiteModel) -> Metadata | None:
    """What `with_metadata`, or another writer of standard TFLite metadata, put in a file; None if nobody did.

    Raises:
        ModelError: the metadata or the appended files are damaged.
    """
    content = model.metadata.get(ENTRY)
    if content is None:
        return None
    try:
        return Metadata(parse_metadata(content), appended_files(model.content))
    except ModelError as error:
        raise ModelError(str(error), file=model.source) from error


def refuse_other_files(model: TFLiteModel, contents: Mapping[str, bytes]) -> None:
    """Make sure that the files inside a model are those beside it, as far as both have them.

    Raises:
        DataError: one differs.
        ModelError: the metadata are damaged.
    """
    stored = read_metadata(model)
    for name, content in (stored.files if stored else {}).items():
        if contents.get(name, content) != content:
            raise DataError(
                f"{model.source}: the {name} inside it is not that of the data; sha256 {_digest(content)} and "
                f"{_digest(contents[name])}; convert the model again, or use the data that it was made with"
            )


def labels_text(class_names: Sequence[str]) -> str:
    """The content of labels.txt: a name a line.

    Raises:
        DataError: a name has more than one line.
    """
    for name in class_names:
        if name.splitlines() != [name]:
            raise DataError(f"class name {name!r} does not fit on one line of {LABELS_FILE}; rename the class")
    return "".join(f"{name}\n" for name in class_names)


def _input_facts(tensor: Tensor, preprocess: Preprocess) -> TensorFacts:
    is_image = preprocess.kind == "image"
    scales, offsets = _each(preprocess.scale), _each(preprocess.offset)
    if len(scales) != len(offsets):
        longest = max(len(scales), len(offsets))
        scales, offsets = (numbers * (longest // len(numbers)) for numbers in (scales, offsets))
    highest = float(preprocess.block**2 if preprocess.block > 1 else 255)
    return TensorFacts(
        tensor.name,
        f"{'An image' if is_image else 'Numbers'} as {PREPROCESS_FILE} says.",
        mean=tuple(_within((0.0 - offset) / scale) for scale, offset in zip(scales, offsets, strict=True)),
        std=tuple(_within(1 / scale) for scale in scales),
        low=(0.0,) if is_image else (),
        high=(highest,) if is_image else (),
        colour=preprocess.channels or "",
        size=(preprocess.shape[0], preprocess.shape[1]) if is_image else None,
        files=(AssociatedFile(PREPROCESS_FILE, "The preprocessing contract.", NO_TYPE),),
    )


def output_facts(tensor: Tensor, description: str, *, labels: bool) -> TensorFacts:
    """An output, with the limits of its integers, and with labels.txt where its last axis has `labels`."""
    quantization = tensor.quantization
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    if quantization is not None:
        limits, scale, zero = np.iinfo(tensor.dtype), quantization.scales[0], quantization.zero_points[0]
        low, high = ((_within(scale * (int(limit) - zero)),) for limit in (limits.min, limits.max))
    label = AssociatedFile(LABELS_FILE, "One class a line, in the order of the output.", AXIS_LABELS)
    return TensorFacts(tensor.name, description, low=low, high=high, files=(label,) if labels else ())


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]


def _each(numbers: float | tuple[float, ...]) -> tuple[float, ...]:
    return numbers if isinstance(numbers, tuple) else (numbers,)


def _within(value: float) -> float:
    """A float32, as near as there is one."""
    return float(np.float32(min(max(value, -_LARGEST), _LARGEST)))


def _set_entry(editor: ModelEditor, content: bytes) -> None:
    """Put the metadata in a buffer of the file, in place of earlier ones."""
    entries = list(editor.model.metadata or ())
    for entry in entries:
        if _text(entry.name) == ENTRY:
            editor.model.buffers[entry.buffer].data = np.frombuffer(content, np.uint8)
            return
    entry = schema.MetadataT()
    entry.name, entry.buffer = ENTRY, editor.add_buffer(content)
    editor.model.metadata = [*entries, entry]


def _text(name: bytes | str | None) -> str:
    return name.decode("utf-8", errors="replace") if isinstance(name, bytes) else name or ""
