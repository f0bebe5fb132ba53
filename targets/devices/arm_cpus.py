"""The ARM processors that can be emulated, and what of them a runtime can see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from litesmith.errors import LitesmithError

# As `--on` names a machine -> Debian's name of its architecture.
MACHINES = {"arm": "arm64", "armhf": "armhf"}
# Name -> bit of AT_HWCAP, and of AT_HWCAP2, as the Linux kernel reports them to programs:
# arch/arm64/include/uapi/asm/hwcap.h and arch/arm/include/uapi/asm/hwcap.h. Those that runtimes choose kernels by.
_HWCAP: Mapping[str, Mapping[str, int]] = {
    "arm64": {"asimd": 1, "asimdhp": 10, "asimddp": 20, "sve": 22},
    "armhf": {"neon": 12, "vfpv4": 16, "asimddp": 24},
}
_HWCAP2: Mapping[str, Mapping[str, int]] = {"arm64": {"i8mm": 13, "bf16": 14, "sme": 23}, "armhf": {}}


@dataclass(frozen=True, slots=True)
class ArmCpu:
    """One processor.

    Attributes:
        machine: `arm` or `armhf`.
        name: as `--on` names it.
        option: what QEMU's `-cpu` takes.
        part: implementer, variant, part and revision of its main ID register (Arm's technical reference manuals).
        features: for /proc/cpuinfo.
    """

    machine: str
    name: str
    option: str
    part: tuple[int, int, int, int]
    features: str

    @property
    def label(self) -> str:
        """As `--on` takes it."""
        return f"{self.machine}:{self.name}"

    @property
    def architecture(self) -> str:
        """Debian's name of the architecture."""
        return MACHINES[self.machine]

    @property
    def cpuinfo(self) -> str:
        """What Linux would show in /proc/cpuinfo. QEMU before 8 shows that of this machine, which crashes LiteRT."""
        implementer, variant, part, revision = self.part
        return (
            f"processor\t: 0\nBogoMIPS\t: 50.00\nFeatures\t: {self.features}\n"
            f"CPU implementer\t: {implementer:#04x}\nCPU architecture: {8 if self.machine == 'arm' else 7}\n"
            f"CPU variant\t: {variant:#x}\nCPU part\t: {part:#05x}\nCPU revision\t: {revision}\n\n"
        )


_ARMV8 = "fp asimd evtstrm aes pmull sha1 sha2 crc32 cpuid"
_ARMV82 = f"{_ARMV8} atomics fphp asimdhp asimdrdm lrcpc dcpop asimddp"
_ARMV7 = "half thumb fastmult vfp edsp neon vfpv3 tls vfpv4 idiva idivt vfpd32 lpae"

CPUS = (
    ArmCpu("arm", "cortex-a53", "cortex-a53", (0x41, 0, 0xD03, 4), _ARMV8),
    ArmCpu("arm", "cortex-a76", "cortex-a76", (0x41, 4, 0xD0B, 1), _ARMV82),
    # Everything that QEMU knows but SME, with which QEMU 7.2 computes wrong int8 outputs. LiteRT 2.3 crashes on a part
    # that it does not know, such as QEMU's own, so this one has the number of a Neoverse N2, which has i8mm too.
    ArmCpu("arm", "max", "max,sme=off", (0x41, 0, 0xD49, 0), f"{_ARMV82} sve i8mm bf16"),
    ArmCpu("armhf", "cortex-a7", "cortex-a7", (0x41, 0, 0xC07, 5), _ARMV7),
    ArmCpu("armhf", "cortex-a15", "cortex-a15", (0x41, 2, 0xC0F, 1), _ARMV7),
)


def parse_cpus(text: str) -> tuple[ArmCpu, ...]:
    """Processors by `arm`, `arm:NAME`, `arm:NAME,NAME`, or the same with `armhf`; without a name all of the machine.

    Raises:
        LitesmithError: there is no such processor.
    """
    machine, _, names = text.partition(":")
    known = {cpu.name: cpu for cpu in CPUS if cpu.machine == machine}
    wanted = names.split(",") if names else list(known)
    unknown = [name for name in wanted if name not in known]
    if unknown or not known:
        labels = ", ".join(cpu.label for cpu in CPUS)
        raise LitesmithError(f"{text!r} names no processor that can be emulated; choose of {labels}")
    return tuple(known[name] for name in dict.fromkeys(wanted))


def features(architecture: str, hwcap: int, hwcap2: int) -> tuple[str, ...]:
    """Names of the features in what a program was told in AT_HWCAP and AT_HWCAP2."""
    first, second = _HWCAP[architecture], _HWCAP2[architecture]
    return (
        *(name for name, bit in first.items() if hwcap >> bit & 1),
        *(name for name, bit in second.items() if hwcap2 >> bit & 1),
    )
