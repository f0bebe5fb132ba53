import argparse
import hashlib
import json
import subprocess
import sys
from pathlib import Path

import flatbuffers
import pytest
from ai_edge_litert import schema_py_generated as schema

from litesmith.cli import main
from litesmith.commands import inspect
from litesmith.errors import ModelError

GOLDEN = Path(__file__).parents[1] / "golden"


def answer(path):
    parser = argparse.ArgumentParser()
    inspect.add_arguments(parser)
    return inspect.execute(parser.parse_args([str(path)]))


def test_the_document_says_what_the_file_is():
    path = GOLDEN / "int8_half_zeros.tflite"
    document = dict(answer(path).document)
    gzip_bytes = document.pop("gzip_bytes")
    assert 0 < gzip_bytes < document["bytes"]
    scales = [document[side][0].pop("scale") for side in ("inputs", "outputs")]
    assert scales[0] == pytest.approx(1 / 255, rel=1e-2) and scales[1] > 0
    assert -128 <= document["outputs"][0].pop("zero_point") <= 127
    assert document == {
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "bytes": path.stat().st_size,
        "label": "full-int8",
        "float_tensors": [],
        "ops": {
            "CONV_2D": {"count": 2, "max_version": 3},
            "DEPTHWISE_CONV_2D": {"count": 1, "max_version": 3},
            "FULLY_CONNECTED": {"count": 1, "max_version": 4},
            "MAX_POOL_2D": {"count": 1, "max_version": 2},
            "RESHAPE": {"count": 1, "max_version": 1},
        },
        "oldest_runtime": "2.10.0",
        "weight_sparsity": 0.5,
        "inputs": [{"name": "serving_default_image:0", "shape": [1, 8, 8, 1], "dtype": "int8", "zero_point": -128}],
        "outputs": [{"name": "StatefulPartitionedCall:0", "shape": [1, 10], "dtype": "int8"}],
        "metadata": {"min_runtime_version": "1.14.0", "CONVERSION_METADATA": 96},
        "described": None,
        "subgraphs": [{"name": "main", "ops": 6}],
        "signatures": [
            {"key": "serving_default", "subgraph": 0, "inputs": ("image",), "outputs": ("output_0",)},
        ],
        "control_flow": [],
        "unknown": [],
        "free_tensors": 0,
        "external": {"tensors": 0, "files": []},
    }


def test_a_float_interface_has_no_scale_and_a_free_batch_is_minus_one():
    document = answer(GOLDEN / "dynamic_batch_float.tflite").document
    assert document["inputs"] == [
        {"name": "serving_default_image:0", "shape": [-1, 8, 8, 1], "dtype": "float32", "scale": None,
         "zero_point": None}
    ]  # fmt: skip
    assert len(document["float_tensors"]) == 15


def test_the_text_has_the_label_the_reason_and_the_facts():
    text = answer(GOLDEN / "int8_half_zeros.tflite").text
    for fact in (
        "full-int8\n",
        "no tensor is float",
        "50.0% of the weights",
        "meant: 2.10.0; older ones take the first scale of the weights for all channels (FULLY_CONNECTED)\n",
        "1x8x8x1",
        "CONV_2D",
    ):
        assert fact in text
    assert "float tensors (" not in text


@pytest.mark.parametrize("name", ["mixed_float_island", "int8_float_io", "dynamic_range"])
def test_the_text_names_the_float_tensors_where_they_surprise(name):
    text = answer(GOLDEN / f"{name}.tflite").text
    assert "float tensors (" in text
    assert "'serving_default_image:0' (float32): graph input ->" in text


def test_names_in_the_file_cannot_steer_the_terminal(tmp_path):
    model = schema.ModelT.InitFromPackedBuf((GOLDEN / "int8.tflite").read_bytes())
    model.subgraphs[0].tensors[0].name = "\x1b[2Jimage\r"
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    path = tmp_path / "escape.tflite"
    path.write_bytes(builder.Output())
    found = answer(path)
    assert found.document["inputs"][0]["name"] == "\x1b[2Jimage\r"
    assert "?[2Jimage?" in found.text and "\x1b" not in found.text and "\r" not in found.text


def test_signatures_are_listed_with_their_subgraphs(tmp_path):
    model = schema.ModelT.InitFromPackedBuf((GOLDEN / "int8.tflite").read_bytes())
    second = schema.ModelT.InitFromPackedBuf((GOLDEN / "int8.tflite").read_bytes()).signatureDefs[0]
    second.signatureKey, second.subgraphIndex = b"again\n", 1
    model.subgraphs.append(model.subgraphs[0])
    model.signatureDefs.append(second)
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    path = tmp_path / "two.tflite"
    path.write_bytes(builder.Output())
    found = answer(path)
    assert [entry["subgraph"] for entry in found.document["signatures"]] == [0, 1]
    assert "signatures:\n  serving_default: image -> output_0 (subgraph 0)\n  again?: image -> output_0" in found.text
    assert "operators of all 2 subgraphs:" in found.text
    assert "operators of all" not in answer(GOLDEN / "int8.tflite").text


def test_signatures_that_cannot_be_are_an_error_that_names_the_file(tmp_path):
    content = bytearray((GOLDEN / "int8.tflite").read_bytes())
    table = schema.Model.GetRootAs(content, 0)._tab
    length = table.Vector(table.Offset(18)) - 4  # of the vector of signatures, before its items
    assert content[length : length + 4] == b"\1\0\0\0"
    content[length : length + 4] = b"\xff\xff\xff\x7f"
    path = tmp_path / "many.tflite"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"many\.tflite: the flatbuffer is damaged"):
        answer(path)


def test_a_damaged_file_is_an_error_that_names_it(tmp_path):
    path = tmp_path / "half.tflite"
    path.write_bytes((GOLDEN / "int8.tflite").read_bytes()[:4000])
    with pytest.raises(ModelError, match=r"half\.tflite: the flatbuffer is damaged or truncated"):
        answer(path)


def test_the_command_prints_one_json_document(capsys):
    assert main(["inspect", str(GOLDEN / "int8_residual.tflite"), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["label"] == "full-int8" and document["ops"]["SOFTMAX"]["count"] == 1


def test_the_command_answers_bad_input_with_two(capsys, tmp_path):
    assert main(["inspect", str(tmp_path / "absent.tflite"), "--json"]) == 2
    captured = capsys.readouterr()
    assert json.loads(captured.out)["error"]["type"] == "ModelError"
    assert "absent.tflite: cannot be read" in captured.err


def test_it_needs_neither_tensorflow_nor_a_runtime():
    code = (
        "import argparse, sys; from litesmith.commands import inspect; from pathlib import Path;"
        "inspect.execute(argparse.Namespace(model=Path(sys.argv[1])));"
        "print({'tensorflow', 'tf_keras', 'ai_edge_litert.interpreter'} & set(sys.modules))"
    )
    path = str(GOLDEN / "int8.tflite")
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_int16_activations_need_a_later_runtime_than_the_operators_say():
    document = answer(GOLDEN / "int16x8.tflite").document
    assert document["ops"]["CONV_2D"]["max_version"] == 3
    assert document["oldest_runtime"] == "2.10.0"
