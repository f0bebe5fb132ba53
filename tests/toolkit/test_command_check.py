"""`litesmith check` and `litesmith targets` through the command line itself."""

import json
import shutil
from pathlib import Path

import pytest

from litesmith.cli import main
from litesmith.errors import ModelError

GOLDEN = Path(__file__).parents[1] / "golden"
INT8, FLOAT, SPLIT = (str(GOLDEN / f"{name}.tflite") for name in ("int8", "dynamic_batch_float", "gather_nd_int8"))


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(list(arguments))
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_one_model_gives_one_document(capsys):
    code, out, err = run(capsys, "check", INT8, "--target", "edge_tpu", "--target", "nnapi@30", "--json")
    document = json.loads(out)
    assert (code, err) == (0, "")
    assert set(document) == {"model", "sha256", "label", "targets"}
    assert (document["model"], document["label"]) == (INT8, "full-int8")
    assert [target["target"] for target in document["targets"]] == ["edge_tpu@16", "nnapi@30"]
    first = document["targets"][0]["ops"][0]
    assert first == {"index": 0, "op": "CONV_2D", "placement": "edge_tpu", "rule": None, "reason": None}


def test_several_models_give_a_list_and_one_bad_model_decides_the_exit_code(capsys):
    code, out, _ = run(capsys, "check", INT8, FLOAT, "--target", "edge_tpu", "--json")
    document = json.loads(out)
    assert code == 1
    assert [model["model"] for model in document["models"]] == [INT8, FLOAT]
    findings = document["models"][1]["targets"][0]["findings"]
    assert set(findings[0]) == {"rule", "op_index", "severity", "message", "fix", "source"}


def test_the_text_sums_up_and_groups_equal_findings(capsys):
    code, out, _ = run(capsys, "check", FLOAT, "--target", "edge_tpu")
    assert code == 1
    assert "edge_tpu@16 (predicted): 0 of 6 ops on edge_tpu in 0 segments; first break at op 0 CONV_2D: " in out
    assert out.count("tensor_types") == 1
    assert "ops 0-5" in out
    assert out.index("error: ") < out.index("warning: ")


def test_the_text_names_the_break_and_how_to_mend_it(capsys):
    code, out, _ = run(capsys, "check", SPLIT, "--target", "edge_tpu")
    assert code == 0
    assert "GATHER_ND is not among the operators that the accelerator takes." in out
    assert "one_segment" in out
    assert "    fix: Replace GATHER_ND" in out


def test_a_large_float_model_stays_readable(capsys, real_data):
    model = real_data / "edgetpu_pairs" / "facemesh_edg__face_detection_front_128_full_integer_quant.tflite"
    _, out, _ = run(capsys, "check", str(model), "--target", "edge_tpu", "--target", "nnapi", "--target", "arm_cpu")
    assert len(out.splitlines()) < 80


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["missing.tflite", "--target", "edge_tpu"], "missing.tflite: cannot be read"),
        ([INT8, "--target", "edgetpu"], "did you mean 'edge_tpu'"),
        ([INT8, "--target", "nnapi@12"], "choose one of 27"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(capsys, arguments, part):
    code, out, err = run(capsys, "check", *arguments)
    assert (code, out) == (2, "")
    assert part in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize("keep", [0, 4, 100, 2000])
def test_a_truncated_model_is_bad_input(capsys, tmp_path, keep):
    path = tmp_path / "cut.tflite"
    path.write_bytes(Path(INT8).read_bytes()[:keep])
    code, out, err = run(capsys, "check", str(path), "--target", "edge_tpu", "--json")
    assert code == 2
    assert json.loads(out)["error"]["type"] == ModelError.__name__
    assert str(path) in err


def test_control_characters_of_a_file_do_not_reach_the_terminal(capsys, tmp_path):
    path = tmp_path / "a\x1b[31mred.tflite"
    shutil.copy(INT8, path)
    _, out, _ = run(capsys, "check", str(path), "--target", "edge_tpu")
    assert "\x1b" not in out


def test_a_target_has_to_be_named(capsys):
    assert main(["check", INT8]) == 2
    assert "--target" in capsys.readouterr().err


def test_targets_list(capsys):
    code, out, _ = run(capsys, "targets", "list", "--json")
    entries = json.loads(out)["targets"]
    assert code == 0
    assert [entry["name"] for entry in entries] == ["arm_cpu", "edge_tpu", "nnapi"]
    assert all(entry["default"] in entry["values"] for entry in entries)
    assert "edge_tpu" in run(capsys, "targets", "list")[1]


def test_targets_show(capsys):
    code, out, _ = run(capsys, "targets", "show", "nnapi@29", "--json")
    document = json.loads(out)
    assert (code, document["target"]) == (0, "nnapi@29")
    assert document["ops"]["MEAN"]["rules"][0]["rule"] == "op_version"
    text = run(capsys, "targets", "show", "edge_tpu")[1]
    assert "edge_tpu@16: Google Coral Edge TPU" in text
    assert "recalled" in text


def test_listing_takes_no_name(capsys):
    code, out, err = run(capsys, "targets", "list", "edge_tpu")
    assert (code, out) == (2, "")
    assert "litesmith targets show edge_tpu" in err


@pytest.mark.parametrize("arguments", [["show"], ["show", "nnap"]])
def test_showing_an_unknown_target_is_bad_input(capsys, arguments):
    code, _, err = run(capsys, "targets", *arguments)
    assert code == 2
    assert "arm_cpu, edge_tpu, nnapi" in err
