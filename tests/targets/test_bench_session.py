import _thread
import dataclasses
import json
import signal
import threading
import time

import numpy as np
import pytest

from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import DeviceError, DeviceTimeout, NoDevice
from litesmith.targets.bench_session import Effort, run_session
from litesmith.targets.block import Block, OpTime
from litesmith.targets.devices.device import Configuration, Core, Demand, DeviceFacts, DeviceState
from litesmith.targets.devices.host import HostDevice
from litesmith.targets.parallel_sessions import run_sessions

PHONE = DeviceFacts("adb:1", "adb", "A Phone", "arm64-v8a", "Android 14", "A Chip", 30, (Core(0, 2000.0),))
XNNPACK, NNAPI = Configuration(), Configuration("nnapi")
FIVE = Effort(patience_s=0.001)
LONG = Effort(patience_s=60)


class Phone:
    """Answers with given medians, in turn and by delegate; an error among them is raised."""

    def __init__(self, facts=PHONE, profile=(), **answers) -> None:
        self.facts = facts
        self.profile = profile
        self.answers = {name: iter(found) for name, found in answers.items()}
        self.order = []
        self.closed = False

    def state(self) -> DeviceState:
        return DeviceState(clocks_mhz={0: 2000.0}, load_average=0.1)

    def block(self, content, configuration, demand) -> Block:
        self.order.append(configuration.delegate)
        answer = next(self.answers[configuration.delegate])
        if isinstance(answer, BaseException):
            raise answer
        times = tuple(answer * (1 + share) for share in (-0.01, 0.0, 0.01))
        return Block(
            3, answer, times[0], times[2], 2, configuration.delegate, "benchmark_model 2.16", times, init_ms=9.0,
            first_ms=3 * answer, profile=self.profile,
        )  # fmt: skip

    def close(self) -> None:
        self.closed = True


@pytest.fixture(scope="module")
def model(golden):
    return TFLiteModel.from_file(golden / "int8.tflite")


def test_blocks_of_all_configurations_take_turns(model):
    phone = Phone(xnnpack=[10.0] * 5, nnapi=[5.0] * 5)
    found = run_session(phone, [model], [XNNPACK, NNAPI], FIVE)
    there, back = ["xnnpack", "nnapi"], ["nnapi", "xnnpack"]
    assert phone.order == there + back + there + back + there
    assert [item.latency.p50_ms for item in found.items] == [10.0, 5.0]
    assert not found.interrupted


def test_what_is_unsure_is_measured_on_until_it_is_good(model):
    unsure = [10.0, 13.0, 7.0, 13.0, 7.0]
    phone = Phone(xnnpack=unsure + [10.0] * 30, nnapi=[5.0] * 5)
    first, second = run_session(phone, [model], [XNNPACK, NNAPI], LONG).items
    assert first.latency.blocks > 5 and first.latency.relative_error <= 0.1
    assert second.latency.blocks == 5


def test_what_stays_unsure_is_refused_with_the_raw_spread(model):
    phone = Phone(xnnpack=[10.0, 20.0] * 500)
    (item,) = run_session(phone, [model], [XNNPACK], FIVE).items
    document = json.loads(json.dumps(item.to_dict()))
    assert document["latency"] is None
    assert "standard error" in document["refused"]
    assert document["spread"]["p50_ms"] > 0 and document["error"] is None


def test_the_document_says_what_was_measured_and_under_which_conditions(model):
    phone = Phone(xnnpack=[10.0] * 5)
    (item,) = run_session(phone, [model], [Configuration(threads=4, cores="1")], FIVE).items
    document = json.loads(json.dumps(item.to_dict()))
    assert (document["model"], document["sha256"]) == (model.source, model.sha256)
    assert document["device"] == json.loads(json.dumps(PHONE.to_dict()))
    assert document["configuration"] == {"delegate": "xnnpack", "threads": 4, "cores": "1"}
    assert document["latency"]["conditions"] == {
        "device": "adb:1", "runtime": "benchmark_model", "runtime_version": "2.16", "delegate": "xnnpack",
        "threads": 4, "cpu": "A Chip", "load_average": 0.1, "emulated": False,
    }  # fmt: skip
    assert document["cold"] == {"init_ms": 9.0, "first_ms": 30.0, "blocks": 5}
    assert document["blocks_p50_ms"] == [10.0] * 5
    assert document["states"]["before"]["clocks_mhz"] == {"0": 2000.0}
    assert len(document["states"]["during"]) == 3
    assert document["when"].endswith("+00:00") and document["litesmith"]


