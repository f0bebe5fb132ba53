"""Measurements are kept and compared; times are given, so that what is compared is known."""

import dataclasses
import json
import sqlite3
import subprocess
import sys

import numpy as np
import pytest

from litesmith.bench_compare import OTHER_SESSION_MARGIN, compare, ratio_interval
from litesmith.bench_store import BenchStore
from litesmith.commands.bench_text import comparisons_text
from litesmith.errors import DataError, DeviceError, OutputError
from litesmith.targets.believable import States
from litesmith.targets.block import Block
from litesmith.targets.devices.device import Configuration, DeviceFacts, DeviceState
from litesmith.targets.measurement import Measurement

PHONE = DeviceFacts("adb:1", "adb", "A Phone", "arm64-v8a", "Android 14")
STATES = States(DeviceState(), (), DeviceState())
STEADY = (0.98, 0.99, 1.0, 1.01, 1.02)


def measured(model, p50_ms, *, day="2026-01-02", spread=STEADY, device=PHONE, error=None, **configuration):
    times = [p50_ms * share for share in spread]
    blocks = tuple(Block(1, time, time, time, 1, "xnnpack", "benchmark_model 2.16", (time,)) for time in times)
    return Measurement(
        f"folder/{model}.tflite", f"{model:0<64}", device, Configuration(**configuration), blocks, STATES, error,
        when=f"{day}T08:00:00+00:00",
    )  # fmt: skip


@pytest.fixture
def store(tmp_path):
    return BenchStore(tmp_path / "bench.sqlite")


def test_what_is_stored_is_read_again_in_order(store):
    items = [measured("aa", 10.0), measured("bb", 20.0, threads=2)]
    sessions = [store.append(items[:1]), store.append(items[1:])]
    stored = store.read()
    assert [one.session for one in stored] == sessions
    assert [one.document for one in stored] == json.loads(json.dumps([item.to_dict() for item in items]))


def test_the_columns_can_be_asked_without_this_program(store):
    store.append([measured("aa", 10.0, delegate="nnapi", threads=4, cores="f0")])
    with sqlite3.connect(store.path) as connection:
        row = connection.execute(
            "SELECT model, device, delegate, threads, cores, json_extract(document, '$.latency.p50_ms') "
            "FROM measurements"
        ).fetchone()
    connection.close()
    assert row == ("folder/aa.tflite", "adb:1", "nnapi", 4, "f0", 10.0)


def test_many_processes_may_append_at_a_time(store, tmp_path):
    code = (
        "import sys; sys.path.insert(0, sys.argv[2]); from pathlib import Path;"
        "from test_bench_store import BenchStore, measured;"
        "[BenchStore(Path(sys.argv[1])).append([measured('aa', 1.0)] * 3) for _ in range(20)]"
    )
    here = str(__file__).rpartition("/")[0]
    command = [sys.executable, "-c", code, str(store.path), here]
    writers = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    assert [writer.communicate()[1] for writer in writers] == [""] * 3
    stored = store.read()
    assert len(stored) == 180
    assert len({one.session for one in stored}) == 60


def test_a_session_is_stored_whole_or_not_at_all(store):
    store.append([measured("aa", 1.0)])
    with sqlite3.connect(store.path) as connection:
        connection.execute("CREATE TRIGGER full BEFORE INSERT ON measurements WHEN NEW.model LIKE '%bb%' "
                           "BEGIN SELECT RAISE(ABORT, 'no space'); END")  # fmt: skip
    connection.close()
    with pytest.raises(OutputError, match=r"cannot be used as a store \(no space\)"):
        store.append([measured("aa", 1.0), measured("bb", 1.0)])
    assert len(store.read()) == 1


def test_another_file_is_not_taken_for_a_store(store, tmp_path):
    store.path.write_text("these are notes and not a database, and they must stay as they are")
    with pytest.raises(OutputError, match="cannot be used as a store"):
        store.prepare()
    assert store.path.read_text().startswith("these are notes")
    other = tmp_path / "other.sqlite"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE notes (text TEXT)")
    connection.close()
    with pytest.raises(OutputError, match="no store of version 1"):
        BenchStore(other).append([measured("aa", 1.0)])
    with pytest.raises(OutputError, match="cannot be used as a store"):
        BenchStore(tmp_path / "no" / "folder.sqlite").prepare()


def test_a_store_that_is_not_there_is_not_made_by_reading(store):
    with pytest.raises(DataError, match="no such store"):
        store.read()
    assert not store.path.exists()


