"""`litesmith check` and `litesmith targets` through the command line itself."""

import json
import shutil
import zipfile
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
    assert out.count("error: static_shape, ops 0-5") == 1
    assert out.count("warning: float_model") == 1
    assert "tensor_types, op" not in out  # the line above says it of all
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


def test_a_broken_file_among_several_is_told_in_its_place(capsys, tmp_path):
    broken = tmp_path / "cut.tflite"
    broken.write_bytes(Path(INT8).read_bytes()[:2000])
    code, out, err = run(capsys, "check", INT8, str(broken), SPLIT, "--target", "edge_tpu", "--json")
    document = json.loads(out)
    assert (code, err) == (2, "")
    assert [model["model"] for model in document["models"]] == [INT8, str(broken), SPLIT]
    assert set(document["models"][1]) == {"model", "error"}
    assert document["models"][1]["error"]["type"] == ModelError.__name__
    assert [len(document["models"][place]["targets"]) for place in (0, 2)] == [1, 1]
    code, out, _ = run(capsys, "check", INT8, str(broken), SPLIT, "--target", "edge_tpu")
    assert code == 2
    assert f"error: {broken}: " in out


def test_several_files_and_targets_end_in_one_line_each(capsys):
    code, out, _ = run(capsys, "check", INT8, SPLIT, FLOAT, "--target", "edge_tpu", "--target", "arm_cpu")
    lines = [line.split() for line in out.split("\n\n\n")[-1].splitlines()[2:]]
    assert code == 1
    assert [line[0] for line in lines] == [INT8, INT8, SPLIT, SPLIT, FLOAT, FLOAT]
    assert [line[3:5] for line in lines[:3]] == [["6", "6"], ["6", "6"], ["2", "5"]]
    assert [line[-1] for line in lines] == ["met", "met", "met", "met", "unmet", "met"]
    assert out.split("\n\n\n")[-1].splitlines()[0].split()[-1] == "result"


def test_what_helps_most_is_told(capsys):
    _, out, _ = run(capsys, "check", SPLIT, "--target", "edge_tpu")
    assert "  what brings most operators back:\n    +2: op 2: Replace GATHER_ND" in out
    _, out, _ = run(capsys, "check", SPLIT, "--target", "edge_tpu", "--json")
    (gain,) = json.loads(out)["targets"][0]["gains"]
    assert (gain["ops"], gain["rules"], gain["mapped_more"]) == ([2], ["unsupported_op"], 2)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """What the compiler says of `SPLIT` when it leaves more than is predicted."""
    rows = [
        ("CONV_2D", 1, "Mapped to Edge TPU"),
        ("CONV_2D", 1, "More than one subgraph is not supported"),
        ("RESHAPE", 2, "More than one subgraph is not supported"),
        ("GATHER_ND", 1, "Operation not supported"),
    ]
    table = "\n".join(f"{op:<31}{count:<11}{status}" for op, count, status in rows)
    path = tmp_path / "gather_nd_int8_edgetpu.log"
    heading = "Operator                       Count      Status"
    path.write_text(f"Edge TPU Compiler version 16.0\nInput: gather_nd_int8.tflite\n\n{heading}\n\n{table}\n")
    return path


def test_a_compiler_log_stands_beside_the_prediction(capsys, log):
    arguments = ("check", SPLIT, "--target", "edge_tpu", "--target", "arm_cpu", "--compiler-log", str(log))
    code, out, _ = run(capsys, *arguments, "--json")
    targets = json.loads(out)["targets"]
    assert code == 0
    assert [(target["target"], target["basis"]) for target in targets][:2] == [
        ("edge_tpu@16", "predicted"),
        ("edge_tpu@16", "observed"),
    ]
    assert [target["basis"] for target in targets] == ["predicted", "observed", "predicted"]
    observed = targets[1]
    assert (observed["mapped"], observed["segments"]) == (1, None)
    assert [(row["op_index"], row["op"], row["predicted"], row["observed"]) for row in observed["differences"]] == [
        (1, "RESHAPE", "edge_tpu", "cpu")
    ]
    _, out, _ = run(capsys, *arguments)
    assert "edge_tpu@16 (observed in compiler log gather_nd_int8_edgetpu.log): 1 of 5 ops on edge_tpu" in out
    assert "The prediction is wrong about 1 of 5 operators:\n    op 1 RESHAPE: predicted edge_tpu, observed cpu" in out
    assert "More than one subgraph is not supported" in out