def test_nothing_of_an_emulator_is_a_time(model):
    emulated = dataclasses.replace(PHONE, emulated=True)
    phone = Phone(emulated, (OpTime("CONV_2D", "x", 0, 123.25),), xnnpack=[4321.5])
    (item,) = run_session(phone, [model], [XNNPACK], FIVE).items
    document = json.dumps(item.to_dict())
    assert item.latency is None and "emulator" in item.refused
    assert "4321" not in document and "12964" not in document and "123.25" not in document
    assert item.to_dict()["operators"]["emulated"]


def test_a_device_may_turn_out_to_be_emulated_when_it_runs(model):
    class Disguised(Phone):
        def block(self, *arguments) -> Block:
            self.facts = dataclasses.replace(PHONE, emulated=True)
            return super().block(*arguments)

    (item,) = run_session(Disguised(xnnpack=[10.0]), [model], [XNNPACK], FIVE).items
    assert item.latency is None and "emulator" in item.refused


def test_a_configuration_that_fails_leaves_the_others_alone(model):
    told = []
    phone = Phone(xnnpack=[10.0] * 5, nnapi=[5.0, 5.0, DeviceTimeout("no answer within 1 s")])
    first, second = run_session(phone, [model], [XNNPACK, NNAPI], FIVE, told.append).items
    assert first.latency.p50_ms == 10.0
    assert second.latency is None and second.refused == "no answer within 1 s"
    assert len(second.blocks) == 2 and second.to_dict()["error"] == "DeviceTimeout"
    assert phone.order.count("nnapi") == 3
    assert [done.error for done in told if done.configuration == NNAPI] == [None, None, "no answer within 1 s"]


def test_a_device_that_goes_away_leaves_what_it_gave(model):
    class Unplugged(Phone):
        def state(self) -> DeviceState:
            if len(self.order) > 4:
                raise NoDevice("adb:1 is gone")
            return super().state()

    (item,) = run_session(Unplugged(xnnpack=[10.0] * 9), [model], [XNNPACK], FIVE).items
    assert len(item.blocks) == 4 and item.refused == "adb:1 is gone"
    assert item.states.after == item.states.during[-1]


def test_ctrl_c_keeps_the_results_so_far(model):
    phone = Phone(xnnpack=[10.0] * 9, nnapi=[5.0, KeyboardInterrupt()])
    found = run_session(phone, [model], [XNNPACK, NNAPI], FIVE)
    assert found.interrupted
    assert [len(item.blocks) for item in found.items] == [1, 1]
    assert [item.spread.p50_ms for item in found.items] == [10.0, 5.0]
    assert all("too few processes" in item.refused for item in found.items)


def test_a_session_can_be_stopped_from_another_thread(model):
    stop = threading.Event()
    stop.set()
    found = run_session(Phone(), [model], [XNNPACK], FIVE, stop=stop)
    assert found.interrupted and found.items[0].refused == "interrupted before anything was measured"


def test_operators_are_joined_with_their_prediction(model):
    convolution = OpTime("CONV_2D", "[conv]:0", 0, 0.7)
    piece = OpTime("TfLiteNnapiDelegate", "[out]:6", 6, 0.2)
    phone = Phone(profile=(convolution, piece), nnapi=[1.0] * 5)
    (item,) = run_session(phone, [model], [NNAPI], FIVE).items
    operators = item.operators
    assert operators.target == "nnapi@30"
    assert (operators.ops[0].predicted, operators.ops[0].ran_on, operators.ops[0].time_ms) == ("nnapi", "cpu", 0.7)
    assert {op.ran_on for op in operators.ops[1:]} == {"nnapi"}
    assert operators.mistaken == operators.ops[:1]
    assert (operators.accelerated, [one.mean_ms for one in operators.pieces]) == (5, [0.2])


