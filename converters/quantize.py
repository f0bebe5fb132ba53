"""What numbers the converted file should be made of."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from litesmith.errors import ConversionError

MODES = ("float32", "float16", "dynamic", "int8", "int16x8")
# What is done about the rounding of weights after training, see `post_training.quantize_float_model`.
EFFORTS = ("none", "fast", "standard", "high")
# Which operators get one weight scale for each output channel; the others get one for all.
PER_CHANNEL = ("none", "conv", "all")
# What single operators of an int8 file can compute in instead; int8, with weights of 8 bits, where the others have 4.
PRECISIONS = ("int8", "int16", "float32")
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
# Operators that are stored as int4 where the spec asks for it.
INT4_OPS = ("CONV_2D", "FULLY_CONNECTED")
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
        per_channel: one of `PER_CHANNEL`, for weights of 8 bits. `all` adds FULLY_CONNECTED: more accurate, but
            runtimes before LiteRT do not know it. `none` is for old drivers, which know one scale for all only.
        symmetric: zero point 0 for every int8 activation whose range is ours to choose. Some accelerators ask for it;
            it costs a bit of resolution after a ReLU.
        precision: for int8, operators that compute in int16 or float32, or in int8 with weights of 8 bits where the
            others have 4, by a regular expression that is searched in the name of their first output; the last that
            fits counts.
    """

    mode: str = "int8"
    io: str = ""
    weight_bits: int = 8
    per_channel: str = "conv"
    symmetric: bool = False
    precision: Mapping[str, str] = field(default_factory=dict, hash=False)

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
        if self.per_channel not in PER_CHANNEL:
            raise ConversionError(f"{self.per_channel!r} is not one of {', '.join(PER_CHANNEL)}: weights per channel")
        if self.per_channel == "none" and self.weight_bits == 4:
            raise ConversionError("int4 weights need a scale for each channel; leave per_channel out")
        if self.symmetric and self.mode != "int8":
            raise ConversionError(f"symmetric is a choice of int8, not of {self.mode}; leave it out")
        object.__setattr__(self, "precision", dict(self.precision))
        self._check_precision()

    def _check_precision(self) -> None:
        if self.precision and self.mode != "int8":
            raise ConversionError(f"single operators in another precision go with int8, not with {self.mode}")
        for pattern, precision in self.precision.items():
            if precision not in PRECISIONS:
                raise ConversionError(f"{pattern!r} cannot be {precision!r}; choose {' or '.join(PRECISIONS)}")
            if precision == "int8" and self.weight_bits == 8:
                raise ConversionError(f"{pattern!r} is int8 anyway; that is a choice where weights have 4 bits")
            check_pattern(pattern)

    def weight_bits_of(self, op: str, name: str | None = None) -> int:
        """Bits of an operator's weights, where it is left in integers.

        Args:
            op: the builtin.
            name: of its first output; None for one that no pattern fits.
        """
        of_its_own = name is not None and last_match(self.precision, name) is not None
        return self.weight_bits if op in INT4_OPS and not of_its_own else 8

    def per_channel_of(self, op: str, name: str | None = None) -> bool:
        """Whether an operator's weights have a scale for each output channel; arguments as of `weight_bits_of`."""
        if self.weight_bits_of(op, name) == 4 or self.per_channel == "all":
            return True
        return self.per_channel == "conv" and op != "FULLY_CONNECTED"

    def precision_of(self, name: str) -> str:
        """What the operator with a first output of this name computes in."""
        return last_match(self.precision, name) or self.mode

    @property
    def rounds_alike(self) -> bool:
        """Whether `precision` changes nothing about how weights are rounded."""
        return self.weight_bits == 8 and not self.allows_float

    @property
    def allows_float(self) -> bool:
        """Whether some operators may stay in float."""
        return "float32" in self.precision.values()

    @property
    def needs_calibration(self) -> bool:
        """Whether activations are quantized, so that representative data has to say how large they get."""
        return self.mode in {"int8", "int16x8"}

    @property
    def label(self) -> str:
        """The truth label that the converted file must carry; with `precision` it depends on the operators."""
        if self.weight_bits == 4:
            return _INT4_LABELS[self.mode]
        return "int8-float-io" if (self.mode, self.io) == ("int8", "float32") else LABELS[self.mode]


def check_pattern(pattern: str) -> None:
    """Refuse what is no regular expression.

    Raises:
        ConversionError: with what is wrong with it.
    """
    try:
        re.compile(pattern)
    except re.error as error:
        raise ConversionError(f"{pattern!r} is no regular expression ({error})") from error


def last_match(choices: Mapping[str, str], name: str) -> str | None:
    """The choice of the last pattern that occurs in a tensor's name, None if none does."""
    return next((choice for pattern, choice in reversed(list(choices.items())) if re.search(pattern, name)), None)


def exactly(name: str) -> str:
    """The pattern that fits this tensor's name and no other."""
    return f"^{re.escape(name)}$"
