import re

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from litesmith import kotlin_literals as kotlin


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_a_float_reads_back_as_the_same_bits(value):
    literal = kotlin.float32(value)
    assert re.fullmatch(r"-?\d+(\.\d+)?(e[+-]?\d+)?f", literal)
    read = np.float32(float(literal[:-1]))
    assert read.tobytes() == np.float32(value).tobytes()


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_double_reads_back_as_itself(value):
    assert float(kotlin.double(value)) == value


@given(st.text())
def test_a_string_never_ends_early_or_spans_lines(value):
    literal = kotlin.text(value)
    assert re.fullmatch(r'"(\\[\\"$nrt]|\\u[0-9a-f]{4}|[^\\"$\x00-\x1f])*"', literal)


def test_what_kotlin_would_interpolate_is_escaped():
    assert kotlin.text('a "$b" \\ \n\x07') == r'"a \"\$b\" \\ \n\u0007"'


def test_other_characters_stand_for_themselves():
    assert kotlin.text("Größe \U0001f600") == '"Größe \U0001f600"'


def test_lists():
    assert kotlin.floats((0.5, 1e-5)) == "floatArrayOf(0.5f, 1e-05f)"
    assert kotlin.whole_numbers((1, 8, 8)) == "listOf(1, 8, 8)"
    assert kotlin.texts(("a", "b")) == 'listOf(\n        "a",\n        "b",\n    )'
