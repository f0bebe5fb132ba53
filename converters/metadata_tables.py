"""The metadata of a `.tflite` as values, and as the flatbuffer that standard readers take.

Tables, the places of their fields and the numbers of enumerations are those of metadata_schema.fbs, identifier "M001",
of tensorflow/tflite-support (v0.4.4). A union takes two places: its type, then its value.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import flatbuffers

IDENTIFIER = b"M001"
# The first version of the schema that has all that is written: of images, vocabularies, and BERT's tokenizer.
MIN_PARSER_VERSION, MIN_VOCABULARY_VERSION, MIN_TOKENIZER_VERSION = "1.0.0", "1.0.1", "1.1.0"
# AssociatedFileType
NO_TYPE, AXIS_LABELS, VOCABULARY = 0, 2, 5
# ContentProperties and ProcessUnitOptions
IMAGE_PROPERTIES, NORMALIZATION, BERT_TOKENIZER = 2, 1, 4
# ColorSpaceType
COLOURS = {"rgb": 1, "gray": 2}


@dataclass(frozen=True, slots=True)
class AssociatedFile:
    """A file that belongs to a tensor; `kind` is a number of the schema's AssociatedFileType."""

    name: str
    description: str
    kind: int


@dataclass(frozen=True, slots=True)
class TensorFacts:
    """What is known of an input or output.

    Attributes:
        name: the tensor's.
        description: for people.
        mean: of the normalization `(value - mean) / std`, one number or one for each channel; empty if there is none.
        std: likewise.
        low: smallest value before the normalization, one number or one for each channel; empty if unknown.
        high: likewise, the largest.
        colour: "gray" or "rgb" for an image, else empty.
        size: rows and columns of an image.
        files: that belong to it.
    """

    name: str
    description: str = ""
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    colour: str = ""
    size: tuple[int, int] | None = None
    files: tuple[AssociatedFile, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What is known of a model.

    Attributes:
        name: what a person calls it.
        description: for people.
        inputs: in the order of the file.
        outputs: likewise.
        min_parser_version: of the schema, which a reader must know.
        wordpiece: the vocabularies of BERT's tokenizer, where that makes the inputs.
    """

    name: str
    description: str
    inputs: tuple[TensorFacts, ...]
    outputs: tuple[TensorFacts, ...]
    min_parser_version: str = MIN_PARSER_VERSION
    wordpiece: tuple[AssociatedFile, ...] = ()


def metadata_bytes(facts: ModelFacts) -> bytes:
    """The flatbuffer; same facts, same bytes."""
    writer = _Writer()
    inputs = writer.vector(writer.tensor(tensor) for tensor in facts.inputs)
    outputs = writer.vector(writer.tensor(tensor) for tensor in facts.outputs)
    tokenizer = [(5, writer.tokenizer(facts.wordpiece))] if facts.wordpiece else []
    graphs = writer.vector([writer.table(10, [(2, inputs), (3, outputs), *tokenizer])])
    texts = [(0, facts.name), (1, facts.description), (7, facts.min_parser_version)]
    root = writer.table(8, [*((place, writer.text(text)) for place, text in texts), (3, graphs)])
    return writer.finish(root)


class _Writer:
    """Writes what tables are made of; a place in the buffer stands for what was written there."""

    def __init__(self) -> None:
        self._builder = flatbuffers.Builder(1024)

    def finish(self, root: int) -> bytes:
        self._builder.Finish(root, IDENTIFIER)
        return bytes(self._builder.Output())

    def tensor(self, facts: TensorFacts) -> int:
        fields = [(0, self.text(facts.name)), (1, self.text(facts.description))]
        if facts.size is not None:
            fields.append((3, self._image(facts.size, COLOURS.get(facts.colour, 0))))
        if facts.mean or facts.std:
            options = self.table(2, [(0, self._floats(facts.mean)), (1, self._floats(facts.std))])
            fields.append((4, self.vector([self.table(2, [(1, options)], small=[(0, NORMALIZATION)])])))
        if facts.low or facts.high:
            fields.append((5, self.table(2, [(0, self._floats(facts.high)), (1, self._floats(facts.low))])))
        if facts.files:
            fields.append((6, self.vector(self._file(file) for file in facts.files)))
        return self.table(7, fields)

    def tokenizer(self, vocabularies: Sequence[AssociatedFile]) -> int:
        options = self.table(1, [(0, self.vector(self._file(file) for file in vocabularies))])
        return self.vector([self.table(2, [(1, options)], small=[(0, BERT_TOKENIZER)])])

    def text(self, value: str) -> int:
        return int(self._builder.CreateString(value))

    def table(self, places: int, fields: Sequence[tuple[int, int]], small: Iterable[tuple[int, int]] = ()) -> int:
        """A table of so many places, with what was written before and with 8-bit numbers."""
        self._builder.StartObject(places)
        for place, written in fields:
            self._builder.PrependUOffsetTRelativeSlot(place, written, 0)
        for place, number in small:
            self._builder.PrependUint8Slot(place, number, 0)
        return int(self._builder.EndObject())

    def vector(self, written: Iterable[int]) -> int:
        offsets = list(written)
        self._builder.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            self._builder.PrependUOffsetTRelative(offset)
        return int(self._builder.EndVector())

    def _floats(self, values: Sequence[float]) -> int:
        self._builder.StartVector(4, len(values), 4)
        for value in reversed(values):
            self._builder.PrependFloat32(value)
        return int(self._builder.EndVector())

    def _file(self, file: AssociatedFile) -> int:
        name, description = self.text(file.name), self.text(file.description)
        return self.table(5, [(0, name), (1, description)], small=[(2, file.kind)])

    def _image(self, size: tuple[int, int], colour: int) -> int:
        self._builder.StartObject(2)  # ImageSize: width, then height
        for place, side in enumerate(reversed(size)):
            self._builder.PrependUint32Slot(place, side, 0)
        default_size = int(self._builder.EndObject())
        properties = self.table(2, [(1, default_size)], small=[(0, colour)])
        return self.table(3, [(1, properties)], small=[(0, IMAGE_PROPERTIES)])
