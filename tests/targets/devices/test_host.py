import dataclasses
import os

import pytest

from litesmith.errors import DeviceError, ModelError
from litesmith.targets import runtimes
from litesmith.targets.devices.device import Configuration, Demand
from litesmith.targets.devices.host import HostDevice
from litesmith.targets.devices.host_state import cpu_model, host_facts, host_state

FEW = Demand(runs=5)


def test_our_own_file_is_measured_in_this_process(int8_model):
    latency = HostDevice().measure(int8_model, runs=20)
    conditions = latency.conditions
    assert (latency.runs, latency.blocks) == (20, 1)
    assert (conditions.device, conditions.runtime, conditions.delegate) == ("host", "litert", "xnnpack")
    assert conditions.runtime_version == runtimes.get("litert").version
    assert conditions.cpu == cpu_model() != ""


def test_a_block_runs_in_a_process_of_its_own_as_configured(int8_model, crashing_model):
    device = HostDevice()
    assert device.block(int8_model, Configuration(), FEW).delegate == "xnnpack"
    assert device.block(int8_model, Configuration("cpu", 2), FEW).delegate == "none"
    with pytest.raises(ModelError, match="SIGSEGV"):
        device.block(crashing_model, Configuration(), FEW)


def test_a_delegate_of_phones_is_refused(int8_model):
    with pytest.raises(DeviceError, match="this host has no delegate 'nnapi'; use xnnpack") as caught:
        HostDevice().block(int8_model, Configuration("nnapi"), FEW)
    assert caught.value.exit_code == 3


def test_a_trusted_file_never_loads_tflite_runtime_here(int8_model):
    with pytest.raises(DeviceError, match=r"process of its own|is not installed"):
        HostDevice("tflite-runtime").measure(int8_model)


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system does not pin processes")
def test_a_process_is_pinned_to_cores_that_there_are(int8_model):
    first = min(os.sched_getaffinity(0))
    assert HostDevice().block(int8_model, Configuration(cores=f"{1 << first:x}"), FEW).count == 5
    with pytest.raises(DeviceError, match="no core 63"):
        HostDevice().block(int8_model, Configuration(cores=f"{1 << 63:x}"), FEW)


def test_facts_and_state_are_those_of_the_kernel(tmp_path):
    first = min(host_facts().cores, key=lambda core: core.index).index
    files = {
        "proc/cpuinfo": "processor\t: 0\nmodel name\t: A Chip\ncpu MHz\t\t: 900.5\n",
        f"sys/devices/system/cpu/cpu{first}/cpufreq/cpuinfo_max_freq": "1800000\n",
        f"sys/devices/system/cpu/cpu{first}/cpufreq/scaling_cur_freq": "1200000\n",
        "sys/class/thermal/thermal_zone0/type": "soc\n",
        "sys/class/thermal/thermal_zone0/temp": "41500\n",
        "sys/class/thermal/thermal_zone1/temp": "",
        "sys/class/power_supply/BAT0/capacity": "77\n",
        "sys/class/power_supply/BAT0/status": "Discharging\n",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    facts, state = host_facts(tmp_path), host_state(tmp_path)
    assert (facts.model, facts.kind, facts.emulated) == ("A Chip", "host", False)
    assert {core.index: core.max_mhz for core in facts.cores}[first] == 1800
    assert state.clocks_mhz == {first: 1200}
    assert state.temperatures_c == {"soc 0": 41.5}
    assert (state.battery_percent, state.charging) == (77, False)


def test_what_the_kernel_does_not_say_is_not_known(tmp_path):
    facts, state = host_facts(tmp_path), host_state(tmp_path)
    assert facts.model != "" and all(core.max_mhz is None for core in facts.cores)
    assert dataclasses.replace(state, load_average=None) == type(state)()


def test_a_virtual_machine_still_has_clocks(tmp_path):
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/cpuinfo").write_text("cpu MHz : 900.5\ncpu MHz : 1000\n")
    assert host_state(tmp_path).clocks_mhz == {0: 900.5, 1: 1000}
