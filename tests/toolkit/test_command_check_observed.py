"""`litesmith check --observe` through the command line itself: what installed runtimes and compilers did."""

import json
import subprocess
import sys
from pathlib import Path

import flatbuffers
import pytest
from ai_edge_litert import schema_py_generated as schema

from litesmith.cli import main
from litesmith.targets import observed_vela, runtimes
from litesmith.targets.observed_vela import vela_version

GOLDEN = Path(__file__).parents[1] / "golden"
INT8, SPLIT, FLOAT = (str(GOLDEN / f"{name}.tflite") for name in ("int8", "gather_nd_int8", "float32"))
WITH_VELA = pytest.mark.skipif(vela_version() is None, reason="needs ethos-u-vela: pip install '.[ethos-u]'")


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(["check", *arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_what_the_runtime_did_stands_beside_the_prediction(capsys):
    code, out, _ = run(capsys, SPLIT, "--target", "arm_cpu", "--observe", "--json")
    predicted, observed = json.loads(out)["targets"]
    assert code == 0
    assert (predicted["basis"], observed["basis"]) == ("predicted", "observed")
    assert (observed["mapped"], observed["segments"], observed["differences"]) == (4, 2, [])
    assert observed["observed_in"].startswith(str(runtimes.get("litert")))
    assert ("memory" in predicted, "memory" in observed) == (True, False)
    text = run(capsys, SPLIT, "--target", "arm_cpu", "--observe")[1]
    assert f"arm_cpu@litert-2.3 (observed in {observed['observed_in']}): 4 of 5 ops on xnnpack in 2 segments" in text
    assert "The prediction agrees." in text


@WITH_VELA
def test_vela_tells_its_estimate_and_says_that_it_is_none_of_a_device(capsys):
    code, out, _ = run(capsys, INT8, "--target", "ethos_u55", "--observe", "--json")
    observed = json.loads(out)["targets"][1]
    estimate = observed["estimate"]
    assert (code, observed["mapped"], observed["observed_in"]) == (0, 6, f"Vela {vela_version()} for ethos-u55-128")
    assert estimate["basis"] == "estimated by the compiler, not measured"
    assert min(estimate[key] for key in ("sram_bytes", "flash_bytes", "cycles", "macs")) > 0
    text = run(capsys, INT8, "--target", "ethos_u55", "--observe")[1]
    assert "Vela's estimate, no measurement: " in text
    assert f"{estimate['cycles']:,} cycles of the accelerator" in text


@WITH_VELA
def test_a_file_that_vela_refuses_is_an_observation(capsys, tmp_path):
    model = schema.ModelT.InitFromPackedBuf(Path(INT8).read_bytes())
    graph = model.subgraphs[0]
    graph.tensors[graph.outputs[0]].type = schema.TensorType.BOOL
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    path = tmp_path / "bool.tflite"
    path.write_bytes(bytes(builder.Output()))
    code, out, _ = run(capsys, str(path), "--target", "ethos_u55", "--observe")
    assert code == 1
    assert "error: refused" in out
    assert "Vela could not compile it" in out
    assert "the predicted placements cannot be compared" in out


@WITH_VELA
def test_several_files_and_targets_are_each_observed(capsys):
    targets = ("--target", "arm_cpu", "--target", "ethos_u55", "--target", "micro")
    code, out, _ = run(capsys, INT8, SPLIT, *targets, "--observe", "--json")
    for model in json.loads(out)["models"]:
        told = [(report["target"].split("@")[0], report["basis"]) for report in model["targets"]]
        pairs = [(name, basis) for name in ("arm_cpu", "ethos_u55") for basis in ("predicted", "observed")]
        assert told == [*pairs, ("micro", "predicted")]
    assert code == 0
    text = run(capsys, INT8, SPLIT, *targets, "--observe")[1]
    overview = [line.split()[2] for line in text.split("\n\n\n")[-1].splitlines()[2:]]
    assert overview == 2 * ["predicted", "observed", "predicted", "observed", "predicted"]


@pytest.mark.parametrize("target", ["nnapi", "gpu", "micro", "edge_tpu"])
def test_a_target_that_cannot_be_asked_says_what_would_tell(capsys, target):
    code, out, _ = run(capsys, INT8, "--target", "arm_cpu", "--target", target, "--observe", "--json")
    (report,) = [report for report in json.loads(out)["targets"] if report["target"].startswith(target)]
    (line,) = [finding for finding in report["findings"] if finding["rule"] == "not_observed"]
    assert (code, report["basis"], line["severity"]) == (0, "predicted", "info")
    assert "Nothing here can be asked" in line["message"]
    assert line["fix"]


def test_targets_of_which_none_can_be_asked_are_an_error(capsys):
    code, out, err = run(capsys, INT8, "--target", "nnapi", "--target", "edge_tpu", "--observe")
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert "--observe: nothing here can be asked" in err
    assert "--compiled" in err


def test_a_compiled_file_is_what_the_edge_tpu_is_asked_for(capsys, real_data):
    stem = str(real_data / "edgetpu_pairs" / "test_data__split_concat")
    arguments = (f"{stem}.tflite", "--target", "edge_tpu", "--compiled", f"{stem}_edgetpu.tflite", "--observe")
    code, out, _ = run(capsys, *arguments, "--json")
    assert code == 0
    assert [report["basis"] for report in json.loads(out)["targets"]] == ["predicted", "observed"]


def test_a_runtime_that_is_not_installed_is_told_before_a_model_is_read(capsys, monkeypatch):
    monkeypatch.setattr(runtimes, "_version", lambda distributions: None)
    code, _, err = run(capsys, "missing.tflite", "--target", "arm_cpu", "--observe")
    assert code == 3
    assert "the runtime litert is not installed" in err


def test_without_vela_the_error_says_how_to_get_it(capsys, monkeypatch):
    monkeypatch.setattr(observed_vela, "PACKAGE", "ethos-u-vela-of-another-name")
    code, _, err = run(capsys, INT8, "--target", "ethos_u55", "--observe")
    assert code == 3
    assert "pip install 'litesmith[ethos-u]'" in err


def test_a_refused_model_exits_like_an_unmet_target(capsys, tmp_path, real_data):
    name = "edgetpu__deeplabv3_mnv2_dm05_pascal_quant.tflite"
    code, out, _ = run(capsys, str(real_data / "edgetpu_pairs" / name), "--target", "arm_cpu", "--observe")
    assert code == 1
    assert "failed to delegate RESIZE_BILINEAR" in out


def test_no_runtime_is_imported_without_observe():
    code = (
        "import sys; from litesmith.cli import main; "
        f"main(['check', {INT8!r}, '--target', 'arm_cpu', '--target', 'ethos_u55']); "
        "print({'ai_edge_litert.interpreter', 'tflite_runtime', 'tensorflow', 'ethosu', "
        "'litesmith.targets.observed'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "set()"
