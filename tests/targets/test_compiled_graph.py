"""Pairs of operators in graphs small enough to see what stands for what."""

from collections.abc import Sequence

from litesmith.converters.graph import Operator, Subgraph, Tensor
from litesmith.targets.compiled_graph import Pairing

Step = tuple[str, Sequence[str], str]  # operator, what it reads, what it writes
TPU = "CUSTOM:edgetpu-custom-op"


def graph(*steps: Step, output: str, widths: dict[str, int] | None = None, names: bool = True) -> Subgraph:
    """A graph that reads tensor `in` and writes `output`; all tensors are 8 wide but for `widths`."""
    keys = list(dict.fromkeys(["in", *(key for _, reads, writes in steps for key in (*reads, writes))]))
    shapes = {key: ((widths or {}).get(key, 8),) for key in keys}
    tensors = tuple(
        Tensor(
            i, key if names or key in {"in", output} else "", shapes[key], shapes[key], "int8", 0, False, False, None
        )
        for i, key in enumerate(keys)
    )
    operators = tuple(
        Operator(i, op, 1, tuple(map(keys.index, reads)), (keys.index(writes),))
        for i, (op, reads, writes) in enumerate(steps)
    )
    return Subgraph("main", tensors, operators, (0,), (keys.index(output),))


def test_readers_without_names_are_told_apart_by_the_shape_of_their_results():
    widths = {"a": 2, "b": 4}
    steps = [("CONV_2D", ["in"], "a"), ("CONV_2D", ["in"], "b"), ("CONCATENATION", ["a", "b"], "out")]
    original = graph(*steps, output="out", widths=widths)
    compiled = graph(("CONV_2D", ["in"], "b"), (TPU, ["in", "b"], "out"), output="out", widths=widths, names=False)
    pairing = Pairing(original, compiled)
    assert pairing.pairs == {0: 1}
    assert pairing.replaced(TPU) == {0, 2}


def test_readers_that_look_alike_stay_unpaired():
    steps = [("CONV_2D", ["in"], "a"), ("CONV_2D", ["in"], "b"), ("CONCATENATION", ["a", "b"], "out")]
    original = graph(*steps, output="out")
    compiled = graph(("CONV_2D", ["in"], "b"), (TPU, ["in", "b"], "out"), output="out", names=False)
    assert Pairing(original, compiled).pairs == {}


def test_names_that_occur_twice_pair_nothing():
    steps = [("ADD", ["in"], "x"), ("MUL", ["x"], "y"), ("ADD", ["y"], "z"), ("TANH", ["z"], "out")]
    original = graph(*steps, output="out")
    twice = tuple(
        Tensor(t.index, "x" if t.name in {"x", "z"} else t.name, *(t.shape,) * 2, "int8", 0, False, False, None)
        for t in original.tensors
    )
    original = Subgraph("main", twice, original.operators, original.inputs, original.outputs)
    compiled = graph(("ADD", ["in"], "x"), (TPU, ["x"], "out"), output="out")
    pairing = Pairing(original, compiled)
    assert pairing.pairs == {0: 0}
    assert pairing.replaced(TPU) == {1, 2, 3}


def test_a_conversion_without_a_name_between_two_segments_is_doubtful():
    steps = [("CONV_2D", ["in"], "a"), ("QUANTIZE", ["a"], "b"), ("CONV_2D", ["b"], "out")]
    cut = [(TPU, ["in"], "a"), ("QUANTIZE", ["a"], "b"), (TPU, ["b"], "out")]
    assert Pairing(graph(*steps, output="out"), graph(*cut, output="out")).doubtful() is None
    doubtful = Pairing(graph(*steps, output="out"), graph(*cut, output="out", names=False)).doubtful()
    assert doubtful is not None
    assert doubtful.op == "QUANTIZE"


def test_a_conversion_that_stands_for_the_result_of_another_operator_is_inserted():
    original = graph(("QUANTIZE", ["in"], "a"), ("CONV_2D", ["a"], "out"), output="out")
    compiled = graph((TPU, ["in"], "new"), ("QUANTIZE", ["new"], "out"), output="out")
    pairing = Pairing(original, compiled)
    assert (pairing.pairs, pairing.doubtful()) == ({}, None)
    assert pairing.replaced(TPU) == {0, 1}


def test_what_nobody_reads_may_be_dropped_but_nothing_else():
    steps = [("CONV_2D", ["in"], "out"), ("TANH", ["in"], "unread")]
    compiled = graph((TPU, ["in"], "out"), output="out")
    assert Pairing(graph(*steps, output="out"), compiled).replaced(TPU) == {0, 1}
    kept = [("CONV_2D", ["in"], "a"), ("TANH", ["a"], "b"), ("ADD", ["b"], "out")]
    skipping = graph(("CONV_2D", ["in"], "a"), ("ADD", ["a"], "out"), output="out")
    pairing = Pairing(graph(*kept, output="out"), skipping)
    assert (pairing.pairs, pairing.replaced(TPU)) == ({0: 0, 1: 2}, set())
