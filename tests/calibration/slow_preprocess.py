"""The contract once more, pixel by pixel from its docstrings: what `Preprocess` is compared with, bit for bit."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

F = np.float32
Pixel = list[Any]
Image = list[list[Pixel]]


def slow_apply(contract: dict[str, Any], raw: Any, rotate: int = 0) -> Any:
    """The float32 tensor of a raw sample under a `preprocess.json` of version 2."""
    if contract["kind"] == "tensor":
        return _scaled(raw.reshape(-1, raw.shape[-1]).tolist(), contract).reshape(raw.shape)
    is_8_bit = raw.dtype == np.uint8
    image: Image = [[list(pixel) for pixel in row] for row in (raw if raw.ndim == 3 else raw[..., None])]
    image = _prepared(_upright(image, rotate), contract, is_8_bit)
    height, width, channels = contract["shape"]
    values = _scaled([pixel for row in image for pixel in row], contract).reshape(height, width, channels)
    if contract["layout"] == "nhwc":
        return values
    return np.array([[[values[y][x][c] for x in range(width)] for y in range(height)] for c in range(channels)], F)


def _prepared(image: Image, contract: dict[str, Any], is_8_bit: bool) -> Image:
    height, width, channels = contract["shape"]
    block = contract["block"]
    if block > 1 and [len(image), len(image[0]), len(image[0][0])] == [height, width, channels]:
        return image
    rows, columns = height * block, width * block
    image = [[_channels(pixel, channels) for pixel in row] for row in image]
    if contract["crop"] < 1:
        kept = [max(1, math.floor(size * contract["crop"] + 0.5)) for size in (len(image), len(image[0]))]
        image = _centre(image, *kept)
    if contract["fit"] == "center_crop":
        image = _aspect(image, rows, columns)
    inner = _inner(image, rows, columns) if contract["fit"] == "letterbox" else (rows, columns)
    image = _resized(image, contract, *inner)
    if is_8_bit:
        image = [[[math.floor(F(F(v) + F(0.5))) for v in pixel] for pixel in row] for row in image]
    if contract["fit"] == "letterbox":
        top, left = (rows - inner[0]) // 2, (columns - inner[1]) // 2
        canvas: Image = [[[contract["fill"]] * channels for _ in range(columns)] for _ in range(rows)]
        for y, row in enumerate(image):
            for x, pixel in enumerate(row):
                canvas[top + y][left + x] = pixel
        image = canvas
    return _counts(image, height, width, block) if block > 1 else image


def _upright(image: Image, rotate: int) -> Image:
    h, w = len(image), len(image[0])
    if rotate == 90:
        return [[image[h - 1 - x][y] for x in range(h)] for y in range(w)]
    if rotate == 180:
        return [[image[h - 1 - y][w - 1 - x] for x in range(w)] for y in range(h)]
    if rotate == 270:
        return [[image[x][w - 1 - y] for x in range(h)] for y in range(w)]
    return image


def _channels(pixel: Pixel, wanted: int) -> Pixel:
    if len(pixel) == wanted:
        return pixel
    if wanted == 3:
        return pixel * 3
    red, green, blue = (F(value) for value in pixel)
    return [F(F(F(F(0.299) * red) + F(F(0.587) * green)) + F(F(0.114) * blue))]


def _centre(image: Image, height: int, width: int) -> Image:
    top, left = (len(image) - height) // 2, (len(image[0]) - width) // 2
    return [row[left : left + width] for row in image[top : top + height]]


def _aspect(image: Image, height: int, width: int) -> Image:
    h, w = len(image), len(image[0])
    if w * height > h * width:
        return _centre(image, h, max(1, (2 * h * width + height) // (2 * height)))
    return _centre(image, max(1, (2 * w * height + width) // (2 * width)), w)


def _inner(image: Image, height: int, width: int) -> tuple[int, int]:
    h, w = len(image), len(image[0])
    if w * height > h * width:
        return max(1, (2 * h * width + w) // (2 * w)), width
    return height, max(1, (2 * w * height + h) // (2 * h))


def _counts(image: Image, height: int, width: int, block: int) -> Image:
    places = range(block)
    return [
        [[sum(image[y * block + i][x * block + j][0] >= 128 for i in places for j in places)] for x in range(width)]
        for y in range(height)
    ]


def _resized(image: Image, contract: dict[str, Any], height: int, width: int) -> Image:
    if (len(image), len(image[0])) == (height, width):
        return image
    if contract["resize"] == "nearest":
        h, w = len(image), len(image[0])
        return [
            [image[(2 * y + 1) * h // (2 * height)][(2 * x + 1) * w // (2 * width)] for x in range(width)]
            for y in range(height)
        ]
    if contract["resize"] == "bilinear" and not contract["antialias"]:
        return _bilinear(image, height, width)
    return _weighted(image, height, width, _overlap if contract["resize"] == "area" else _triangle)


def _tap(place: int, source: int, target: int) -> tuple[int, int, Any]:
    centre = F(F(F(F(place) + F(0.5)) * F(F(source) / F(target))) - F(0.5))
    centre = min(max(centre, F(0)), F(source - 1))
    low = math.floor(centre)
    return low, min(low + 1, source - 1), F(centre - F(low))


def _mix(a: Any, b: Any, t: Any) -> Any:
    return F(F(a) + F(F(F(b) - F(a)) * t))


def _bilinear(image: Image, height: int, width: int) -> Image:
    rows = [_tap(y, len(image), height) for y in range(height)]
    columns = [_tap(x, len(image[0]), width) for x in range(width)]

    def value(y: int, x: int, c: int) -> Any:
        (top, bottom, down), (left, right, across) = rows[y], columns[x]
        above = _mix(image[top][left][c], image[top][right][c], across)
        return _mix(above, _mix(image[bottom][left][c], image[bottom][right][c], across), down)

    return [[[value(y, x, c) for c in range(len(image[0][0]))] for x in range(width)] for y in range(height)]


def _overlap(k: int, i: int, n: int, m: int) -> int:
    return max(0, min((k + 1) * m, (i + 1) * n) - max(k * m, i * n))


def _triangle(k: int, i: int, n: int, m: int) -> int:
    return max(0, 2 * max(n, m) - abs((2 * k + 1) * m - (2 * i + 1) * n))


def _weights(weigh: Any, n: int, m: int) -> list[list[tuple[int, int]]]:
    return [[(k, weight) for k in range(n) if (weight := weigh(k, i, n, m)) > 0] for i in range(m)]


def _weighted(image: Image, height: int, width: int, weigh: Any) -> Image:
    down, across = _weights(weigh, len(image), height), _weights(weigh, len(image[0]), width)
    channels = len(image[0][0])
    lines = [[[_sum(taps, lambda k, r=row, c=c: r[k][c]) for c in range(channels)] for taps in across] for row in image]

    def value(y: int, x: int, c: int) -> Any:
        total = sum(weight for _, weight in down[y]) * sum(weight for _, weight in across[x])
        with np.errstate(over="ignore"):
            return F(_sum(down[y], lambda k: lines[k][x][c]) / float(total))

    return [[[value(y, x, c) for c in range(channels)] for x in range(width)] for y in range(height)]


def _sum(taps: list[tuple[int, int]], value: Any) -> float:
    result = 0.0
    for place, weight in taps:
        result += float(weight) * float(value(place))
    return result


def _scaled(pixels: list[Pixel], contract: dict[str, Any]) -> Any:
    def numbers(name: str) -> list[Any]:
        given = contract[name]
        return [F(value) for value in (given if isinstance(given, list) else [given] * len(pixels[0]))]

    scale, offset = numbers("scale"), numbers("offset")
    with np.errstate(over="ignore", invalid="ignore"):
        return np.array([[F(F(F(v) * s) + o) for v, s, o in zip(p, scale, offset, strict=True)] for p in pixels], F)
