"""Writes small checkpoints of random weights, named, shaped and laid out as transformers saves each family's.

Weights come from a fixed seed and their names, so that every machine writes the same values.
"""

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from tests.golden.text_checkpoint_shapes import HIDDEN, LABELS, POSITIONS, UNITS, VOCABULARY, shapes

HEADS, LAYERS, LENGTH = 4, 2, 16
ADDED_POSITIONS = {"roberta": 2}
CLASSES = {
    "bert": "Bert", "distilbert": "DistilBert", "electra": "Electra", "mobilebert": "MobileBert", "roberta": "Roberta",
}  # fmt: skip
SUFFIXES = {
    "embedding": "Model",
    "sequence": "ForSequenceClassification",
    "token": "ForTokenClassification",
    "answer": "ForQuestionAnswering",
}


@dataclass(frozen=True)
class Case:
    """One checkpoint: its family, the class that would have saved it, and settings that are not the usual ones."""

    family: str
    kind: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""

    @property
    def id(self) -> str:
        return self.name or f"{self.family}-{self.kind}"

    @property
    def config(self) -> dict[str, Any]:
        """What config.json holds."""
        kind = {"architectures": [CLASSES[self.family] + SUFFIXES[self.kind]], "model_type": self.family}
        if self.kind in ("sequence", "token"):
            kind["id2label"] = {str(index): label for index, label in enumerate(LABELS)}
            kind["label2id"] = {label: index for index, label in enumerate(LABELS)}
        return {**kind, **_settings(self.family), **self.settings}


CASES = (
    *(Case(family, kind) for family in CLASSES for kind in SUFFIXES),
    Case(
        "bert", "embedding", {"hidden_act": "gelu_new", "layer_norm_eps": 1e-5, "num_hidden_layers": 3}, "bert-gelu_new"
    ),
    Case("electra", "token", {"embedding_size": HIDDEN}, "electra-without_projection"),
    Case(
        "mobilebert",
        "token",
        {"use_bottleneck_attention": True, "key_query_shared_bottleneck": False},
        "mobilebert-bottleneck_attention",
    ),
    Case("mobilebert", "token", {"normalization_type": "layer_norm"}, "mobilebert-layer_norm"),
    Case("mobilebert", "sequence", {"classifier_activation": False}, "mobilebert-without_pooler"),
    Case("mobilebert", "embedding", {"num_feedforward_networks": 1}, "mobilebert-one_feed_forward"),
)


def write_checkpoint(folder: Path, case: Case, *, dtype: Any = np.float32, sharded: bool = False) -> Path:
    """Write config.json, the tokenizer and model.safetensors (or two of them with their index) into a new folder."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(case.config, indent=2))
    write_tokenizer(folder, case.family)
    save(folder, {name: values.astype(dtype) for name, values in weights(case).items()}, sharded=sharded)
    return folder


def save(folder: Path, tensors: Mapping[str, Any], *, sharded: bool = False) -> None:
    """Write tensors as one file, or as two with an index."""
    from safetensors.numpy import save_file

    if not sharded:
        save_file(dict(tensors), folder / "model.safetensors", metadata={"format": "pt"})
        return
    names = sorted(tensors)
    places = {name: f"model-0000{1 + index % 2}-of-00002.safetensors" for index, name in enumerate(names)}
    for file in set(places.values()):
        save_file({name: tensors[name] for name in names if places[name] == file}, folder / file)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": places}))


def weights(case: Case) -> dict[str, np.ndarray]:
    """Every tensor that transformers' class saves, as float32."""
    # Without a normalization, values would grow from layer to layer until float32 no longer tells right from wrong.
    scale = 0.4 if case.config.get("normalization_type") == "no_norm" else 1.0
    return {name: _values(name, shape, scale) for name, shape in shapes(case.family, case.kind, case.config)}


def sample_ids(case: Case, texts: int = 4) -> np.ndarray:
    """Texts of 16, 11, 6 and 1 tokens, padded: (texts, 16) int32."""
    pad = case.config["pad_token_id"]
    ids = np.random.default_rng(5).integers(5, VOCABULARY, (texts, LENGTH)).astype(np.int32)
    for text in range(texts):
        ids[text, max(LENGTH - 5 * text, 1) :] = pad
    return ids


