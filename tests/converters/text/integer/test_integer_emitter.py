"""Single operators as they are written, run in LiteRT."""

import numpy as np
import pytest

from litesmith.converters.text.integer.emit_layers import neighbours
from litesmith.converters.text.integer.emitter import Emitter
from litesmith.converters.text.integer.float_operations import FloatOperations, Values
from litesmith.converters.text.integer.observations import Observations
from litesmith.errors import ConversionError
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


@pytest.mark.parametrize(("dtype", "most"), [("int8", 2.0**19), ("int16", 2.0**14)])
def test_sums_run_up_to_the_ratio_of_steps_that_the_kernel_takes_and_are_refused_from_there(dtype, most):
    result = 2.0**-8
    for share in (0.999, 1.0):
        emit, (a, b) = emitter(dtype, a=share * most * result, b=result)
        total = emit.writer.tensor("total", (ROWS, CHANNELS), dtype, result)
        if share == 1.0:
            with pytest.raises(ConversionError, match=r"total: what is added is .* times as large as the sum"):
                emit.sum_into(a, b, total)
            continue
        content = emit.writer.finish({"a": a, "b": b}, {"answer": emit.sum_into(a, b, total)}, "test")
        given = np.arange(ROWS * CHANNELS, dtype=dtype).reshape(ROWS, CHANNELS)
        (found,) = default().open(content, delegate="none").run([np.zeros_like(given), given])
        np.testing.assert_array_equal(found, given)
