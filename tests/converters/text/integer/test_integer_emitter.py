"""Single operators as they are written, run in LiteRT."""

import numpy as np
import pytest

from litesmith.converters.text.integer.emit_layers import neighbours
from litesmith.converters.text.integer.emitter import Emitter
from litesmith.converters.text.integer.float_operations import FloatOperations, Values
from litesmith.converters.text.integer.observations import Observations
from litesmith.targets.runtimes import default

ROWS, CHANNELS = 5, 3


def emitter(dtype="int8", **scales):
    """An empty file, and tensors in it of these scales by their names."""
    emit = Emitter(Observations(ROWS))
    return emit, [emit.writer.tensor(name, (ROWS, CHANNELS), dtype, scale) for name, scale in scales.items()]


@pytest.mark.parametrize("delegate", ["xnnpack", "none"])
def test_neighbours_are_the_rows_around_each_one_and_zeros_at_the_ends(delegate):
    emit, (x,) = emitter(x=0.5)
    content = emit.writer.finish({"x": x}, {"answer": neighbours(emit, "three", x)}, "test")
    given = np.random.default_rng(0).integers(-128, 128, (ROWS, CHANNELS)).astype(np.int8)
    (found,) = default().open(content, delegate=delegate).run([given])
    for row in range(ROWS):
        around = [given[place] if 0 <= place < ROWS else np.zeros(CHANNELS) for place in (row + 1, row, row - 1)]
        np.testing.assert_array_equal(found[row], np.concatenate(around))
    ops = FloatOperations(np.ones((1, ROWS), np.int32), pad_id=0)
    np.testing.assert_array_equal(ops.neighbours("three", Values(given[None].astype(np.float32))).array[0], found)
