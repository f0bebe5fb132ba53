"""XNNPACK is asked about real models and about models of one operator; the prediction has to say the same."""

import importlib
from pathlib import Path
from types import ModuleType

import pytest

from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import DeviceError, DeviceTimeout, ModelError
from litesmith.targets import runtimes
from litesmith.targets.check import check
from litesmith.targets.observed_xnnpack import Observation, observe_xnnpack, placements_of

ROOT = Path(__file__).parents[2]
MODELS = sorted(path.name for path in (ROOT / "tests" / "golden").glob("*.tflite"))
NAMES = {runtime.name for runtime in runtimes.installed()}
# Every so many-th model of the family: about 60 of them, from every group.
STRIDE = 18


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    """The benchmark's own module: tests and benchmark score in the same way."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "benchmarks"))
        return importlib.import_module("targets_xnnpack")


@pytest.mark.parametrize("name", MODELS)
def test_litert_takes_what_is_predicted(golden, name):
    observed = observe_xnnpack(golden / name)
    report = check(TFLiteModel.from_file(golden / name), "arm_cpu@litert-2.3")
    assert [op.placement for op in report.ops] == list(observed.placements)
    assert report.segments == observed.segments


def test_an_observation_says_which_runtime_answered(golden):
    observed = observe_xnnpack((golden / "gather_nd_int8.tflite").read_bytes())
    assert observed.placements == ("xnnpack", "xnnpack", "cpu", "xnnpack", "xnnpack")
    assert observed.segments == 2
    assert (observed.runtime, observed.version) == ("litert", runtimes.get("litert").version)


@pytest.mark.skipif("tflite-runtime" not in NAMES, reason="needs tflite-runtime")
@pytest.mark.parametrize(("name", "taken"), [("float32", 6), ("float16", 14), ("int8", 0), ("int16x8", 0)])
def test_tflite_runtime_only_takes_floating_point(golden, name, taken):
    path = golden / f"{name}.tflite"
    observed = observe_xnnpack(path, runtime="tflite-runtime")
    report = check(TFLiteModel.from_file(path), "arm_cpu@tflite-runtime-2.14")
    assert observed.placements.count("xnnpack") == taken
    assert [op.placement for op in report.ops] == list(observed.placements)


def test_a_sample_of_the_family_is_predicted(benchmark):
    family = list(benchmark.family())
    assert len({name for name, _ in family}) == len(family) >= 300
    scores = benchmark.scores(family[::STRIDE], "litert")
    assert [line for score in scores for line in (score.name, *score.wrong) if score.wrong] == []
    assert sum(score.total for score in scores) >= 50


def test_a_model_that_loads_only_without_xnnpack_is_predicted_as_an_error(benchmark):
    name, content = next(model for model in benchmark.family() if "RESIZE_BILINEAR uint8 other scale" in model[0])
    with pytest.raises(ModelError, match="failed to delegate RESIZE_BILINEAR"):
        observe_xnnpack(content)
    assert benchmark.score((name, content), "litert").right == 1
    finding = check(TFLiteModel(content), "arm_cpu").errors[0]
    assert finding.rule == "same_quantization_to_load"
    assert "the model is not loaded" in finding.message


def test_a_wrong_prediction_costs_the_score(benchmark, int8_model):
    refused = next(content for name, content in benchmark.family() if "RESIZE_BILINEAR uint8 other scale" in name)
    right = benchmark.score(("m", int8_model), "litert")
    assert (right.right, right.total, right.wrong) == (6, 6, ())
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(benchmark.TARGETS, "litert", "arm_cpu@tflite-runtime-2.14")
        wrong = benchmark.score(("m", int8_model), "litert")
        assert (wrong.right, wrong.total) == (0, 6)
        assert "predicted cpu (tensor_types), observed xnnpack" in wrong.wrong[0]
        assert (benchmark.score(("m", refused), "litert").right, right.total) == (0, 6)


def test_a_file_that_crashes_the_runtime_is_an_error(crashing_model, tmp_path):
    path = tmp_path / "crash.tflite"
    path.write_bytes(crashing_model)
    with pytest.raises(ModelError, match=r"crash\.tflite: the runtime was aborted by this file"):
        observe_xnnpack(path)
    with pytest.raises(ModelError, match="cannot be read"):
        observe_xnnpack(tmp_path / "missing.tflite")


def test_a_model_is_prepared_but_not_run(endless_model):
    assert observe_xnnpack(endless_model).placements == ("cpu",)


def test_waiting_and_unknown_runtimes_end_in_errors(int8_model):
    with pytest.raises(DeviceTimeout, match=r"within 0\.01 s"):
        observe_xnnpack(int8_model, timeout_s=0.01)
    with pytest.raises(DeviceError, match="there is no runtime"):
        observe_xnnpack(int8_model, runtime="onnx")


def node(name: str, inputs: list[int], outputs: list[int]) -> dict[str, object]:
    return {"op_name": name, "inputs": inputs, "outputs": outputs}


def test_the_walk_stops_at_the_inputs_of_a_segment():
    own = [node("ADD", [0, 0], [1]), node("GATHER", [1, 9], [2]), node("MUL", [2, -1], [3]), node("NEG", [3], [4])]
    found = placements_of([*own, node("DELEGATE", [0], [1]), node("DELEGATE", [2], [4])])
    assert found == {"placements": ["xnnpack", "cpu", "xnnpack", "xnnpack"], "segments": 2}
    assert placements_of(own) == {"placements": ["cpu"] * 4, "segments": 0}


STATEFUL = [
    node("CALL_ONCE", [], []), node("VAR_HANDLE", [], [1]), node("READ_VARIABLE", [1], [2]), node("ADD", [2, 0], [3]),
    node("ASSIGN_VARIABLE", [1, 3], []), node("READ_VARIABLE", [1], [4]),
]  # fmt: skip


def test_what_a_segment_makes_and_does_not_give_is_read_within_it():
    found = placements_of([*STATEFUL, node("DELEGATE", [0], [4])], [4])
    assert found == {"placements": ["cpu", *["xnnpack"] * 5], "segments": 1}
    split = placements_of([*STATEFUL, node("DELEGATE", [2, 0], [3])], [4])
    assert split == {"placements": ["cpu", "cpu", "cpu", "xnnpack", "cpu", "cpu"], "segments": 1}


def test_what_nobody_reads_is_unknown_unless_the_model_gives_it():
    nodes = [node("ADD", [0, 0], [1]), node("NEG", [1], [2]), node("DELEGATE", [0], [1])]
    assert placements_of(nodes, [1])["placements"] == ["xnnpack", "unknown"]
    assert placements_of(nodes, [1, 2])["placements"] == ["xnnpack", "cpu"]
    assert placements_of(nodes)["placements"] == ["xnnpack", "cpu"]


@pytest.mark.parametrize("setting", ["litert-2.3", "tflite-runtime-2.14"])
def test_variables_run_where_they_are_predicted_to_run(stateful_model, setting):
    runtime = setting.rpartition("-")[0]
    if runtime not in NAMES:
        pytest.skip(f"needs {runtime}")
    observed = observe_xnnpack(stateful_model, runtime=runtime)
    report = check(TFLiteModel(stateful_model), f"arm_cpu@{setting}")
    assert [op.placement for op in report.ops] == list(observed.placements)
    assert observed.placements.count("xnnpack") == (4 if runtime == "litert" else 1)


def test_segments_have_to_fit_the_placements():
    with pytest.raises(ValueError, match="2 segments do not fit"):
        Observation(("cpu",), 2, "litert", "2.3.0")
