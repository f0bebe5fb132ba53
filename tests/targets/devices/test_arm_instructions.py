import pytest

from litesmith.targets.devices.arm_instructions import count_instructions

# As QEMU 7.2 lists them; where its disassembler knows the instruction, it is the proof of the encoding.
LOG = """\
----------------
IN:
0x5507a00000:  d503201f  nop
0x5507a00004:  0e628020  smlal    v0.4s, v1.4h, v2.4h
0x5507a00008:  4f422020  smlal2   v0.4s, v1.8h, v2.h[0]
0x5507a0000c:  4f82e020  .byte    0x20, 0xe0, 0x82, 0x4f
0x5507a00010:  4e82a420  .byte    0x20, 0xa4, 0x82, 0x4e
0x5507a00014:  0e62c020  smull    v0.4s, v1.4h, v2.4h
0x5507a00018:  2e628020  umlal    v0.4s, v1.4h, v2.4h
0x5507a0001c:  4f821020  fmla     v0.4s, v1.4s, v2.s[0]
0x5507a00020:  4e22cc20  fmla     v0.4s, v1.4s, v2.4s

----------------
IN: memcpy
0x5507b00000:  4e829420  sdot     v0.4s, v1.16b, v2.16b
0x5507a0000c:  4f82e020  .byte    0x20, 0xe0, 0x82, 0x4f
"""
LIBRARY = [(0x5507A00000, 0x5507A01000)]


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "in_asm.log"
    path.write_text(LOG)
    return path


def test_instructions_of_the_library_are_counted_once(log):
    assert count_instructions(log, "arm64", LIBRARY) == {"smlal": 2, "sdot": 1, "i8mm": 1, "fmla": 2}


def test_those_elsewhere_are_not(log):
    beside = [(0x5507B00000, 0x5507B00004)]
    assert count_instructions(log, "arm64", beside) == {"smlal": 0, "sdot": 1, "i8mm": 0, "fmla": 0}


def test_nothing_listed_is_nothing_known(log, tmp_path):
    assert count_instructions(log, "arm64", [(0, 4096)]) is None
    assert count_instructions(log, "arm64", []) is None
    assert count_instructions(tmp_path / "absent", "arm64", LIBRARY) is None


def test_the_older_instruction_set(tmp_path):
    path = tmp_path / "log"
    path.write_text(
        "0x3e850344:  f2818805  vmlal.s8 q4, d1, d5\n"
        "0x3e850348:  e92d 4ff0  push.w   {r4, r5, r6}\n"
        "0x3e85034c:  f2400d70  vmla.f32 q8, q0, q8\n"
    )
    assert count_instructions(path, "armhf", [(0x3E850000, 0x3E860000)]) == {"vmlal": 1, "vmla.f32": 1}
