"""The Python program of docs/embedded.md, run as a user runs it: in a process of its own, without Litesmith."""

import hashlib
import importlib.util
import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from litesmith.bundle import FILES, FORMAT, LABELS_FILE, MANIFEST_FILE, PREPROCESS_FILE, read_bundle, replace_folder
from litesmith.converters.metadata import labels_text
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.data import load_dataset
from litesmith.golden import MODEL_FILE, VECTORS_FILE, make_golden
from litesmith.golden_vectors import read_golden

EXAMPLE = Path(__file__).resolve().parent.parent / "docs" / "examples" / "raspberry_pi.py"
MODELS = ("int8", "int8_uint8_io", "int8_float_io", "int16x8", "float32")
# What each runtime's process has to run before the example.
RUNTIMES = {"tflite_runtime": "", "ai_edge_litert": "sys.modules['tflite_runtime'] = None"}
START = """
import runpy, sys
{before}
sys.argv[0] = {example!r}
runpy.run_path({example!r}, run_name="__main__")
watched = ("tflite_runtime", "ai_edge_litert", "tensorflow", "litesmith")
print("loaded", *(name for name in watched if sys.modules.get(name)))
"""
SAME_NUMBERS = """
import runpy, sys
import numpy as np
from litesmith.calibration.affine import quantize
from litesmith.calibration.preprocess import Preprocess

example = runpy.run_path(sys.argv[1])
draw = np.random.default_rng(0)
scales = [0.0039215688593685627, 0.1, 1.0, 3e-8]
for dtype in ("int8", "uint8", "int16"):
    for scale, zero_point in zip(scales, (0, 3, 100, 127)):
        x = np.append(draw.normal(0, 300 * scale, 500), np.arange(-50, 50) * scale / 2).astype(np.float32)
        x = np.append(x, np.float32([3e38, -3e38, 0.0]))
        tensor = {"quantization": (scale, zero_point), "dtype": dtype}
        assert np.array_equal(example["quantize"](x, tensor), quantize(x, scale, zero_point, dtype)), (dtype, scale)
for contract in (
    Preprocess((4, 4, 3), scale=(0.0078125, 0.01, 0.3), offset=(-1.0, 0.1, 0.7)),
    Preprocess((8, 8, 1), scale=0.0625, block=4, fit="letterbox", resize="area"),
    Preprocess((7,), kind="tensor", scale=0.3, offset=-0.1),
):
    raw = draw.integers(0, 17, contract.shape).astype(np.uint8)
    assert np.array_equal(example["preprocess"](raw, contract.to_dict()), contract.apply(raw)), contract
print("same")
"""

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("tflite_runtime") is None, reason="tflite-runtime is not installed"
)


@dataclass(frozen=True)
class Done:
    """What the example did."""

    code: int
    out: str
    err: str


def start(code: str, *arguments: object) -> Done:
    done = subprocess.run([sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True)
    return Done(done.returncode, done.stdout, done.stderr)


def run_example(*arguments: object, runtime: str = "tflite_runtime") -> Done:
    return start(START.format(before=RUNTIMES[runtime], example=str(EXAMPLE)), *arguments)


def seal(folder: Path) -> None:
    """Write the manifest that the files have now."""
    files = {name: (folder / name).read_bytes() for name in FILES}
    entries = {
        name: {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)} for name, content in files.items()
    }
    manifest = json.dumps({"format": FORMAT, "version": 1, "name": "digits", "files": entries})
    (folder / MANIFEST_FILE).write_text(manifest, encoding="utf-8")
    read_bundle(folder)


@pytest.fixture(scope="module")
def bundles(tmp_path_factory, golden) -> dict[str, Path]:
    """A bundle of each model."""
    digits = load_dataset("digits", base=Path(), image_shape=None, scale=None, offset=None)
    made = {name: tmp_path_factory.mktemp(name) / "bundle" for name in MODELS}
    for name, folder in made.items():
        content = (golden / f"{name}.tflite").read_bytes()
        vectors = make_golden(TFLiteModel(content), digits.select(np.arange(40), "few"), quantization_aware=False)
        contents = {
            MODEL_FILE: content,
            LABELS_FILE: labels_text([f"digit {name}" for name in digits.class_names]).encode(),
            PREPROCESS_FILE: digits.preprocess.to_json().encode(),
            VECTORS_FILE: vectors.to_json().encode(),
            "MODEL_CARD.md": b"# digits\n",
        }
        replace_folder(folder, contents)
        seal(folder)
    return made


