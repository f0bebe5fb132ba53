import json
import shutil
import stat

import numpy as np
import pytest

from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import DeviceError, RecipeError
from litesmith.files import sha256_file
from litesmith.recipe import Recipe, VerifySpec
from litesmith.targets.devices.arm_setup import READY_MADE

# Emulates SME too, which QEMU 7.2 does wrongly: kernels that really compute something else.
WRONG_EMULATOR = """#!/bin/sh
[ "$2" = max,sme=off ] || exec {emulator} "$@"
shift 2
exec {emulator} -cpu max "$@"
"""


@pytest.fixture
def bundle(small_run, tmp_path):
    return shutil.copytree(small_run.out / "bundle", tmp_path / "bundle")


def change_weights(bundle):
    """Make one kernel another one, and the manifest fit, as a careless tool would."""
    path = bundle / "model.tflite"
    model = TFLiteModel.from_file(path)
    kernel = max(model.kernels(), key=lambda tensor: np.prod(tensor.shape))
    stored = np.ascontiguousarray(model.data(kernel)).tobytes()
    assert path.read_bytes().count(stored) == 1
    path.write_bytes(path.read_bytes().replace(stored, bytes(reversed(stored))))
    manifest = json.loads((bundle / "manifest.json").read_text())
    manifest["files"]["model.tflite"]["sha256"] = sha256_file(path)
    (bundle / "manifest.json").write_text(json.dumps(manifest))


def wrong_machine(arm_machine, folder):
    """An emulated machine that computes wrongly where `max` is asked for; skips where QEMU does it right."""
    made = arm_machine("arm64")
    copy = folder / "arm64"
    (copy / "bin").mkdir(parents=True)
    for name in ("root", "site", "setup.json"):
        (copy / name).symlink_to(made.folder / name)
    program = copy / "bin" / made.pins.program
    program.write_text(WRONG_EMULATOR.format(emulator=made.emulator))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return folder


def test_a_bundle_gives_the_same_on_an_emulated_processor(run_command, bundle, arm_machine):
    arm_machine("arm64")
    done = run_command("verify", bundle, "--on", "arm:cortex-a53", "--json")
    assert done.code == 0, done.err
    (result,) = done.json["results"]
    assert (done.json["ok"], done.json["label"]) == (True, "full-int8")
    assert (result["device"], result["emulated"], result["kernels"]) == ("arm:cortex-a53", True, "smlal")
    assert result["instructions"]["smlal"] > 0 and result["instructions"]["sdot"] == 0
    assert result["parity"]["equal_vectors"] == done.json["vectors"] == result["golden"]["vectors"] == 10
    assert "latency" not in done.out and "_ms" not in done.out


def test_changed_weights_are_found(run_command, bundle, arm_machine):
    arm_machine("arm64")
    change_weights(bundle)
    done = run_command("verify", bundle, "--on", "arm:cortex-a76")
    assert done.code == 1, done.err
    assert "unmet: arm:cortex-a76: other outputs than the golden vectors record" in done.out
    assert "sdot" in done.out and "10 of 10" in done.out  # both compute the same from the changed weights
    here = run_command("verify", bundle, "--on", "host", "--json")
    assert (here.code, here.json["ok"], here.json["emulated"]) == (1, False, False)


def test_this_machine_runs_the_golden_vectors(run_command, small_run, golden):
    done = run_command("verify", small_run.out, "--on", "host", "--json")
    assert (done.code, done.json["golden"]["max_steps"]) == (0, 0)
    plain = run_command("verify", golden / "int8.tflite", "--on", "host")
    assert plain.code == 2 and "has no golden vectors" in plain.err


def test_wrong_kernels_are_found_and_the_first_wrong_value_is_shown(
    run_command, golden, arm_machine, tmp_path, monkeypatch
):
    monkeypatch.setenv(READY_MADE, str(wrong_machine(arm_machine, tmp_path)))
    done = run_command("verify", golden / "int8_dense_only.tflite", "--on", "arm:max", "--inputs", "3", "--json")
    (result,) = done.json["results"]
    if not result["emulator"].split()[1].startswith("7."):
        pytest.skip("this QEMU emulates SME right")
    assert done.code == 1
    first = result["parity"]["first"]
    assert (result["ok"], result["golden"], first["vector"]) == (False, None, 0)
    assert first["here"] != first["there"] and len(first["index"]) == 2


