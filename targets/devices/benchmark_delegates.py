"""Which delegate really ran, as the log of `benchmark_model` says it.

A delegate that refuses a model is no error to the tool: it measures the CPU, and the number looks plausible.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_TOOK = re.compile(r"[Aa]pplied (\w+) delegate, and the model graph will be (?:completely|partially) executed")
_TOOK_NOTHING = re.compile(r"Though (\w+) delegate is explicitly applied, the model graph will not be executed")
_REPLACED = re.compile(
    r"Replacing (\d{1,9}) out of (\d{1,9}) node\(s\) with delegate \((\w+)\)(?:.*?for (?:the )?subgraph (\d+))?"
)
# XNNPACK is also applied by default, and then said to be there but not whether it took something.
_DEFAULT = "Created TensorFlow Lite XNNPACK delegate for CPU"
_KERNELS = {"TfLiteXNNPackDelegate": "xnnpack", "TfLiteNnapiDelegate": "nnapi", "TfLiteGpuDelegateV2": "gpu"}


@dataclass(frozen=True, slots=True)
class DelegateUse:
    """The delegate that ran the model, `none` for the runtime's own kernels, and `nodes` `of` all that it took."""

    name: str
    nodes: int | None = None
    of: int | None = None


def read_delegate(log: str) -> DelegateUse:
    """What ran; node counts are None where the version of the tool does not give them.

    The lines "Replacing N out of M" are not enough: a delegate may be taken away again after them.
    """
    refused = {name.lower() for name in _TOOK_NOTHING.findall(log)}
    replaced = _replaced(log)
    names = [name.lower() for name in _TOOK.findall(log) if name.lower() not in refused]
    if not names and "xnnpack" not in refused and _DEFAULT in log and replaced.get("xnnpack", (1, 1))[0]:
        names = ["xnnpack"]
    if not names:
        names = [name for name, (nodes, _) in replaced.items() if nodes and name not in refused]
    if not names:
        return DelegateUse("none")
    nodes, of = replaced.get(names[0], (None, None))
    return DelegateUse("+".join(dict.fromkeys(names)), nodes, of)


def _replaced(log: str) -> dict[str, tuple[int, int]]:
    """By delegate: nodes that it took and nodes there were, over all subgraphs."""
    counts: dict[str, dict[str, tuple[int, int]]] = {}
    for taken, nodes, kernel, subgraph in _REPLACED.findall(log):
        counts.setdefault(_KERNELS.get(kernel, kernel), {})[subgraph] = (int(taken), int(nodes))
    return {
        name: (sum(taken for taken, _ in graphs.values()), sum(nodes for _, nodes in graphs.values()))
        for name, graphs in counts.items()
    }
