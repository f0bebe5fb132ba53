"""The grids of an integer file, for the float encoder that it was made of.

The file holds a rewritten network (`converters.text.integer`). What a rewrite scales or shifts there is found by
comparing that network with the one of the encoder's own weights.
"""

from __future__ import annotations

import numpy as np

from litesmith.calibration.ranges import Range
from litesmith.converters.text.architecture import Activation, TextModel
from litesmith.converters.text.integer.blocks import Array, Attention, Dense, FeedForward
from litesmith.converters.text.integer.from_model import network_of
from litesmith.converters.text.integer.functions import limits_before
from litesmith.converters.text.integer.integers import SHARE, TANH, Steps, int8_steps
from litesmith.converters.text.integer.network import Network, Step
from litesmith.converters.text.integer.quantize import IntegerText
from litesmith.converters.text.integer.retrained import output_factors
from litesmith.text.grids import Grid, Grids, Layer

_ONE, _ZERO = np.float32(1), np.float32(0)
# Rows of the table of words that show what the rewrites took out of all of them.
_ROWS = 64


def grids_of(model: TextModel, made: IntegerText) -> Grids:
    """The grids on which `text.forward` computes what the file computes.

    Args:
        model: the encoder.
        made: the file that `quantize_text` made of it.
    """
    found = _Finder(network_of(model), made, np.float32(model.architecture.head_size**0.5))
    found.find()
    return Grids(found.values, found.layers)