def test_a_processor_that_gives_nothing_is_told_beside_those_that_do(run_command, golden, arm_machine):
    arm_machine("armhf")
    done = run_command("verify", golden / "dynamic_range.tflite", "--on", "armhf:cortex-a7", "--json")
    (result,) = done.json["results"]
    assert (done.code, result["ok"], result["parity"]) == (3, False, None)
    assert "dynamic_range.tflite" in result["error"] and "armhf:cortex-a7" in result["error"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--on", "arm:cortex-m4"], 2, "names no processor"),
        (["--on", "arm", "--inputs", "0"], 2, "not a whole number of at least 1"),
    ],
)
def test_what_cannot_be_done_is_said(run_command, golden, arguments, code, words):
    done = run_command("verify", golden / "int8.tflite", *arguments)
    assert done.code == code and words in done.err


def test_a_file_that_is_none_is_refused(run_command, tmp_path):
    done = run_command("verify", tmp_path / "absent.tflite")
    assert done.code == 2 and "absent.tflite" in done.err


def test_recipes_name_processors(tmp_path):
    assert [cpu.label for cpu in VerifySpec(("max",), ("cortex-a7",)).cpus] == ["arm:max", "armhf:cortex-a7"]
    recipe = tmp_path / "r.toml"
    recipe.write_text('name = "r"\n[data]\nsource = "digits"\n[student]\nmodel = "m"\n[verify]\narm = ["cortex-a7"]\n')
    with pytest.raises(RecipeError, match=r"r\.toml: verify\.arm: .*cortex-a53"):
        Recipe.from_toml(recipe)


@pytest.mark.slow
def test_a_run_ships_only_what_its_processors_compute_alike(run_command, small_run, arm_machine, tmp_path, monkeypatch):
    arm_machine("arm64")
    out = shutil.copytree(small_run.out, tmp_path / "out")
    recipe = tmp_path / "small.toml"
    recipe.write_text(small_run.recipe.read_text() + '[verify]\narm = ["max"]\n')
    done = run_command("run", recipe, "--out", out, "--resume", "--json")
    assert done.code == 0, done.err
    assert done.json["verification"] == {"ok": True, "file": "verify.json", "devices": ["arm:max"], "unmet": []}
    verified = json.loads((out / "verify.json").read_text())
    manifest = json.loads((out / "bundle" / "manifest.json").read_text())
    assert (verified["ok"], verified["sha256"]) == (True, manifest["files"]["model.tflite"]["sha256"])
    assert manifest["verified_on"] == {"arm:max": {"emulated": True, "ok": True, "kernels": "i8mm", "vectors": 10}}

    if not verified["results"][0]["emulator"].split()[1].startswith("7."):
        pytest.skip("this QEMU emulates SME right")
    monkeypatch.setenv(READY_MADE, str(wrong_machine(arm_machine, tmp_path / "wrong")))
    done = run_command("run", recipe, "--out", out, "--resume")
    assert done.code == 1, done.err
    assert "verify unmet: arm:max: vector 0, output 0, index [0," in done.out
    assert not (out / "bundle").exists()
    assert json.loads((out / "verify.json").read_text())["ok"] is False


def test_a_run_without_an_emulator_ends_before_it_trains(run_command, small_run, tmp_path, monkeypatch):
    monkeypatch.setenv(READY_MADE, str(tmp_path / "nothing"))
    recipe = tmp_path / "small.toml"
    recipe.write_text(small_run.recipe.read_text() + '[verify]\narm = ["max"]\n')
    done = run_command("run", recipe, "--out", tmp_path / "out", "--json")
    assert (done.code, done.json["error"]["type"]) == (DeviceError.exit_code, "DeviceError")
    assert "no ARM machine is set up there" in done.err
    assert not (tmp_path / "out").exists()
