import pytest

from litesmith.errors import LitesmithError
from litesmith.targets.devices.arm_cpus import CPUS, features, parse_cpus


def names(text):
    return [cpu.label for cpu in parse_cpus(text)]


def test_processors_by_name():
    assert names("arm") == ["arm:cortex-a53", "arm:cortex-a76", "arm:max"]
    assert names("arm:max,cortex-a53,max") == ["arm:max", "arm:cortex-a53"]
    assert names("armhf:cortex-a7") == ["armhf:cortex-a7"]


@pytest.mark.parametrize("text", ["arm:cortex-a7", "armhf:max", "arm:cortex-a53,", "riscv", "arm64", ""])
def test_unknown_processors_are_refused_with_those_that_there_are(text):
    with pytest.raises(LitesmithError, match="arm:cortex-a53, arm:cortex-a76, arm:max, armhf:cortex-a7"):
        parse_cpus(text)


@pytest.mark.parametrize("cpu", CPUS, ids=lambda cpu: cpu.label)
def test_cpuinfo_has_what_a_kernel_would_show(cpu):
    fields = (line.split(":") for line in cpu.cpuinfo.strip().splitlines())
    lines = {name.strip(): value.strip() for name, value in fields}
    assert lines["CPU implementer"] == "0x41"
    assert int(lines["CPU part"], 16) == cpu.part[2]
    assert lines["Features"].split() == cpu.features.split()


def test_features_are_those_of_the_kernels_headers():
    # What Linux shows as "asimddp" and "i8mm" in /proc/cpuinfo is HWCAP_ASIMDDP (1 << 20) and HWCAP2_I8MM (1 << 13).
    assert features("arm64", 1 << 1 | 1 << 20, 1 << 13) == ("asimd", "asimddp", "i8mm")
    assert features("armhf", 1 << 12, 1 << 13) == ("neon",)
    assert features("arm64", 0, 0) == ()
