"""Does a measured latency keep within a recipe's limit for that kind of device?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from litesmith.errors import RecipeError
from litesmith.recipe import Recipe
from litesmith.targets.measurement import Measurement


def latency_limits(recipe: Path, kinds: Sequence[str]) -> Mapping[str, float]:
    """The limits of a recipe file by kind of device, milliseconds.

    Args:
        recipe: it is checked as a whole.
        kinds: of the devices that will be measured on.

    Raises:
        RecipeError: the recipe is wrong, or limits no latency of such a device.
    """
    limits = Recipe.from_toml(recipe).budget.max_latency_ms
    missing = [kind for kind in kinds if kind not in limits]
    if missing:
        raise RecipeError(
            f"limits no latency on {missing[0]}; add [budget.max_latency_ms] with {missing[0]} = MILLISECONDS",
            file=recipe,
            key=f"budget.max_latency_ms.{missing[0]}",
        )
    return limits


def unmet_limits(limits: Mapping[str, float], measurements: Sequence[Measurement]) -> tuple[str, ...]:
    """What is above its limit, or not shown to keep it, in words."""
    unmet = []
    for measurement in measurements:
        limit_ms = limits[measurement.device.kind]
        where = f"{measurement.model} on {measurement.device.label} ({measurement.configuration})"
        latency = measurement.latency
        if latency is None:
            unmet.append(f"{where}: not shown to keep within {limit_ms:g} ms: {measurement.refused}")
        elif latency.p50_ms > limit_ms:
            unmet.append(f"{where}: p50 {latency.p50_ms:.4g} ms against a limit of {limit_ms:g} ms")
    return tuple(unmet)
