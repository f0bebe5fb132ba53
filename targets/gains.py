"""What resolving findings would bring: how many operators more go to the accelerator.

For each kind of finding the operators that have it are taken as if they broke no rule, and the graph is partitioned
again. That counts what stands behind a break too, which the number of findings does not tell.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from litesmith.converters.graph import Subgraph
from litesmith.targets.advice_integer import STAYS
from litesmith.targets.partition import Flow, kept_for_readers, kept_segments, partition
from litesmith.targets.profile import TargetProfile
from litesmith.targets.report import Finding, Gain

# An operator with one of these cannot run there: without it others may, but it is not gained itself.
_NOT_TAKEN = frozenset({"unsupported_op", "custom_op"})
# Each kind costs one more partition, and a hostile file may have as many kinds as operators.
MAX_KINDS = 24


def gains(
    graph: Subgraph,
    profile: TargetProfile,
    found: Mapping[int, Sequence[Finding]],
    unpacking: Collection[int],
    mapped: int,
) -> tuple[Gain, ...]:
    """What it brings to resolve the first break alone, and each kind of finding wherever it occurs.

    Args:
        graph: the main subgraph, whose operators form no circle.
        profile: how the target partitions.
        found: what operators break by themselves, by operator.
        unpacking: places of the operators that unpack constants.
        mapped: number of operators that are on the accelerator as it is.

    Returns:
        Those that bring at least one operator, the most first; among equals the one that changes fewer operators.
        What a better one brings along with the same fixes is left out.
    """
    results, flow = [], Flow.of(graph)
    for ops in dict.fromkeys(_candidates(found)):
        foreign = {op for op in ops if any(finding.rule in _NOT_TAKEN for finding in found[op])}
        more = _mapped(graph, flow, profile, found.keys() - set(ops), unpacking, foreign) - mapped
        if more > 0:
            broken = [finding for op in ops for finding in found[op]]
            rules = tuple(dict.fromkeys(finding.rule for finding in broken))
            fixes = tuple(dict.fromkeys(finding.fix for finding in broken))
            # To leave an operator where it is brings nothing back.
            results += [Gain(ops, rules, fixes, more)] if fixes != (STAYS,) else []
    return _distinct(sorted(results, key=lambda gain: (-gain.mapped_more, len(gain.ops), gain.ops)))


def _candidates(found: Mapping[int, Sequence[Finding]]) -> Iterator[tuple[int, ...]]:
    """The first break, then the operators of each kind of finding: one rule with one fix."""
    kinds: dict[tuple[str, str], list[int]] = {}
    for place, findings in sorted(found.items()):
        for finding in findings:
            kinds.setdefault((finding.rule, finding.fix), []).append(place)
    if found:
        yield (min(found),)
    for places in sorted(kinds.values(), key=len, reverse=True)[:MAX_KINDS]:
        yield tuple(dict.fromkeys(places))


def _distinct(ranked: Sequence[Gain]) -> tuple[Gain, ...]:
    """Without those of which a better one changes the same operators, and more, in the same way."""
    kept: list[Gain] = []
    for gain in ranked:
        if not any(set(gain.ops) <= set(better.ops) and set(gain.fixes) <= set(better.fixes) for better in kept):
            kept.append(gain)
    return tuple(kept)


def _mapped(
    graph: Subgraph,
    flow: Flow,
    profile: TargetProfile,
    left: Collection[int],
    unpacking: Collection[int],
    foreign: Collection[int],
) -> int:
    """Number of operators on the accelerator where those at `left` are not taken; `foreign` ones do not count."""
    stays = {*left, *kept_for_readers(graph, unpacking, set(left))}
    segments = partition(flow, set(range(len(graph.operators))) - stays)
    return sum(
        len(set(segment.ops).difference(foreign))
        for segment in kept_segments(segments, profile.keep, profile.max_segments)
    )
