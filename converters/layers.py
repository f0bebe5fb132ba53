"""The linear layers of a float model, their weights arranged as rows that are multiplied with windows of the input."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from litesmith.converters.graph import Operator, Tensor
from litesmith.converters.patches import Window, window_means, windows
from litesmith.converters.tflite_model import TFLiteModel

Array = npt.NDArray[np.float64]

CONV, DEPTHWISE, DENSE = "CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"


@dataclass(frozen=True, slots=True, eq=False)
class LinearLayer:
    """One CONV_2D, DEPTHWISE_CONV_2D or FULLY_CONNECTED with constant float weights and bias.

    Attributes:
        operator: in the main subgraph.
        rows: weights (G, O, I): G groups that share no input, O outputs each, I inputs each.
        bias: (G * O,), in the order of the output channels.
    """

    operator: Operator
    rows: Array
    bias: Array
    shape: tuple[int, ...]
    window: Window | None

    @property
    def source(self) -> int:
        """Index of the tensor that the layer reads."""
        return self.operator.inputs[0]

    def stored(self, rows: Array) -> npt.NDArray[np.float32]:
        """Rows back in the shape of the weight tensor."""
        if self.operator.op == DEPTHWISE:
            rows = rows.transpose(2, 0, 1)[None]
        values: npt.NDArray[np.float32] = rows[0].reshape(self.shape).astype(np.float32)
        return values

    def input_means(self, x: npt.NDArray[np.float32]) -> Array:
        """Mean of what each row is multiplied with: (G, I)."""
        if self.window is None:
            means: Array = x.reshape(-1, self.rows.shape[2]).mean(axis=0, dtype=np.float64)[None]
            return means
        means = window_means(x, self.window)
        return means.T if self.operator.op == DEPTHWISE else means.reshape(1, -1)

    def spread(self, channels: Array) -> Array:
        """One value per input channel (C,), given to every input that a row has of it: (G, I)."""
        groups, _, inputs = self.rows.shape
        if self.operator.op == DEPTHWISE:  # a group is a channel
            return np.repeat(channels[:, None], inputs, axis=1)
        return np.tile(channels, inputs // len(channels)).reshape(groups, inputs)

    def input_rows(self, x: npt.NDArray[np.float32], places: int) -> npt.NDArray[np.float32]:
        """At most `places` of the vectors that the rows are multiplied with: (G, places, I)."""
        if self.window is None:
            return x.reshape(1, -1, self.rows.shape[2])[:, :places]
        drawn = windows(x, self.window, places)
        if self.operator.op == DEPTHWISE:
            return np.ascontiguousarray(drawn.transpose(2, 0, 1))
        return drawn.reshape(1, len(drawn), -1)

    def outputs(self, rows: Array, means: Array) -> Array:
        """`rows @ means` as one value per output channel (G * O,)."""
        product: Array = np.einsum("goi,gi->go", rows, means).reshape(-1)
        return product


def linear_layers(model: TFLiteModel) -> Iterator[LinearLayer]:
    """The layers whose weights can be rounded otherwise without changing the graph, in execution order.

    Left out are layers without a bias, with weights that are computed or shared with another layer, and grouped
    convolutions. Biases may be shared.
    """
    uses: dict[int, int] = {}
    for operator in model.main.operators:
        for index in operator.inputs:
            uses[index] = uses.get(index, 0) + 1
    for operator in model.main.operators:
        if operator.op in (CONV, DEPTHWISE, DENSE) and len(operator.inputs) == 3 and operator.inputs[2] >= 0:
            source, weights, bias = (model.main.tensors[index] for index in operator.inputs)
            # Converters store equal biases once: a correction gives each layer its own.
            constant = _is_own_constant(weights, uses) and _is_plain_constant(bias)
            if constant and not source.is_constant and source.dtype == "float32":
                layer = _layer(model, operator, source, weights, bias)
                if layer is not None:
                    yield layer


def _is_own_constant(tensor: Tensor, uses: dict[int, int]) -> bool:
    return _is_plain_constant(tensor) and uses[tensor.index] == 1


def _is_plain_constant(tensor: Tensor) -> bool:
    return tensor.is_constant and not tensor.is_sparse and tensor.dtype == "float32"


def _layer(model: TFLiteModel, operator: Operator, source: Tensor, weights: Tensor, bias: Tensor) -> LinearLayer | None:
    values = np.asarray(model.data(weights), np.float64)
    window = None
    if operator.op == DENSE:
        rows = values[None]
        fits = source.shape[-1] == values.shape[1] or source.elements % values.shape[1] == 0
    else:
        window = _window(operator, values.shape)
        channels = source.shape[3]
        if operator.op == DEPTHWISE:
            # Output channel c * multiplier + m reads input channel c.
            multiplier = values.shape[3] // channels
            rows = values.reshape(-1, channels, multiplier).transpose(1, 2, 0)
            fits = values.shape[3] == channels * multiplier
        else:
            rows = values.reshape(1, len(values), -1)
            fits = values.shape[3] == channels
    if not fits:
        return None
    return LinearLayer(operator, rows, np.asarray(model.data(bias), np.float64), weights.shape, window)


def _window(operator: Operator, shape: tuple[int, ...]) -> Window:
    options = operator.options
    return Window(
        kernel=(shape[1], shape[2]),
        strides=(options["stride_h"], options["stride_w"]),
        dilations=(options["dilation_h_factor"], options["dilation_w_factor"]),
        padding=options["padding"],
    )
