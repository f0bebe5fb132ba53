"""A required target refuses files with errors, and remedies that push operators off its accelerator."""

import numpy as np
import pytest

from litesmith.calibration.samples import CalibrationSet
from litesmith.converters import keras
from litesmith.converters.backend import tf_keras
from litesmith.converters.convert import Acceptance, convert
from litesmith.converters.judge import Limits
from litesmith.converters.quantize import QuantizationSpec
from litesmith.converters.rescue import Remedies
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.demands import HostLatency, Placement, demands
from litesmith.errors import UnknownTarget
from litesmith.targets.check import check


@pytest.fixture
def file(golden):
    return lambda name: TFLiteModel.from_file(golden / f"{name}.tflite")


def test_a_file_that_runs_there_as_it_is_lacks_nothing(file):
    assert Placement(("edge_tpu", "arm_cpu"))(file("int8")) == []
    assert Placement(())(file("float32")) == []


def test_an_error_of_the_target_is_what_is_missing(file):
    demand = Placement(("arm_cpu", "edge_tpu", "nnapi"))
    assert demand(file("int16x8")) == [
        "edge_tpu: None of the 6 operators runs on edge_tpu.",
        "nnapi: None of the 6 operators runs on nnapi.",
    ]


def test_the_first_file_says_how_many_operators_may_stay_off(file):
    demand = Placement(("edge_tpu",))
    assert demand(file("int8_float_io")) == []  # 2 of 8 stay off
    assert demand(file("gather_nd_int8")) == ["edge_tpu: 3 operators off the edge_tpu, 2 before"]
    assert demand(file("int8")) == []
    assert demand(file("gather_nd_int8")) != []  # a better one in between does not make it stricter, or less so
    assert Placement(("edge_tpu",))(file("gather_nd_int8")) == []


def test_a_share_of_the_operators_can_be_demanded(file):
    assert Placement(("edge_tpu=0.75",))(file("int8_float_io")) == []
    (missing,) = Placement(("edge_tpu=0.9",))(file("int8_float_io"))
    assert missing == "edge_tpu@16: 6 of 8 operators on edge_tpu (75.0%), as predicted; 90% are required"


def test_a_file_with_errors_does_not_say_how_many_may_stay_off(file):
    demand = Placement(("edge_tpu",))
    assert demand(file("float32")) != []
    assert demand(file("int8_float_io")) == []
    assert demand(file("mixed_float_island")) == ["edge_tpu: 6 operators off the edge_tpu, 2 before"]


def test_an_unknown_target_is_an_error(file):
    with pytest.raises(UnknownTarget, match="edge_gpu"):
        Placement(("edge_gpu",))(file("int8"))


@pytest.fixture(scope="module")
def only_16_bits_help():
    """A hundred is added and taken away again: with 8 bits little is left of what is below 3."""
    library = tf_keras()
    layers = library.layers
    library.utils.set_random_seed(3)
    given = library.Input((8,), name="x")
    x = layers.ReLU()(layers.ReLU()(layers.Dense(16, "relu")(given) + 100.0) - 100.0)
    model = library.Model(given, layers.Dense(4)(layers.Dense(16, "relu")(x)))
    return keras.convert(model, QuantizationSpec("float32"))


def converted(model, *demands, allow_float=False):
    random = np.random.default_rng(1)
    calibration, samples = (
        CalibrationSet.from_arrays({"x": random.uniform(-1, 1, (count, 8)).astype(np.float32)}) for count in (256, 48)
    )
    wanted = Acceptance(samples, Limits(min_snr_db=20), demands, Remedies(allow_float=allow_float))
    return convert(model, QuantizationSpec(), calibration, acceptance=wanted)


def test_what_helps_where_nothing_is_demanded(only_16_bits_help):
    done = converted(only_16_bits_help)
    assert done.unmet == () and done.chosen.remedy == "int16 for 2 of 5 operators"
    assert done.tries[1].judgement.snr_db < 12


@pytest.mark.parametrize("target", ["edge_tpu", "arm_cpu", "nnapi"])
def test_no_remedy_buys_accuracy_with_operators_off_the_accelerator(only_16_bits_help, target):
    done = converted(only_16_bits_help, Placement((target,)))
    tried = [one for one in done.tries if one.remedy.startswith("int16")]
    assert [len(one.judgement.unfit) for one in tried] == [1]  # and no second one
    assert tried[0].judgement.unfit[0].startswith(f"{target}: ") and not tried[0].judgement.inaccurate
    assert done.chosen.judgement.unfit == () and done.unmet[0].startswith("SNR")
    assert off(done.model, target) == 0 and not check(done.model, target).errors


def test_float_is_a_way_out_where_the_target_takes_it(only_16_bits_help):
    done = converted(only_16_bits_help, Placement(("arm_cpu",)), allow_float=True)
    assert done.unmet == () and done.chosen.remedy == "float32 for 2 of 5 operators"
    assert off(done.model, "arm_cpu") == 0


def off(model, target):
    report = check(model, target)
    return report.total - report.mapped


def test_a_limit_on_latency_is_measured_on_this_host(file):
    assert HostLatency(60_000.0)(file("int8")) == []
    assert HostLatency(1e-9)(file("int8"))[0].endswith("ms on this host are more than 1e-09")
    assert [type(one) for one in demands(("nnapi",), 1.0)] == [Placement, HostLatency]
    assert demands((), None) == ()
