import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import psutil
import pytest

from litesmith.errors import DeviceError, DeviceTimeout, ModelError
from litesmith.targets import runtimes
from litesmith.targets.devices.device import Demand
from litesmith.targets.isolated import block_isolated, probe, run_isolated
from litesmith.targets.session import sample_inputs

NAMES = [runtime.name for runtime in runtimes.installed() if runtime.name != "tf"]
PATIENCE_S = 30
T = TypeVar("T")


def test_the_child_computes_what_this_process_does(golden):
    path = golden / "two_inputs_int8.tflite"
    session = runtimes.default().open(path.read_bytes())
    inputs = sample_inputs(session.inputs, seed=3)
    run = run_isolated(path, inputs)
    assert (run.runtime, run.delegate) == ("litert", "xnnpack")
    for actual, expected in zip(run.outputs, session.run(inputs), strict=True):
        np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize("runtime", NAMES)
def test_every_light_runtime_runs_the_content_of_a_file(int8_model, runtime):
    run = run_isolated(int8_model, runtime=runtime)
    assert run.runtime == runtime
    assert run.runtime_version == runtimes.get(runtime).version
    assert [output.dtype.name for output in run.outputs] == ["int8"]


@pytest.mark.slow
@pytest.mark.skipif("tf" not in {runtime.name for runtime in runtimes.installed()}, reason="needs tensorflow")
def test_tf_lite_agrees_with_litert(int8_model):
    ours, theirs = (run_isolated(int8_model, runtime=name).outputs[0] for name in ("litert", "tf"))
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("runtime", NAMES)
def test_a_file_that_crashes_the_runtime_is_an_error_and_not_a_crash(crashing_model, tmp_path, runtime):
    path = tmp_path / "crash.tflite"
    path.write_bytes(crashing_model)
    with pytest.raises(ModelError, match=r"crash\.tflite: the runtime was aborted by this file \(SIGSEGV") as caught:
        run_isolated(path, runtime=runtime)
    assert caught.value.exit_code == 2
    assert caught.value.file == str(path)


def test_a_file_that_never_ends_times_out_and_leaves_no_process(endless_model):
    with pytest.raises(DeviceTimeout, match="within 1 s"):
        run_isolated(endless_model, timeout_s=1)
    workers = [child for child in psutil.Process().children() if "litesmith.targets.worker" in child.cmdline()]
    assert workers == []


def test_errors_keep_their_type_and_name_the_file(tmp_path, custom_op_model):
    path = tmp_path / "custom.tflite"
    with pytest.raises(ModelError, match=r"custom\.tflite: cannot be read \(No such file"):
        run_isolated(path)
    path.write_bytes(custom_op_model)
    with pytest.raises(ModelError, match=r"custom\.tflite: the custom operator edgetpu-custom-op"):
        block_isolated(path, Demand())
    with pytest.raises(DeviceError, match="there is no runtime"):
        run_isolated(path, runtime="onnx")


@pytest.mark.skipif("tflite-runtime" not in NAMES, reason="needs tflite-runtime")
def test_an_operator_too_new_for_the_runtime_is_named(golden):
    with pytest.raises(ModelError, match="FULLY_CONNECTED version 12 is unknown to tflite-runtime"):
        run_isolated(golden / "dynamic_range.tflite", runtime="tflite-runtime")


def test_python_objects_never_reach_the_child(int8_model):
    with pytest.raises(ModelError, match="arrays of numbers"):
        run_isolated(int8_model, [np.array([object()])])


def test_modules_of_the_current_folder_are_not_imported(int8_model, tmp_path, monkeypatch):
    (tmp_path / "numpy.py").write_text("raise SystemExit('shadowed')")
    monkeypatch.chdir(tmp_path)
    assert len(run_isolated(int8_model).outputs) == 1


def test_a_block_says_what_it_measured(int8_model):
    block = block_isolated(int8_model, Demand(runs=25), threads=2, delegate="none")
    assert (block.count, len(block.times_ms), block.delegate) == (25, 25, "none")
    assert block.runner == str(runtimes.default())
    assert block.init_ms > 0 and block.first_ms > 0
    assert set(block.placements) == {"cpu"}
    assert set(block_isolated(int8_model, Demand(runs=1)).placements) == {"xnnpack"}


def test_a_block_that_never_ends_times_out(endless_model):
    with pytest.raises(DeviceTimeout, match="within 1 s"):
        block_isolated(endless_model, Demand(timeout_s=1))


def test_a_probe_gives_the_version():
    assert probe("litert") == runtimes.get("litert").version


@pytest.mark.skipif("LITESMITH_DATA" not in os.environ, reason="LITESMITH_DATA is not set")
def test_a_third_party_file_runs_and_its_compiled_form_says_why_not():
    folder = Path(os.environ["LITESMITH_DATA"]) / "edgetpu_pairs"
    run = run_isolated(folder / "edgetpu__mobilenet_v1_0.25_128_quant.tflite")
    assert [(output.shape, output.dtype.name) for output in run.outputs] == [((1, 1001), "uint8")]
    with pytest.raises(ModelError, match="edgetpu-custom-op is unknown"):
        run_isolated(folder / "edgetpu__mobilenet_v1_0.25_128_quant_edgetpu.tflite")


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_the_child_ends_with_its_parent(endless_model, tmp_path, how):
    path = tmp_path / "endless.tflite"
    path.write_bytes(endless_model)
    code = (
        "import sys, pathlib; from litesmith.targets import isolated; isolated.run_isolated(pathlib.Path(sys.argv[1]))"
    )
    # Temporary folders of a killed parent stay behind; keep them inside the test's own.
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-c", code, str(path)]
    # A shell's background jobs ignore SIGINT, and so do all that they start.
    heeded = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, env=environment, preexec_fn=heeded) as parent:
        child = _wait_for(lambda: next(filter(_is_at_work, psutil.Process(parent.pid).children()), None))
        parent.send_signal(how)
        parent.wait(PATIENCE_S)
    assert _wait_for(lambda: _has_ended(child))


def _is_at_work(child: psutil.Process) -> bool:
    """Whether the worker has used more time than its start takes, so it loops inside the runtime."""
    return sum(child.cpu_times()[:2]) > 0.6


def _has_ended(child: psutil.Process) -> bool:
    try:
        return child.status() == psutil.STATUS_ZOMBIE  # ended, and not yet collected by whoever adopted it
    except psutil.NoSuchProcess:
        return True


def _wait_for(condition: Callable[[], T]) -> T:
    deadline = time.monotonic() + PATIENCE_S
    while not (result := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)
    return result
