import subprocess
from dataclasses import replace

import pytest

from litesmith.errors import DeviceError
from litesmith.targets.devices.arm_packages import ALTERNATIVE, Apt
from litesmith.targets.devices.arm_pins import load_pins

PINS = load_pins("arm64")
ZLIB = next(pin for pin in PINS.packages if pin.name == "zlib1g")
FFI = next(pin for pin in PINS.packages if pin.name == "libffi8")


def fetched(folder, *pins):
    try:
        return Apt(folder, PINS.suite, ["arm64"]).fetch({(pin.name, "arm64"): pin for pin in pins})
    except DeviceError as error:
        if ALTERNATIVE not in str(error):
            raise
        pytest.skip(f"no Debian mirror: {error}")


def test_a_version_that_the_mirror_no_longer_has_is_replaced_and_told(tmp_path):
    files, notes = fetched(tmp_path, replace(ZLIB, version="1:0.9-1"), FFI)
    (note,) = [note for note in notes if "zlib1g" in note]
    assert note.startswith("zlib1g 1:1.") and note.endswith("pinned is 1:0.9-1")
    field = ["dpkg-deb", "-f", files["zlib1g", "arm64"], "Architecture"]
    assert subprocess.check_output(field, text=True).strip() == "arm64"


def test_a_package_that_is_not_the_pinned_one_is_refused(tmp_path):
    _, notes = fetched(tmp_path / "first", ZLIB)
    if notes:
        pytest.skip(f"the mirror has another version: {notes[0]}")
    with pytest.raises(DeviceError, match=r"zlib1g_.*sha256 is .*, not 0{64} as pinned"):
        fetched(tmp_path / "second", replace(ZLIB, sha256="0" * 64))


def test_apt_gets_this_machines_way_of_fetching_but_not_its_hooks(tmp_path):
    fetched(tmp_path, FFI)
    lines = (tmp_path / "apt.conf").read_text().splitlines()
    assert all(line.startswith(("Acquire::", "APT::Architecture", "APT::Sandbox", "Dir::")) for line in lines)
    assert f'Dir::State "{tmp_path}";' in lines
