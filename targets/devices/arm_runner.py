"""Runs a model on many sets of inputs; a program of its own, for this machine and for an emulated one.

It imports nothing of Litesmith, because an emulated machine has only numpy and a runtime. `request.json` in the
folder names the model, the module of the interpreter and the package whose libraries are of interest; `inputs.npz` has
`<set>_<input>`, both counted from 0. It leaves `outputs.npz`, named alike, and `reply.json`.
"""

import ctypes
import importlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PR_SET_PDEATHSIG, SIGKILL = 1, 9
AT_HWCAP, AT_HWCAP2 = 16, 26


def main(folder: Path) -> None:
    """Serve the request in `folder`."""
    system = ctypes.CDLL(None)
    system.prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)  # ends with the process that started it
    system.getauxval.argtypes, system.getauxval.restype = [ctypes.c_ulong], ctypes.c_ulong
    request = json.loads((folder / "request.json").read_text())
    interpreter_module = importlib.import_module(request["module"])
    try:
        reply = _run(interpreter_module, folder, request)
    except (RuntimeError, ValueError) as error:
        reply = {"error": " ".join(str(error).split())}
    reply["hwcap"], reply["hwcap2"] = system.getauxval(AT_HWCAP), system.getauxval(AT_HWCAP2)
    reply["code"] = _code(request["module"].partition(".")[0])
    (folder / "reply.json").write_text(json.dumps(reply))


def _run(module: Any, folder: Path, request: Mapping[str, Any]) -> dict[str, Any]:
    import numpy as np

    kernels = module.OpResolverType["AUTO" if request["delegate"] == "xnnpack" else "BUILTIN_WITHOUT_DEFAULT_DELEGATES"]
    interpreter = module.Interpreter(model_path=request["model"], num_threads=1, experimental_op_resolver_type=kernels)
    interpreter.allocate_tensors()
    into = [detail["index"] for detail in interpreter.get_input_details()]
    out = [detail["index"] for detail in interpreter.get_output_details()]
    results = {}
    with np.load(folder / "inputs.npz", allow_pickle=False) as inputs:
        for place in range(len(inputs.files) // len(into)):
            for position, index in enumerate(into):
                interpreter.set_tensor(index, inputs[f"{place}_{position}"])
            interpreter.reset_all_variables()
            interpreter.invoke()
            results.update({f"{place}_{position}": interpreter.get_tensor(index) for position, index in enumerate(out)})
    np.savez(folder / "outputs.npz", **results)
    delegated = any(op["op_name"] == "DELEGATE" for op in interpreter._get_ops_details())
    return {"delegate": "xnnpack" if delegated else "none", "outputs": len(out)}


def _code(package: str) -> list[list[int]]:
    """Addresses (first, after the last) of the code of a package's libraries in this process."""
    ranges = []
    for line in Path("/proc/self/maps").read_text().splitlines():
        addresses, rights, *_, name = line.split(maxsplit=5)
        if "x" in rights and f"/{package}/" in name:
            first, last = addresses.split("-")
            ranges.append([int(first, 16), int(last, 16)])
    return ranges


if __name__ == "__main__":
    main(Path(sys.argv[1]))
