import hashlib
import string

import pytest

from litesmith.errors import DeviceError
from litesmith.targets.devices.arm_pins import ARCHITECTURES, Pin, load_pins, pins_digest


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_everything_is_pinned(architecture):
    pins = load_pins(architecture)
    found = [pins.emulator, *pins.wheels, *pins.packages]
    assert all(set(pin.sha256) <= set(string.hexdigits) for pin in found)
    assert len({pin.sha256 for pin in found}) == len(found)
    assert pins.runtime in {pin.name for pin in pins.wheels}
    assert f"python{pins.python}-minimal" in {pin.name for pin in pins.packages}


def test_another_file_than_the_pinned_is_refused(tmp_path):
    file = tmp_path / "wheel.whl"
    file.write_bytes(b"content")
    pin = Pin("wheel", "1.0", hashlib.sha256(b"content").hexdigest())
    pin.check(file)
    file.write_bytes(b"c0ntent")
    with pytest.raises(DeviceError, match=f"wheel.whl: sha256 is .*, not {pin.sha256} as pinned for wheel 1.0"):
        pin.check(file)


def test_a_pin_without_a_digest_is_none():
    with pytest.raises(ValueError, match="not a pin"):
        Pin("numpy", "1.0", "")


def test_the_digest_names_the_pins():
    assert len(pins_digest()) == 16
