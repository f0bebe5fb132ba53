"""What one operator of a quantized file loses, and by what."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from litesmith.converters.fidelity import finite_or_none
from litesmith.converters.weight_loss import WeightFacts

# Channels are the cause where they lose so much more than the tensor as a whole: a factor of 10 in energy.
_CHANNEL_GAP_DB = 10.0
# Where channels of weights share a scale and differ by this factor, the smallest keep 4 of 127 steps.
WEIGHT_RATIO = 30.0
# Activations of trained networks span 8 to 20 standard deviations; with 30 there are 8 of 256 steps for one.
_WIDE_SPREAD = 30.0
MUCH_USED = 0.5


@dataclass(frozen=True, slots=True)
class ActivationFacts:
    """The range of a quantized tensor and how the values lie in it. Shares are of 1.

    Attributes:
        low: least real value that its integers stand for, `high` the largest.
        high: see `low`.
        clipped: share of the float model's values more than a step outside.
        at_lowest: share of the file's values at the lowest integer, which after a ReLU stands for zero; `at_highest`
            likewise.
        at_highest: see `at_lowest`.
        spread: width of the range over the standard deviation of the float model's values.
        used: share of the range that the float model's values, and zero, take up.
        channel_ratio: RMS of the largest channel over that of the middle one.
        clipping: energy that clipping costs, as a share of the operator's own error; `rounding` to the steps likewise.
            The rest are weights and bias.
        rounding: see `clipping`.
    """

    low: float
    high: float
    clipped: float
    at_lowest: float
    at_highest: float
    spread: float
    used: float
    channel_ratio: float
    clipping: float
    rounding: float


@dataclass(frozen=True, slots=True)
class OperatorLoss:
    """What an operator loses.

    Attributes:
        index: of the operator in the float model; -1 for an input of the graph.
        op: its kind; `INPUT` for an input of the graph.
        tensor: name of the output in the float model.
        snr_db: of the output against the float model's, with all that was lost before.
        own_snr_db: of the output against what the float operator gives on the file's own inputs. Corrections that make
            up in the bias for what was lost before (effort standard and high) count as the operator's own.
        channel_snr_db: the same for each channel (last axis), averaged in dB: low where one scale serves large and
            small channels, which `own_snr_db` does not show, because the large ones have all the energy.
        activation: None where the output is not quantized.
        weights: None where there are none.
    """

    index: int
    op: str
    tensor: str
    snr_db: float
    own_snr_db: float
    channel_snr_db: float
    activation: ActivationFacts | None
    weights: WeightFacts | None

    @property
    def worst_db(self) -> float:
        """The lower one of `own_snr_db` and `channel_snr_db`."""
        return min(self.own_snr_db, self.channel_snr_db)

    @property
    def cause(self) -> str:
        """What costs most of the own error.

        `clipping`; `channels` of different size on one scale; `range`, much wider than where the values are; `steps`
        of a range that fits; `weights`; or `arithmetic`: what else an operator without weights of its own loses.
        """
        activation, rest = self.activation, "arithmetic" if self.weights is None else "weights"
        if activation is None:
            return rest
        gap = self.own_snr_db - self.channel_snr_db >= _CHANNEL_GAP_DB
        if gap:
            ratio = self.weights.channel_ratio if self.weights is not None else None
            return "weights" if ratio is not None and ratio >= WEIGHT_RATIO else "channels"
        shares = {"clipping": activation.clipping, "steps": activation.rounding}
        shares[rest] = 1 - sum(shares.values())
        cause = max(shares, key=lambda name: shares[name])
        is_wide = activation.spread >= _WIDE_SPREAD or activation.used < MUCH_USED
        return "range" if cause == "steps" and is_wide else cause

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; an SNR that is infinite is null."""
        figures = {name: finite_or_none(getattr(self, name)) for name in ("snr_db", "own_snr_db", "channel_snr_db")}
        return {**asdict(self), **figures}