@pytest.fixture
def bundle(bundles, tmp_path) -> Path:
    """A bundle of an int8 model that a test may change."""
    return Path(shutil.copytree(bundles["int8"], tmp_path / "bundle"))


@pytest.fixture
def sample(tmp_path) -> Path:
    """Counts that any model of digits takes."""
    path = tmp_path / "sample.npy"
    np.save(path, np.full((8, 8, 1), 5, np.uint8))
    return path


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("name", MODELS)
def test_it_names_what_was_recorded(bundles, tmp_path, name, runtime):
    golden = read_golden(bundles[name] / VECTORS_FILE)
    vector = golden.vectors[3]
    np.save(tmp_path / "sample.npy", vector.input[0] * 16)

    done = run_example(bundles[name], tmp_path / "sample.npy", runtime=runtime)
    self_test, label, loaded = done.out.splitlines()

    assert self_test.startswith(f"self-test: {len(golden.vectors)} golden vectors are right, at most ")
    assert label.startswith(f"digit {vector.predicted} (logit ")
    logit = float(label.removesuffix(")").split()[-1])
    assert abs(logit - vector.output.max()) <= golden.tolerance.steps * golden.tolerance.step + 0.01
    assert loaded == f"loaded {runtime}"


def test_it_computes_the_same_numbers_as_litesmith():
    done = start(SAME_NUMBERS, EXAMPLE)
    assert done.out == "same\n", done.err


@pytest.mark.parametrize("name", [MODEL_FILE, LABELS_FILE, PREPROCESS_FILE])
def test_a_changed_file_is_refused(bundle, name):
    content = bytearray((bundle / name).read_bytes())
    content[len(content) // 2] ^= 1
    (bundle / name).write_bytes(content)

    done = run_example(bundle)

    assert (done.code, done.out) == (1, "")
    assert done.err.startswith(f"{bundle / name}: was changed: sha256 is {hashlib.sha256(content).hexdigest()}, ")


def test_another_model_fails_the_self_test(bundle, golden):
    shutil.copy(golden / "int8_half_zeros.tflite", bundle / MODEL_FILE)
    seal(bundle)
    done = run_example(bundle)
    assert (done.code, done.out) == (1, "")
    assert "self-test: sample " in done.err


@pytest.mark.parametrize(("key", "value"), [("version", 3), ("kind", "text"), ("crop", 0.5), ("layout", "nchw")])
def test_a_step_that_it_does_not_do_is_refused(bundle, sample, key, value):
    contract = json.loads((bundle / PREPROCESS_FILE).read_text())
    (bundle / PREPROCESS_FILE).write_text(json.dumps({**contract, key: value}))
    seal(bundle)
    done = run_example(bundle, sample)
    assert done.code == 1
    assert f"this program does not do {key} {value!r}; " in done.err


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (np.zeros((16, 16, 1), np.uint8), "has shape [16, 16, 1], not [8, 8, 1]; this program does not resize"),
        (np.full((8, 8, 1), 17, np.uint8), "holds 17 to 17, which the contract does not take"),
        (np.full((8, 8, 1), np.nan), "holds nan to nan, which the contract does not take"),
    ],
    ids=["size", "counts", "nan"],
)
def test_a_sample_that_does_not_fit_is_refused(bundle, tmp_path, raw, said):
    np.save(tmp_path / "sample.npy", raw)
    done = run_example(bundle, tmp_path / "sample.npy")
    assert done.code == 1
    assert said in done.err


def test_infinity_is_refused_where_any_finite_number_is_taken(bundle, tmp_path):
    contract = json.loads((bundle / PREPROCESS_FILE).read_text())
    (bundle / PREPROCESS_FILE).write_text(json.dumps({**contract, "block": 1}))
    seal(bundle)
    said = []
    for value in (1e6, np.inf):
        np.save(tmp_path / "sample.npy", np.full((8, 8, 1), value, np.float32))
        said.append(run_example(bundle, tmp_path / "sample.npy"))
    assert [done.code for done in said] == [0, 1]
    assert "holds inf to inf, which the contract does not take" in said[1].err


def test_a_later_version_of_the_bundle_is_refused(bundle):
    manifest = json.loads((bundle / MANIFEST_FILE).read_text())
    (bundle / MANIFEST_FILE).write_text(json.dumps({**manifest, "version": 2}))
    done = run_example(bundle)
    assert done.code == 1
    assert done.err.startswith(f"{bundle}: is no bundle of version 1; ")
