"""The model card's section on preparing the input: the contract in words."""

from __future__ import annotations

from litesmith.calibration.preprocess import Preprocess
from litesmith.calibration.preprocess_checks import Numbers
from litesmith.calibration.text.contract import TextContract
from litesmith.card_text import text_steps

_CHANNELS = {
    "gray": "A colour image becomes gray: `(0.299 R + 0.587 G) + 0.114 B`; a gray one stays as it is.",
    "rgb": "A gray image is repeated in R, G and B; a colour one stays as it is, in the order R, G, B.",
}
_RESIZE = {
    "nearest": "by the pixel under each target pixel's centre",
    "bilinear": "bilinear, half-pixel centres, edges repeated, no antialiasing",
    "antialiased": "bilinear with antialiasing, half-pixel centres",
    "area": "the mean of what lies under each target pixel",
}


def preprocessing(preprocess: Preprocess | TextContract) -> str:
    """The steps as a numbered list; those of texts in a paragraph."""
    if isinstance(preprocess, TextContract):
        return text_steps(preprocess)
    steps = _image_steps(preprocess) if preprocess.kind == "image" else []
    scale, offset = _numbers(preprocess.scale), _numbers(preprocess.offset)
    steps.append(f"`x = value * {scale} + {offset}`, in float32, rounded after each operation.")
    if preprocess.layout == "nchw":
        steps.append("Channels come first: height x width x channels becomes channels x height x width.")
    numbered = "\n".join(f"{place}. {step}" for place, step in enumerate(steps, 1))
    shape = " x ".join(map(str, preprocess.shape))
    axes = ", height x width x channels" if preprocess.kind == "image" else ""
    return (
        f"One sample is {shape}{axes}. The same steps, to the letter, are in preprocess.json, here and inside "
        f"model.tflite:\n\n{numbered}"
    )


def _image_steps(preprocess: Preprocess) -> list[str]:
    steps = ["The image is turned upright.", _CHANNELS[preprocess.channels or "gray"]]
    if preprocess.crop < 1:
        steps.append(f"The centre is kept, {preprocess.crop!r} of each side.")
    steps.append(_fitted(preprocess))
    steps.append("If the image was 8-bit, values are whole numbers again: `floor(value + 0.5)`.")
    if preprocess.fit == "letterbox":
        steps.append(f"Borders of the value {preprocess.fill} fill what is left.")
    if preprocess.block > 1:
        side = preprocess.block
        steps.append(
            f"The pixels that are on (128 or more: ink is bright, paper dark) are counted in blocks of {side} x "
            f"{side}. An image that has the size of the counts already holds them."
        )
    return steps


def _fitted(preprocess: Preprocess) -> str:
    height, width = preprocess.canvas
    if preprocess.resize == "none":
        return f"The image must have {height} x {width} pixels; nothing is resized."
    way = _RESIZE["antialiased" if preprocess.antialias else preprocess.resize]
    target = {
        "stretch": f"Any other size is resized to {height} x {width}",
        "center_crop": f"The centre with the proportions {height} : {width} is resized to {height} x {width}",
        "letterbox": f"It is resized to just fit in {height} x {width} with its own proportions",
    }[preprocess.fit]
    return f"{target}: {way}."


def _numbers(numbers: Numbers) -> str:
    return repr(numbers) if isinstance(numbers, float) else f"[{', '.join(map(repr, numbers))}]"
