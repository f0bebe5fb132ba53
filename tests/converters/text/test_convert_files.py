"""Rewrites of the float file that engines need, and the float answers that files are held against."""

from dataclasses import replace

import numpy as np
import pytest

from litesmith.calibration.text.contract import TextContract
from litesmith.convert_text_measure import answers
from litesmith.converters.associated_files import appended_files
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
from tests.golden.make_text_checkpoints import Case, write_checkpoint

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


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    """A classifier of pairs, as MNLI's, with pairs in a table to calibrate and to judge with."""
    folder = tmp_path_factory.mktemp("pairs")
    lines = [f"{one} {other}\t{other} {one}{one}" for one in "abcdefgh" for other in "abcdefgh"]
    (folder / "pairs.tsv").write_text("\n".join(["premise\thypothesis", *lines]))
    checkpoint = write_checkpoint(folder / "bert", Case("bert", "sequence"))
    return open_text_source(checkpoint, folder / "pairs.tsv", length=16, columns=("premise", "hypothesis"))


@pytest.mark.parametrize(("mode", "least_db"), [("int", 18), ("int8", 18), ("dynamic", 25), ("float32", 80)])
def test_every_file_of_pairs_has_one_input_and_tells_the_texts_apart(mode, least_db, pairs):
    made = TextConverter(pairs).make(mode)
    assert [tensor.shape for tensor in made.model.inputs] == [(1, 16)]
    assert TextContract.from_files(appended_files(made.model.content)).pair_types == pairs.model.told_apart
    found, _ = answers(made.model, pairs.judged, lambda done: None)
    kept = TextConverter(pairs).expected(pairs.judged, through_keras=False)
    one_type = replace(pairs.model, pair_types=replace(pairs.model.pair_types, second=0))
    lost = TextConverter(replace(pairs, model=one_type)).expected(pairs.judged, through_keras=False)
    assert snr(kept, found) > least_db
    assert snr(lost, found) < 12


def snr(wanted, found):
    """The ratio of powers, in dB."""
    return 10 * np.log10(np.square(wanted).sum() / np.square(wanted - found).sum())


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
