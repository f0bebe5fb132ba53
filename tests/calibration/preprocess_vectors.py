"""Golden vectors of the preprocessing contract, for implementations in other languages.

`python tests/calibration/preprocess_vectors.py FILE.jsonl [COUNT]` writes one JSON object a line::

    {"contract": preprocess.json, "rotate": 0 | 90 | 180 | 270,
     "raw": {"dtype": "uint8" | "float32", "shape": [...], "values": [...]},
     "tensor": {"shape": [...], "bits": [...]},
     "quantized": {"dtype": "int8" | "uint8" | "int16", "scale": S, "zero_point": Z, "values": [...]}}

Arrays are flat, in the order of their axes. Floating-point values are the 32 bits of each as a signed whole number
(`Float.fromBits` in Kotlin); 8-bit ones are 0 to 255; `scale` is a float32 written in full.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from litesmith.calibration.affine import quantize
from litesmith.calibration.preprocess import Preprocess

COUNT = 1200
_SIDES = (1, 1, 2, 3, 4, 5, 7, 8, 9, 13, 16, 17, 31)
_EXTREMES = np.array(
    [0.0, -0.0, 1e-45, -1e-45, 1.1754944e-38, 1.0, -1.0, 0.5, 0.49999997, 1.5, 2.5, 254.5, 255.0, 16777215.0,
     16777217.0, 1e30, -1e30, 3.4028235e38, -3.4028235e38],
    np.float32,
)  # fmt: skip
_SCALES = (1.0, 1 / 255, 1 / 127.5, -1.0, 1 / 16, 3.0, 1e-30, 1e20)
_OFFSETS = (0.0, -1.0, 0.5, -0.0, 128.0, 1e-20)
_IMAGENET = (
    (1 / (255 * 0.229), 1 / (255 * 0.224), 1 / (255 * 0.225)),
    (-0.485 / 0.229, -0.456 / 0.224, -0.406 / 0.225),
)
_WAYS = (("none", False), ("nearest", False), ("bilinear", False), ("bilinear", True), ("area", False))


def golden_vectors(count: int = COUNT, seed: int = 0) -> Iterator[dict[str, Any]]:
    """`count` vectors; kinds of contracts take turns, so each primitive occurs about equally often."""
    random = np.random.default_rng(seed)
    kinds = [*_WAYS, "stretch", "center_crop", "letterbox", "block", "tensor", "digits"]
    made = 0
    while made < count:
        kind = kinds[made % len(kinds)]
        contract = _contract(kind, random)
        raw = _raw(contract, random)
        rotate = int(random.choice((0, 90, 180, 270))) if contract.kind == "image" else 0
        vector = _vector(contract, raw, rotate, random)
        if vector is not None:
            made += 1
            yield vector


def _contract(kind: Any, random: np.random.Generator) -> Preprocess:
    if kind == "digits":
        return Preprocess((8, 8, 1), "image", "area", 1 / 16, 0.0, fit="letterbox", block=4)
    if kind == "tensor":
        shape = tuple(int(side) for side in random.integers(1, 5, random.integers(1, 5)))
        return Preprocess(shape, "tensor", "none", *_numbers(shape[-1], random))
    block = int(random.integers(2, 6)) if kind == "block" else 1
    channels = 1 if kind == "block" else int(random.choice((1, 3)))
    sides = _SIDES[:8] if kind == "block" else _SIDES
    shape = (int(random.choice(sides)), int(random.choice(sides)), channels)
    way = kind if isinstance(kind, tuple) else _WAYS[int(random.integers(1, len(_WAYS)))]
    scale, offset = _numbers(channels, random)
    fits = ("stretch", "center_crop", "letterbox")
    fit = kind if kind in fits else "stretch" if way[0] == "none" else str(random.choice(fits))
    crop = 1.0 if way[0] == "none" else float(random.choice((1.0, 1.0, 0.875, 0.5, 1 / 3, 0.01)))
    fill = int(random.integers(0, 256)) if fit == "letterbox" else 0
    layout = str(random.choice(("nhwc", "nchw")))
    return Preprocess(
        shape, "image", way[0], scale, offset, crop=crop, fit=fit, fill=fill, antialias=way[1], block=block,
        layout=layout,
    )  # fmt: skip


def _numbers(channels: int, random: np.random.Generator) -> tuple[Any, Any]:
    if channels == 3 and random.integers(2):
        return _IMAGENET
    if random.integers(4) == 0:
        scales, offsets = random.choice(_SCALES, channels), random.choice(_OFFSETS, channels)
        return tuple(map(float, scales)), tuple(map(float, offsets))
    return float(random.choice(_SCALES)), float(random.choice(_OFFSETS))


def _raw(contract: Preprocess, random: np.random.Generator) -> Any:
    if contract.kind == "tensor":
        return _values(contract.shape, random, eight_bit=bool(random.integers(4) == 0))
    channels = int(random.choice((1, 3)))
    height, width = (int(random.choice(_SIDES)) for _ in range(2))
    if contract.resize == "none":
        height, width = contract.canvas
    elif random.integers(8) == 0:
        height, width = contract.shape[:2]
    if contract.block > 1 and (height, width) == contract.shape[:2]:
        return random.integers(0, contract.block**2 + 1, (height, width, 1)).astype(np.uint8)
    return _values((height, width, channels), random, eight_bit=contract.block > 1 or bool(random.integers(3)))


def _values(shape: tuple[int, ...], random: np.random.Generator, *, eight_bit: bool) -> Any:
    if eight_bit:
        levels = ((0, 256), (0, 2), (254, 256), (126, 130))[int(random.integers(4))]
        values = random.integers(*levels, shape)
        return (values * 255 if levels == (0, 2) else values).astype(np.uint8)
    if random.integers(4) == 0:
        return random.choice(_EXTREMES, shape)
    return (random.standard_normal(shape) * 10.0 ** random.integers(-3, 4)).astype(np.float32)


def _vector(contract: Preprocess, raw: Any, rotate: int, random: np.random.Generator) -> dict[str, Any] | None:
    """None where a turned image does not fit any more, or a value is not a number: bits of those differ."""
    if contract.resize == "none" and contract.kind == "image" and rotate in (90, 270):
        raw = np.ascontiguousarray(np.rot90(raw))
    if contract.block > 1 and raw.shape[:2] == contract.shape[1::-1] and rotate in (90, 270):
        rotate = 0
    tensor = contract.apply(raw, rotate)
    if np.isnan(tensor).any():
        return None
    dtype = str(random.choice(("int8", "uint8", "int16")))
    finite = np.abs(tensor[np.isfinite(tensor)])
    spread = float(finite.max()) if finite.size and finite.max() > 1e-30 else 1.0
    scale = float(np.float32(random.choice((spread / 100, spread / 1000, 1 / 255, 0.5, 2.0))))
    zero_point = 0 if dtype == "int16" else int(random.integers(np.iinfo(dtype).min, np.iinfo(dtype).max + 1))
    quantized = quantize(tensor, scale, zero_point, dtype)
    return {
        "contract": contract.to_dict(),
        "rotate": rotate,
        "raw": {"dtype": raw.dtype.name, "shape": list(raw.shape), "values": _flat(raw)},
        "tensor": {"shape": list(tensor.shape), "bits": _flat(tensor)},
        "quantized": {"dtype": dtype, "scale": scale, "zero_point": zero_point, "values": quantized.ravel().tolist()},
    }  # fmt: skip


def _flat(values: Any) -> list[int]:
    flat = np.ascontiguousarray(values).ravel()
    whole: list[int] = (flat.view(np.int32) if flat.dtype == np.float32 else flat).tolist()
    return whole


def write_vectors(path: Path, count: int = COUNT) -> None:
    """Write `count` vectors as JSON lines."""
    lines = (json.dumps(vector, separators=(",", ":")) for vector in golden_vectors(count))
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


if __name__ == "__main__":
    write_vectors(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else COUNT)
