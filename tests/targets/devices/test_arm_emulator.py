import shutil
import time
from dataclasses import replace

import numpy as np
import psutil
import pytest

from litesmith.errors import DeviceTimeout, ModelError
from litesmith.targets import runtimes
from litesmith.targets.devices.arm_cpus import CPUS, parse_cpus
from litesmith.targets.devices.arm_emulator import run_on_cpu
from litesmith.targets.devices.arm_process import run_here
from litesmith.targets.session import sample_inputs

KERNELS = {"arm:cortex-a53": "smlal", "arm:cortex-a76": "sdot", "arm:max": "i8mm"}
PATIENCE_S = 30
(MAX,) = parse_cpus("arm:max")


def some_inputs(content):
    return [sample_inputs(runtimes.default().open(content).inputs, seed) for seed in range(3)]


def equal(first, second):
    return all(np.array_equal(*pair) for sets in zip(first, second, strict=True) for pair in zip(*sets, strict=True))


def test_this_machine_computes_what_a_session_does(golden):
    content = (golden / "two_inputs_int8.tflite").read_bytes()
    inputs = some_inputs(content)
    for delegate in ("xnnpack", "none"):
        session = runtimes.default().open(content, delegate=delegate)
        reply, version = run_here(content, inputs, delegate=delegate)
        assert equal(reply.outputs, [session.run(arrays) for arrays in inputs])
        assert (reply.delegate, version) == (delegate, runtimes.default().version)


def test_a_file_that_this_machine_cannot_run_is_refused():
    with pytest.raises(ModelError, match="the runtime on this machine refuses it"):
        run_here(b"no model at all, but long enough to be one", [])


@pytest.mark.parametrize("cpu", parse_cpus("arm"), ids=lambda cpu: cpu.name)
def test_int8_gives_the_same_bits_with_the_kernels_of_the_processor(golden, arm_machine, cpu):
    content = (golden / "int8_dense_only.tflite").read_bytes()
    inputs = some_inputs(content)
    run = run_on_cpu(arm_machine("arm64"), cpu, content, inputs)
    assert run.kernels == KERNELS[cpu.label]
    assert equal(run.outputs, run_here(content, inputs)[0].outputs)
    assert (run.runtime, run.runtime_version, run.delegate) == ("ai-edge-litert", "2.3.0", "xnnpack")
    assert ("asimddp" in run.features, "i8mm" in run.features) == (cpu.name != "cortex-a53", cpu.name == "max")
    assert run.to_dict()["emulated"] is True


@pytest.mark.parametrize("cpu", parse_cpus("armhf"), ids=lambda cpu: cpu.name)
def test_armv7_gives_what_the_same_kernels_give_here(golden, arm_machine, cpu):
    content = (golden / "int8_residual.tflite").read_bytes()
    inputs = some_inputs(content)
    run = run_on_cpu(arm_machine("armhf"), cpu, content, inputs)
    assert (run.kernels, run.delegate, run.features) == ("vmlal", "none", ("neon", "vfpv4"))
    assert equal(run.outputs, run_here(content, inputs, delegate="none")[0].outputs)


def test_kernels_that_compute_wrong_are_found(golden, arm_machine):
    """QEMU 7.2 emulates SME wrongly, which is why `max` goes without: real kernels, real wrong numbers."""
    machine = arm_machine("arm64")
    content = (golden / "int8_dense_only.tflite").read_bytes()
    inputs = some_inputs(content)
    run = run_on_cpu(machine, replace(MAX, option="max"), content, inputs)
    if not run.emulator.split()[1].startswith("7."):
        pytest.skip(f"{run.emulator} emulates SME right")
    assert not equal(run.outputs, run_here(content, inputs)[0].outputs)


def test_a_runtime_that_dies_is_told_with_processor_and_signal(golden, arm_machine):
    unknown_part = replace(MAX, part=(0, 0, 0x051, 0))
    content = (golden / "int8_dense_only.tflite").read_bytes()
    machine = arm_machine("arm64")
    version = run_on_cpu(machine, MAX, content, some_inputs(content)).emulator.split()[1]
    if not version.startswith("7."):
        pytest.skip(f"QEMU {version} shows a /proc/cpuinfo of its own")
    with pytest.raises(ModelError, match=r"died of it on arm:max \(SIGSEGV: qemu: uncaught target signal 11"):
        run_on_cpu(machine, unknown_part, content, some_inputs(content))


def test_a_runtime_that_refuses_is_told_with_its_reason(golden, arm_machine):
    content = (golden / "dynamic_range.tflite").read_bytes()
    with pytest.raises(ModelError, match=r"armhf:cortex-a7 refuses it .*FULLY_CONNECTED' version '12'"):
        run_on_cpu(arm_machine("armhf"), CPUS[3], content, some_inputs(content))


def test_what_takes_too_long_is_ended_with_its_children(golden, arm_machine, tmp_path):
    made = arm_machine("arm64")
    (tmp_path / "bin").mkdir()
    (tmp_path / "root").symlink_to(made.root)
    emulator = tmp_path / "bin" / made.pins.program
    emulator.write_text(f"#!/bin/sh\nsleep 91 &\necho $$ $! > {tmp_path}/pids\nsleep 91\n")
    emulator.chmod(0o755)
    started = time.monotonic()
    with pytest.raises(DeviceTimeout, match=r"arm:max within 1 s.*--timeout"):
        run_on_cpu(
            replace(made, folder=tmp_path), MAX, (golden / "int8_dense_only.tflite").read_bytes(), [], timeout_s=1
        )
    assert time.monotonic() - started < 60, "it was waited for instead of ended"
    psutil.wait_procs([psutil.Process(pid) for pid in pids(tmp_path) if psutil.pid_exists(pid)], timeout=PATIENCE_S)
    assert not [pid for pid in pids(tmp_path) if psutil.pid_exists(pid)]


def pids(folder):
    return [int(word) for word in (folder / "pids").read_text().split()]


def test_an_emulator_that_went_away_is_found(arm_machine, tmp_path, monkeypatch):
    from litesmith.targets.devices.arm_root import open_root

    made = arm_machine("arm64")
    copy = tmp_path / "arm64"
    copy.mkdir()
    shutil.copy(made.folder / "setup.json", copy)
    assert open_root(copy, made.pins) is None
    (copy / "bin").mkdir()
    (copy / "bin" / made.pins.program).symlink_to(made.emulator)
    assert open_root(copy, made.pins) is not None
