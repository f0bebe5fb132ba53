"""Rewrites of the float file that engines need, and the float answers that files are held against."""

from dataclasses import replace

import numpy as np
import pytest

from litesmith.converters.keras import convert
from litesmith.converters.label import truth_label
from litesmith.converters.quantize import QuantizationSpec
from litesmith.converters.text import convert_files
from litesmith.converters.text.architecture import Head
from litesmith.converters.text.convert_files import TextConverter
from litesmith.converters.text.convert_mask import integer_mask
from litesmith.converters.text.convert_source import open_text_source
from litesmith.converters.text.convert_table import integer_table
from litesmith.converters.text.encoder import build_encoder
from litesmith.converters.text.integer.from_model import network_of
from litesmith.converters.text.integer.observations import Observations
from litesmith.converters.text.integer.quantize import IntegerText
from litesmith.errors import ConversionError
from litesmith.targets.runtimes import default

TEXTS = [f"{one}{other} {one}" for one in "abcdefgh" for other in "abcdefgh"]


@pytest.fixture
def source(checkpoint):
    return lambda family, kind="embedding": open_text_source(checkpoint(family, kind), TEXTS, length=16)


def run(model, ids):
    session = default().open(model.content)
    return np.concatenate([session.run([row[None]])[0] for row in ids])


@pytest.mark.parametrize("family", ["bert", "roberta"])
def test_the_mask_from_a_table_computes_the_same(family, source):
    opened = source(family)
    before = convert(build_encoder(opened.model), QuantizationSpec("float32"))
    after = integer_mask(before, opened.model)
    assert {"CAST", "NOT_EQUAL"} <= before.ops.keys()
    assert not {"CAST", "NOT_EQUAL"} & after.ops.keys()
    assert (opened.judged == opened.model.pad_id).any()
    assert np.allclose(run(before, opened.judged), run(after, opened.judged), atol=1e-5)


@pytest.mark.parametrize("family", ["bert", "mobilebert"])
def test_the_table_in_int8_is_near_and_small(family, source):
    opened = source(family)
    before = convert(build_encoder(opened.model), QuantizationSpec("float32"))
    after = integer_table(before, opened.model.architecture.vocabulary)
    table = opened.model.weights["embeddings.word"]
    assert len(before.content) - len(after.content) > 2 * table.size
    assert after.ops["DEQUANTIZE"].count == 1
    one, other = run(before, opened.judged), run(after, opened.judged)
    assert np.linalg.norm(one - other) < 0.05 * np.linalg.norm(one)


@pytest.mark.parametrize(
    ("family", "kind"),
    [("bert", "embedding"), ("electra", "token"), ("roberta", "sequence"), ("mobilebert", "token")],
)
def test_both_float_networks_give_the_same_answers(family, kind, source):
    opened = source(family, kind)
    converter = TextConverter(opened)
    one, other = (converter.expected(opened.judged, through_keras=through) for through in (False, True))
    assert one.shape == other.shape
    valid = opened.judged != opened.model.pad_id
    if kind == "token":
        one, other = one[valid], other[valid]
    assert np.allclose(one, other, atol=1e-4)


def test_a_form_that_is_not_known_is_named(source):
    opened = source("bert")
    by_maximum = replace(opened.model, head=Head("embedding", pooling="max"))
    with pytest.raises(ConversionError, match="pooling by maximum; use mean or first"):
        TextConverter(replace(opened, model=by_maximum)).make("int")


def test_dynamic_range_is_labelled_so(source):
    made = TextConverter(source("bert")).make("dynamic")
    assert truth_label(made.model) == "dynamic-range"
    assert made.applied[-1] == "integer_table"
    assert not made.is_integer


def test_a_file_with_float_in_it_is_never_called_integer(source, monkeypatch, golden):
    """The writer of integers has no float to write, so it is handed one that another wrote."""
    written = (golden / "float32.tflite").read_bytes()
    made = IntegerText(written, network_of(source("bert").model), (), (), Observations(1))
    monkeypatch.setattr(convert_files, "quantize_text", lambda *args, **options: made)
    with pytest.raises(ConversionError, match="integer-only"):
        TextConverter(source("bert")).make("int")
