"""Windows against a convolution that TFLite itself computes, and against plain loops."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from litesmith.converters.patches import SAME, VALID, Window, window_means, windows

SIZES = st.integers(3, 9)
WINDOWS = st.builds(
    Window,
    kernel=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    strides=st.tuples(st.integers(1, 2), st.integers(1, 2)),
    padding=st.sampled_from([SAME, VALID]),
)


def by_loops(x, window):
    height, width = x.shape[1:3]
    (top, _), (left, _) = window.offsets(height, width)
    result = []
    rows, columns = window.output_size(height, width)
    for n, i, j in np.ndindex(len(x), rows, columns):
        for dy, dx in np.ndindex(*window.kernel):
            r = i * window.strides[0] + dy * window.dilations[0] - top
            c = j * window.strides[1] + dx * window.dilations[1] - left
            inside = 0 <= r < height and 0 <= c < width
            result.append(x[n, r, c] if inside else np.zeros(x.shape[3], x.dtype))
    return np.array(result).reshape(len(x) * rows * columns, -1, x.shape[3])


@given(st.integers(0, 1000), SIZES, SIZES, WINDOWS)
def test_windows_are_what_loops_find(seed, height, width, window):
    x = np.random.default_rng(seed).random((2, height, width, 3), np.float32)
    assert np.array_equal(windows(x, window), by_loops(x, window))


@given(st.integers(0, 1000), SIZES, SIZES, WINDOWS)
def test_means_are_the_means_of_the_windows(seed, height, width, window):
    x = np.random.default_rng(seed).random((3, height, width, 2), np.float32)
    assert window_means(x, window) == pytest.approx(windows(x, window).mean(axis=0), rel=1e-5)


def test_dilated_windows_too():
    x = np.random.default_rng(0).random((2, 7, 8, 2), np.float32)
    for padding in (SAME, VALID):
        window = Window((3, 3), (1, 1), (2, 2), padding)
        assert np.array_equal(windows(x, window), by_loops(x, window))
        assert window_means(x, window) == pytest.approx(by_loops(x, window).mean(axis=0), rel=1e-5)


def test_a_drawn_subset_is_repeatable_and_part_of_the_whole():
    x = np.random.default_rng(0).random((2, 6, 6, 1), np.float32)
    window = Window((3, 3))
    drawn = windows(x, window, places=10, seed=4)
    assert len(drawn) == 10
    assert np.array_equal(drawn, windows(x, window, places=10, seed=4))
    everything = {row.tobytes() for row in windows(x, window)}
    assert all(row.tobytes() in everything for row in drawn)


def test_the_geometry_is_tensorflows():
    from litesmith.converters.backend import tensorflow

    tf = tensorflow()
    x = np.random.default_rng(0).random((1, 7, 6, 2), np.float32)
    for kernel, stride, padding in [
        ((3, 3), 2, "SAME"),
        ((2, 3), 1, "SAME"),
        ((3, 2), 2, "VALID"),
        ((3, 3), 1, "VALID"),
    ]:
        weights = np.random.default_rng(1).random((*kernel, 2, 4), np.float32)
        expected = tf.nn.conv2d(x, weights, stride, padding).numpy()
        found = windows(x, Window(kernel, (stride, stride), padding=SAME if padding == "SAME" else VALID))
        assert found.reshape(len(found), -1) @ weights.reshape(-1, 4) == pytest.approx(
            expected.reshape(-1, 4), rel=1e-5
        )


@pytest.mark.parametrize("arguments", [((0, 3),), ((3, 3), (0, 1)), ((3, 3), (1, 1), (1, 1), 7)])
def test_what_is_no_window_is_refused(arguments):
    with pytest.raises(ValueError, match="is no window"):
        Window(*arguments)
