import pytest

from litesmith.errors import DeviceError, ModelError
from litesmith.targets import runtimes
from litesmith.targets.devices.host import HostDevice, cpu_model


def test_our_own_file_is_measured_in_this_process(int8_model):
    latency = HostDevice().measure(int8_model, trusted=True, runs=20)
    conditions = latency.conditions
    assert latency.runs == 20
    assert (conditions.device, conditions.runtime, conditions.delegate) == ("host", "litert", "xnnpack")
    assert conditions.runtime_version == runtimes.get("litert").version
    assert conditions.cpu == cpu_model() != ""
    assert not conditions.emulated


def test_another_file_is_measured_in_a_child_process(int8_model, crashing_model):
    latency = HostDevice().measure(int8_model, runs=20, threads=2, delegate="reference")
    assert (latency.conditions.delegate, latency.conditions.threads) == ("reference", 2)
    with pytest.raises(ModelError, match="SIGSEGV"):
        HostDevice().measure(crashing_model)


def test_a_trusted_file_never_loads_tflite_runtime_here(int8_model):
    with pytest.raises(DeviceError, match=r"process of its own|is not installed"):
        HostDevice().measure(int8_model, runtime="tflite-runtime", trusted=True)
