"""What the model card says of how the file was quantized."""

import pytest

from litesmith.card_quantization import quantization_text


def test_a_plain_file_is_told_in_four_sentences(quantize_details):
    text = quantization_text(quantize_details(), "full-int8")
    assert text == (
        "By effort fast, with the quantizer `mlir`. Ranges of activations are minmax. Calibrated with 30 samples of "
        f"the calibration split (digest `{'0' * 64}`). It gives the float model's class for 100.00% of the 40 samples "
        "of the validation split."
    )


def test_what_was_special_to_single_tensors_and_how_many_files_were_tried_is_told(quantize_details):
    choice = {"effort": "high", "method": "mse", "methods": {"relu": "percentile"}, "precision": {"^add$": "int16"}}
    first = {"remedy": "effort high", "taken": False, "agreement": 0.9, "choice": choice}
    taken = {"remedy": "int16 for 2 of 8 operators", "taken": True, "agreement": None, "choice": choice}
    text = quantization_text(quantize_details(tries=[first, taken]), "mixed")
    assert "Ranges of activations are mse, percentile where the name fits `relu`." in text
    assert "Operators compute in int8, int16 where the name fits `^add$`." in text
    assert "the float model's class" not in text
    assert text.endswith("It is one of 2 files that were tried; the run's ledger.json has them all.")


def test_a_file_that_was_trained_for_integers_has_no_ranges_of_its_own(quantize_details):
    trained = {"remedy": "quantization-aware training", "taken": True, "agreement": 0.99, "choice": {}}
    text = quantization_text(quantize_details(tries=[trained], route="converter"), "full-int8")
    assert text.startswith("By quantization-aware training. Calibrated with 30 samples")


@pytest.mark.parametrize("label", ["float32", "float16", "dynamic-range"])
def test_what_needs_no_calibration_has_none(quantize_details, label):
    plain = {"remedy": label, "taken": True, "agreement": 1.0, "choice": {"precision": {}}}
    text = quantization_text(quantize_details(tries=[plain], route="converter"), label)
    assert text.startswith(f"By {label}, with the quantizer `converter`. A {label} file needs no calibration. It gives")


def test_the_converters_own_ranges_are_not_told(quantize_details):
    plain = {"remedy": "int16x8", "taken": True, "agreement": None, "choice": {"precision": {}}}
    text = quantization_text(quantize_details(tries=[plain], route="converter"), "int16x8")
    assert text.startswith("By int16x8, with the quantizer `converter`. Calibrated with 30 samples")
    assert "Ranges" not in text