@pytest.mark.parametrize(("factor", "verdict"), [(1.2, "slower"), (0.8, "faster"), (1.01, "no difference shown")])
def test_within_a_session_the_interval_decides(store, factor, verdict):
    store.append([measured("aa", 10.0), measured("bb", 10.0 * factor)])
    for names in (("aa", "bb"), ("folder/aa.tflite", "bb.tflite"), ("aa0000", "bb0000")):
        (found,) = compare(store.read(), *names)
        assert found.verdict == verdict and found.one_session
        assert found.low <= found.ratio <= found.high
        assert found.ratio == pytest.approx(factor)


@pytest.mark.parametrize(("factor", "verdict"), [(1.08, "no difference shown"), (1.3, "slower"), (0.7, "faster")])
def test_between_days_a_change_counts_beyond_the_margin(store, factor, verdict):
    store.append([measured("aa", 10.0), measured("bb", 5.0)])
    store.append([measured("aa", 10.0 * factor, day="2026-01-03")])
    (found,) = compare(store.read(), "2026-01-02", "2026-01-03")
    assert (found.model, found.verdict, found.one_session) == ("folder/aa.tflite", verdict, False)
    assert found.margin == OTHER_SESSION_MARGIN
    assert compare(store.read(), "2026-01-02", "2026-01-03", margin=10.0)[0].verdict == "no difference shown"


def test_models_that_took_turns_are_compared_rather_than_later_ones(store):
    store.append([measured("aa", 10.0), measured("bb", 20.0)])
    store.append([measured("bb", 90.0)])
    assert compare(store.read(), "aa", "bb")[0].ratio == pytest.approx(2)
    store.append([measured("aa", 10.0), measured("bb", 30.0)])
    assert compare(store.read(), "aa", "bb")[0].ratio == pytest.approx(3)


def test_only_the_same_device_and_configuration_are_compared(store):
    other = dataclasses.replace(PHONE, label="adb:2")
    store.append([measured("aa", 1.0), measured("aa", 2.0, threads=2), measured("aa", 3.0, device=other)])
    store.append([measured("bb", 3.0), measured("bb", 4.0, threads=2)])
    found = compare(store.read(), "aa", "bb")
    assert [(one.configuration, round(one.ratio, 6)) for one in found] == [
        ("xnnpack, 1 thread", 3.0), ("xnnpack, 2 threads", 2.0),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("worse", "reason"),
    [
        (measured("bb", 20.0, spread=(0.5, 1, 2, 0.5, 1, 2)), "standard error"),
        (measured("bb", 20.0, device=dataclasses.replace(PHONE, emulated=True)), "emulated"),
        (measured("bb", 20.0, error=DeviceError("it fell asleep")), "it fell asleep"),
    ],
)
def test_what_is_no_latency_is_not_compared_and_says_so(store, worse, reason):
    store.append([measured("aa", 10.0), worse])
    (found,) = compare(store.read(), "aa", "bb")
    assert (found.verdict, found.ratio) == ("not compared", None)
    assert reason in found.skipped


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("aa", "zz"), "no measurement of 'zz'; it has aa.tflite, bb.tflite"),
        (("aa", "2026-01-02"), "two days, or two models"),
        (("aa", "bb"), "never measured on the same device"),
    ],
)
def test_what_cannot_be_found_is_named(store, names, message):
    store.append([measured("aa", 1.0), measured("bb", 1.0, threads=2)])
    with pytest.raises(DataError, match=message):
        compare(store.read(), *names)


def test_a_name_that_means_several_models_is_refused_unless_it_is_a_path(store):
    first, second = measured("aa", 10.0), measured("bb", 20.0)
    twin = dataclasses.replace(measured("cc", 30.0), model="other/aa.tflite")
    store.append([first, second, twin])
    with pytest.raises(DataError, match=r"several models; give one of folder/aa\.tflite, other/aa\.tflite"):
        compare(store.read(), "aa", "bb")
    assert compare(store.read(), "other/aa.tflite", "bb")[0].ratio == pytest.approx(20 / 30)
    assert compare(store.read(), "cc0000", "bb")[0].ratio == pytest.approx(20 / 30)


def test_a_file_that_changed_between_the_days_is_pointed_out(store):
    store.append([measured("aa", 10.0)])
    store.append([dataclasses.replace(measured("aa", 10.0, day="2026-01-03"), sha256="f" * 64)])
    found = compare(store.read(), "2026-01-02", "2026-01-03")
    assert found[0].changed
    assert "folder/aa.tflite is another file in B than in A" in comparisons_text("2026-01-02", "2026-01-03", found)


@pytest.mark.parametrize("blocks", [5, 20])
def test_the_interval_seldom_finds_what_is_not_there(blocks):
    random = np.random.default_rng(3)
    pairs = [np.exp(random.normal(0, 0.05, (2, blocks))) for _ in range(100)]
    missed = sum(not low <= 1 <= high for _, low, high in (ratio_interval(*pair) for pair in pairs))
    assert missed <= 12