def test_what_the_compiler_did_decides_the_exit_code(capsys, tmp_path):
    failed = tmp_path / "int8_edgetpu.log"
    failed.write_text("Edge TPU Compiler version 16.0\nInternal compiler error. Aborting!\n")
    code, out, _ = run(capsys, "check", INT8, "--target", "edge_tpu", "--compiler-log", str(failed))
    assert code == 1
    assert "error: compiler_log" in out


def test_a_log_that_does_not_fit_is_told(capsys, log):
    log.write_text(log.read_text().replace("gather_nd_int8.tflite", "other.tflite").replace("16.0", "15.0"))
    code, out, _ = run(capsys, "check", SPLIT, "--target", "edge_tpu", "--compiler-log", str(log))
    assert code == 0
    assert "The log is about 'other.tflite', but the model is 'gather_nd_int8.tflite'." in out
    assert "--target edge_tpu@15" in out


def test_a_failed_compilation_says_nothing_of_the_prediction(capsys, tmp_path):
    failed = tmp_path / "int8_edgetpu.log"
    failed.write_text("Edge TPU Compiler version 16.0.384591198\nInvalid model: int8.tflite\nModel not quantized\n")
    code, out, _ = run(capsys, "check", INT8, "--target", "edge_tpu", "--compiler-log", str(failed))
    assert code == 1
    assert "The compiler wrote no file: Invalid model: int8.tflite: Model not quantized" in out
    assert "The prediction is wrong" not in out
    assert "fix: Quantize the model to full integer" in out


def test_a_compiled_file_is_checked_as_what_it_is(capsys, real_data):
    path = str(real_data / "edgetpu_pairs" / "test_data__deeplabv3_mnv2_dm05_pascal_quant_edgetpu.tflite")
    code, out, _ = run(capsys, "check", path, "--target", "edge_tpu")
    assert code == 0
    assert "This is the compiler's output already" in out
    assert "It is compiled for the Edge TPU" in run(capsys, "check", path, "--target", "arm_cpu")[1]


def test_a_target_given_twice_is_taken_once(capsys):
    _, out, _ = run(
        capsys, "check", INT8, "--target", "edge_tpu", "--target", "edge_tpu@16", "--target", "gpu", "--json"
    )
    assert [report["target"].split("@")[0] for report in json.loads(out)["targets"]] == ["edge_tpu", "gpu"]


@pytest.mark.parametrize("content", [Path(INT8).read_bytes(), b"no model"])
def test_an_end_of_line_in_a_name_stays_in_its_line(capsys, tmp_path, content):
    path = tmp_path / "new\nline\r.tflite"
    path.write_bytes(content)
    _, out, err = run(capsys, "check", str(path), "--target", "edge_tpu")
    assert "new?line?.tflite" in out + err
    assert len(err.splitlines()) <= 1
    _, out, _ = run(capsys, "check", str(path), INT8, "--target", "edge_tpu")
    assert out.count("new?line?.tflite") == 2
    assert "new\nline" not in out


def test_notes_about_a_target_are_told_once_for_several_files(capsys):
    _, one, _ = run(capsys, "check", INT8, "--target", "nnapi@29")
    _, several, _ = run(capsys, "check", INT8, SPLIT, "--target", "nnapi@29", "--target", "nnapi@30")
    assert one.count("info: note") == several.count("info: note") == 2
    _, out, _ = run(capsys, "check", INT8, SPLIT, "--target", "nnapi@29", "--json")
    for model in json.loads(out)["models"]:
        assert [one["rule"] for one in model["targets"][0]["findings"]].count("note") == 2


