"""What a text encoder is made of: its architecture, its head, and its weights under canonical names.

Weights have the same names whatever family and library they came from; `architecture_weights.weight_shapes` lists
them. A kernel is stored as Keras stores it, (inputs, outputs).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from litesmith.calibration.text.encoding import PairTypes
from litesmith.converters.text.architecture_weights import check_weights
from litesmith.errors import ModelError

Array = npt.NDArray[np.float32]
# gelu is x * Phi(x) by the error function; gelu_tanh is its approximation by a tanh (arXiv 1606.08415).
Activation = Literal["gelu", "gelu_tanh", "relu", "silu", "tanh"]
# affine: x * gamma + beta in the places of post, MobileBERT's NoNorm (arXiv 2004.02984, section 3.4).
Norm = Literal["post", "pre", "affine"]
Kind = Literal["embedding", "sequence", "token", "answer"]
Pooling = Literal["mean", "first", "max"]

KINDS: tuple[Kind, ...] = get_args(Kind)
POOLINGS: tuple[Pooling, ...] = get_args(Pooling)
ACTIVATIONS: tuple[Activation, ...] = get_args(Activation)
# The largest published encoder of these families has 48 layers and 4,096 units; more is a damaged configuration.
_MAX_LAYERS = 256
_MAX_SIZE = 1 << 24


@dataclass(frozen=True, slots=True)
class Architecture:
    """Sizes and arrangement of an encoder. Layers may differ in their heads and units, as pruning leaves them.

    Attributes:
        family: the supported family it was read from, such as bert.
        vocabulary: rows of the table of tokens.
        positions: rows of the table of positions: the longest length.
        token_types: rows of the table of token types; 0 without one.
        embedding: width of a row of the table of tokens; projected where it is not `hidden`.
        hidden: width between layers.
        heads: attention heads of each layer.
        head_size: width of one head.
        intermediate: feed-forward units of each layer.
        activation: of the feed-forward units.
        norm: post (BERT), pre, or affine.
        epsilon: added to the variance; unused by affine.
        bottleneck: width inside a layer where it is not `hidden` (MobileBERT); 0 without bottlenecks.
        bottleneck_attention: queries, keys and values all read the layer's bottleneck; otherwise queries and keys read
            one of their own, and values the layer's full input.
        stacked: feed-forward networks of a layer before its last one.
        trigram: the embeddings of the next and the previous token are set beside each token's own.
    """

    family: str
    vocabulary: int
    positions: int
    token_types: int
    embedding: int
    hidden: int
    heads: tuple[int, ...]
    head_size: int
    intermediate: tuple[int, ...]
    activation: Activation = "gelu"
    norm: Norm = "post"
    epsilon: float = 1e-12
    bottleneck: int = 0
    bottleneck_attention: bool = False
    stacked: int = 0
    trigram: bool = False

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            least = 0 if field.name in ("token_types", "bottleneck", "stacked") else 1
            for size in value if isinstance(value, tuple) else (value,):
                if isinstance(size, int) and not isinstance(size, bool) and not least <= size <= _MAX_SIZE:
                    raise ModelError(f"{field.name} is {size}, which no encoder has; check the configuration")
        if not 1 <= self.layers <= _MAX_LAYERS or len(self.intermediate) != self.layers:
            raise ModelError(f"{self.layers} layers of attention and {len(self.intermediate)} of units make no encoder")
        if self.activation not in ACTIVATIONS or self.norm not in get_args(Norm):
            raise ModelError(f"no activation {self.activation!r} with norm {self.norm!r}; use one of {ACTIVATIONS}")
        if not 0 <= self.epsilon < 1:
            raise ModelError(f"epsilon is {self.epsilon}; it is a small positive number")

    def check_length(self, length: int) -> None:
        """Refuse a length that the table of positions does not cover.

        Raises:
            ModelError: it is beyond the table, or not positive.
        """
        if not 1 <= length <= self.positions:
            raise ModelError(
                f"length {length} does not fit the table of {self.positions} positions; choose 1 to {self.positions}"
            )

    @property
    def layers(self) -> int:
        """Number of layers."""
        return len(self.heads)

    @property
    def inner(self) -> int:
        """Width at which a layer attends and feeds forward."""
        return self.bottleneck or self.hidden

    @property
    def summed(self) -> int:
        """Width at which embeddings of tokens, positions and types are added; MobileBERT projects before it."""
        return self.hidden if self.trigram else self.embedding

    @property
    def projects(self) -> bool:
        """Whether embeddings are projected to the width of the layers."""
        return self.trigram or self.embedding != self.hidden


@dataclass(frozen=True, slots=True)
class Head:
    """What the encoder's output is turned into.

    Attributes:
        kind: embedding (N, H), sequence (N, C) logits, token (N, L, C) logits, or answer (N, L, 2): the logits of
            each place being the start and the end.
        labels: class names of sequence and token, in the order of the logits; on import, empty means the
            checkpoint's own.
        pooling: of embedding: mean over valid tokens, the first token, or the maximum over valid tokens.
        normalize: embeddings have length 1.
        activation: of the layer `head.dense` between the first token and the logits; empty where there is none. The
            importer sets it.
        pairs: texts come in pairs, told apart by token types; always so for answer.
    """

    kind: Kind
    labels: tuple[str, ...] = ()
    pooling: Pooling = "mean"
    normalize: bool = False
    activation: Activation | Literal[""] = ""
    pairs: bool = False

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ModelError(f"no head is called {self.kind!r}; choose one of {', '.join(KINDS)}")
        if self.pooling not in POOLINGS:
            raise ModelError(f"no pooling is called {self.pooling!r}; choose one of {', '.join(POOLINGS)}")
        if len(set(self.labels)) != len(self.labels):
            raise ModelError(f"two classes have the same label: {', '.join(self.labels)}; give each its own")
        if self.labels and self.kind in ("embedding", "answer"):
            raise ModelError(f"a head of kind {self.kind} has no labels; leave them out")

    @property
    def outputs(self) -> int:
        """Logits for each text or token; 0 for an embedding."""
        return {"embedding": 0, "answer": 2}.get(self.kind, len(self.labels))


@dataclass(frozen=True, slots=True, eq=False)
class TextModel:
    """An encoder with its head and weights.

    Attributes:
        length: tokens of every text, padding included.
        pad_id: id of the padding, which no token attends to.
        weights: float32 arrays under the names of `weight_shapes`, all of them and no other.
        origin: where the weights came from.
        fresh: names of the weights that were drawn anew and have not been trained.
        pair_types: how token types follow from ids; None where the head takes no pairs or the family has no types.
    """

    architecture: Architecture
    head: Head
    length: int
    pad_id: int
    weights: Mapping[str, Array]
    origin: str
    fresh: tuple[str, ...] = ()
    pair_types: PairTypes | None = None

    def __post_init__(self) -> None:
        self.architecture.check_length(self.length)
        if not 0 <= self.pad_id < self.architecture.vocabulary:
            raise ModelError(
                f"the padding's id {self.pad_id} is not in the vocabulary of {self.architecture.vocabulary}"
            )
        if self.head.kind in ("sequence", "token") and not self.head.labels:
            raise ModelError(f"a head of kind {self.head.kind} needs labels")
        self._check_pair_types()
        check_weights(self.weights, self.architecture, self.head, self.origin)

    def _check_pair_types(self) -> None:
        types = self.pair_types
        if types is None and needs_pair_types(self.architecture, self.head):
            raise ModelError(
                "token types tell the texts of a pair apart, and the model is not told where the second text begins; "
                "give pair_types, as the TextContract has them"
            )
        if types is not None and (types.end == self.pad_id or not 0 <= types.end < self.architecture.vocabulary):
            raise ModelError(
                f"the end token's id {types.end} is the padding's, or not in the vocabulary of "
                f"{self.architecture.vocabulary}; give the tokenizer and the weights of one checkpoint"
            )

    @property
    def told_apart(self) -> PairTypes | None:
        """How the model tells the texts of a pair apart by token types; None where all tokens are of the first type."""
        types = self.pair_types
        return types if types and types.second and needs_pair_types(self.architecture, self.head) else None

    @property
    def parameters(self) -> int:
        """Number of weights."""
        return sum(array.size for array in self.weights.values())


def needs_pair_types(architecture: Architecture, head: Head) -> bool:
    """Whether texts come in pairs, and there is more than one token type to tell them apart by."""
    return architecture.token_types > 1 and (head.pairs or head.kind == "answer")
