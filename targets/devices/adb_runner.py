"""The `benchmark_model` that is brought to Android devices: where it is found, and whether it fits."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from litesmith.errors import DeviceError

# ABI -> machine in the header of an ELF file (e_machine), and the name of the build of benchmark_model.
_ABIS = {
    "arm64-v8a": (183, "android_aarch64_benchmark_model"),
    "armeabi-v7a": (40, "android_arm_benchmark_model"),
    "x86_64": (62, "`bazel build --config=android_x86_64`"),
    "x86": (3, "`bazel build --config=android_x86`"),
}
_MACHINES = {machine: abi for abi, (machine, _) in _ABIS.items()}
_NIGHTLY = "https://storage.googleapis.com/tensorflow-nightly-public/prod/tensorflow/release/lite/tools/nightly/latest"
_ELF, _SCRIPT = b"\x7fELF", b"#!"
_MACHINE_OFFSET = 18  # bytes; of two, little-endian on every ABI of Android


@dataclass(frozen=True, slots=True)
class Runner:
    """A program for devices; `str` of it is what a result says of it."""

    path: Path
    content: bytes

    @property
    def sha256(self) -> str:
        """Digest of the program."""
        return hashlib.sha256(self.content).hexdigest()

    def __str__(self) -> str:
        return f"benchmark_model {self.path} (sha256 {self.sha256})"

    def check_abi(self, abi: str) -> None:
        """Refuse a program for another processor, before it is pushed; scripts run anywhere.

        Raises:
            DeviceError: it was built for another ABI, or is no program.
        """
        if self.content.startswith(_SCRIPT):
            return
        if not self.content.startswith(_ELF) or len(self.content) < _MACHINE_OFFSET + 2:
            raise DeviceError(f"{self.path} is no program for Android; {_advice(abi)}")
        machine = int.from_bytes(self.content[_MACHINE_OFFSET : _MACHINE_OFFSET + 2], "little")
        if abi in _ABIS and machine != _ABIS[abi][0]:
            built_for = _MACHINES.get(machine, f"ELF machine {machine}")
            raise DeviceError(f"{self.path} was built for {built_for}, but the device is {abi}; {_advice(abi)}")


def find_runner(abi: str, named: Path | None) -> Runner:
    """The runner that was named, else that of `LITESMITH_RUNNER`, else the one in the cache folder for the ABI.

    Raises:
        DeviceError: there is none, or it does not fit the device.
    """
    from_environment = os.environ.get("LITESMITH_RUNNER")
    path = named or (Path(from_environment) if from_environment else _cached(abi))
    try:
        runner = Runner(path, path.read_bytes())
    except FileNotFoundError as error:
        raise DeviceError(f"no runner for {abi}: {path} is not there; {_advice(abi)}") from error
    except OSError as error:
        raise DeviceError(f"the runner {path} cannot be read ({error.strerror}); {_advice(abi)}") from error
    runner.check_abi(abi)
    return runner


def _cached(abi: str) -> Path:
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "litesmith" / "runners" / abi / "benchmark_model"


def _advice(abi: str) -> str:
    build = _ABIS.get(abi, (0, "benchmark_model"))[1]
    where = f"{_NIGHTLY}/{build}" if build.startswith("android_") else build
    return (
        f"get TensorFlow Lite's benchmark_model ({where}, or build tensorflow/lite/tools/benchmark:benchmark_model), "
        f"and put it at {_cached(abi)}, or pass --runner or LITESMITH_RUNNER"
    )
