"""Generates Kotlin for models of every kind, with what Python computes for each: the templates' test.

Usage: make_cases.py SOURCES VECTORS. A case lies in a package of its own, because every generated class has one name.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from litesmith.bundle_facts import BundleFacts
from litesmith.calibration.preprocess import Preprocess
from litesmith.files import write_text
from litesmith.kotlin_checks import MOST_LABELS
from litesmith.kotlin_model import model_source
from litesmith.measure import to_real, to_tensor
from litesmith.targets.session import TensorSpec

PACKAGE = "package dev.litesmith.generated"
LABELS = ("plain", 'quo"te', "dollar $name", "back\\slash", "Größe", "emoji \U0001f600")
AFFINES = {"int8": (0.05, -3), "uint8": (0.05, 120), "int16": (0.001, 0), "float32": (None, None)}
CONTRACTS = {
    "image": Preprocess(
        (5, 4, 3), "image", "bilinear", (1 / 58.395, 1 / 57.12, 1 / 57.375), (-2.1179, -2.0357, -1.8044),
        fit="letterbox", fill=7, antialias=True, layout="nchw",
    ),
    "digits": Preprocess((8, 8, 1), "image", "area", 1 / 16, 0.0, fit="letterbox", block=4, crop=0.9),
    "tensor": Preprocess((2, 3), "tensor", "none", (0.5, 1.0, -1e-5), 3.0),
}  # fmt: skip


def make_cases(sources: Path, vectors: Path) -> int:
    """Write a class for each kind of contract and type, and one document of vectors; gives their number."""
    contracts = [
        _contract(f"{kind}_{dtype}", preprocess, dtype, LABELS)
        for kind, preprocess in CONTRACTS.items()
        for dtype in AFFINES
    ]
    many = tuple(f"class {place}" for place in range(MOST_LABELS))
    contracts.append(_contract("most_labels", CONTRACTS["tensor"], "int8", many))
    cases = []
    for contract in contracts:
        package = f"dev.litesmith.cases.{contract.name}"
        text = model_source(contract).replace(PACKAGE, f"package {package}")
        write_text(sources / contract.name / "BundledModel.kt", text)
        cases.append({"package": package, **_vector(contract)})
    write_text(vectors, json.dumps(cases))
    return len(cases)


def _contract(name: str, preprocess: Preprocess, dtype: str, labels: tuple[str, ...]) -> BundleFacts:
    scale, zero_point = AFFINES[dtype]
    scale = None if scale is None else float(np.float32(scale))
    return BundleFacts(
        name=name,
        sha256="0" * 64,
        oldest_runtime="2.3.0",
        input=TensorSpec("in:0", (1, *preprocess.tensor_shape), dtype, scale, zero_point),
        output=TensorSpec("out:0", (1, len(labels)), dtype, scale, zero_point),
        labels=labels,
        preprocess=preprocess,
    )


def _vector(contract: BundleFacts) -> Mapping[str, Any]:
    """Raw input, the tensor that it becomes, and an output with its real values, all as bytes or bits."""
    random = np.random.default_rng(len(contract.name))
    if contract.preprocess.kind == "image":
        raw = random.integers(0, 256, (37, 29, 3)).astype(np.uint8)
        rotate = 90
        values = contract.preprocess.apply(raw, rotate)
    else:
        raw, rotate = random.standard_normal(contract.preprocess.shape).astype(np.float32), 0
        values = contract.preprocess.apply(raw)
    output = to_tensor(random.standard_normal(contract.output.shape).astype(np.float32), contract.output)
    return {
        "kind": contract.preprocess.kind,
        "rotate": rotate,
        "shape": list(raw.shape),
        "raw": (raw if raw.dtype == np.uint8 else raw.view(np.int32)).ravel().tolist(),
        "tensor": _bytes(to_tensor(values[None], contract.input)),
        "output": _bytes(output),
        "real": to_real(output, contract.output).view(np.int32).ravel().tolist(),
        "labels": list(contract.labels),
    }


def _bytes(values: Any) -> list[int]:
    """Little-endian, as x86 and ARM store them; signed, as Java reads them."""
    found: list[int] = np.frombuffer(values.astype(values.dtype.newbyteorder("<")).tobytes(), np.int8).tolist()
    return found


if __name__ == "__main__":
    sys.stdout.write(f"{make_cases(Path(sys.argv[1]), Path(sys.argv[2]))} generated classes\n")
