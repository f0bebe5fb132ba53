"""Segments hold every operator once, in an order that can run, as TensorFlow Lite groups them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litesmith.converters.graph import Operator, Subgraph, Tensor
from litesmith.targets.partition import Segment, kept_for_readers, kept_segments, partition


def graph_of(*inputs: tuple[int, ...]) -> Subgraph:
    """Operator i reads the results of the operators in `inputs[i]`; tensor 0 is the model's input."""
    tensors = tuple(Tensor(i, f"t{i}", (8,), (8,), "int8", 0, False, False, None) for i in range(len(inputs) + 1))
    operators = tuple(
        Operator(i, "ADD", 1, tuple(place + 1 for place in read) or (0,), (i + 1,)) for i, read in enumerate(inputs)
    )
    return Subgraph("main", tensors, operators, (0,), (len(inputs),))


@st.composite
def graphs(draw: st.DrawFn) -> tuple[Subgraph, frozenset[int]]:
    size = draw(st.integers(0, 24))
    inputs = [tuple(draw(st.sets(st.integers(0, i - 1), max_size=3))) if i else () for i in range(size)]
    supported = draw(st.sets(st.integers(0, size - 1))) if size else set()
    return graph_of(*inputs), frozenset(supported)


def epochs(graph: Subgraph, supported: frozenset[int]) -> list[tuple[bool, tuple[int, ...]]]:
    """The same grouping told the long way: sweep all operators until a sweep takes none."""
    producers, done, result = graph.producers(), set[int](), []
    while len(done) < len(graph.operators):
        kind, taken, grew = None, [], True
        while grew:
            grew = False
            for op in graph.operators:
                ready = all(producers[tensor] in done for tensor in op.inputs if tensor in producers)
                if op.index in done or not ready or (kind is not None and kind != (op.index in supported)):
                    continue
                kind = op.index in supported
                done.add(op.index)
                taken.append(op.index)
                grew = True
        assert kind is not None
        result.append((kind, tuple(sorted(taken))))
    return result


@given(graphs())
def test_every_operator_is_in_exactly_one_segment_of_its_kind(case):
    graph, supported = case
    segments = partition(graph, supported)
    assert sorted(op for segment in segments for op in segment.ops) == [op.index for op in graph.operators]
    for segment in segments:
        assert segment.ops
        assert all((op in supported) == segment.delegated for op in segment.ops)


@given(graphs())
def test_segments_can_run_one_after_the_other(case):
    graph, supported = case
    producers, done = graph.producers(), set[int]()
    for segment in partition(graph, supported):
        done.update(segment.ops)
        read = {tensor for op in segment.ops for tensor in graph.operators[op].inputs}
        assert {producers[tensor] for tensor in read if tensor in producers} <= done


@given(graphs())
def test_segments_are_those_of_repeated_sweeps(case):
    graph, supported = case
    assert [(segment.delegated, segment.ops) for segment in partition(graph, supported)] == epochs(graph, supported)


@given(graphs(), st.sampled_from(["first", "largest"]), st.integers(0, 4))
def test_kept_segments_are_delegated_ones_in_order_and_within_the_limit(case, keep, maximum):
    segments = partition(*case)
    kept = kept_segments(segments, keep, maximum)
    delegated = [segment for segment in segments if segment.delegated]
    assert list(kept) == [segment for segment in delegated if segment in kept]
    assert len(kept) == (min(maximum, len(delegated)) if maximum else len(delegated))
    dropped = [len(segment.ops) for segment in delegated if segment not in kept]
    if keep == "largest" and dropped:
        assert min(len(segment.ops) for segment in kept) >= max(dropped)


def test_two_branches_join_in_one_segment_where_nothing_stands_between():
    graph = graph_of((), (0,), (0,), (1, 2))
    assert partition(graph, {0, 1, 2, 3}) == (Segment(True, (0, 1, 2, 3)),)
    assert partition(graph, {0, 1, 3}) == (Segment(True, (0, 1)), Segment(False, (2,)), Segment(True, (3,)))


def test_a_circle_is_an_error():
    with pytest.raises(ValueError, match="wait for each other"):
        partition(graph_of((1,), (0,)), {0})


def test_a_long_alternating_chain_is_quick():
    size = 20_000
    chain = graph_of((), *[(i,) for i in range(size - 1)])
    assert len(partition(chain, frozenset(range(0, size, 2)))) == size


@given(graphs(), st.data())
def test_what_goes_with_its_readers_stays_exactly_where_one_of_them_does(case, data):
    graph, left = case
    everything = [op.index for op in graph.operators]
    places = data.draw(st.sets(st.sampled_from(everything))) if everything else set()
    keeping = kept_for_readers(graph, places, left)
    stays, readers = {*left, *keeping}, graph.consumers()
    for place in places:
        reading = [reader for tensor in graph.operators[place].outputs for reader in readers.get(tensor, ())]
        assert (place in keeping) == any(reader in stays for reader in reading)
        assert place not in keeping or keeping[place] in reading
    assert keeping.keys() <= places


class Counted(int):
    """A place that counts how often it is looked up."""

    looked_up = 0

    def __hash__(self) -> int:
        Counted.looked_up += 1
        return super().__hash__()


def test_many_operators_that_write_what_many_read_cost_each_reader_once():
    size = 300
    tensors = tuple(Tensor(i, f"t{i}", (8,), (8,), "int8", 0, False, False, None) for i in range(3))
    writing = [Operator(Counted(place), "DEQUANTIZE", 1, (0,), (1,)) for place in range(size)]
    reading = [Operator(Counted(place), "ADD", 1, (1,), (2,)) for place in range(size, 2 * size)]
    graph = Subgraph("main", tensors, (*writing, *reading), (0,), (2,))
    before = Counted.looked_up
    assert kept_for_readers(graph, range(size), set()) == {}
    assert size <= Counted.looked_up - before < 3 * size
