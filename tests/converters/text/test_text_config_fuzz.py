"""Whatever config.json holds, a checkpoint is imported or refused by an error that says why."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from litesmith.converters.huggingface import load_text_model
from litesmith.errors import ModelError
from tests.golden.make_text_checkpoints import LENGTH, Case, write_checkpoint

CASE = Case("mobilebert", "token")
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["0", "1", "x"]), inner, max_size=3),
    max_leaves=4,
)


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory):
    return write_checkpoint(tmp_path_factory.mktemp("fuzzed") / "checkpoint", CASE)


@settings(max_examples=150)
@given(st.dictionaries(st.sampled_from(sorted(CASE.config)), VALUES, min_size=1, max_size=2))
def test_any_settings_are_imported_or_refused_by_a_typed_error(fuzzed, changes):
    (fuzzed / "config.json").write_text(json.dumps({**CASE.config, **changes}))
    try:
        text_model = load_text_model(fuzzed, length=LENGTH)
    except ModelError as error:
        assert str(error)
    else:
        assert text_model.weights["layers.0.attention.value.kernel"].shape == (32, 16)
