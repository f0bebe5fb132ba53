"""The memory estimate against LiteRT's own arena, and the planner against what has to hold for any graph."""

import json
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from hypothesis import given
from hypothesis import strategies as st

from litesmith.converters.graph import Operator, Subgraph, Tensor
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.targets import memory
from litesmith.targets.memory import LiveTensor, arena_bytes, arena_offsets, estimate_memory, live_tensors

GOLDEN = Path(__file__).parents[1] / "golden"
MODELS = sorted(path.stem for path in GOLDEN.glob("*.tflite"))
# Their kernels ask for scratch memory, which the planner lays out too and the file does not tell.
WITH_SCRATCH = ("dynamic_range", "float32_residual", "int8_residual")


def load(name):
    return TFLiteModel.from_file(GOLDEN / f"{name}.tflite")


def edited(name, change):
    model = schema.ModelT.InitFromPackedBuf((GOLDEN / f"{name}.tflite").read_bytes())
    change(model)
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return TFLiteModel(bytes(builder.Output()))


def observed(model):
    """Where LiteRT puts what lives in its arena, by tensor; the reference kernels need the least scratch memory."""
    interpreter = Interpreter(model_content=model.content, experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    interpreter.allocate_tensors()
    constants = {tensor.index for tensor in model.main.tensors if tensor.is_constant}
    # These have an arena of their own.
    unpacked = {op.outputs[0] for op in model.main.operators if op.op == "DEQUANTIZE" and op.inputs[0] in constants}
    live = [item for item in live_tensors(model.main) if item.index not in unpacked]
    views = {item.index: interpreter.tensor(item.index)() for item in live}
    assert [view.nbytes for view in views.values()] == [item.bytes for item in live]
    addresses = {index: view.__array_interface__["data"][0] for index, view in views.items()}
    return live, {index: address - min(addresses.values()) for index, address in addresses.items()}


def joined(live, offsets):
    """Tensors that LiteRT computes in place count as one, from the first to the last of them."""
    result = []
    for item in live:
        same = [other for other in result if offsets[other.index] == offsets[item.index]]
        for other in (other for other in same if other.first <= item.last and item.first <= other.last):
            result.remove(other)
            item = replace(other, first=min(item.first, other.first), last=max(item.last, other.last))
        result.append(item)
    return sorted(result, key=lambda item: item.index)


@pytest.mark.parametrize("name", [name for name in MODELS if name not in WITH_SCRATCH])
def test_every_tensor_is_where_litert_puts_it(name):
    live, offsets = observed(load(name))
    one = joined(live, offsets)
    assert arena_offsets(one) == {item.index: offsets[item.index] for item in one}


def test_arenas_of_third_party_models_are_those_of_litert(real_data):
    paths = [path for folder in ("edgetpu_pairs", "mlperf_tiny") for path in (real_data / folder).glob("*.tflite")]
    models = [TFLiteModel.from_file(path) for path in paths]
    equal = []
    for model in (model for model in models if not any(op.startswith("CUSTOM:") for op in model.ops)):
        live, offsets = observed(model)
        observed_bytes = max(offsets[item.index] + item.bytes for item in live)
        assert arena_bytes(joined(live, offsets)) == observed_bytes <= arena_bytes(live)
        equal.append(arena_bytes(live) == observed_bytes)
    # The others are smaller in LiteRT, which computes some of their tensors in place.
    assert len(equal) >= 20 and sum(equal) >= 0.9 * len(equal)


def test_a_chain_needs_the_largest_pair_beside_its_input_and_output():
    estimate = estimate_memory(load("int8"))
    # At the depthwise convolution: the image, 8x8x8 in, 8x8x8 out.
    assert estimate.peak_activation_bytes == estimate.arena_bytes == 64 + 512 + 512
    assert estimate.peak_op_index == 1
    assert [item.bytes for item in estimate.peak_tensors] == [512, 512, 64]
    assert estimate.assumptions == (memory.NOT_COUNTED,)
    assert estimate.peak_tensors[-1].name == "serving_default_image:0"


def test_the_peak_is_what_lives_at_its_operator():
    for name in MODELS:
        estimate = estimate_memory(load(name))
        assert sum(item.bytes for item in estimate.peak_tensors) == estimate.peak_activation_bytes
        assert all(item.first <= estimate.peak_op_index <= item.last for item in estimate.peak_tensors)


def test_weights_are_the_buffers_that_are_used_once_each():
    kernels = 8 * 9 + 8 * 9 + 16 * 8 * 9 + 10 * 256
    biases, shape = 4 * (8 + 8 + 16 + 10), 8
    assert estimate_memory(load("int8")).weights_bytes == kernels + biases + shape
    # Its two smaller kernels have 72 bytes each.
    assert estimate_memory(edited("int8", share_a_kernel)).weights_bytes == kernels + biases + shape - 72
    assert estimate_memory(edited("int8", leave_out_the_last)).weights_bytes == kernels + biases + shape - 2560 - 40


def share_a_kernel(model):
    first, second = (t for t in model.subgraphs[0].tensors if list(t.shape) in ([8, 3, 3, 1], [1, 3, 3, 8]))
    first.buffer = second.buffer


def leave_out_the_last(model):
    graph = model.subgraphs[0]
    graph.outputs = graph.operators.pop().inputs[:1]


def test_a_sparse_constant_takes_what_is_stored():
    def compress(model):
        tensor = next(t for t in model.subgraphs[0].tensors if list(t.shape) == [10, 256])
        tensor.sparsity = schema.SparsityParametersT()
        model.buffers[tensor.buffer].data = np.full(640, 7, np.uint8)

    dense = estimate_memory(load("int8")).weights_bytes
    assert estimate_memory(edited("int8", compress)).weights_bytes == dense - (2560 - 640)


def test_unpacked_constants_stay_for_the_whole_run():
    small, large = estimate_memory(load("float32")), estimate_memory(load("float16"))
    unpacked = 2 * (large.weights_bytes - 8)  # all but the shape of RESHAPE
    assert large.peak_activation_bytes == small.peak_activation_bytes + unpacked


def test_a_free_batch_counts_as_one_and_is_said():
    fixed, free = estimate_memory(load("float32")), estimate_memory(load("dynamic_batch_float"))
    assert (free.peak_activation_bytes, free.arena_bytes) == (fixed.peak_activation_bytes, fixed.arena_bytes)
    assert any("taken as 1" in text for text in free.assumptions)
    assert not any("taken as 1" in text for text in fixed.assumptions)


def test_each_subgraph_has_an_arena_of_its_own(endless_model):
    estimate = estimate_memory(TFLiteModel(endless_model))
    assert estimate.peak_activation_bytes == 8
    # Two int32 or an int32 and a bool in each, and 64 bytes between them.
    assert estimate.arena_bytes == (64 + 4) + (64 + 1) + (64 + 4)
    assert any("all 3 subgraphs" in text for text in estimate.assumptions)


def test_a_type_of_unknown_size_is_said(string_model):
    estimate = estimate_memory(TFLiteModel(string_model))
    assert estimate.arena_bytes == 0
    assert any("string count as 0 bytes" in text for text in estimate.assumptions)


def test_a_graph_without_operators_holds_its_inputs():
    def clear(model):
        graph = model.subgraphs[0]
        graph.operators, graph.outputs = [], graph.inputs

    estimate = estimate_memory(edited("int8", clear))
    assert (estimate.peak_op_index, estimate.peak_activation_bytes, estimate.arena_bytes) == (None, 64, 64)


def test_more_tensors_than_can_be_planned_leave_the_arena_open(monkeypatch):
    monkeypatch.setattr(memory, "MOST_PLANNED", 6)
    estimate = estimate_memory(load("int8"))
    assert (estimate.arena_bytes, estimate.peak_activation_bytes) == (None, 1088)


def test_the_document_is_plain_json_of_checked_values():
    document = json.loads(json.dumps(estimate_memory(load("int8")).to_dict()))
    assert (document["basis"], document["peak_tensors"][-1]["name"]) == ("predicted", "serving_default_image:0")
    with pytest.raises(ValueError, match="from operator 2 to 1"):
        LiveTensor(0, "x", 8, 2, 1)


@pytest.mark.parametrize(
    "lives, place",
    [
        # At operator 2, bytes 0 to 832 and 1536 to 3072 are free; then 0 to 832 and 960 to 1024.
        ([(2000, 0, 0), (1000, 0, 0), (900, 0, 2), (800, 1, 1), (700, 1, 2), (64, 2, 3)], 0),
        ([(1000, 0, 0), (900, 0, 2), (800, 1, 1), (100, 1, 2), (64, 2, 3)], 960),
    ],
)
def test_of_two_gaps_the_tighter_one_is_taken(lives, place):
    live = [LiveTensor(index, "", *fields) for index, fields in enumerate(lives)]
    assert arena_offsets(live)[live[-1].index] == place


@st.composite
def graphs(draw):
    """Operators with one output each, which read any earlier tensors; the first tensors are inputs or variables."""
    heads = draw(st.integers(1, 3))
    sizes = draw(st.lists(st.integers(0, 300), min_size=heads, max_size=heads + 8))
    variables = draw(st.sets(st.integers(0, heads - 1)))
    operators = [
        Operator(place, "ADD", 1, tuple(draw(st.sets(st.integers(0, place + heads - 1)))), (place + heads,))
        for place in range(len(sizes) - heads)
    ]
    tensors = [
        Tensor(
            i, f"t{i}", (size,), (size,), "int8", 0, is_constant=False, is_variable=i in variables, quantization=None
        )
        for i, size in enumerate(sizes)
    ]
    outputs = draw(st.sets(st.integers(0, len(sizes) - 1), min_size=1))
    inputs = set(range(heads)) - variables
    return Subgraph("main", tuple(tensors), tuple(operators), tuple(inputs), tuple(outputs))


def alive_at_each_operator(graph):
    """Runs the graph step by step and forgets what nobody will ask for again."""
    kept = {*graph.inputs, *graph.outputs, *(tensor.index for tensor in graph.tensors if tensor.is_variable)}
    kept |= {
        op.outputs[0] for op in graph.operators if not any(op.outputs[0] in other.inputs for other in graph.operators)
    }
    held = {tensor.index for tensor in graph.tensors} - {op.outputs[0] for op in graph.operators}
    steps = []
    for place, op in enumerate(graph.operators):
        held.add(op.outputs[0])
        steps.append(set(held))
        asked = {index for later in graph.operators[place + 1 :] for index in later.inputs}
        held &= kept | asked
    return steps


@given(graphs())
def test_lifetimes_are_those_of_a_run_step_by_step(graph):
    live = live_tensors(graph)
    for place, expected in enumerate(alive_at_each_operator(graph)):
        assert {item.index for item in live if item.first <= place <= item.last} == expected


@given(graphs())
def test_no_two_live_tensors_share_a_byte(graph):
    live = live_tensors(graph)
    offsets = arena_offsets(live)
    assert all(offset % 64 == 0 for offset in offsets.values())
    for one, other in combinations(live, 2):
        if one.bytes and other.bytes and one.first <= other.last and other.first <= one.last:
            low, high = sorted((one, other), key=lambda item: offsets[item.index])
            assert offsets[low.index] + low.bytes <= offsets[high.index]
    peak = max((sum(graph.tensors[i].bytes for i in step) for step in alive_at_each_operator(graph)), default=0)
    assert peak <= arena_bytes(live) <= sum(-(-item.bytes // 64) * 64 for item in live)
