"""Which operators XNNPACK really takes: a runtime prepares the model in a child process and is asked.

Every runtime hands operators to XNNPACK while it allocates tensors: each segment becomes one node `DELEGATE`, and the
operators of the file stay listed beside it. What lies between a node's outputs and its inputs ran into it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from litesmith.calibration.native import quiet_native
from litesmith.targets.isolated import exchange
from litesmith.targets.session import native_errors

if TYPE_CHECKING:
    from litesmith.targets.runtimes import Runtime

Placement = Literal["xnnpack", "cpu", "unknown"]
_DELEGATE = "DELEGATE"
_ABSENT = -1


@dataclass(frozen=True, slots=True)
class Observation:
    """Where each operator of the main subgraph runs, in the order of the file, and which runtime said so.

    Attributes:
        placements: one for each operator; `unknown` where nobody reads its results: then the runtime's list does not
            tell whether it ran into a segment.
        segments: how many pieces the delegate runs.
        runtime: `litert`, `tflite-runtime` or `tf`.
        version: version of the runtime.
    """

    placements: tuple[Placement, ...]
    segments: int
    runtime: str
    version: str

    def __post_init__(self) -> None:
        taken = "xnnpack" in self.placements
        if taken != (self.segments > 0):
            raise ValueError(f"{self.segments} segments do not fit the placements {self.placements}")


def observe_xnnpack(model: Path | bytes, timeout_s: float = 60.0, *, runtime: str | None = None) -> Observation:
    """Prepare a model in a child process, with the delegate that the runtime applies by itself.

    Nothing is run: a runtime decides before the first run. Which operators it takes depends on the runtime's version
    and on the processor's architecture, which is the host's.

    Args:
        model: a file, or the content of one.
        timeout_s: how long the child may take, its start included.
        runtime: `litert`, `tflite-runtime` or `tf`; None for the first that is installed.

    Raises:
        ModelError: the file cannot be read or prepared, or it crashes the runtime.
        DeviceTimeout: the child did not finish in time.
        DeviceError: the runtime is not installed or cannot be loaded.
    """
    request = {"action": "placements", "runtime": runtime}
    with tempfile.TemporaryDirectory(prefix="litesmith-") as folder:
        reply = exchange(request, Path(folder), model, timeout_s)
    return Observation(tuple(reply["placements"]), reply["segments"], reply["runtime"], reply["version"])


def prepared_placements(content: bytes, runtime: Runtime) -> dict[str, Any]:
    """What the child answers: `placements` and `segments` of a model that `runtime` has prepared.

    Raises:
        ModelError: the runtime refuses the file.
        DeviceError: the runtime cannot be loaded in this process.
    """
    module = runtime.load(isolated=True)
    with native_errors(runtime), quiet_native():
        interpreter = module.Interpreter(model_content=content, num_threads=1)
        interpreter.allocate_tensors()
        nodes = interpreter._get_ops_details()
        outputs = [int(output["index"]) for output in interpreter.get_output_details()]
    return placements_of(nodes, outputs)


def placements_of(nodes: Sequence[Mapping[str, Any]], outputs: Collection[int] | None = None) -> dict[str, Any]:
    """What ran into the `DELEGATE` nodes of an interpreter's own list, and what may have.

    Args:
        nodes: the list.
        outputs: tensors that the model gives; a segment that makes one of them gives it as well. Without them, what
            leaves no trace counts as `cpu`.
    """
    delegates = [node for node in nodes if node["op_name"] == _DELEGATE]
    own = _Nodes([node for node in nodes if node["op_name"] != _DELEGATE])
    places: list[Placement] = ["cpu"] * len(own.inputs)
    for delegate in delegates:
        borders, results = _tensors(delegate, "inputs"), _tensors(delegate, "outputs")
        taken = own.between(borders, results)
        if outputs is not None:
            for place in own.traceless(taken, borders | results, outputs):
                places[place] = "unknown"
        for place in taken:
            places[place] = "xnnpack"
    return {"placements": places, "segments": len(delegates)}


class _Nodes:
    """The operators of a file as a runtime lists them: what each reads and writes."""

    def __init__(self, nodes: Sequence[Mapping[str, Any]]) -> None:
        self.inputs = [_tensors(node, "inputs") for node in nodes]
        self.outputs = [_tensors(node, "outputs") for node in nodes]
        self._producers = {tensor: place for place, written in enumerate(self.outputs) for tensor in written}
        self._readers: dict[int, list[int]] = {}
        for place, read in enumerate(self.inputs):
            for tensor in read:
                self._readers.setdefault(tensor, []).append(place)

    def between(self, borders: Set[int], results: Set[int]) -> set[int]:
        """The operators of a segment that gets the tensors `borders` and gives `results`.

        Whatever it reads and does not get is made in it; what it makes and does not give is read in it alone. The
        second finds operators without results, such as those that write a variable.
        """
        found: set[int] = set()
        waiting = [self._producers[tensor] for tensor in results if tensor in self._producers]
        while waiting:
            place = waiting.pop()
            if place in found:
                continue
            found.add(place)
            made = self.inputs[place] - borders
            waiting += (self._producers[tensor] for tensor in made if tensor in self._producers)
            for tensor in self.outputs[place] - results:
                waiting += self._readers.get(tensor, ())
        return found

    def traceless(self, taken: Set[int], known: Set[int], outputs: Collection[int]) -> set[int]:
        """Operators whose results nobody reads: in the segment that took `taken` they would leave no trace.

        `known` are the tensors that the segment gets and gives, `outputs` those of the model.
        """
        made = {tensor for place in taken for tensor in self.outputs[place]}
        found: set[int] = set()
        for place in reversed(range(len(self.inputs))):
            readers = {reader for tensor in self.outputs[place] for reader in self._readers.get(tensor, ())}
            reads = self.inputs[place]
            reachable = bool(reads) and all(tensor in made | known or self._is_idle(tensor) for tensor in reads)
            if (
                place not in taken
                and reachable
                and readers <= found
                and self.outputs[place].isdisjoint({*known, *outputs})
            ):
                found.add(place)
        return found

    def _is_idle(self, tensor: int) -> bool:
        """Whether no operator writes it: a constant, or an input of the model."""
        return tensor not in self._producers


def _tensors(node: Mapping[str, Any], key: str) -> frozenset[int]:
    return frozenset(int(tensor) for tensor in node[key]) - {_ABSENT}