def test_without_a_word_from_the_runner_places_are_not_known(model):
    (item,) = run_session(Phone(nnapi=[1.0] * 5), [model], [NNAPI], FIVE).items
    assert {op.ran_on for op in item.operators.ops} == {None}
    assert item.operators.accelerated is None and item.operators.mistaken == ()
    (plain,) = run_session(Phone(cpu=[1.0] * 5), [model], [Configuration("cpu")], FIVE).items
    assert plain.operators.accelerated == 0 and plain.operators.target is None


def test_the_host_is_a_device_like_others(model, golden):
    other = TFLiteModel.from_file(golden / "int16x8.tflite")
    effort = Effort(patience_s=0.001, demand=Demand(runs=5))
    found = run_session(HostDevice(), [model, other], [XNNPACK, Configuration("cpu", 2)], effort)
    assert [item.model for item in found.items] == [model.source] * 2 + [other.source] * 2
    assert [len(item.blocks) for item in found.items] == [5] * 4
    assert [item.operators.accelerated for item in found.items] == [6, 0, 0, 0]
    assert all(item.error is None and item.cold.init_ms > 0 for item in found.items)


def test_an_effort_of_few_processes_cannot_be_asked_for():
    with pytest.raises(ValueError, match="at least 5 blocks"):
        Effort(blocks=4)


def sessions(model, *phones):
    return run_sessions(
        [(phone.facts.label, phone) for phone in phones],
        lambda device, stop: run_session(device, [model], [XNNPACK], FIVE, stop=stop),
    )


def test_devices_are_measured_at_a_time_and_one_that_fails_stops_no_other(model):
    class Deaf(Phone):
        def state(self) -> DeviceState:
            raise DeviceError("adb:2 does not answer")

    meeting = threading.Barrier(2, timeout=30)

    class Waiting(Phone):
        def block(self, *arguments) -> Block:
            meeting.wait()
            return super().block(*arguments)

    phones = Waiting(xnnpack=[10.0] * 5), Waiting(xnnpack=[20.0] * 5), Deaf()
    measured, failures = sessions(model, *phones)
    assert [found.items[0].latency.p50_ms for found in measured] == [10.0, 20.0]
    assert [str(failure.error) for failure in failures] == ["adb:2 does not answer"]
    assert all(phone.closed for phone in phones)


@pytest.mark.parametrize("others", [0, 1])
def test_what_is_no_failure_of_a_device_is_not_hidden(model, others):
    phones = [Phone(xnnpack=[ZeroDivisionError("a mistake")])] + [Phone(xnnpack=[1.0] * 5) for _ in range(others)]
    with pytest.raises(ZeroDivisionError, match="a mistake"):
        sessions(model, *phones)
    assert all(phone.closed for phone in phones)


@pytest.fixture
def heeds_ctrl_c():
    """A shell's background jobs ignore SIGINT, and so does this process then."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_ends_all_devices_after_their_blocks_and_keeps_what_they_gave(model, heeds_ctrl_c):
    meeting = threading.Barrier(2, timeout=30)

    class Interrupted(Phone):
        def block(self, *arguments) -> Block:
            found = super().block(*arguments)
            if len(self.order) == 2 and meeting.wait() == 0:
                _thread.interrupt_main()
            time.sleep(0.5 if len(self.order) > 2 else 0)
            return found

    phones = Interrupted(xnnpack=[10.0] * 99), Interrupted(xnnpack=[20.0] * 99)
    measured, failures = run_sessions(
        [(phone.facts.label, phone) for phone in phones],
        lambda device, stop: run_session(device, [model], [XNNPACK], Effort(blocks=99), stop=stop),
    )
    assert failures == () and all(phone.closed for phone in phones)
    assert [found.interrupted for found in measured] == [True, True]
    assert all(2 <= len(found.items[0].blocks) < 99 for found in measured)


def test_medians_of_processes_are_what_counts_where_runs_are_not_told(model):
    class Summing(Phone):
        def block(self, *arguments) -> Block:
            return dataclasses.replace(super().block(*arguments), times_ms=())

    medians = list(np.linspace(9.9, 10.1, 5))
    (item,) = run_session(Summing(xnnpack=medians), [model], [XNNPACK], FIVE).items
    assert item.latency.percentiles_of == "blocks" and item.latency.p50_ms == pytest.approx(10.0)