@pytest.mark.parametrize(
    ("model", "target", "code"), [(INT8, "edge_tpu", 0), (SPLIT, "edge_tpu", 1), (SPLIT, "arm_cpu", 1)]
)
def test_everything_on_the_accelerator_can_be_demanded(capsys, model, target, code):
    assert run(capsys, "check", model, "--target", target)[0] == 0
    assert run(capsys, "check", model, "--target", target, "--require-all")[0] == code
    _, out, _ = run(capsys, "check", model, INT8, "--target", target, "--require-all")
    assert [line.split()[-1] for line in out.splitlines()[-2:]] == [("met", "unmet")[code], "met"]


@pytest.mark.parametrize(("share", "code"), [("0", 0), ("0.75", 0), ("0.9", 1), ("1.5", 2), ("nan", 2)])
def test_a_share_on_the_accelerator_can_be_demanded(capsys, share, code):
    file = str(GOLDEN / "int8_float_io.tflite")  # 6 of 8 operators
    assert run(capsys, "check", file, "--target", "edge_tpu", "--require-share", share)[0] == code


def test_what_was_observed_decides_whether_everything_is_there(capsys, log):
    rows = "\n".join(
        f"{op:<31}{count:<11}Mapped to Edge TPU" for op, count in (("CONV_2D", 2), ("RESHAPE", 2), ("GATHER_ND", 1))
    )
    log.write_text(f"{log.read_text().partition('Status')[0]}Status\n\n{rows}\n")
    arguments = ("check", SPLIT, "--target", "edge_tpu", "--require-all")
    assert run(capsys, *arguments)[0] == 1
    assert run(capsys, *arguments, "--compiler-log", str(log))[0] == 0


def test_help_says_what_the_exit_codes_mean(capsys):
    with pytest.raises(SystemExit):
        main(["check", "--help"])
    out = capsys.readouterr().out
    assert "exit codes:\n  0  every target is met\n  1  one is not" in out
    assert "example: litesmith check" in out


def test_a_zip_file_is_called_one(capsys, tmp_path):
    path = tmp_path / "model.tflite"
    with zipfile.ZipFile(path, "w") as file:
        file.write(INT8, "int8.tflite")
    code, _, err = run(capsys, "check", str(path), "--target", "edge_tpu")
    assert code == 2
    assert "this is a zip file" in err


def test_a_compiled_file_stands_beside_the_prediction(capsys, real_data):
    stem = str(real_data / "edgetpu_pairs" / "test_data__deeplabv3_mnv2_dm05_pascal_quant")
    arguments = ("check", f"{stem}.tflite", "--target", "edge_tpu", "--compiled", f"{stem}_edgetpu.tflite")
    code, out, _ = run(capsys, *arguments)
    assert code == 0
    assert ": 64 of 72 ops on edge_tpu in 1 segment; first break at op 64 RESIZE_BILINEAR" in out
    assert "The prediction agrees." in out


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        ([INT8, FLOAT, "--target", "edge_tpu", "--compiled", INT8], "--compiled belongs to one model, but 2 are given"),
        ([INT8, "--target", "nnapi", "--compiler-log", INT8], "--compiler-log is about the Edge TPU"),
        (
            [INT8, "--target", "edge_tpu", "--compiled", SPLIT],
            "holds no edgetpu-custom-op; is it the compiler's output?",
        ),
        ([INT8, "--target", "edge_tpu", "--compiler-log", INT8], "is no log of edgetpu_compiler"),
        ([INT8, "--target", "edge_tpu", "--compiler-log", "missing.log"], "missing.log: cannot be read"),
    ],
)
def test_what_was_observed_has_to_belong_to_the_model(capsys, arguments, part):
    code, out, err = run(capsys, "check", *arguments)
    assert (code, out) == (2, "")
    assert part in err


def test_targets_list(capsys):
    code, out, _ = run(capsys, "targets", "list", "--json")
    entries = json.loads(out)["targets"]
    assert code == 0
    names = [entry["name"] for entry in entries]
    assert names == sorted(names)
    assert {"arm_cpu", "edge_tpu", "nnapi"} <= set(names)
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
    assert all(name in err for name in ("arm_cpu", "edge_tpu", "nnapi"))
