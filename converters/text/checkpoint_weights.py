"""A checkpoint's weights under canonical names: every one accounted for, none missing and none left over."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from litesmith.converters.text.architecture import Architecture, Array
from litesmith.converters.text.architecture_weights import weight_shapes
from litesmith.converters.text.checkpoint import Checkpoint
from litesmith.converters.text.configs import Family
from litesmith.converters.text.heads_import import ChosenHead
from litesmith.errors import ModelError

# What BERT's own code draws weights with before training: a normal of this deviation, cut at twice it.
_DEVIATION = 0.02


@dataclass(frozen=True, slots=True)
class _Weight:
    """One weight: its canonical name and shape, and its name in the checkpoint, empty where it is drawn anew."""

    name: str
    shape: tuple[int, ...]
    stored: str
    skipped_rows: int

    @property
    def stored_shape(self) -> tuple[int, ...]:
        """The shape in the checkpoint, which holds kernels as (outputs, inputs)."""
        if self.name.endswith(".kernel"):
            return self.shape[::-1]
        return (self.shape[0] + self.skipped_rows, *self.shape[1:])

    def canonical(self, array: Array) -> Array:
        """The checkpoint's values in the canonical shape."""
        return np.ascontiguousarray(array.T if self.name.endswith(".kernel") else array[self.skipped_rows :])


def read_weights(
    checkpoint: Checkpoint, family: Family, architecture: Architecture, chosen: ChosenHead, pad_id: int, seed: int
) -> tuple[dict[str, Array], tuple[str, ...]]:
    """Every weight of the architecture, and the names of those that are drawn anew.

    Raises:
        ModelError: a weight is missing, left over, or of another shape.
    """
    plan = _plan(checkpoint, family, architecture, chosen, pad_id)
    _account(checkpoint, family, chosen, plan)
    arrays = checkpoint.read(weight.stored for weight in plan if weight.stored)
    random = np.random.default_rng(seed)
    weights = {
        weight.name: weight.canonical(arrays.pop(weight.stored)) if weight.stored else _drawn(random, weight.shape)
        for weight in plan
    }
    return weights, tuple(weight.name for weight in plan if not weight.stored)


def _plan(
    checkpoint: Checkpoint, family: Family, architecture: Architecture, chosen: ChosenHead, pad_id: int
) -> list[_Weight]:
    names, kind = family.names, chosen.head.kind
    prefix = names.prefix if any(name.startswith(names.prefix) for name in checkpoint.tensors) else ""
    plan = []
    for name, shape in weight_shapes(architecture, chosen.head).items():
        stored = names.stored(name, kind, prefix)
        # A new head still takes the pooler that the encoder was trained with.
        if chosen.fresh and name.startswith("head.") and (stored not in checkpoint.tensors or "head.output" in name):
            stored = ""
        skipped = pad_id + 1 if family.positions_after_pad and name == "embeddings.position" else 0
        plan.append(_Weight(name, shape, stored, skipped))
    return plan


def _account(checkpoint: Checkpoint, family: Family, chosen: ChosenHead, plan: list[_Weight]) -> None:
    """Hold the plan against the checkpoint, before any value is read."""
    used = {weight.stored: weight for weight in plan if weight.stored}
    if missing := [name for name in used if name not in checkpoint.tensors]:
        raise ModelError(
            f"{len(missing)} of the {len(used)} weights that config.json describes are missing, such as {missing[0]}; "
            "give the config.json and the weights of one checkpoint",
            file=checkpoint.folder,
        )
    other_heads = family.names.head_modules if chosen.replaces else ()
    left = [
        name
        for name in checkpoint.tensors
        if name not in used and family.names.why_unused(name) is None and name.rsplit(".", 1)[0] not in other_heads
    ]
    if left:
        raise ModelError(
            f"{len(left)} weights would be left over, such as {left[0]}; config.json describes another model than the "
            "one stored: mend it (num_hidden_layers, architectures), or in Python choose another head by "
            "head=Head(kind), kind being embedding, sequence, token or answer",
            file=checkpoint.folder,
        )
    for name, weight in used.items():
        tensor = checkpoint.tensors[name]
        if tensor.shape != weight.stored_shape:
            raise ModelError(
                f"{name} has shape {tensor.shape}, but config.json describes {weight.stored_shape}", file=tensor.file
            )


def _drawn(random: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """A kernel as before training; a bias of zeros."""
    if len(shape) == 1:
        return np.zeros(shape, np.float32)
    values = random.normal(0.0, _DEVIATION, shape)
    return np.clip(values, -2 * _DEVIATION, 2 * _DEVIATION).astype(np.float32)