class _Finder:
    """Goes through both networks side by side.

    Args:
        plain: the network of the encoder's weights.
        made: the file, with its network.
        root: of the head size, which the network's queries are divided by and the encoder's are not.
    """

    def __init__(self, plain: Network, made: IntegerText, root: np.float32) -> None:
        self.values: dict[str, Grid] = {}
        self.layers: dict[str, Layer] = {}
        self._plain, self._network, self._seen, self._root = plain, made.network, made.seen, root
        self._all_wide = made.rows[-1].wide
        self._exact_rows = made.rows[0].stop if made.rows[0].wide else 0

    def find(self) -> None:
        """Fill `values` and `layers`."""
        self._tables()
        for place, (plain, step) in enumerate(zip(self._plain.steps, self._network.steps, strict=True)):
            self._joint(place)
            self._sum(step)
            if isinstance(step.branch, Attention):
                assert isinstance(plain.branch, Attention)  # rewrites keep the kind
                self._attention(place, step, plain.branch, step.branch)
            elif isinstance(step.branch, FeedForward):
                self._feed_forward(place, step, step.branch)
            elif step.branch is not None:
                self.layers[step.name] = self._reading(place)
        self._joint(len(self._network.steps))
        if self._network.output is not None:
            self._head()

    def _tables(self) -> None:
        network, rows = self._network, self._plain.word[:_ROWS]
        held = network.word[:_ROWS] * network.word_scale
        middle = (rows - rows.mean(-1, keepdims=True) - held).mean(0)
        largest = float(np.abs(network.word).max())
        steps = int8_steps(Range(-largest, largest), symmetric=True)
        self.values["embeddings.word"] = Grid(steps, network.word_scale, middle)
        scale = network.embeddings.scale
        self._of_rows("embeddings.scaled", scale, middle)
        self._of_rows("embeddings.sum", scale)

    def _joint(self, place: int) -> None:
        """A sum normalised, and read by dense layers."""
        name, joint = self._network.names[place], self._network.joints[place]
        last = place == len(self._network.steps)
        pooled = last and self._network.output is None
        if joint.normalised:
            root = np.float32(joint.gamma.size**0.5)
            self._of_rows(f"{name}.size", root)
            self._of_rows(f"{name}.normal", joint.scale * root, symmetric=pooled)
        if not pooled:
            fed = "head.read" if last else f"{name}.fed"
            self._value(fed, joint.feed, self._shift(place), seen=f"{name}.read")

    def _shift(self, place: int) -> Array:
        """What a joint adds in the encoder, and in the network the biases of those that read it."""
        return self._plain.joints[place].beta - self._network.joints[place].beta

    def _reading(self, place: int) -> Layer:
        """A layer that reads a joint."""
        return Layer(self._network.joints[place].feed, self._shift(place))

    def _sum(self, step: Step) -> None:
        """The residual, what a step adds, and both together."""
        scale = step.joint.scale
        if step.residual is None:
            self._of_rows(f"{step.name}.output", scale)
            return
        shift = _ZERO if self._network.joints[step.residual].passes_sum else self._shift(step.residual)
        self._of_rows(f"{step.name}.residual", scale, shift)
        self._of_rows(f"{step.name}.output", scale, -shift)
        self._of_rows(f"{step.name}.sum", scale)

    def _attention(self, place: int, step: Step, plain: Attention, branch: Attention) -> None:
        name, reading = step.name, self._reading(place)
        layers = {
            "query": plain.query.times(np.full_like(plain.query.bias, self._root)),
            "key": plain.key,
            "value": plain.value,
        }
        for part, dense in layers.items():
            self.layers[f"{name}.{part}"] = reading
            factor, offset = _held(dense, getattr(branch, part), reading)
            self._value(f"{name}.{part}", factor, offset, symmetric=part != "query")
        self._value(f"{name}.scores")
        self._value(f"{name}.masked")
        self.values[f"{name}.shares"] = Grid(Steps(SHARE, -128))
        value = self.values[f"{name}.value"]
        self._value(f"{name}.context", value.factor, value.offset)
        self.layers[f"{name}.output"] = Layer(value.factor, value.offset, centred=step.joint.normalised)

    def _feed_forward(self, place: int, step: Step, branch: FeedForward) -> None:
        self.layers[f"{step.name}.intermediate"] = self._reading(place)
        beyond = np.isfinite(branch.limits).astype(np.float32) if branch.stairs else None
        self._activation(f"{step.name}.up", branch.activation, beyond)
        self.layers[f"{step.name}.output"] = Layer(centred=step.joint.normalised)

    def _head(self) -> None:
        network = self._network
        reading = self._reading(len(network.steps))
        if network.dense is None:
            self.layers["head.output"] = reading
        else:
            assert network.head.activation  # a dense layer of a head has one
            self.layers |= {"head.dense": reading, "head.output": Layer()}
            self._activation("head.dense", network.head.activation)
        self._value("head.output")

    def _activation(self, name: str, activation: Activation, beyond: Array | None = None) -> None:
        """What stands before an activation and after it."""
        if activation != "relu":  # a part of its layer
            before = int8_steps(limits_before(activation, self._seen.range(f"{name}.before")))
            self.values[f"{name}.before"] = Grid(before, beyond=beyond)
        after = Steps(TANH, 0) if activation == "tanh" else int8_steps(self._seen.range(name))
        self.values[name] = Grid(after, beyond=beyond)

    def _of_rows(
        self, name: str, factor: Array | np.float32, offset: Array | np.float32 = _ZERO, *, symmetric: bool = False
    ) -> None:
        """A value that wide rows have in int16: it is taken as exact there."""
        if not self._all_wide:
            steps = int8_steps(self._seen.range(name), symmetric=symmetric)
            self.values[name] = Grid(steps, factor, offset, self._exact_rows)

    def _value(
        self,
        name: str,
        factor: Array | np.float32 = _ONE,
        offset: Array | np.float32 = _ZERO,
        *,
        seen: str = "",
        symmetric: bool = False,
    ) -> None:
        """A value that all rows have in int8; `seen` is its name in the network where that differs."""
        self.values[name] = Grid(int8_steps(self._seen.range(seen or name), symmetric=symmetric), factor, offset)


def _held(plain: Dense, rewritten: Dense, reading: Layer) -> tuple[Array, Array]:
    """Factor and offset of each output: plain(x) = factor * rewritten((x - shift) / feed) + offset."""
    outputs = output_factors(plain.kernel * np.reshape(reading.factor, (-1, 1)), rewritten.kernel)
    factor = 1 / np.where(outputs == 0, 1, outputs)
    offset = plain.bias + reading.offset @ plain.kernel - factor * rewritten.bias
    return factor.astype(np.float32), offset.astype(np.float32)
