"""Splits that quantizers stumble over, as slices: the same numbers, and integers from both engines every time."""

import numpy as np
import pytest

from litesmith.converters.editing import ModelEditor
from litesmith.converters.fidelity import compare, outputs
from litesmith.converters.post_training import quantize_float_model
from litesmith.converters.quantize import QuantizationSpec
from litesmith.converters.splits import split_to_slices
from litesmith.converters.tflite_model import TFLiteModel

# The models that these files share are made once.
pytestmark = pytest.mark.xdist_group("recurrent")


def sliced(model):
    editor = ModelEditor(model.content)
    assert split_to_slices(editor)
    return TFLiteModel(editor.to_bytes())


def unread(model):
    read = {index for operator in model.main.operators for index in operator.inputs} | set(model.main.outputs)
    return [op.op for op in model.main.operators if op.op.startswith("SPLIT") and not read.issuperset(op.outputs)]


@pytest.mark.parametrize("kind", ["lstm-unroll", "gru-unroll"])
def test_the_numbers_stay_the_same(recurrent, kind):
    source = recurrent(kind)
    assert unread(source.float_file) or "SPLIT_V" in source.float_file.ops
    changed = sliced(source.float_file)
    assert unread(changed) == []
    assert "SPLIT_V" not in changed.ops
    for before, after in zip(outputs(source.float_file, source.samples), outputs(changed, source.samples), strict=True):
        np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("kind", ["lstm-unroll", "gru-unroll"])
@pytest.mark.parametrize(
    ("mode", "engine", "least"), [("int8", "mlir", 24), ("int8", "aeq", 24), ("int16x8", "aeq", 36)]
)
def test_an_unrolled_layer_becomes_integer_only(recurrent, kind, mode, engine, least):
    source = recurrent(kind)
    model = sliced(source.float_file)
    results = [quantize_float_model(model, QuantizationSpec(mode), source.samples, engine=engine) for _ in range(4)]
    assert len({result.model.sha256 for result in results}) == 1
    assert compare([source.outputs], outputs(results[0].model, source.samples)).snr_db > least


def test_a_model_without_such_splits_is_left_alone(golden, recurrent):
    for content in ((golden / "float32.tflite").read_bytes(), sliced(recurrent("lstm-unroll").float_file).content):
        assert not split_to_slices(ModelEditor(content))


def test_a_split_along_a_computed_axis_is_left_alone(recurrent):
    editor = ModelEditor(recurrent("lstm-unroll").float_file.content)
    for operator in editor.graph.operators:
        if editor.op_name(operator) == "SPLIT":
            editor.tensor(int(operator.inputs[0])).buffer = 0
    assert not split_to_slices(editor)
