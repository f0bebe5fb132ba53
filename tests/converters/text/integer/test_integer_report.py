"""The report finds an error where it was made, and says what a rewrite gains."""

import json
from dataclasses import replace

import numpy as np
import pytest

from litesmith.converters.editing import ModelEditor
from litesmith.converters.text.integer.noise import MOST_DECIBELS, Noise
from litesmith.converters.text.integer.quantize import quantize_text
from litesmith.converters.text.integer.report import agreement, report, rewrite_gains
from litesmith.converters.text.integer.rewrites import NAMES, REQUIRED
from tests.converters.text.integer.small_text_models import HEADS, drawn, mobile, texts, with_weights


def made(model, **options):
    return quantize_text(model, texts(model, 32), **options)


def damaged(content, name):
    """The file with every second integer of a kernel switched off."""
    editor = ModelEditor(content)
    (index,) = [place for place, tensor in enumerate(editor.graph.tensors) if tensor.name in (name, name.encode())]
    kernel = editor.constant(index).copy()
    kernel[:, ::2] = 0
    editor.set_constant(index, kernel)
    return editor.to_bytes()


@pytest.mark.parametrize("form", ["post", "pre", "mobile"])
@pytest.mark.parametrize("wide", [0, 1, 12])
@pytest.mark.parametrize("head", ["mean", "token", "pairs"])
def test_every_joint_is_in_the_report_once_for_each_part(head, wide, form):
    model = mobile(HEADS[head]) if form == "mobile" else drawn(HEADS[head], norm=form)
    file = made(model, wide=wide)
    ids = texts(model, 4, seed=9)
    found = report(file, ids)
    expected = [(name, rows.start, rows.stop) for name in file.network.names for rows in file.rows]
    assert [(layer.name, layer.start, layer.stop) for layer in found.layers] == expected
    assert {layer.dtype for layer in found.layers if layer.start >= wide} <= {"int8"}
    assert {layer.dtype for layer in found.layers if layer.stop <= wide} <= {"int16"}
    assert all(12 < layer.sum_decibels <= MOST_DECIBELS for layer in found.layers)
    assert found.answer.decibels > 12
    assert found.answer.least_cosine <= found.answer.cosine <= 1.0001


def test_a_damaged_layer_is_where_the_error_begins():
    model = drawn(heads=(4, 4, 4), intermediate=(48, 48, 48))
    file = made(model)
    ids = texts(model, 8, seed=9)
    sound = report(file, ids).layers
    broken = report(replace(file, content=damaged(file.content, "layers.1.feed_forward.output.kernel")), ids).layers
    lost = {one.name: one.sum_decibels - other.sum_decibels for one, other in zip(sound, broken, strict=True)}
    names = list(lost)
    place = names.index("layers.1.feed_forward")
    assert all(lost[name] == 0 for name in names[:place])
    assert lost["layers.1.feed_forward"] > 10


def test_gains_tell_what_a_rewrite_is_good_for():
    gamma = np.r_[np.full(3, 60.0), np.full(21, 0.4)]
    model = with_weights(drawn(), layers__0__attention__norm__gamma=gamma, layers__1__attention__norm__gamma=gamma)
    ids, new, asked = texts(model, 32), texts(model, 16, seed=9), []
    gains = rewrite_gains(model, ids, new, on_progress=asked.append)
    assert tuple(gain.rewrite for gain in gains) == NAMES
    assert asked == [name for name in NAMES if name not in REQUIRED]
    lost = {gain.rewrite: gain.decibels for gain in gains}
    assert lost["centre_sums"] is None
    assert lost["scale_sums"] > 3
    whole = agreement(quantize_text(model, ids), new)
    assert lost["scale_sums"] == pytest.approx(whole.decibels - gains[NAMES.index("scale_sums")].without.decibels)


def test_the_report_is_plain_values_and_a_table():
    model = drawn()
    file, ids = made(model, wide=1), texts(model, 4, seed=9)
    gains = rewrite_gains(model, ids, ids)
    found = report(file, ids, gains=gains)
    document = json.loads(json.dumps(found.to_dict()))
    assert document["texts"] == 4
    assert document["layers"][0]["name"] == "embeddings"
    assert document["gains"][0] == {"rewrite": "centre_sums", "without": None, "decibels": None}
    text = found.to_text()
    for layer in found.layers:
        assert layer.to_line() in text
    assert "centre_sums" in text
    assert "integers need it" in text
    assert "without" not in report(file, ids).to_text()


def test_noise_is_a_ratio_of_powers():
    noise = Noise()
    noise.add(np.array([3.0, 4.0], np.float32), np.array([3.0, 3.5], np.float32))
    assert noise.decibels == pytest.approx(20)
    exact = Noise()
    exact.add(np.ones(3, np.float32), np.ones(3, np.float32))
    assert exact.decibels == MOST_DECIBELS
