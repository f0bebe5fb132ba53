"""What a model needs of a target's memory, beside what the target has."""

import json
from dataclasses import replace

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from litesmith.converters.tflite_model import TFLiteModel
from litesmith.targets.check import check
from litesmith.targets.memory import estimate_memory
from litesmith.targets.memory_use import in_units, memory_findings, memory_use
from litesmith.targets.profile import TargetProfile

FEATURES = 300_000  # 32 neurons on these take 9.6 MB of weights


@pytest.fixture(scope="module")
def wide(golden) -> TFLiteModel:
    """The dense model of tests/golden with an input so wide that its weights exceed what an Edge TPU caches."""
    model = schema.ModelT.InitFromPackedBuf((golden / "int8_dense_only.tflite").read_bytes())
    for tensor in model.subgraphs[0].tensors:
        if list(tensor.shape) == [32, 64]:
            tensor.shape = [32, FEATURES]
            model.buffers[tensor.buffer].data = np.ones(32 * FEATURES, np.uint8)
        elif list(tensor.shape) == [1, 64]:
            tensor.shape = [1, FEATURES]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return TFLiteModel(bytes(builder.Output()), "wide.tflite")


def of_limit(profile, **changes):
    return replace(profile, memory=replace(profile.memory, **changes))


def findings(model, target):
    return [finding for finding in check(model, target).findings if finding.rule == "memory_limit"]


def test_weights_that_an_edge_tpu_cannot_cache_are_a_warning_on_speed(wide):
    report = check(wide, "edge_tpu")
    (finding,) = findings(wide, "edge_tpu")
    assert (report.mapped, report.errors) == (2, ())
    assert (finding.severity, finding.op_index) == ("warning", None)
    assert "The weights take 9.2 MiB, more than the 8.0 MiB of SRAM that caches weights" in finding.message
    assert "streamed from the host's memory at every inference" in finding.message
    assert "github.com/google-coral/edgetpu" in finding.source
    assert report.memory.within_limit is False


def test_only_weights_on_the_accelerator_count_against_its_cache(wide):
    profile = TargetProfile.load("edge_tpu")
    none_placed = replace(profile, ops={})
    report = check(wide, none_placed)
    assert (report.memory.weights_bytes > 9_600_000, report.memory.placed_weights_bytes) == (True, 0)
    assert findings(wide, none_placed) == []


@pytest.mark.parametrize(("spare", "exceeded"), [(0, False), (-1, True)])
def test_the_limit_itself_still_fits(golden, spare, exceeded):
    model = TFLiteModel.from_file(golden / "int8.tflite")
    needed = estimate_memory(model)
    for target, size in (("edge_tpu", needed.weights_bytes), ("ethos_u85", needed.arena_bytes)):
        profile = of_limit(TargetProfile.load(target), bytes=size + spare, near_bytes=None)
        assert bool(findings(model, profile)) == exceeded
        assert check(model, profile).memory.within_limit == (not exceeded)


@pytest.mark.parametrize(("needed", "near"), [(7 * 2**20 - 1, False), (7 * 2**20, True), (8 * 2**20, True)])
def test_weights_near_the_cache_of_an_edge_tpu_are_told(golden, needed, near):
    use = memory_use(TFLiteModel.from_file(golden / "int8.tflite"), {0}, TargetProfile.load("edge_tpu").memory)
    use = replace(use, placed_weights_bytes=needed)
    assert (use.within_limit, use.near_limit, len(memory_findings(use))) == (True, near, near)
    if near:
        (finding,) = memory_findings(use)
        assert (finding.rule, finding.severity) == ("memory_near_limit", "info")
        assert "near the limit of 8.0 MiB" in finding.message
        assert "7.2 to 8.2 MiB" in finding.message
    beyond = replace(use, placed_weights_bytes=8 * 2**20 + 1)
    assert (beyond.within_limit, beyond.near_limit) == (False, False)
    assert [finding.rule for finding in memory_findings(beyond)] == ["memory_limit"]


def test_activations_beyond_the_sram_of_an_ethos_u_are_worth_knowing(golden):
    profile = of_limit(TargetProfile.load("ethos_u65"), bytes=1087)
    (finding,) = findings(TFLiteModel.from_file(golden / "int8.tflite"), profile)
    assert finding.severity == "info"
    assert finding.message.startswith("The activations take 1.1 KiB, more than the 1.1 KiB of SRAM for the Ethos-U65")


@pytest.mark.parametrize(("target", "part"), [("micro", "fit the board's RAM"), ("ethos_u55", "SRAM of the chip")])
def test_where_every_board_has_its_own_memory_a_note_says_so(golden, target, part):
    report = check(TFLiteModel.from_file(golden / "int8.tflite"), target)
    (note,) = [finding for finding in report.findings if part in finding.message]
    assert (note.rule, note.severity) == ("note", "info")
    assert (report.memory.within_limit, report.memory.needed_bytes) == (None, 1088)


@pytest.mark.parametrize("target", ["arm_cpu", "nnapi", "gpu"])
def test_without_a_memory_of_the_target_the_figures_stand_alone(golden, target):
    use = check(TFLiteModel.from_file(golden / "int8.tflite"), target).memory
    assert (use.limit, use.needed_bytes, use.within_limit) == (None, None, None)
    assert (use.peak_activation_bytes, use.peak_op_index) == (1088, 1)


def test_the_figures_are_plain_json_beside_the_prediction(golden):
    model = TFLiteModel.from_file(golden / "gather_nd_int8.tflite")
    document = json.loads(json.dumps(check(model, "edge_tpu").to_dict()))["memory"]
    assert set(document) == {
        "weights_bytes", "placed_weights_bytes", "peak_activation_bytes", "arena_bytes", "peak_op_index",
        "assumptions", "limit", "needed_bytes", "within_limit", "near_limit",
    }  # fmt: skip
    assert document["limit"]["bytes"] == 8 * 2**20
    assert document["needed_bytes"] == document["placed_weights_bytes"] < document["weights_bytes"]


def test_the_peak_counts_where_the_arena_is_not_planned(golden):
    limit = TargetProfile.load("ethos_u65").memory
    use = memory_use(TFLiteModel.from_file(golden / "int8.tflite"), {0}, limit)
    assert replace(use, arena_bytes=None, peak_activation_bytes=5).needed_bytes == 5
    assert use.placed_weights_bytes == 8 * 9 + 4 * 8


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (8 * 2**20, "8.0 MiB"), (3 * 2**40, "3072.0 GiB")],
)
def test_bytes_for_people(number, text):
    assert in_units(number) == text
