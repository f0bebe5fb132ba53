"""The names and shapes of the tensors that transformers' classes save, for checkpoints of a small size.

They are written here a second time on purpose: they are what those classes load without a complaint
(benchmarks/text_reference.py refuses missing and unexpected weights), not what Litesmith's tables say.
"""

from collections.abc import Iterator, Mapping
from typing import Any

VOCABULARY, POSITIONS, HIDDEN, UNITS = 300, 24, 32, 48
LABELS = ("bad", "fair", "good")
Shapes = Iterator[tuple[str, tuple[int, ...]]]


def shapes(family: str, kind: str, config: Mapping[str, Any]) -> Shapes:
    """Every tensor that the class of a family for a kind of head saves."""
    prefix = "" if kind == "embedding" else f"{family}."
    encoder = _distilbert(config) if family == "distilbert" else _bert(family, config)
    yield from ((prefix + name, shape) for name, shape in encoder)
    outputs = 2 if kind == "answer" else len(LABELS)
    pooled = {"embedding": ("bert", "mobilebert", "roberta"), "sequence": ("bert", "mobilebert")}.get(kind, ())
    if family in pooled and config.get("classifier_activation", True):
        yield from _linear(f"{prefix}pooler.dense", HIDDEN, HIDDEN)
    if kind == "sequence" and family in ("roberta", "electra"):
        yield from _linear("classifier.dense", HIDDEN, HIDDEN)
        yield from _linear("classifier.out_proj", HIDDEN, outputs)
    elif kind in ("sequence", "token"):
        yield from _linear("classifier", HIDDEN, outputs)
        if kind == "sequence" and family == "distilbert":
            yield from _linear("pre_classifier", HIDDEN, HIDDEN)
    elif kind == "answer":
        yield from _linear("qa_outputs", HIDDEN, outputs)


def _distilbert(config: Mapping[str, Any]) -> Shapes:
    yield "embeddings.word_embeddings.weight", (VOCABULARY, HIDDEN)
    yield "embeddings.position_embeddings.weight", (POSITIONS, HIDDEN)
    yield from _norm("embeddings.LayerNorm", HIDDEN)
    for layer in range(config["n_layers"]):
        name = f"transformer.layer.{layer}"
        for part in ("q_lin", "k_lin", "v_lin", "out_lin"):
            yield from _linear(f"{name}.attention.{part}", HIDDEN, HIDDEN)
        yield from _norm(f"{name}.sa_layer_norm", HIDDEN)
        yield from _linear(f"{name}.ffn.lin1", HIDDEN, UNITS)
        yield from _linear(f"{name}.ffn.lin2", UNITS, HIDDEN)
        yield from _norm(f"{name}.output_layer_norm", HIDDEN)


def _bert(family: str, config: Mapping[str, Any]) -> Shapes:
    width = config.get("embedding_size", HIDDEN)
    summed = HIDDEN if family == "mobilebert" else width
    yield "embeddings.word_embeddings.weight", (VOCABULARY, width)
    yield "embeddings.position_embeddings.weight", (config["max_position_embeddings"], summed)
    yield "embeddings.token_type_embeddings.weight", (config["type_vocab_size"], summed)
    yield from _norm("embeddings.LayerNorm", summed)
    if family == "mobilebert":
        yield from _linear("embeddings.embedding_transformation", 3 * width, HIDDEN)
    elif width != HIDDEN:
        yield from _linear("embeddings_project", width, HIDDEN)
    for layer in range(config["num_hidden_layers"]):
        name = f"encoder.layer.{layer}"
        yield from _mobile_layer(name, config) if family == "mobilebert" else _bert_layer(name)


def _bert_layer(name: str) -> Shapes:
    for part in ("query", "key", "value"):
        yield from _linear(f"{name}.attention.self.{part}", HIDDEN, HIDDEN)
    yield from _linear_and_norm(f"{name}.attention.output", HIDDEN, HIDDEN)
    yield from _linear(f"{name}.intermediate.dense", HIDDEN, UNITS)
    yield from _linear_and_norm(f"{name}.output", UNITS, HIDDEN)


def _mobile_layer(name: str, config: Mapping[str, Any]) -> Shapes:
    inner, inside = config["intra_bottleneck_size"], config["use_bottleneck_attention"]
    yield from _linear_and_norm(f"{name}.bottleneck.input", HIDDEN, inner)
    if not inside:
        yield from _linear_and_norm(f"{name}.bottleneck.attention", HIDDEN, inner)
    for part, width in (("query", inner), ("key", inner), ("value", inner if inside else HIDDEN)):
        yield from _linear(f"{name}.attention.self.{part}", width, inner)
    yield from _linear_and_norm(f"{name}.attention.output", inner, inner)
    for network in range(config["num_feedforward_networks"] - 1):
        yield from _linear(f"{name}.ffn.{network}.intermediate.dense", inner, UNITS)
        yield from _linear_and_norm(f"{name}.ffn.{network}.output", UNITS, inner)
    yield from _linear(f"{name}.intermediate.dense", inner, UNITS)
    yield from _linear_and_norm(f"{name}.output", UNITS, inner)
    yield from _linear_and_norm(f"{name}.output.bottleneck", inner, HIDDEN)


def _linear(name: str, inputs: int, outputs: int) -> Shapes:
    yield f"{name}.weight", (outputs, inputs)
    yield f"{name}.bias", (outputs,)


def _norm(name: str, width: int) -> Shapes:
    yield f"{name}.weight", (width,)
    yield f"{name}.bias", (width,)


def _linear_and_norm(name: str, inputs: int, outputs: int) -> Shapes:
    yield from _linear(f"{name}.dense", inputs, outputs)
    yield from _norm(f"{name}.LayerNorm", outputs)
