import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from litesmith.bundle import Provenance
from litesmith.calibration.preprocess import Preprocess
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.converters.verify import compare_outputs
from litesmith.data import load_dataset, split
from litesmith.dataset import Dataset
from litesmith.golden import make_golden
from litesmith.ledger import Ledger, Row
from litesmith.measure import predict
from litesmith.model_card import model_card, standard_error, wilson_interval
from litesmith.splits import Splits

NNAPI = {
    "basis": "predicted", "accelerator": "nnapi", "mapped": 5, "total": 6,
    "findings": {"error": 0, "warning": 3, "info": 1},
}  # fmt: skip


@pytest.fixture(scope="module")
def splits() -> Splits:
    dataset = load_dataset("digits", base=Path(), image_shape=None, scale=None, offset=None)
    return split(dataset, seed=7, validation=0.08, calibration=0.07, test=0.25)


TRY = {"remedy": "effort fast", "taken": True, "agreement": 0.9972, "snr_db": 19.5,
       "choice": {"effort": "fast", "method": "minmax", "methods": {}, "precision": {}}}  # fmt: skip
QUANTIZE = {"route": "mlir", "tries": [TRY], "judged_on": "the 40 samples of the validation split",
            "calibration_samples": 30, "calibration_digest": "0" * 64}  # fmt: skip


def card(
    golden: Path, splits: Splits, name: str = "int8", title: str = "digits", accuracy: float = 0.98, **changes
) -> str:
    file, source = (TFLiteModel.from_file(golden / f"{kind}.tflite") for kind in (name, "float32"))
    vectors = make_golden(file, splits.test, quantization_aware=False)
    expected = predict(source, splits.test.x).real
    parity = compare_outputs(expected, predict(file, splits.test.x).real, file.outputs[0].quantization)
    student = Row("student", "float32", "litert", 0.9825, 0.98, 2_834, 0.0, 31.7, source.sha256, 18_716, 15_748)
    deployed = Row("quantize", "full-int8", "litert", 0.98, 0.98, 2_834, 0.6, 2.5, file.sha256, 8_624, 5_827)
    facts = {
        "name": title, "task": "classification", "label": "full-int8", "oldest_runtime": "2.3.0",
        "steps": ["student", "prune"], "targets": {"nnapi": NNAPI}, "distillation": None, "shifted_views": None,
        "measured": {"bytes": 8_624, "gzip_bytes": 5_827, "accuracy": accuracy, "test_samples": len(splits.test)},
        "digests": {"recipe": "r" * 64, "data": "d" * 64}, "created_by": {"python": "3.11.7", "litesmith": "0.1.0"},
    } | changes  # fmt: skip
    details = {"quantize": {**QUANTIZE, "steps": facts["steps"], "parity": parity.to_dict()}}
    return model_card(facts, vectors, splits, Provenance({}, Ledger((student, deployed)), details, {}))


def test_it_holds_the_ledger_without_what_was_timed(golden, splits):
    text = card(golden, splits)
    assert "| student | float32 | 98.25% | 18,716 | 15,748 | 2,834 | 0.0% |\n" in text
    assert "| quantize | full-int8 | 98.00% | 8,624 | 5,827 | 2,834 | 60.0% |\n" in text
    assert "31.7" not in text
    assert "p50" not in text


def test_it_says_how_sure_the_accuracy_is(golden, splits):
    text = card(golden, splits)
    assert "accuracy of 98.00% on 449 test samples (standard error 0.66 points)" in text
    assert "95% interval (Wilson) is 96.24% to 98.95%" in text


@pytest.mark.parametrize(("accuracy", "interval"), [(1.0, "99.15% to 100.00%"), (0.0, "0.00% to 0.85%")])
def test_a_false_standard_error_of_zero_is_not_told(golden, splits, accuracy, interval):
    text = card(golden, splits, accuracy=accuracy)
    assert "standard error" not in text
    assert f"on 449 test samples (95% interval {interval})" in text


def test_it_says_what_the_student_learned_from(golden, splits):
    assert "the labels alone, without a teacher. Each training sample was used as it is." in card(golden, splits)
    distillation = {"temperature": 4.0, "alpha": 0.7, "labels": "teacher"}
    text = card(golden, splits, distillation=distillation, shifted_views={"views": 3, "shift_pixels": 1})
    assert "at temperature 4: the divergence from the teacher weighs 0.7, the" in text
    assert "which are the classes that the teacher names, 0.3." in text
    assert "3 views: as it is, and shifted at random by up to 1 pixel." in text
    ours = card(golden, splits, distillation={**distillation, "labels": "data"})
    assert "which are those of the data, 0.3." in ours


def test_a_checkpoint_of_the_hub_is_named_with_its_commit(golden, splits):
    digests = {"recipe": "r" * 64, "data": "d" * 64, "teacher": "someone/small@" + "a" * 40}
    assert f"Made of `hf:someone/small@{'a' * 40}`." in card(golden, splits, digests=digests)
    assert "Made of" not in card(golden, splits)


