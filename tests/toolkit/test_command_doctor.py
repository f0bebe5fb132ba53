import argparse
import json
import subprocess
import sys
from importlib import metadata

import pytest

from litesmith.commands import doctor

GOOD = {
    "numpy": "1.26.4", "flatbuffers": "25.2.10", "ai-edge-litert": "2.3.0", "tflite-runtime": "2.14.0",
    "ml-dtypes": "0.5.4", "tensorflow": "2.21.0", "tf-keras": "2.21.0",
}  # fmt: skip
BASE = {"numpy": "2.4.1", "flatbuffers": "25.2.10", "ai-edge-litert": "2.3.0", "ml-dtypes": "0.6.0"}


@pytest.mark.parametrize("versions", [GOOD, BASE, {**GOOD, "tf-keras": "2.21.1"}])
def test_combinations_that_work_have_no_problems(versions):
    assert doctor.find_problems(versions) == []


@pytest.mark.parametrize(
    ("versions", "message", "fix"),
    [
        ({}, "needs numpy, flatbuffers, ai-edge-litert", "pip install numpy flatbuffers ai-edge-litert"),
        ({**GOOD, "ai-edge-litert": None}, "needs ai-edge-litert", "pip install ai-edge-litert"),
        ({**GOOD, "numpy": "2.4.1"}, "tflite-runtime 2.14.0 was built for numpy 1", '"numpy<2"'),
        ({**GOOD, "ml-dtypes": "0.6.0"}, "ml_dtypes 0.6.0 needs numpy 2", '"ml_dtypes<0.6"'),
        ({**GOOD, "tf-keras": None}, "without tf_keras", '"tf_keras==2.21.*"'),
        ({**GOOD, "tf-keras": "2.20.1"}, "different releases", '"tf_keras==2.21.*"'),
    ],
)
def test_every_bad_combination_is_found_with_a_fix(versions, message, fix):
    (problem,) = doctor.find_problems(versions)
    assert message in problem.message
    assert fix in problem.fix


@pytest.mark.parametrize(("setting", "problems"), [(None, 0), ("1", 0), ("True", 0), ("0", 1), ("yes", 1)])
def test_a_setting_that_brings_keras_3_is_found(setting, problems):
    assert len(doctor.find_problems(GOOD, setting)) == problems
    assert doctor.find_problems(BASE, setting) == []


def test_this_installation_is_described():
    answer = doctor.execute(argparse.Namespace())
    document = json.loads(json.dumps(answer.document))
    assert document["packages"]["numpy"] == {"version": metadata.version("numpy"), "brought_by": "litesmith"}
    assert document["packages"]["tensorflow"]["brought_by"] == "litesmith[train]"
    assert document["packages"]["transformers"]["brought_by"] == "litesmith[huggingface]"
    assert document["packages"]["tflite-runtime"]["brought_by"] == "litesmith[tflite-runtime]"
    assert document["machine"]["cores"] >= 1
    assert document["machine"]["memory_bytes"] > 2**28
    assert answer.exit_code == (1 if document["problems"] else 0)
    assert all(problem["fix"] in answer.text for problem in document["problems"])
    assert f"ai-edge-litert                 {metadata.version('ai-edge-litert')}" in answer.text


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("raise ImportError('libfoo.so: not found')", "cannot be imported (libfoo.so: not found)"),
        ("import os; os.abort()", "litert crashes when it is imported"),
    ],
)
def test_a_runtime_that_cannot_be_imported_is_a_problem(tmp_path, content, message):
    """A broken copy of LiteRT stands before the real one on the path of the child process."""
    broken = tmp_path / "ai_edge_litert"
    broken.mkdir()
    (broken / "__init__.py").write_text("")
    (broken / "interpreter.py").write_text(content)
    code = (
        "import argparse, os; from litesmith.commands import doctor;"
        "os.environ['PYTHONPATH'] = os.environ['BROKEN']; answer = doctor.execute(argparse.Namespace());"
        "print(answer.text); raise SystemExit(answer.exit_code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={"BROKEN": str(tmp_path)})
    assert done.returncode == 1
    assert message in done.stdout
    assert "pip install --force-reinstall ai-edge-litert" in done.stdout


def test_looking_imports_none_of_the_packages():
    code = (
        "import argparse, sys; from litesmith.commands import doctor; doctor.execute(argparse.Namespace());"
        "print(sorted({'tensorflow', 'tf_keras', 'ai_edge_litert', 'tflite_runtime'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
