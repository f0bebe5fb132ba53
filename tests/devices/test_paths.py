"""Which paths are mapped, and that nothing else is."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.devices.paths import Unmapper, command_to_host, to_host

ROOT = Path("/folder/of/a/phone")


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("ls /data/local/tmp", f"ls {ROOT}/data/local/tmp"),
        ("ls /data/local/tmp/", f"ls {ROOT}/data/local/tmp/"),
        ("cat '/data/a b'", f"cat '{ROOT}/data/a b'"),
        ("x --graph=/data/m,a:/sdcard/n", f"x --graph={ROOT}/data/m,a:{ROOT}/sdcard/n"),
        ("echo 1>/data/x;cat</sys/y", f"echo 1>{ROOT}/data/x;cat<{ROOT}/sys/y"),
        ("cat /data/../../etc/passwd", f"cat {ROOT}/etc/passwd"),
        ("cat /proc/loadavg /proc/self/status", f"cat {ROOT}/proc/loadavg /proc/self/status"),
        ("cd /; ls /", f"cd {ROOT}/; ls {ROOT}/"),
        ("cat /sys/class/thermal/thermal_zone[0-9]*/temp", f"cat {ROOT}/sys/class/thermal/thermal_zone[0-9]*/temp"),
        ("echo 2>/dev/null", "echo 2>/dev/null"),
        ("cat /database /dataset/x /system.img", "cat /database /dataset/x /system.img"),
        ("cat a/data/b ./data/c $D/data ${D}/data", "cat a/data/b ./data/c $D/data ${D}/data"),
    ],
)
def test_paths_of_the_phone_are_mapped_and_others_are_not(command, expected):
    assert command_to_host(ROOT, command) == expected


@given(st.lists(st.sampled_from(["..", ".", "a", "", "data"]), max_size=12))
def test_no_path_leaves_the_root(parts):
    for path in ("/".join(parts), "/" + "/".join(parts)):
        found = to_host(ROOT, path)
        assert found == ROOT or ROOT in found.parents
        assert ".." not in found.parts


@given(
    st.lists(st.sampled_from([b"x", str(ROOT).encode(), b"/", b"/folder", b"\0", b"/folder/of/a/phon"]), max_size=8),
    st.lists(st.integers(0, 60), max_size=6),
)
def test_the_root_is_taken_away_wherever_a_stream_is_cut(parts, cuts):
    content = b"".join(parts)
    ends = sorted({min(cut, len(content)) for cut in cuts} | {len(content)})
    unmapper, passed, start = Unmapper(ROOT), b"", 0
    for end in ends:
        passed += unmapper.feed(content[start:end])
        start = end
    assert passed + unmapper.flush() == content.replace(str(ROOT).encode(), b"")
