"""Which of several files of a text model to take."""

import pytest

from litesmith.convert_text_choice import choose, shortfall
from litesmith.convert_text_measure import JudgedFile, TextLimits
from litesmith.converters.text.convert_agreement import Agreement
from litesmith.converters.text.convert_files import TextFile
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import ConversionError, UnknownTarget


@pytest.fixture
def judged(golden):
    model = TFLiteModel.from_file(golden / "int8.tflite")

    def make(mode, cosine, host_ms, unmet=()):
        file = TextFile(mode, model, "route", (), 1.0)
        return JudgedFile(file, Agreement(20, 30.0, cosine, cosine), host_ms, tuple(unmet))

    return make


def test_integers_that_hold_go_first_and_faster_floats_are_named(judged):
    taken, why = choose([judged("int", 0.997, 6.0), judged("int8", 0.7, 3.0), judged("dynamic", 0.999, 2.0)])
    assert taken.file.mode == "int"
    assert why.startswith("take int: no tensor is float")
    assert "int8 does not hold, cosine 0.7000" in why
    assert "dynamic is faster (2.00 ms against 6.00 on this host" in why


def test_plain_int8_is_taken_where_it_holds_and_is_faster(judged):
    taken, why = choose([judged("int", 0.997, 6.0), judged("int8", 0.995, 3.0), judged("dynamic", 0.999, 9.0)])
    assert taken.file.mode == "int8"
    assert "int is slower here, 6.00 ms" in why
    assert "dynamic" not in why


def test_without_integers_that_hold_float_is_taken(judged):
    taken, why = choose([judged("int", 0.9, 6.0), judged("dynamic", 0.999, 2.0)])
    assert taken.file.mode == "dynamic"
    assert "no integer file holds: int (cosine 0.9000)" in why
    taken, why = choose([judged("dynamic", 0.999, 2.0)])
    assert "no integer file could be made" in why


def test_limits_of_the_user_decide(judged):
    low = [judged("int", 0.9, 6.0), judged("dynamic", 0.999, 2.0)]
    assert choose(low, limited=True)[0].file.mode == "int"
    broken = [judged("int", 0.997, 6.0, ["9 bytes are more than 8"]), judged("dynamic", 0.999, 2.0)]
    taken, why = choose(broken)
    assert taken.file.mode == "dynamic"
    assert "int (9 bytes are more than 8)" in why


def test_where_nothing_holds_the_nearest_is_taken_and_called_so(judged):
    taken, why = choose([judged("int", 0.5, 6.0), judged("dynamic", 0.6, 2.0)])
    assert taken.file.mode == "dynamic"
    assert why.startswith("take dynamic if you must")


def test_a_single_file_that_does_not_hold_says_so(judged):
    assert shortfall(judged("int", 0.99, 6.0)) == ""
    assert shortfall(judged("int", 0.969, 6.0)) == (
        "it does not hold: cosine 0.9690 is below 0.9900; calibrate with more sentences like those of the app, or see "
        "--explain and --quantize compare"
    )
    assert "--explain" not in shortfall(judged("int8", 0.969, 6.0))


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (TextLimits(min_agreement=0.99), "agreement 0.9800 is below 0.9900"),
        (TextLimits(min_agreement=0.99999), "agreement 0.98000 is below 0.99999"),
        (TextLimits(min_agreement=0.9800004), "agreement 0.9800000 is below 0.9800004"),
        (TextLimits(min_snr_db=31), "an SNR of 30.0 dB is below 31.0"),
        (TextLimits(max_bytes=9), "bytes are more than 9"),
        (TextLimits(max_host_ms=1.5), "2 ms on this host are more than 1.5"),
        (TextLimits(min_agreement=0.98, min_snr_db=30, max_bytes=10**6, max_host_ms=2, targets=("arm_cpu",)), None),
    ],
)
def test_what_is_not_kept_is_said(limits, words, golden):
    model = TFLiteModel.from_file(golden / "int8.tflite")
    unmet = limits.unmet(model, Agreement(20, 30.0, 0.98, 0.98), 2.0)
    assert unmet == () if words is None else len(unmet) == 1 and words in unmet[0]


def test_limits_that_make_no_sense_are_refused():
    with pytest.raises(ConversionError, match="not a share"):
        TextLimits(min_agreement=1.5)
    with pytest.raises(UnknownTarget):
        TextLimits(targets=("toaster",))
