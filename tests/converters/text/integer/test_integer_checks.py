"""What is refused before work starts, each with what to do."""

import numpy as np
import pytest

from litesmith.converters.text.integer.quantize import quantize_text
from litesmith.converters.text.integer.rewrites import NAMES, REQUIRED
from litesmith.errors import CalibrationError, ConversionError
from tests.converters.text.integer.small_text_models import HEADS, Running, drawn, texts

MODEL, PAIRS = drawn(), drawn(HEADS["pairs"])
IDS = texts(MODEL)


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (IDS[:, :8], r"shape \(24, 8\) do not calibrate a model of 12 tokens; give \(N, 12\)"),
        (IDS[0], r"shape \(12,\) do not calibrate"),
        (IDS[:0], r"shape \(0, 12\) do not calibrate"),
        (IDS + 60, "vocabulary has 60 rows; tokenize with the model's own"),
        (np.where(IDS == 0, -1, IDS), "reach from -1 "),
        (np.vstack([IDS, np.zeros((1, 12), np.int32)]), "text 24 holds padding alone"),
    ],
    ids=["short", "one text", "none", "beyond the vocabulary", "negative", "padding alone"],
)
def test_ids_that_calibrate_nothing(ids, message):
    with pytest.raises(CalibrationError, match=message):
        quantize_text(MODEL, ids)


@pytest.mark.parametrize("wide", [-1, 13])
def test_more_wide_rows_than_there_are(wide):
    with pytest.raises(ConversionError, match="give 0 to 12"):
        quantize_text(MODEL, IDS, wide=wide)


def test_texts_that_never_reach_a_narrow_row():
    with pytest.raises(CalibrationError, match="no text has more than 4 tokens"):
        quantize_text(MODEL, texts(MODEL, longest=4), wide=4)


@pytest.mark.parametrize("name", ["smooth", *REQUIRED])
def test_rewrites_that_cannot_be_left_out(name):
    with pytest.raises(ConversionError, match=f"'{name}' cannot be left out: .*; choose of centre_words, "):
        quantize_text(MODEL, IDS, without=(name,))


@pytest.mark.parametrize("wide", [0, 2, 12])
@pytest.mark.parametrize("name", [name for name in NAMES if name not in REQUIRED])
def test_every_other_rewrite_can_be_left_out_by_itself(name, wide):
    made = quantize_text(PAIRS, IDS, without=(name,), wide=wide)
    assert made.rewrites == tuple(other for other in NAMES if other != name)
    assert np.isfinite(Running(made.content)(IDS[:2])).all()


def test_progress_counts_both_passes():
    told = []
    quantize_text(MODEL, IDS, on_progress=lambda done, total: told.append((done, total)))
    assert told == [(16, 48), (24, 48), (40, 48), (48, 48)]