def sample_types(case: Case, texts: int = 4) -> np.ndarray:
    """Token types of the same texts: the second half of each is of type 1, where the family has types."""
    types = np.zeros((texts, LENGTH), np.int32)
    if case.config.get("type_vocab_size", 0) > 1:
        types[:, LENGTH // 4 :] = 1
    return types


def at_tokens(case: Case, values: np.ndarray) -> np.ndarray:
    """Zero where there is padding, about which a model may say anything."""
    if values.ndim == 2:
        return values
    return values * (sample_ids(case) != case.config["pad_token_id"])[:, :, None]


def answers(case: Case, text_model: Any) -> np.ndarray:
    """What the Keras model says of the samples; the token before a text's second part is taken for the first one's end.

    That is another token in every text, so that each has a model of its own where token types are told apart.
    """
    from litesmith.converters.text.encoder import build_encoder

    ids = sample_ids(case)
    if text_model.told_apart is None:
        return at_tokens(case, build_encoder(text_model)(ids).numpy())
    said = []
    for row in ids:
        before = row[LENGTH // 4 - 1]
        end = text_model.pair_types.end if before == text_model.pad_id else int(before)
        told = replace(text_model, pair_types=replace(text_model.pair_types, end=end))
        said.append(build_encoder(told)(row[None]).numpy())
    return at_tokens(case, np.concatenate(said))


def excerpt(values: np.ndarray) -> list[float]:
    """Twelve numbers of an output, taken evenly from its valid ones."""
    flat = values[values != 0]
    return [round(float(flat[index]), 5) for index in np.linspace(0, len(flat) - 1, 12).astype(int)]


def write_tokenizer(folder: Path, family: str) -> None:
    """A vocabulary of 300 pieces: bytes for RoBERTa, letters for the others."""
    if family == "roberta":
        printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
        spelled = {byte: chr(byte) for byte in printable}
        spelled |= {byte: chr(256 + i) for i, byte in enumerate(b for b in range(256) if b not in spelled)}
        tokens = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", *(spelled[byte] for byte in range(256))]
        tokens += [f"<extra_{index}>" for index in range(VOCABULARY - len(tokens))]
        (folder / "vocab.json").write_text(json.dumps({token: index for index, token in enumerate(tokens)}))
        (folder / "merges.txt").write_text("#version: 0.2\n")
        return
    letters = [chr(code) for code in range(33, 127) if not chr(code).isupper()]
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{letter}" for letter in letters)]
    tokens += [f"[unused{index}]" for index in range(VOCABULARY - len(tokens))]
    (folder / "vocab.txt").write_text("\n".join(tokens) + "\n")
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"do_lower_case": True, "tokenizer_class": "BertTokenizer"})
    )


def _settings(family: str) -> dict[str, Any]:
    if family == "distilbert":
        return {
            "vocab_size": VOCABULARY, "max_position_embeddings": POSITIONS, "dim": HIDDEN, "n_heads": HEADS,
            "n_layers": LAYERS, "hidden_dim": UNITS, "activation": "gelu", "pad_token_id": 0,
        }  # fmt: skip
    settings = {
        "vocab_size": VOCABULARY, "max_position_embeddings": POSITIONS + ADDED_POSITIONS.get(family, 0),
        "type_vocab_size": 1 if family == "roberta" else 2, "hidden_size": HIDDEN, "num_attention_heads": HEADS,
        "num_hidden_layers": LAYERS, "intermediate_size": UNITS, "hidden_act": "gelu", "layer_norm_eps": 1e-12,
        "pad_token_id": 1 if family == "roberta" else 0,
    }  # fmt: skip
    if family == "electra":
        settings |= {"embedding_size": 20}
    if family == "mobilebert":
        settings |= {
            "embedding_size": 12, "hidden_act": "relu", "intra_bottleneck_size": 16, "use_bottleneck": True,
            "use_bottleneck_attention": False, "key_query_shared_bottleneck": True, "num_feedforward_networks": 3,
            "normalization_type": "no_norm", "classifier_activation": True, "trigram_input": True,
        }  # fmt: skip
    return settings


def _values(name: str, shape: tuple[int, ...], scale: float) -> np.ndarray:
    random = np.random.default_rng(zlib.crc32(name.encode()))
    if "LayerNorm.weight" in name or "layer_norm.weight" in name:
        return (scale * (1 + 0.2 * random.normal(size=shape))).astype(np.float32)
    if len(shape) == 1:
        return (0.2 * random.normal(size=shape)).astype(np.float32)
    spread = 1.0 if "embeddings.weight" in name else 1.5 / np.sqrt(shape[1])
    return (spread * random.normal(size=shape)).astype(np.float32)
