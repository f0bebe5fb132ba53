"""The child process of `litesmith.targets.isolated`: serves one request and ends."""

from __future__ import annotations

import json
import os
import resource
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from litesmith.errors import LitesmithError, ModelError
from litesmith.targets import runtimes
from litesmith.targets.devices.host import session_block
from litesmith.targets.devices.host_state import host_facts, host_state
from litesmith.targets.isolated import INPUTS, OUTPUTS, REPLY, REQUEST
from litesmith.targets.observed_xnnpack import prepared_placements
from litesmith.targets.runtimes import Runtime
from litesmith.targets.session import Session, sample_inputs

Request = Mapping[str, Any]


def main(folder: Path) -> None:
    """Read the request in `folder`, serve it, and leave the reply there."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a crash is an answer here, not worth a core file
    request = json.loads((folder / REQUEST).read_text())
    try:
        reply = _ACTIONS[request["action"]](request, folder)
    except LitesmithError as error:
        reply = {"error": {"type": type(error).__name__, "message": str(error)}}
    (folder / REPLY).write_text(json.dumps(reply))


def _end_with_parent() -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass
    os._exit(1)


def _run(request: Request, folder: Path) -> dict[str, Any]:
    session = _open(request)
    inputs = sample_inputs(session.inputs)
    if (folder / INPUTS).exists():
        with np.load(folder / INPUTS, allow_pickle=False) as archive:
            inputs = [archive[key] for key in archive.files]
    np.savez(folder / OUTPUTS, *session.run(inputs))
    runtime = session.runtime
    return {"runtime": runtime.name, "runtime_version": runtime.version, "delegate": session.delegate}


def _block(request: Request, folder: Path) -> dict[str, Any]:
    if request["cores"] is not None:
        os.sched_setaffinity(0, request["cores"])  # threads that the runtime starts from here on inherit it
    content, runtime = _content(request), _runtime(request)
    runtime.load(isolated=True)  # an app has loaded its runtime before it opens a model
    start_ns = time.perf_counter_ns()
    session = runtime.open(content, threads=request["threads"], delegate=request["delegate"], isolated=True)
    init_ms = (time.perf_counter_ns() - start_ns) / 1e6
    return session_block(session, runs=request["runs"], seconds=request["seconds"], init_ms=init_ms).to_dict()


def _facts(request: Request, folder: Path) -> dict[str, Any]:
    return host_facts().to_dict()


def _state(request: Request, folder: Path) -> dict[str, Any]:
    return host_state().to_dict()


def _probe(request: Request, folder: Path) -> dict[str, Any]:
    runtime = _runtime(request)
    runtime.load(isolated=True)
    return {"version": runtime.version}


def _placements(request: Request, folder: Path) -> dict[str, Any]:
    runtime = _runtime(request)
    found = prepared_placements(_content(request), runtime)
    return {**found, "runtime": runtime.name, "version": runtime.version}


def _open(request: Request) -> Session:
    content = _content(request)
    return _runtime(request).open(content, threads=request["threads"], delegate=request["delegate"], isolated=True)


def _content(request: Request) -> bytes:
    try:
        return Path(request["model"]).read_bytes()
    except OSError as error:
        raise ModelError(f"cannot be read ({error.strerror}); check the path") from error


def _runtime(request: Request) -> Runtime:
    name = request["runtime"]
    return runtimes.default(isolated=True) if name is None else runtimes.get(name)


_ACTIONS: Mapping[str, Callable[[Request, Path], dict[str, Any]]] = {
    "run": _run,
    "block": _block,
    "facts": _facts,
    "state": _state,
    "probe": _probe,
    "placements": _placements,
}

if __name__ == "__main__":
    main(Path(sys.argv[1]))