def test_a_name_on_two_lines_is_one_heading(golden, splits):
    assert card(golden, splits, title="two\n## lines").startswith("# two ## lines\n\nA full-int8")


def test_a_float_output_has_no_lsb_of_its_own(golden, splits):
    text = card(golden, splits, "int8_float_io")
    assert "up to 1 LSB (0.00552) of the tensor behind the float output apart" in text
    assert "up to 1 LSB apart" in card(golden, splits)


def test_a_zero_point_of_zero_is_left_out(golden, splits):
    text = card(golden, splits, "int16x8")
    assert re.search(r"clamp\(round\(x / [\d.e-]+\), -32768, 32767\)", text)
    assert re.search(r"logit = [\d.e-]+ \* q\n", text)


def test_its_formulas_with_their_numbers_give_the_golden_vectors(golden, splits):
    text = card(golden, splits)
    number = r"(-?[\d.e-]+)"
    scale, sign, zero, low, high = re.search(
        rf"q = clamp\(round\(x / {number}\) ([+-]) (\d+), {number}, {number}\)", text
    ).groups()
    step, out_sign, offset = re.search(rf"logit = {number} \* \(q ([+-]) (\d+)\)", text).groups()
    for vector in make_golden(
        TFLiteModel.from_file(golden / "int8.tflite"), splits.test, quantization_aware=False
    ).vectors:
        steps = vector.input / np.float32(scale)
        rounded = np.trunc(steps + np.copysign(np.float32(0.5), steps)).astype(int) + int(f"{sign}{zero}")
        assert np.array_equal(np.clip(rounded, int(low), int(high)), vector.tensor)
        logits = float(step) * (vector.output_raw.astype(int) + int(f"{out_sign}{offset}"))
        assert np.array_equal(logits.astype(np.float32), vector.output)


def test_a_float_file_is_fed_as_it_is(golden, splits):
    text = card(golden, splits, "float32")
    assert "Feed `x` as it is." in text
    assert "clamp" not in text
    assert "LSB" not in text


def test_targets_are_called_predicted(golden, splits):
    text = card(golden, splits)
    assert "| nnapi | predicted | nnapi | 5 of 6 | 0 | 3 |" in text
    assert "no device, delegate or compiler was asked" in text
    assert "None was checked." in card(golden, splits, targets={})


def test_it_says_how_the_data_were_split(golden, splits):
    text = card(golden, splits)
    for name in ("train", "validation", "calibration", "test"):
        assert f"| {name} | {len(getattr(splits, name)):,} |" in text


@pytest.mark.parametrize(
    ("preprocess", "words"),
    [
        (Preprocess((8, 8, 1), "image", "nearest", 0.5, -1.0), ["becomes gray", "under each target", "* 0.5 + -1.0"]),
        (Preprocess((8, 8, 1)), ["must have 8 x 8 pixels", "* 1.0 + 0.0"]),
        (Preprocess((8, 8, 1), "image", "bilinear"), ["half-pixel centres", "floor(value + 0.5)"]),
        (Preprocess((8, 8, 1), "tensor"), ["One sample is 8 x 8 x 1. ", "\n1. `x = value"]),
    ],
)
def test_preprocessing_is_told_in_words(golden, splits, preprocess, words):
    parts = (splits.train, splits.validation, splits.calibration, splits.test)
    again = Splits(*(Dataset(part.x, part.y, part.class_names, preprocess, part.name) for part in parts))
    text = card(golden, again)
    for word in words:
        assert word in text


def test_it_is_one_markdown_document(golden, splits):
    text = card(golden, splits)
    assert text.startswith("# digits\n\nA full-int8 TFLite model")
    assert text.endswith("\n")
    assert "\n\n\n" not in text
    titles = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert len(titles) == len(set(titles)) == 12
    for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        assert len({line.count("|") for line in table.splitlines()}) == 1


def test_known_intervals():
    assert standard_error(0.5, 100) == pytest.approx(0.05)
    assert wilson_interval(0.0, 10) == (0.0, pytest.approx(0.27753, abs=1e-5))
    assert wilson_interval(0.5, 100) == (pytest.approx(0.40383, abs=1e-5), pytest.approx(0.59617, abs=1e-5))


@given(st.integers(1, 10_000), st.data())
def test_an_interval_holds_the_share_and_is_symmetric(samples, data):
    share = data.draw(st.integers(0, samples)) / samples
    low, high = wilson_interval(share, samples)
    assert 0 <= low <= share + 1e-12
    assert share - 1e-12 <= high <= 1
    mirrored = wilson_interval(1 - share, samples)
    assert mirrored == (pytest.approx(1 - high), pytest.approx(1 - low))
