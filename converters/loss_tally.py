"""Collects what an operator loses, sample by sample, in memory that does not grow with them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from litesmith.converters.fidelity import snr_db
from litesmith.converters.graph import Tensor
from litesmith.converters.operator_loss import ActivationFacts, OperatorLoss
from litesmith.converters.weight_loss import WeightFacts

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

_INTEGERS = {"int8": (-128, 127), "uint8": (0, 255), "int16": (-32768, 32767)}
# What the SNR of one channel counts for at most: an exact one must not hide that the others are lost.
_MOST_DB = 90.0


@dataclass(slots=True)
class LossTally:
    """Collects what an `OperatorLoss` says of one tensor.

    Attributes:
        found: the tensor in the quantized file.
    """

    found: Tensor
    _signal: float = 0.0
    _noise: float = 0.0
    _own_signal: Doubles | float = 0.0
    _own_noise: Doubles | float = 0.0
    _clipping: float = 0.0
    _rounding: float = 0.0
    _count: int = 0
    _clipped: int = 0
    _lowest: int = 0
    _highest: int = 0
    _sum: float = 0.0
    _least: float = 0.0
    _largest: float = 0.0
    _limits: tuple[float, float, float] | None = field(init=False)

    def __post_init__(self) -> None:
        quantization = self.found.quantization
        self._limits = None
        if quantization is not None and self.found.dtype in _INTEGERS:
            scale, zero = np.float32(quantization.scales[0]), quantization.zero_points[0]
            low, high = (float(np.float32(limit - zero) * scale) for limit in _INTEGERS[self.found.dtype])
            self._limits = low, high, float(scale)

    def update(self, floats: Floats, found: Floats, own: Floats) -> None:
        """Take in one sample.

        Args:
            floats: what the float model computes, of any shape with the channels last.
            found: what the file computes.
            own: what the float operator gives on the file's own inputs.
        """
        channels = floats.shape[-1] if floats.ndim else 1
        floats, found, own = (values.reshape(-1, channels) for values in (floats, found, own))
        self._signal += _energy(floats)
        self._noise += _energy(floats - found)
        self._own_signal = self._own_signal + _channel_energy(own)
        self._own_noise = self._own_noise + _channel_energy(own - found)
        self._count += floats.size
        if self._limits is not None:
            self._place(floats, found, own, *self._limits)

    def _place(self, floats: Floats, found: Floats, own: Floats, low: float, high: float, step: float) -> None:
        inside = np.clip(own, low, high)
        self._clipping += _energy(own - inside)
        self._rounding += _energy(np.rint(inside / np.float32(step)) * np.float32(step) - inside)
        self._clipped += int(np.count_nonzero((floats < low - step) | (floats > high + step)))
        self._lowest += int(np.count_nonzero(found == np.float32(low)))
        self._highest += int(np.count_nonzero(found == np.float32(high)))
        self._sum += float(floats.sum(dtype=np.float64))
        self._least = min(self._least, float(floats.min()))
        self._largest = max(self._largest, float(floats.max()))

    def loss(self, index: int, op: str, tensor: str, weights: WeightFacts | None) -> OperatorLoss:
        """What was measured."""
        own_signal, own_noise = np.atleast_1d(self._own_signal), np.atleast_1d(self._own_noise)
        return OperatorLoss(
            index=index,
            op=op,
            tensor=tensor,
            snr_db=snr_db(self._signal, self._noise),
            own_snr_db=snr_db(float(own_signal.sum()), float(own_noise.sum())),
            channel_snr_db=_mean_db(own_signal, own_noise),
            activation=self._facts(own_signal, float(own_noise.sum())),
            weights=weights,
        )

    def _facts(self, own_signal: Doubles, own_noise: float) -> ActivationFacts | None:
        if self._limits is None:
            return None
        low, high, _ = self._limits
        variance = self._signal / self._count - (self._sum / self._count) ** 2
        middle = float(np.median(own_signal[own_signal > 0])) if own_signal.any() else 1.0
        return ActivationFacts(
            low=low,
            high=high,
            clipped=self._clipped / self._count,
            at_lowest=self._lowest / self._count,
            at_highest=self._highest / self._count,
            spread=(high - low) / math.sqrt(variance) if variance > 0 else 0.0,
            used=min((self._largest - self._least) / (high - low), 1.0),
            channel_ratio=math.sqrt(float(own_signal.max()) / middle),
            clipping=min(self._clipping / own_noise, 1.0) if own_noise else 0.0,
            rounding=min(self._rounding / own_noise, 1.0) if own_noise else 0.0,
        )


def _energy(values: Floats) -> float:
    flat = values.ravel()
    return float(flat @ flat)


def _channel_energy(values: Floats) -> Doubles:
    energies: Floats = np.einsum("nc,nc->c", values, values)
    return energies.astype(np.float64)


def _mean_db(signal: Doubles, noise: Doubles) -> float:
    """Mean SNR of the channels that have a signal."""
    live = signal > 0
    if not live.any() or not noise.any():
        return math.inf
    lost = np.where(np.isfinite(noise), noise, math.inf)[live] / signal[live]
    return -10 * float(np.log10(np.clip(lost, 10 ** (-_MOST_DB / 10), 1.0)).mean())
