"""What numbers the converted file should be made of."""

from __future__ import annotations

from dataclasses import dataclass

from litesmith.errors import ConversionError

MODES = ("float32", "float16", "dynamic", "int8", "int16x8")
# Types that the graph's inputs and outputs may have, the default first.
IO_TYPES = {
    "float32": ("float32",),
    "float16": ("float32",),
    "dynamic": ("float32",),
    "int8": ("int8", "uint8", "float32"),
    "int16x8": ("int16", "float32"),
}
# The truth label (`litesmith inspect`) that a file converted so must carry.
LABELS = {
    "float32": "float32",
    "float16": "float16",
    "dynamic": "dynamic-range",
    "int8": "full-int8",
    "int16x8": "int16x8",
}


@dataclass(frozen=True, slots=True)
class QuantizationSpec:
    """How to convert: `mode` for weights and activations, `io` for the graph's inputs and outputs."""

    mode: str = "int8"
    io: str = ""

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise ConversionError(f"unknown quantization mode {self.mode!r}; choose one of {', '.join(MODES)}")
        allowed = IO_TYPES[self.mode]
        if not self.io:
            object.__setattr__(self, "io", allowed[0])
        if self.io not in allowed:
            raise ConversionError(f"{self.mode} cannot have {self.io!r} inputs and outputs; use {' or '.join(allowed)}")

    @property
    def needs_calibration(self) -> bool:
        """Whether activations are quantized, so that representative data has to say how large they get."""
        return self.mode in {"int8", "int16x8"}

    @property
    def label(self) -> str:
        """The truth label that the converted file must carry."""
        return "int8-float-io" if (self.mode, self.io) == ("int8", "float32") else LABELS[self.mode]
