"""What numbers the converted file should be made of."""

from __future__ import annotations

from dataclasses import dataclass

from litesmith.errors import ConversionError

MODES = ("float32", "float16", "dynamic", "int8", "int16x8")
# What is done about the rounding of weights after training, see `post_training.quantize_float_model`.
EFFORTS = ("none", "fast", "standard", "high")
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


# What LiteRT 2.3 runs with int4 weights in CONV_2D and FULLY_CONNECTED: its reference kernels give bit for bit what
# they give for the same steps stored as int8, with int8 activations and with float ones (dynamic range).
_INT4_LABELS = {"int8": "mixed", "dynamic": "dynamic-range"}


@dataclass(frozen=True, slots=True)
class QuantizationSpec:
    """How to convert.

    Attributes:
        mode: type of weights and activations.
        io: type of the graph's inputs and outputs; the mode's default if empty.
        weight_bits: 8, or 4 to store the weights of CONV_2D and FULLY_CONNECTED as int4, per-channel, where the mode
            is int8 or dynamic; all other operators keep 8.
        per_channel_dense: one scale for each output of FULLY_CONNECTED instead of one for all (`weight_bits` 8).
            More accurate, but runtimes before LiteRT do not know it.
    """

    mode: str = "int8"
    io: str = ""
    weight_bits: int = 8
    per_channel_dense: bool = False

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise ConversionError(f"unknown quantization mode {self.mode!r}; choose one of {', '.join(MODES)}")
        allowed = IO_TYPES[self.mode]
        if not self.io:
            object.__setattr__(self, "io", allowed[0])
        if self.io not in allowed:
            raise ConversionError(f"{self.mode} cannot have {self.io!r} inputs and outputs; use {' or '.join(allowed)}")
        if self.weight_bits not in (4, 8):
            raise ConversionError(f"weights cannot have {self.weight_bits} bits; use 8 or 4")
        if self.weight_bits == 4 and self.mode not in _INT4_LABELS:
            raise ConversionError(f"int4 weights do not go with {self.mode}; use {' or '.join(_INT4_LABELS)}")

    @property
    def needs_calibration(self) -> bool:
        """Whether activations are quantized, so that representative data has to say how large they get."""
        return self.mode in {"int8", "int16x8"}

    @property
    def label(self) -> str:
        """The truth label that the converted file must carry."""
        if self.weight_bits == 4:
            return _INT4_LABELS[self.mode]
        return "int8-float-io" if (self.mode, self.io) == ("int8", "float32") else LABELS[self.mode]
