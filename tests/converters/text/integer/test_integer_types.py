"""Token types that a file finds among the ids are those of the contract, bit for bit."""

import importlib.util
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from litesmith.calibration.text.contract import TextContract
from litesmith.calibration.text.encoding import PairTypes
from litesmith.calibration.text.special_tokens import AddedToken
from litesmith.converters.op_versions import needed_ops
from litesmith.converters.runtime_versions import oldest_runtime
from litesmith.converters.text.integer.emit_types import token_types
from litesmith.converters.text.integer.graph_writer import GraphWriter
from litesmith.converters.text.integer.padding import Padding
from litesmith.converters.text.layers import TokenTypes
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.targets.runtimes import default

WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "b")
CONTRACT = TextContract(
    "wordpiece", WORDS, 12, "[PAD]", "[UNK]", "[CLS]", "[SEP]", clean_text=True, longest_word=20,
    added=(AddedToken("[SEP]"), AddedToken("[PAD]")),
)  # fmt: skip
CONTRACTS = {
    "one end": CONTRACT,
    "two ends": replace(CONTRACT, pair_ends=2),
    "the start is an end": replace(CONTRACT, start="[SEP]"),
}


def types_file(types, pad_id, length=12):
    """The operators alone."""
    writer = GraphWriter()
    ids = writer.tensor("ids", (1, length), "int32")
    return writer.finish({"ids": ids}, {"types": token_types(writer, ids, Padding(writer, ids, pad_id), types)}, "test")


@pytest.fixture(scope="module")
def sessions():
    return {
        name: default().open(types_file(contract.pair_types, contract.pad_id)) for name, contract in CONTRACTS.items()
    }


# The end and the padding as a user may type them, and words.
typed = st.lists(st.sampled_from(["a", "b", "[SEP]", "[PAD]"]), max_size=8).map(" ".join)


@pytest.mark.parametrize("name", CONTRACTS)
@given(text=typed, pair=st.none() | typed)
@settings(max_examples=60)
def test_of_any_text_and_any_pair(sessions, name, text, pair):
    contract = CONTRACTS[name]
    row = contract.encode(text, pair)
    (found,) = sessions[name].run([row.ids[None]])
    assert found.dtype == np.int32
    assert found[0].tolist() == row.token_types.tolist()
    layer = TokenTypes(contract.pair_types.end, contract.pair_types.ends, contract.pad_id)
    assert layer(row.ids[None]).numpy()[0].tolist() == row.token_types.tolist()


def test_the_operators_are_older_than_all_others_of_a_text_model():
    model = TFLiteModel(types_file(PairTypes(3, 1, 1), 0))
    assert set(model.ops) == {"EQUAL", "CAST", "CUMSUM", "GREATER_EQUAL", "NOT_EQUAL", "LOGICAL_AND"}
    assert {tensor.dtype for tensor in model.main.tensors} == {"int32", "bool"}
    assert str(oldest_runtime(needed_ops(model))) == "2.4.0"


@pytest.mark.skipif(importlib.util.find_spec("tflite_runtime") is None, reason="tflite-runtime is not installed")
def test_tflite_runtime_2_14_finds_the_same(tmp_path):
    (tmp_path / "types.tflite").write_bytes(types_file(CONTRACT.pair_types, CONTRACT.pad_id))
    rows = [CONTRACT.encode(*texts) for texts in (("a b a", "b"), ("a",), ("a [SEP] b", "a"), ("", ""))]
    np.save(tmp_path / "ids.npy", np.stack([row.ids for row in rows]))
    code = (
        "import sys, numpy as np; from tflite_runtime.interpreter import Interpreter\n"
        "runs = Interpreter(sys.argv[1] + '/types.tflite'); runs.allocate_tensors()\n"
        "for ids in np.load(sys.argv[1] + '/ids.npy'):\n"
        "    runs.set_tensor(runs.get_input_details()[0]['index'], ids[None]); runs.invoke()\n"
        "    print(*runs.get_tensor(runs.get_output_details()[0]['index'])[0])"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=True)
    found = [list(map(int, line.split())) for line in done.stdout.splitlines()]
    assert found == [row.token_types.tolist() for row in rows]
