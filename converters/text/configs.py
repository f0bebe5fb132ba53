"""The families of checkpoints that can be imported: each one's configuration, weights and habits, in one table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from litesmith.converters.text.architecture import Activation, Architecture
from litesmith.converters.text.configs_settings import Config
from litesmith.converters.text.names import BERT, DISTILBERT, ELECTRA, MOBILEBERT, ROBERTA, Names
from litesmith.errors import ModelError


def _bert(config: Config, *, after_pad: bool = False, embedding: str = "hidden_size") -> Architecture:
    config.refuse("position_embedding_type", "absolute")
    config.refuse("is_decoder", False)
    config.refuse("add_cross_attention", False)
    skipped = config.number("pad_token_id", 1) + 1 if after_pad else 0
    layers = config.layers("num_hidden_layers")
    hidden, heads = config.number("hidden_size"), config.number("num_attention_heads")
    return Architecture(
        family=str(config.get("model_type")),
        vocabulary=config.number("vocab_size"),
        positions=config.number("max_position_embeddings") - skipped,
        token_types=config.number("type_vocab_size", 2),
        embedding=config.number(embedding),
        hidden=hidden,
        heads=tuple(heads for _ in layers),
        head_size=_divided(config, hidden, heads),
        intermediate=tuple(config.number("intermediate_size") for _ in layers),
        activation=config.activation("hidden_act"),
        epsilon=config.epsilon(),
    )


def _roberta(config: Config) -> Architecture:
    return _bert(config, after_pad=True)


def _electra(config: Config) -> Architecture:
    return _bert(config, embedding="embedding_size")


def _distilbert(config: Config) -> Architecture:
    layers, width, heads = config.layers("n_layers"), config.number("dim"), config.number("n_heads")
    return Architecture(
        family="distilbert",
        vocabulary=config.number("vocab_size"),
        positions=config.number("max_position_embeddings"),
        token_types=0,
        embedding=width,
        hidden=width,
        heads=tuple(heads for _ in layers),
        head_size=_divided(config, width, heads),
        intermediate=tuple(config.number("hidden_dim") for _ in layers),
        activation=config.activation("activation"),
    )


def _mobilebert(config: Config) -> Architecture:
    config.refuse("use_bottleneck", True)
    config.refuse("trigram_input", True)
    config.refuse("normalization_type", "no_norm", "layer_norm")
    plain = _bert(config, embedding="embedding_size")
    attends_inside = config.flag("use_bottleneck_attention", default=False)
    if not attends_inside:
        config.refuse("key_query_shared_bottleneck", True)
    inner = config.number("intra_bottleneck_size", 128)
    return replace(
        plain,
        head_size=_divided(config, inner, plain.heads[0]),
        norm="affine" if config.get("normalization_type", "no_norm") == "no_norm" else "post",
        bottleneck=inner,
        bottleneck_attention=attends_inside,
        stacked=config.number("num_feedforward_networks", 4) - 1,
        trigram=True,
    )


def _divided(config: Config, width: int, heads: int) -> int:
    if heads < 1 or width % heads:
        raise ModelError(
            f"{heads} attention heads do not divide a width of {width}; mend the file, or download it again",
            file=config.path,
        )
    return width // heads


def _mobilebert_pooler(config: Config) -> Activation | Literal[""]:
    return "tanh" if config.flag("classifier_activation", default=True) else ""


@dataclass(frozen=True, slots=True)
class Family:
    """One family of checkpoints.

    Attributes:
        read: its config.json as an architecture.
        names: of its weights.
        head_activation: of the dense layer in its sequence head; empty where it has none.
        pad_id: where config.json does not say.
        positions_after_pad: the first token's position is one more than the padding's id.
    """

    read: Callable[[Config], Architecture]
    names: Names
    head_activation: Callable[[Config], Activation | Literal[""]]
    pad_id: int = 0
    positions_after_pad: bool = False


FAMILIES: Mapping[str, Family] = {
    "bert": Family(_bert, BERT, lambda _: "tanh"),  # MiniLM's checkpoints too
    "distilbert": Family(_distilbert, DISTILBERT, lambda _: "relu"),
    "electra": Family(_electra, ELECTRA, lambda _: "gelu"),
    "mobilebert": Family(_mobilebert, MOBILEBERT, _mobilebert_pooler),
    "roberta": Family(_roberta, ROBERTA, lambda _: "tanh", pad_id=1, positions_after_pad=True),
}


def family_of(config: Config) -> Family:
    """The family of a checkpoint.

    Raises:
        ModelError: it is not supported, or the file does not say.
    """
    name = config.get("model_type")
    if not isinstance(name, str) or name not in FAMILIES:
        known = ", ".join(FAMILIES)
        raise ModelError(
            f"the architecture {name!r} cannot be imported; supported are {known} (MiniLM is bert)", file=config.path
        )
    return FAMILIES[name]


def read_architecture(config: Config) -> Architecture:
    """The architecture that a config.json describes.

    Raises:
        ModelError: it is not supported, or has numbers that no encoder has.
    """
    try:
        return family_of(config).read(config)
    except ModelError as error:
        if error.file is not None:
            raise
        raise ModelError(str(error), file=config.path) from error
