"""Quantization-aware training with TFMOT, started from observed ranges instead of TFMOT's [-6, 6]."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from litesmith.converters.backend import tf_keras
from litesmith.errors import CompressionError
from litesmith.models import copy_model
from litesmith.tfmot import model_optimization, prune_preserving_scheme

STAGE, REMEDY = "qat", "quantization-aware training"
_BATCH = 256
_SAMPLES = 2048
_RANGE = re.compile(r"(?:output|post_activation|quantize_layer)_(min|max):0$")


def quantization_aware(model: Any, *, preserve_sparsity: bool, only: Collection[str] | None = None) -> Any:
    """`model` with fake quantization on weights and activations.

    Prune-preserving masks are taken from the weights the model has now.

    Args:
        model: functional or sequential.
        preserve_sparsity: whether weights that are zero stay so.
        only: names of the layers to train for integers; all if None.

    Raises:
        CompressionError: TFMOT refuses a layer; the message names it.
    """
    tfmot = model_optimization()
    quantization = tfmot.quantization.keras
    try:
        # Annotating rewires the layers.
        if only is None:
            annotated = quantization.quantize_annotate_model(copy_model(model))
        else:
            annotated = copy_model(
                model, lambda layer: quantization.quantize_annotate_layer(layer) if layer.name in only else layer
            )
        if preserve_sparsity:
            return quantization.quantize_apply(annotated, prune_preserving_scheme())
        return quantization.quantize_apply(annotated)
    except (RuntimeError, ValueError, TypeError, AttributeError) as error:
        kinds = sorted({type(layer).__name__ for layer in model.layers})
        first = (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
        raise CompressionError(
            f"TFMOT cannot quantize this model ({first}); its layers are {', '.join(kinds)}. "
            "Replace the unsupported one, or remove [quantize.qat] to quantize after training",
            stage=STAGE,
        ) from error


def observe_ranges(quantized: Any, model: Any, x: npt.NDArray[Any]) -> None:
    """Set every activation range of `quantized` to what `model` (float, same layer names) gives on `x`.

    TFMOT starts all ranges at [-6, 6] and moves them by a thousandth a step: short trainings end with ranges
    that fit nothing.
    """
    observed = _layer_ranges(model, x[:_SAMPLES])
    for layer in quantized.layers:
        inner = getattr(layer, "layer", None)
        found = observed.get(inner.name if inner is not None else model.input_names[0])
        if found is None:
            continue
        for variable in layer.variables:
            if match := _RANGE.search(variable.name):
                variable.assign(found[match[1] == "max"])


def _layer_ranges(model: Any, x: npt.NDArray[Any]) -> dict[str, tuple[float, float]]:
    """(min, max) of each layer's output over `x`, widened to hold zero as affine quantization needs."""
    model = copy_model(model)  # a layer that was called in several models has no single output
    layers = [layer for layer in model.layers if not isinstance(layer.output, list)]
    probe = tf_keras().Model(model.inputs, [layer.output for layer in layers])
    ranges: dict[str, tuple[float, float]] = {}
    for start in range(0, len(x), _BATCH):
        outputs = probe(x[start : start + _BATCH], training=False)
        for layer, output in zip(layers, outputs, strict=True):
            low, high = ranges.get(layer.name, (0.0, 0.0))
            values = np.asarray(output)
            ranges[layer.name] = (min(low, float(values.min())), max(high, float(values.max())))
    return ranges


def kernel_sparsity(quantized: Any) -> float:
    """Share of zeros among the kernels of a model in quantization-aware training."""
    return zeros([variable.numpy() for variable in quantized.trainable_variables if variable.name.endswith("kernel:0")])


def zeros(kernels: Sequence[npt.NDArray[Any]]) -> float:
    """Share of zeros among all weights."""
    total = sum(kernel.size for kernel in kernels)
    return float(sum(np.sum(kernel == 0) for kernel in kernels) / total) if total else 0.0
