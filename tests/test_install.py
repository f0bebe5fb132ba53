"""The wheel, installed outside the repository with its base dependencies only."""

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ("setup.cfg", "pyproject.toml", "README.md", "toolkit", "calibration", "converters", "targets")
pytestmark = pytest.mark.xdist_group("install")


def run(*line, cwd, check=True):
    done = subprocess.run([str(part) for part in line], cwd=cwd, capture_output=True, text=True)
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"  # what an earlier build left in the checkout must not get into it
    source.mkdir()
    for name in SOURCES:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, source / name)
    run(sys.executable, "-m", "build", "--wheel", "--outdir", folder, source, cwd=folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def base(tmp_path_factory, wheel):
    """bin/ of an environment that holds Litesmith and what its base install brings."""
    folder = tmp_path_factory.mktemp("base")
    run(sys.executable, "-m", "venv", folder / "env", cwd=folder)
    run(folder / "env" / "bin" / "pip", "install", "-q", "-c", ROOT / "constraints.txt", wheel, cwd=folder)
    return folder / "env" / "bin"


def test_the_wheel_holds_litesmith_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.split("/")[0] for name in archive.namelist() if ".dist-info/" not in name}
    assert tops == {"litesmith"}


def test_the_base_install_brings_no_training_stack(base):
    listed = json.loads(run(base / "pip", "list", "--format=json", cwd=base).stdout)
    names = {package["name"].lower() for package in listed}
    assert {"litesmith", "numpy", "flatbuffers", "ai-edge-litert"} <= names
    assert not names & {"tensorflow", "tf-keras", "tf_keras", "keras", "transformers", "scikit-learn", "torch"}


@pytest.mark.parametrize(
    "arguments",
    [
        ("inspect", "int8.tflite"),
        ("check", "int8.tflite", "--target", "edge_tpu", "--target", "nnapi", "--target", "arm_cpu"),
        ("targets", "list"),
        ("targets", "show", "edge_tpu"),
        ("bench", "int8.tflite", "--on", "host", "--runs", "20"),
        ("doctor",),
    ],
    ids=lambda arguments: arguments[0],
)
def test_what_needs_no_training_works(base, golden, tmp_path, arguments):
    arguments = [str(golden / part) if part.endswith(".tflite") else part for part in arguments]
    document = json.loads(run(base / "litesmith", *arguments, "--json", cwd=tmp_path).stdout)
    assert document and "error" not in document


@pytest.mark.parametrize(
    "arguments", [("run", ROOT / "recipes" / "digits.toml", "--out", "o"), ("convert", "m.h5", "--out", "m.tflite")]
)
def test_what_needs_training_says_what_to_install(base, tmp_path, arguments):
    (tmp_path / "m.h5").write_bytes(b"")
    done = run(base / "litesmith", *arguments, *(["--quantize", "float32"] if "m.h5" in arguments else []),
               cwd=tmp_path, check=False)  # fmt: skip
    assert done.returncode == 2
    assert "pip install 'litesmith[train]'" in done.stderr and "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["m.h5"]
