import subprocess
import sys

import numpy as np
import pytest

from litesmith.errors import DeviceError, ModelError
from litesmith.targets import runtimes
from litesmith.targets.runtimes import DELEGATES, RUNTIMES, Runtime
from litesmith.targets.session import TensorSpec, sample_inputs


def test_litert_is_preferred_among_what_is_installed():
    names = [runtime.name for runtime in runtimes.installed()]
    assert names == [name for name in RUNTIMES if name in names]
    assert runtimes.default() == runtimes.get("litert")


def test_looking_for_runtimes_imports_none_of_them():
    code = (
        "import sys; from litesmith.targets import runtimes; runtimes.installed(); runtimes.default();"
        "print(sorted({'tensorflow', 'ai_edge_litert', 'tflite_runtime', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_unknown_runtime_is_refused_with_the_known_ones():
    with pytest.raises(DeviceError, match="litert, tflite-runtime, tf"):
        runtimes.get("onnx")
    with pytest.raises(ValueError, match="not a runtime"):
        Runtime("onnx", "1.0")


def test_tflite_runtime_is_refused_outside_a_process_of_its_own(int8_model):
    with pytest.raises(DeviceError, match="process of its own"):
        Runtime("tflite-runtime", "2.14.0").open(int8_model)


@pytest.mark.parametrize("delegate", DELEGATES)
def test_every_delegate_runs_the_model_and_gives_about_the_same(int8_model, delegate):
    session = runtimes.default().open(int8_model, threads=2, delegate=delegate)
    inputs = sample_inputs(session.inputs)
    (output,) = session.run(inputs)
    (expected,) = runtimes.default().open(int8_model, delegate="reference").run(inputs)
    assert session.delegate == delegate
    assert output.shape == session.outputs[0].shape
    # XNNPACK rounds differently from the reference kernels by a few steps at most.
    assert np.abs(output.astype(int) - expected.astype(int)).max() <= 2


def test_a_delegate_that_takes_nothing_is_not_reported(golden):
    content = (golden / "int16x8.tflite").read_bytes()
    assert runtimes.default().open(content, delegate="xnnpack").delegate == "none"


def test_inputs_and_outputs_are_described_in_file_order(golden):
    session = runtimes.default().open((golden / "two_inputs_int8.tflite").read_bytes())
    assert len(session.inputs) == 2
    assert all(spec.dtype == "int8" and spec.scale > 0 for spec in (*session.inputs, *session.outputs))


def test_float_tensors_have_no_scale(golden):
    session = runtimes.default().open((golden / "float32.tflite").read_bytes())
    assert session.inputs[0].dtype == "float32"
    assert session.inputs[0].scale is None
    assert session.inputs[0].zero_point is None


def test_a_dynamic_batch_runs_as_one(golden):
    session = runtimes.default().open((golden / "dynamic_batch_float.tflite").read_bytes())
    (output,) = session.run(sample_inputs(session.inputs))
    assert output.shape[0] == 1


def test_outputs_of_one_run_survive_the_next(int8_model):
    session = runtimes.default().open(int8_model)
    (first,) = session.run(sample_inputs(session.inputs, seed=1))
    kept = first.copy()
    session.run(sample_inputs(session.inputs, seed=2))
    np.testing.assert_array_equal(first, kept)


def test_inputs_that_do_not_fit_are_refused(int8_model):
    session = runtimes.default().open(int8_model)
    (good,) = sample_inputs(session.inputs)
    with pytest.raises(ModelError, match="takes 1 inputs, but was given 2"):
        session.run([good, good])
    with pytest.raises(ModelError, match="but was given float32"):
        session.run([good.astype(np.float32)])
    with pytest.raises(ModelError, match="convert the array first"):
        session.run([good[0]])


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x1c\x00\x00\x00TFL3" + bytes(range(200))])
def test_what_is_no_model_is_refused(content):
    with pytest.raises(ModelError, match=r"litert .* cannot run this file"):
        runtimes.default().open(content)


def test_a_truncated_model_is_refused(int8_model):
    with pytest.raises(ModelError, match="cannot run this file"):
        runtimes.default().open(int8_model[: len(int8_model) // 2])


def test_a_custom_operator_is_named_with_what_to_do(custom_op_model):
    with pytest.raises(ModelError, match=r"edgetpu-custom-op is unknown to litert .* before it was compiled"):
        runtimes.default().open(custom_op_model)


def test_a_model_on_strings_is_refused(string_model):
    with pytest.raises(ModelError, match="only models on numbers"):
        runtimes.default().open(string_model)


@pytest.mark.parametrize("options", [{"threads": 0}, {"delegate": "gpu"}])
def test_impossible_options_are_refused(int8_model, options):
    with pytest.raises(DeviceError, match="one of xnnpack, none, reference"):
        runtimes.default().open(int8_model, **options)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "float32", "int32", "int64", "bool"])
def test_samples_fit_their_type_and_indices_stay_valid(dtype):
    spec = TensorSpec("x", (1, 64), dtype, None, None)
    (sample,) = sample_inputs([spec])
    (again,) = sample_inputs([spec])
    assert (sample.dtype.name, sample.shape) == (dtype, (1, 64))
    np.testing.assert_array_equal(sample, again)
    assert (sample.max() == 0) == (dtype in {"int32", "int64", "bool"})
