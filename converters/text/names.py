"""How each family of checkpoints calls the weights that Litesmith knows under canonical names.

A table maps canonical modules to the checkpoint's. {p} is the family's prefix, which a checkpoint without a head lacks,
{i} a layer and {j} a feed-forward network stacked in it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from litesmith.converters.text.architecture import Kind

_LEAVES = {"kernel": "weight", "bias": "bias", "gamma": "weight", "beta": "bias"}
_TABLES = frozenset({"embeddings.word", "embeddings.position", "embeddings.type"})


@dataclass(frozen=True, slots=True)
class Names:
    """The names of one family.

    Attributes:
        prefix: before the encoder's weights, where the checkpoint has a head.
        modules: the encoder's, canonical to the checkpoint's.
        heads: the same for each kind of head.
        unused: patterns of weights that no output depends on, with what they are.
    """

    prefix: str
    modules: Mapping[str, str]
    heads: Mapping[Kind, Mapping[str, str]]
    unused: Mapping[str, str]

    def stored(self, canonical: str, kind: Kind, prefix: str) -> str:
        """The checkpoint's name of a weight."""
        module, leaf = (canonical, "kernel") if canonical in _TABLES else canonical.rsplit(".", 1)
        pattern, numbers = _numbers(module)
        table = self.heads.get(kind, {}) if module.startswith("head.") else self.modules
        return f"{table[pattern].format(p=prefix, **numbers)}.{_LEAVES[leaf]}"

    @property
    def head_modules(self) -> set[str]:
        """What the heads of this family are called, all kinds together; the pooler is the encoder's."""
        return {module for head in self.heads.values() for module in head.values()}

    def why_unused(self, stored: str) -> str | None:
        """What a weight is that the encoder has no use for; None if it is not known."""
        name = stored.removeprefix(self.prefix)
        return next((why for pattern, why in self.unused.items() if re.fullmatch(pattern, name)), None)


def _numbers(module: str) -> tuple[str, dict[str, str]]:
    """layers.3.stacked.1.norm -> layers.{i}.stacked.{j}.norm with i=3 and j=1."""
    numbers: dict[str, str] = {}
    parts = module.split(".")
    for place, part in enumerate(parts):
        if part.isdigit():
            key = "j" if parts[place - 1] == "stacked" else "i"
            numbers[key], parts[place] = part, f"{{{key}}}"
    return ".".join(parts), numbers


_PRETRAINING = "a head of pre-training"
_BUFFERS = {
    r"embeddings\.position_ids": "the numbers 0, 1, 2, ...",
    r"embeddings\.token_type_ids": "zeros",
}
_POOLER = {r"pooler\.dense\.(weight|bias)": "the pooler, which only a sequence head reads"}
_EMBEDDINGS = {
    "embeddings.word": "{p}embeddings.word_embeddings",
    "embeddings.position": "{p}embeddings.position_embeddings",
    "embeddings.type": "{p}embeddings.token_type_embeddings",
    "embeddings.norm": "{p}embeddings.LayerNorm",
}
_LAYER = "{p}encoder.layer.{i}."
_BERT_LAYER = {
    "layers.{i}.attention.query": _LAYER + "attention.self.query",
    "layers.{i}.attention.key": _LAYER + "attention.self.key",
    "layers.{i}.attention.value": _LAYER + "attention.self.value",
    "layers.{i}.attention.output": _LAYER + "attention.output.dense",
    "layers.{i}.attention.norm": _LAYER + "attention.output.LayerNorm",
    "layers.{i}.feed_forward.intermediate": _LAYER + "intermediate.dense",
    "layers.{i}.feed_forward.output": _LAYER + "output.dense",
    "layers.{i}.feed_forward.norm": _LAYER + "output.LayerNorm",
}
_ANSWER = {"head.output": "qa_outputs"}
_CLASSIFIER = {"head.output": "classifier"}
_OWN_DENSE = {"head.dense": "classifier.dense", "head.output": "classifier.out_proj"}
_POOLED = {"head.dense": "{p}pooler.dense", **_CLASSIFIER}

