"""The facts that a generated Kotlin class states."""

from __future__ import annotations

from dataclasses import dataclass

from litesmith.calibration.preprocess import Preprocess
from litesmith.golden import MODEL_FILE, VECTORS_FILE
from litesmith.targets.session import TensorSpec

# Where the bundle lies in the app's assets.
ASSETS = "litesmith"


@dataclass(frozen=True, slots=True)
class KotlinContract:
    """A bundle's facts as the generated class states them, checked against each other."""

    name: str
    sha256: str
    oldest_runtime: str
    input: TensorSpec
    output: TensorSpec
    labels: tuple[str, ...]
    preprocess: Preprocess
    model_asset: str = f"{ASSETS}/{MODEL_FILE}"
    golden_asset: str = f"{ASSETS}/{VECTORS_FILE}"
