"""Observed reports: beside the prediction, never mixed with it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from litesmith.converters.tflite_model import TFLiteModel
from litesmith.targets.check import check
from litesmith.targets.observed import observed_report, refused_report
from litesmith.targets.observed_vela import VelaEstimate
from litesmith.targets.profile import TargetProfile
from litesmith.targets.report import Difference, StatusCount

ESTIMATE = VelaEstimate("5.2.0", "ethos-u55-128", "system", "mode", 1, 0, 1, 1, 1)
INT8 = TFLiteModel.from_file(Path(__file__).parents[1] / "golden" / "int8.tflite")


def observe(target, placements, **others):
    profile = TargetProfile.load(target)
    facts = {"observed_in": "a test", "segments": 1, **others}
    return observed_report(check(INT8, profile), profile, placements, **facts)


def test_an_observation_has_its_own_entry_and_names_what_told():
    report = observe("arm_cpu", ["cpu", *["xnnpack"] * 5], reasons={0: "a driver said no"})
    document = json.loads(json.dumps(report.to_dict()))
    assert (document["basis"], document["observed_in"]) == ("observed", "a test")
    assert (document["mapped"], document["first_break"], document["segments"]) == (5, 0, 1)
    assert document["differences"] == [
        {"op_index": 0, "op": "CONV_2D", "predicted": "xnnpack", "observed": "cpu", "count": 1}
    ]
    assert document["ops"][0]["reason"] == "a driver said no"
    assert "gains" not in document


@pytest.mark.parametrize(("target", "unmet"), [("edge_tpu", ["nothing_mapped"]), ("arm_cpu", [])])
def test_nothing_on_the_accelerator_is_an_error_where_the_target_needs_it(target, unmet):
    report = observe(target, ["cpu"] * 6, segments=0)
    assert [finding.rule for finding in report.errors] == unmet
    assert len(report.differences) == 6


def test_what_is_not_known_is_no_difference():
    report = observe("edge_tpu", ["unknown", *["edge_tpu"] * 5])
    assert (report.differences, report.first_break) == ((), None)
    counts = [StatusCount("CONV_2D", "mapped", "edge_tpu", 1, 2), StatusCount("CONV_2D", "left", "cpu", 1, 0)]
    report = observe("edge_tpu", ["unknown", "edge_tpu", "edge_tpu", "unknown", *["edge_tpu"] * 2], counts=counts)
    assert report.differences == (Difference(None, "CONV_2D", "edge_tpu", "cpu", 1),)
    sums = [StatusCount("*", "mapped", "edge_tpu", 4, 6), StatusCount("*", "left", "cpu", 2, 0)]
    report = observe("edge_tpu", ["unknown"] * 6, counts=sums)
    assert (report.mapped, report.differences) == (4, (Difference(None, "*", "edge_tpu", "cpu", 2),))


@pytest.mark.parametrize("target", ["edge_tpu", "arm_cpu"])
def test_a_refused_model_has_one_error_and_no_placements(target):
    profile = TargetProfile.load(target)
    report = refused_report(check(INT8, profile), profile, "it crashed", observed_in="a test")
    assert [(error.rule, error.message) for error in report.errors] == [("refused", "it crashed")]
    assert (report.mapped, report.segments, report.first_break, report.differences) == (0, None, None, ())
    assert {(op.placement, op.reason) for op in report.ops} == {("unknown", "the whole model is refused")}


def test_the_number_of_placements_has_to_fit():
    with pytest.raises(ValueError, match="zip"):
        observe("edge_tpu", ["edge_tpu"] * 5)


def test_predicted_and_observed_are_not_mixed():
    predicted, observed = check(INT8, "edge_tpu"), observe("edge_tpu", ["edge_tpu"] * 6)
    with pytest.raises(ValueError, match="observed in 'a log'"):
        replace(predicted, observed_in="a log")
    with pytest.raises(ValueError, match="observed in None"):
        replace(observed, observed_in=None)
    for observed_only in ({"differences": (Difference(0, "ADD", "cpu", "edge_tpu"),)}, {"estimate": ESTIMATE}):
        with pytest.raises(ValueError, match="differences, counts and estimates are observed"):
            replace(predicted, **observed_only)
    with pytest.raises(ValueError, match="gains and memory are predicted"):
        replace(observed, memory=predicted.memory)
    split = TFLiteModel.from_file(Path(INT8.source).with_name("gather_nd_int8.tflite"))
    with pytest.raises(ValueError, match="gains and memory are predicted"):
        replace(observed, gains=check(split, "edge_tpu").gains)
