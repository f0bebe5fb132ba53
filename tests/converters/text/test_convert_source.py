"""What a conversion of text reads: the sentences to judge with are others than those to calibrate with."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import litesmith
from litesmith.converters.text.convert_source import EVERY, LEAST, _divided, open_text_source
from litesmith.errors import CalibrationError, ConversionError


def rows(count):
    return np.arange(3 * count, dtype=np.int32).reshape(count, 3)


def letters(count):
    """Texts that become different rows."""
    return [" ".join("abcdefgh"[place // 8**digit % 8] for digit in range(4)) for place in range(count)]


@given(st.integers(2 * LEAST, 400))
@settings(max_examples=60)
def test_the_two_parts_share_nothing_and_the_second_is_every_fifth(count):
    calibration, judged = _divided(rows(count))
    both = [set(part[:, 0].tolist()) for part in (calibration, judged)]
    assert not both[0] & both[1]
    assert len(both[0]) + len(both[1]) == count
    assert len(judged) == max(LEAST, -(-count // EVERY))
    assert len(calibration) >= LEAST


@pytest.mark.parametrize("samples", [16, 61, 65, 128, 200])
def test_as_many_as_were_asked_for_are_calibrated_with(samples, checkpoint):
    source = open_text_source(checkpoint("bert"), [*letters(300), *letters(300)], length=16, samples=samples)
    assert (len(source.calibration), len(source.judged)) == (samples, max(LEAST, -(-samples // 4)))


def test_another_seed_draws_others(checkpoint):
    folder = checkpoint("bert")
    first, again, other = (
        open_text_source(folder, letters(300), length=16, samples=32, seed=seed).calibration for seed in (0, 0, 1)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_texts_that_become_the_same_ids_count_once(checkpoint):
    folder = checkpoint("bert")
    texts = [f"{letter} {other}" for letter in "abcdefgh" for other in "abcdefgh"]
    source = open_text_source(folder, [*texts, *(text.upper() for text in texts)], length=16)
    every = np.concatenate([source.calibration, source.judged])
    assert len(every) == len(np.unique(every, axis=0)) == len(texts)
    assert source.name == source.model.origin == folder.name


def test_a_tokenizer_of_another_folder_is_taken(checkpoint):
    folder, other = checkpoint("bert"), checkpoint("electra")
    (folder / "vocab.txt").unlink()
    texts = [f"{letter}{other}" for letter in "abcdefgh" for other in "abcdefgh"]
    source = open_text_source(f"hf:{folder}", texts, length=16, tokenizer=other)
    assert source.contract.length == 16


@pytest.mark.parametrize("columns", ["question", "ab", ""])
def test_columns_are_a_list_of_names(columns, checkpoint, tmp_path):
    (tmp_path / "texts.tsv").write_text("a\tb\tquestion\n" + "".join(f"{t}\t{t}\t{t}\n" for t in letters(40)))
    with pytest.raises(ConversionError, match=rf"columns is one text, '{columns}', .* give \['{columns}'\]"):
        litesmith.convert_text(checkpoint("bert"), tmp_path / "texts.tsv", length=16, columns=columns)


def test_columns_are_of_files(checkpoint):
    with pytest.raises(CalibrationError, match="columns are of a file"):
        open_text_source(checkpoint("bert"), ["a"] * 40, length=16, columns=("a", "b"))
    with pytest.raises(ConversionError, match="3 columns"):
        open_text_source(checkpoint("bert"), ["a"] * 40, length=16, columns=("a", "b", "c"))
    with pytest.raises(CalibrationError, match="0 different texts"):
        open_text_source(checkpoint("bert"), [], length=16)
