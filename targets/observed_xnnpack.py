"""Which operators XNNPACK really takes: a runtime prepares the model in a child process and is asked.

Every runtime hands operators to XNNPACK while it allocates tensors: each segment becomes one node `DELEGATE`, and the
operators of the file stay listed beside it. What lies between a node's outputs and its inputs ran into it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from litesmith.calibration.native import quiet_native
from litesmith.targets.isolated import exchange
from litesmith.targets.session import native_errors

if TYPE_CHECKING:
    from litesmith.targets.runtimes import Runtime

Placement = Literal["xnnpack", "cpu"]
_DELEGATE = "DELEGATE"
_ABSENT = -1


@dataclass(frozen=True, slots=True)
class Observation:
    """Where each operator of the main subgraph runs, in the order of the file, and which runtime said so.

    Attributes:
        placements: one for each operator. An operator whose results nobody reads leaves no trace in the runtime's
            list and counts as `cpu`.
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
    return placements_of(nodes)


def placements_of(nodes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Walk from the outputs of every `DELEGATE` node back to its inputs; `nodes` is an interpreter's own list."""
    delegates = [node for node in nodes if node["op_name"] == _DELEGATE]
    own = [node for node in nodes if node["op_name"] != _DELEGATE]
    producers = {int(tensor): place for place, node in enumerate(own) for tensor in node["outputs"]}
    taken: set[int] = set()
    for delegate in delegates:
        borders = {int(tensor) for tensor in delegate["inputs"]} | {_ABSENT}
        open_tensors = [int(tensor) for tensor in delegate["outputs"]]
        while open_tensors:
            place = producers.get(open_tensors.pop())
            if place is not None and place not in taken:
                taken.add(place)
                open_tensors += {int(tensor) for tensor in own[place]["inputs"]} - borders
    placements = ["xnnpack" if place in taken else "cpu" for place in range(len(own))]
    return {"placements": placements, "segments": len(delegates)}