BERT = Names(
    prefix="bert.",
    modules={**_EMBEDDINGS, **_BERT_LAYER},
    heads={"sequence": _POOLED, "token": _CLASSIFIER, "answer": _ANSWER},
    unused={**_BUFFERS, **_POOLER, r"cls\..+": _PRETRAINING},
)

ROBERTA = Names(
    prefix="roberta.",
    modules={**_EMBEDDINGS, **_BERT_LAYER},
    heads={"sequence": _OWN_DENSE, "token": _CLASSIFIER, "answer": _ANSWER},
    unused={**_BUFFERS, **_POOLER, r"lm_head\..+": _PRETRAINING},
)

ELECTRA = Names(
    prefix="electra.",
    modules={**_EMBEDDINGS, **_BERT_LAYER, "embeddings.projection": "{p}embeddings_project"},
    heads={"sequence": _OWN_DENSE, "token": _CLASSIFIER, "answer": _ANSWER},
    unused={**_BUFFERS, r"(discriminator_predictions|generator_predictions|generator_lm_head)\..+": _PRETRAINING},
)

_DISTILBERT_LAYER = "{p}transformer.layer.{i}."
DISTILBERT = Names(
    prefix="distilbert.",
    modules={
        **_EMBEDDINGS,
        "layers.{i}.attention.query": _DISTILBERT_LAYER + "attention.q_lin",
        "layers.{i}.attention.key": _DISTILBERT_LAYER + "attention.k_lin",
        "layers.{i}.attention.value": _DISTILBERT_LAYER + "attention.v_lin",
        "layers.{i}.attention.output": _DISTILBERT_LAYER + "attention.out_lin",
        "layers.{i}.attention.norm": _DISTILBERT_LAYER + "sa_layer_norm",
        "layers.{i}.feed_forward.intermediate": _DISTILBERT_LAYER + "ffn.lin1",
        "layers.{i}.feed_forward.output": _DISTILBERT_LAYER + "ffn.lin2",
        "layers.{i}.feed_forward.norm": _DISTILBERT_LAYER + "output_layer_norm",
    },
    heads={
        "sequence": {"head.dense": "pre_classifier", "head.output": "classifier"},
        "token": _CLASSIFIER,
        "answer": _ANSWER,
    },
    unused={**_BUFFERS, r"vocab_(transform|layer_norm|projector)\..+": _PRETRAINING},
)

MOBILEBERT = Names(
    prefix="mobilebert.",
    modules={
        **_EMBEDDINGS,
        **_BERT_LAYER,
        "embeddings.projection": "{p}embeddings.embedding_transformation",
        "layers.{i}.bottleneck.input": _LAYER + "bottleneck.input.dense",
        "layers.{i}.bottleneck.input_norm": _LAYER + "bottleneck.input.LayerNorm",
        "layers.{i}.bottleneck.shared": _LAYER + "bottleneck.attention.dense",
        "layers.{i}.bottleneck.shared_norm": _LAYER + "bottleneck.attention.LayerNorm",
        "layers.{i}.bottleneck.output": _LAYER + "output.bottleneck.dense",
        "layers.{i}.bottleneck.output_norm": _LAYER + "output.bottleneck.LayerNorm",
        "layers.{i}.stacked.{j}.intermediate": _LAYER + "ffn.{j}.intermediate.dense",
        "layers.{i}.stacked.{j}.output": _LAYER + "ffn.{j}.output.dense",
        "layers.{i}.stacked.{j}.norm": _LAYER + "ffn.{j}.output.LayerNorm",
    },
    heads={"sequence": _POOLED, "token": _CLASSIFIER, "answer": _ANSWER},
    unused={**_BUFFERS, **_POOLER, r"cls\..+": _PRETRAINING},
)
