"""Random inputs that a file can take, and that show something."""

import numpy as np
import pytest

from litesmith.converters.tflite_model import TFLiteModel
from litesmith.targets.runtimes import default
from litesmith.verify_inputs import random_inputs
from tests.toolkit.made_text_bundle import integer_file


def test_ids_are_drawn_from_the_rows_of_the_table():
    model = integer_file(("bad", "good"))
    (table,) = (tensor for tensor in model.main.tensors if tensor.name == "embeddings.word.table")
    sets = random_inputs(model, 20)
    ids = np.concatenate([values[0] for values in sets])
    assert (ids.dtype, ids.min() >= 0, ids.max() < table.shape[0]) == (np.int32, True, True)
    assert len(np.unique(ids)) > table.shape[0] / 2
    session = default().open(model.content)
    assert len({session.run(list(values))[0].tobytes() for values in sets}) > 1


@pytest.mark.parametrize("name", ["int8.tflite", "float32.tflite"])
def test_other_inputs_are_random_and_the_same_for_a_seed(golden, name):
    model = TFLiteModel.from_file(golden / name)
    first, again = random_inputs(model, 2), random_inputs(model, 2)
    assert all(np.array_equal(a[0], b[0]) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0][0], first[1][0])
