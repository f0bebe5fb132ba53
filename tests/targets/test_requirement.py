"""A share of the operators can be asked for, and what no share asks for is said."""

import pytest

from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import TargetError, UnknownTarget
from litesmith.targets.check import check
from litesmith.targets.requirement import Requirement


@pytest.fixture
def report(golden):
    """6 of 8 operators on the Edge TPU."""
    found = check(TFLiteModel.from_file(golden / "int8_float_io.tflite"), "edge_tpu")
    assert (found.mapped, found.total) == (6, 8)
    return found


@pytest.mark.parametrize(("text", "met"), [("edge_tpu", True), ("edge_tpu@16=0.75", True), ("edge_tpu=0.76", False)])
def test_a_share_counts_operators_on_the_accelerator(text, met, report):
    missing = Requirement.parse(text).missing(report)
    assert (missing is None) == met
    if not met:
        assert missing == "edge_tpu@16: 6 of 8 operators on edge_tpu (75.0%), as predicted; 76% are required"


def test_an_error_is_missing_whatever_the_share(golden):
    nothing = check(TFLiteModel.from_file(golden / "int16x8.tflite"), "edge_tpu")
    for text in ("edge_tpu", "edge_tpu=0.1"):
        assert Requirement.parse(text).missing(nothing) == "edge_tpu: None of the 6 operators runs on edge_tpu."


def test_a_target_without_a_share_says_how_little_it_asks_for(report, golden):
    told = Requirement.parse("edge_tpu").told(report)
    assert told.startswith("edge_tpu@16: 6 of 8 operators on edge_tpu (75.0%), as predicted; ")
    assert told.endswith("--require edge_tpu asks for one operator there, edge_tpu=0.9 for nine tenths")
    on_cpu = check(TFLiteModel.from_file(golden / "int8_float_io.tflite"), "arm_cpu")
    assert "--require arm_cpu asks for a file that loads there" in Requirement.parse("arm_cpu").told(on_cpu)
    assert Requirement.parse("edge_tpu=0.5").told(report).endswith("as predicted; 50% are required")


@pytest.mark.parametrize(
    "text", ["edge_tpu=", "edge_tpu=0", "edge_tpu=1.1", "edge_tpu=-1", "edge_tpu=nan", "edge_tpu=all"]
)
def test_what_is_no_share_is_refused(text):
    with pytest.raises(TargetError, match=r"is no share above 0 and up to 1; write edge_tpu=0\.9"):
        Requirement.parse(text)


def test_an_unknown_target_is_refused():
    with pytest.raises(UnknownTarget, match="did you mean 'edge_tpu'"):
        Requirement.parse("edge_tpuu=0.5")
