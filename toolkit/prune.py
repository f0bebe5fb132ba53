"""Magnitude pruning with TFMOT, with the sparsity that was reached read back layer by layer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from litesmith.converters.backend import tf_keras
from litesmith.errors import CompressionError
from litesmith.events import OnEvent
from litesmith.models import copy_model
from litesmith.tfmot import model_optimization
from litesmith.train import fit, steps_per_epoch
from litesmith.training_specs import PruneSpec

STAGE = "prune"
_UPDATE_STEPS = 20  # how often the masks are recomputed
_TOLERANCE = 0.01
_TWO_OF_FOUR = (2, 4)


@dataclass(frozen=True, slots=True)
class LayerSparsity:
    """Share of zeros in one layer's kernel, asked for and reached."""

    layer: str
    asked: float
    reached: float


def prune(
    model: Any,
    x: npt.NDArray[Any],
    y: npt.NDArray[Any],
    loss: Callable[[Any, Any], Any],
    spec: PruneSpec,
    *,
    on_event: OnEvent,
) -> tuple[Any, tuple[LayerSparsity, ...]]:
    """Train `model` to the sparsity of `spec` and strip TFMOT's wrappers again.

    Raises:
        CompressionError: no layer can be pruned, or one did not reach what was asked.
    """
    tfmot = model_optimization()
    schedule = _schedule(tfmot, spec, steps_per_epoch(len(x), spec.train) * spec.train.epochs)
    names = prunable(model, spec)
    wrapped = _wrap(tfmot, model, names, schedule, spec)
    update = tfmot.sparsity.keras.UpdatePruningStep()
    fit(wrapped, x, y, loss, spec.train, stage=STAGE, on_event=on_event, callbacks=[update])
    pruned = tfmot.sparsity.keras.strip_pruning(wrapped)
    reached = layer_sparsity(pruned, names, spec.sparsity)
    _check(reached)
    if spec.pattern is not None:
        _check_pattern(pruned, names)
    return pruned, reached


def layer_sparsity(model: Any, names: tuple[str, ...], asked: float) -> tuple[LayerSparsity, ...]:
    """Read the zeros of each named layer's kernel."""
    return tuple(
        LayerSparsity(name, asked, float(np.mean(model.get_layer(name).kernel.numpy() == 0))) for name in names
    )


def _wrap(tfmot: Any, model: Any, names: tuple[str, ...], schedule: Any, spec: PruneSpec) -> Any:
    """Wrap a copy: TFMOT's wrappers share variables with what they wrap, and would prune `model` itself."""
    pattern = {} if spec.pattern is None else {"sparsity_m_by_n": _TWO_OF_FOUR}

    def wrap(layer: Any) -> Any:
        return tfmot.sparsity.keras.prune_low_magnitude(layer, schedule, **pattern) if layer.name in names else layer

    return tf_keras().models.clone_model(copy_model(model), clone_function=wrap)


def _schedule(tfmot: Any, spec: PruneSpec, steps: int) -> Any:
    begin, end = int(spec.begin * steps), max(int(spec.end * steps), 1)
    frequency = max(1, min(_UPDATE_STEPS, (end - begin) // 5))
    if spec.schedule == "constant" or spec.pattern is not None:
        return tfmot.sparsity.keras.ConstantSparsity(spec.sparsity, begin, end, frequency=frequency)
    return tfmot.sparsity.keras.PolynomialDecay(spec.initial_sparsity, spec.sparsity, begin, end, frequency=frequency)


def prunable(model: Any, spec: PruneSpec) -> tuple[str, ...]:
    """Convolutions and dense layers; TFMOT leaves depthwise convolutions dense without saying so."""
    layers = tf_keras().layers
    known = [layer.name for layer in model.layers]
    if unknown := sorted(set(spec.exclude) - set(known)):
        raise CompressionError(f"exclude names {unknown}, but the student has the layers {known}", stage=STAGE)
    if nested := [layer.name for layer in model.layers if hasattr(layer, "layers")]:
        raise CompressionError(
            f"the student holds another model as its layer {nested[0]!r}, whose layers cannot be pruned; "
            "build it from that model's layers instead",
            stage=STAGE,
        )
    names = tuple(
        layer.name
        for layer in model.layers
        if isinstance(layer, layers.Conv2D | layers.Dense)
        and not isinstance(layer, layers.DepthwiseConv2D | layers.Conv2DTranspose)
        and layer.name not in spec.exclude
    )
    if spec.pattern is not None:
        names = tuple(name for name in names if _inputs(model.get_layer(name)) % _TWO_OF_FOUR[1] == 0)
    if not names:
        raise CompressionError(
            "no Conv2D or Dense layer is left to prune; exclude fewer layers or remove the section", stage=STAGE
        )
    return names


def _inputs(layer: Any) -> int:
    """How many values each output of a layer sums, the places that a pattern runs along."""
    return int(np.prod(layer.kernel.shape[:-1]))


def _check_pattern(pruned: Any, names: tuple[str, ...]) -> None:
    """Prove that of each four weights of an output two are zero."""
    zeros, block = _TWO_OF_FOUR
    for name in names:
        kernel = pruned.get_layer(name).kernel.numpy()
        blocks = kernel.reshape(-1, kernel.shape[-1]).T.reshape(-1, block)
        if ((blocks == 0).sum(axis=1) < zeros).any():
            raise CompressionError(
                f"layer {name!r} has four weights of which fewer than two are zero; give it more epochs, or exclude it",
                stage=STAGE,
            )


def _check(reached: tuple[LayerSparsity, ...]) -> None:
    for layer in reached:
        if layer.reached < layer.asked - _TOLERANCE:
            raise CompressionError(
                f"layer {layer.layer!r} reached {layer.reached:.3f} zeros of {layer.asked:.3f} asked; "
                "ask for less, give it more epochs, or exclude the layer (small layers round to few steps)",
                stage=STAGE,
            )
