import pytest
from hypothesis import given
from hypothesis import strategies as st

from litesmith.errors import DeviceError
from litesmith.targets.devices.arm_sources import (
    AptSource,
    deb822_sources,
    debian_sources,
    one_line_sources,
    read_sources,
)

DEB822 = """\
# the archive
Types: deb deb-src
URIs: http://mirror.example/debian
# a comment inside a stanza
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb-src
URIs: http://mirror.example/sources-only
Suites: bookworm
Components: main

Enabled: no
Types: deb
URIs: http://mirror.example/disabled
Suites: bookworm
Components: main

types: deb
uris: https://one.example/a
 https://two.example/b
suites: nodistro
components: main
signed-by:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mQINBF
 -----END PGP PUBLIC KEY BLOCK-----
"""
WORDS = st.text("abcdefghijklmnopqrstuvwxyz0123456789-./:", min_size=1).filter(
    lambda text: not text.startswith("cdrom:")
)


def test_deb822_stanzas_with_comments_continuations_and_keys():
    archive, one, two = deb822_sources(DEB822)
    assert archive.uri == "http://mirror.example/debian"
    assert archive.suites == ("bookworm", "bookworm-updates")
    assert archive.components == ("main", "contrib")
    assert archive.signed_by == "/usr/share/keyrings/debian-archive-keyring.gpg"
    assert (one.uri, two.uri) == ("https://one.example/a", "https://two.example/b")
    assert one.signed_by.splitlines()[0] == "-----BEGIN PGP PUBLIC KEY BLOCK-----"
    assert one.signed_by.splitlines()[1] == "."


def test_one_line_format():
    text = """
    deb http://a.example/debian bookworm main contrib  # comment
    #deb http://b.example/debian bookworm main
    deb-src http://c.example/debian bookworm main
    deb [arch=amd64 signed-by=/k.gpg] https://d.example/debian trixie main
    deb cdrom:[Debian]/ bookworm main
    """
    assert list(one_line_sources(text)) == [
        AptSource("http://a.example/debian", ("bookworm",), ("main", "contrib")),
        AptSource("https://d.example/debian", ("trixie",), ("main",), "/k.gpg"),
    ]


@given(WORDS, st.lists(WORDS, min_size=1), st.lists(WORDS, min_size=1), st.lists(WORDS))
def test_what_is_written_is_read_again(uri, suites, components, key):
    source = AptSource(uri, tuple(suites), tuple(components), "\n".join(key))
    assert list(deb822_sources(source.deb822(["amd64", "arm64"]))) == [source]


def folder(tmp_path, **files):
    (tmp_path / "sources.list.d").mkdir()
    for name, text in files.items():
        (tmp_path / "sources.list.d" / name.replace("_", ".")).write_text(text)
    return tmp_path


def test_archives_of_the_release_come_before_those_of_another(tmp_path):
    apt = folder(
        tmp_path,
        debian_sources=DEB822,
        other_list="deb http://e.example/debian trixie main\ndeb http://f.example/x bookworm stable\n",
    )
    assert len(read_sources(apt)) == 5
    (source,) = debian_sources("bookworm", apt)
    assert (source.uri, source.suites, source.components) == ("http://mirror.example/debian", ("bookworm",), ("main",))


def test_a_mirror_of_another_release_has_this_one_too(tmp_path):
    apt = folder(tmp_path, other_list="deb http://e.example/debian trixie main\ndeb http://g.example/y jammy main\n")
    assert debian_sources("bookworm", apt) == [AptSource("http://e.example/debian", ("bookworm",), ("main",))]


def test_no_debian_mirror_is_said_with_the_alternative(tmp_path):
    apt = folder(tmp_path, other_list="deb http://g.example/ubuntu jammy main\n")
    with pytest.raises(DeviceError, match=r"no Debian mirror.*LITESMITH_ARM_ROOT"):
        debian_sources("bookworm", apt)
    with pytest.raises(DeviceError, match="no Debian mirror"):
        debian_sources("bookworm", tmp_path / "absent")
