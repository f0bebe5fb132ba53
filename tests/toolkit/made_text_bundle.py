"""A real bundle of a small text model with drawn weights."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from litesmith.bundle import Bundle, read_bundle
from litesmith.bundle_text import write_text_bundle
from litesmith.calibration.text.contract import TextContract
from litesmith.calibration.text.special_tokens import AddedToken
from litesmith.converters.keras import convert
from litesmith.converters.quantize import QuantizationSpec
from litesmith.converters.text.architecture import Architecture, Head, TextModel
from litesmith.converters.text.architecture_weights import weight_shapes
from litesmith.converters.text.encoder import build_encoder
from litesmith.converters.text.integer.quantize import quantize_text
from litesmith.converters.tflite_model import TFLiteModel

LENGTH, HIDDEN = 8, 24
LABELS = ("bad", "good")
TEXTS = ("a good film", "a bad film", "Film!", "", "unknownword a", "a a a a a a a a a a")
CONTRACT = TextContract(
    "wordpiece", ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "good", "bad", "film", "##m", "!"), LENGTH, "[PAD]", "[UNK]",
    "[CLS]", "[SEP]", clean_text=True, lowercase=True, longest_word=20, added=(AddedToken("[SEP]"),),
)  # fmt: skip


def text_model(labels: tuple[str, ...], contract: TextContract = CONTRACT) -> TextModel:
    """One layer; a classifier, or an embedding where there are no labels."""
    return model_with(Head("sequence", labels, activation="tanh") if labels else Head("embedding"), contract)


def model_with(head: Head, contract: TextContract = CONTRACT) -> TextModel:
    """One layer with this head, and token types where it reads pairs."""
    architecture = Architecture(
        family="bert", vocabulary=len(contract.vocabulary), positions=contract.length, token_types=1 + head.pairs,
        embedding=HIDDEN, hidden=HIDDEN, heads=(3,), head_size=8, intermediate=(48,), activation="relu",
    )  # fmt: skip
    random = np.random.default_rng(0)
    weights = {
        name: (random.normal(0, 0.3, shape) + name.endswith("gamma")).astype(np.float32)
        for name, shape in weight_shapes(architecture, head).items()
    }
    return TextModel(
        architecture, head, contract.length, contract.pad_id, weights, "drawn", pair_types=contract.pair_types
    )


def float_file(labels: tuple[str, ...]) -> TFLiteModel:
    return float_of(text_model(labels))


def integer_file(labels: tuple[str, ...]) -> TFLiteModel:
    return integer_of(text_model(labels))


def float_of(model: TextModel) -> TFLiteModel:
    return convert(build_encoder(model), QuantizationSpec("float32"))


def integer_of(model: TextModel, contract: TextContract = CONTRACT, texts: Sequence[str] = TEXTS) -> TFLiteModel:
    return TFLiteModel(quantize_text(model, contract.encode_all(texts)).content, "<integers>")


def text_bundle(folder, model: TFLiteModel, labels: tuple[str, ...]) -> Bundle:
    return read_bundle(write_text_bundle(folder / "bundle", model, TEXTS, CONTRACT, name="small text", labels=labels))


def with_length(length: int) -> TextContract:
    return replace(CONTRACT, length=length)
