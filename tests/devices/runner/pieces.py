"""How the graph was cut: the operators that are left, and those that a delegate took.

There is no NNAPI and no GPU here: a model for one runs on the CPU and only what is printed changes. What an
accelerator of the phone does with a model is in RUNNER_DELEGATES, as `nnapi=full,gpu=refused`:
`absent` (there is none, which is what holds without a word; the tool goes on with the CPU), `refused` (it takes no
operator; the tool goes on with the CPU), `partial` (it takes all operators but the last), `full`, `fails` (the tool
ends).
"""

import os

from console import OLD, Failed, log

STATES = dict(entry.split("=") for entry in os.environ.get("RUNNER_DELEGATES", "").split(",") if entry)
ACCELERATORS = {"use_nnapi": ("NNAPI", "TfLiteNnapiDelegate"), "use_gpu": ("GPU", "TfLiteGpuDelegateV2")}
XNNPACK = "TfLiteXNNPackDelegate"


class Pieces:
    """Operators of the graph as LiteRT describes them; `delegates` have theirs in `inside`."""

    def __init__(self, interpreter):
        details = interpreter._get_ops_details()
        self.operators = [detail for detail in details if detail["op_name"] != "DELEGATE"]
        self.delegates = [detail for detail in details if detail["op_name"] == "DELEGATE"]
        for piece in self.delegates:
            piece["inside"] = self._inside(piece)
        self.kernel = XNNPACK
        self._names = {detail["index"]: detail["name"] for detail in interpreter.get_tensor_details()}

    @property
    def taken(self):
        """Operators inside the delegates."""
        return [operator for piece in self.delegates for operator in piece["inside"]]

    @property
    def left(self):
        """What runs, one after another."""
        left = [operator for operator in self.operators if operator["index"] not in self._taken_indices()]
        return sorted(left + self.delegates, key=self._turn)

    def _taken_indices(self):
        return {operator["index"] for piece in self.delegates for operator in piece["inside"]}

    def _turn(self, operator):
        inside = operator.get("inside")
        return inside[0]["index"] if inside else operator["index"]

    def name(self, operator):
        """The output tensor's, or the delegate's."""
        if operator["op_name"] == "DELEGATE":
            return self.kernel
        return ", ".join(self._names.get(int(tensor), "") for tensor in operator["outputs"])

    def kind(self, operator):
        """The operator or the delegate."""
        return self.kernel if operator["op_name"] == "DELEGATE" else operator["op_name"]

    def replace(self, count, kernel):
        """Let an accelerator have the first `count` operators."""
        self.kernel = kernel
        index = max(operator["index"] for operator in self.operators) + 1
        piece = {"index": index, "op_name": "DELEGATE", "outputs": [], "inside": self.operators[:count]}
        self.delegates = [piece] if count else []

    def _inside(self, piece):
        """The operators from which a delegate's outputs come, back to its inputs."""
        given = set(map(int, piece["inputs"]))
        found, wanted = [], set(map(int, piece["outputs"])) - given
        for operator in reversed(self.operators):
            if wanted & set(map(int, operator["outputs"])):
                found.insert(0, operator)
                wanted |= set(map(int, operator["inputs"])) - given
        return found


def apply_delegates(interpreter, flags):
    """The pieces of the graph; prints what the tool prints of its delegates."""
    pieces = Pieces(interpreter)
    asked = [flag for flag in ACCELERATORS if flags[flag]]
    for flag in asked:
        name, kernel = ACCELERATORS[flag]
        _apply(pieces, name, kernel, STATES.get(name.lower(), "absent"))
    if flags["use_xnnpack"] and not asked:
        log("XNNPACK delegate created.")
        _report(pieces, "XNNPACK")
    if flags["require_full_delegation"] and len(pieces.left) > 1:
        raise Failed("Disallowed CPU fallback detected.")
    return pieces


def _apply(pieces, name, kernel, state):
    if state == "absent":
        log(f"{name} acceleration is unsupported on this platform.", "WARN")
        return
    log(f"Created TensorFlow Lite delegate for {name}.")
    log(f"{name} delegate created.")
    if state == "fails":
        raise Failed(f"Failed to apply {name} delegate.")
    if state == "refused":
        log(f"Though {name} delegate is explicitly applied, the model graph will not be executed by the delegate.")
        return
    total = len(pieces.operators)
    pieces.replace(total if state == "full" else total - 1, kernel)
    if not OLD:
        log(
            f"Replacing {len(pieces.taken)} out of {total} node(s) with delegate ({kernel}) node,"
            " yielding 1 partitions for subgraph 0.",
            "VERBOSE",
        )
    _report(pieces, name)


def _report(pieces, name):
    if not pieces.delegates:
        log(f"Though {name} delegate is explicitly applied, the model graph will not be executed by the delegate.")
        return
    kernels = len(pieces.delegates)
    how = "completely" if len(pieces.left) == 1 else "partially"
    counted = "" if len(pieces.left) == 1 else f" w/ {kernels} delegate kernels"
    log(f"Explicitly applied {name} delegate, and the model graph will be {how} executed by the delegate{counted}.")
