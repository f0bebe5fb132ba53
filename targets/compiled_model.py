"""A file that `edgetpu_compiler` wrote: what is inside its operator runs on the Edge TPU, the rest on the CPU."""

from __future__ import annotations

from litesmith.converters.tflite_model import TFLiteModel
from litesmith.targets.profile import TargetProfile
from litesmith.targets.report import CPU, Finding, OpPlacement, TargetReport
from litesmith.targets.rules import CUSTOM, Source, explain

EDGE_TPU = "edge_tpu"
COMPILED_OP = f"{CUSTOM}edgetpu-custom-op"
COMPILER = Source("Coral, Edge TPU Compiler", "https://coral.ai/docs/edgetpu/compiler/")


def is_compiled(model: TFLiteModel) -> bool:
    """Whether the main subgraph holds an operator that only the Edge TPU's runtime knows."""
    return any(operator.op == COMPILED_OP for operator in model.main.operators)


def already_compiled() -> None:
    """This is the compiler's output already: what is inside {custom} of its {total} operators runs on the Edge TPU, the others on the CPU.

    Fix: to see each operator with its reason, check the file that the compiler read, with this one as --compiled.
    """  # noqa: E501


def left_by_compiler() -> None:
    """The compiler left it on the CPU; its output does not say why.

    Fix: check the file that the compiler read, or read the log that the compiler wrote beside this file.
    """


def compiled_report(model: TFLiteModel, profile: TargetProfile) -> TargetReport:
    """Where the operators of a compiled file run; no rule is applied, and nothing is said of its memory."""
    places = [operator.index for operator in model.main.operators if operator.op == COMPILED_OP]
    facts = {"custom": len(places), "total": len(model.main.operators)}
    message, fix = explain(already_compiled, facts)
    findings = [Finding(already_compiled.__name__, None, "info", message, fix, COMPILER.cite())]
    reason, advice = explain(left_by_compiler, {})
    ops = []
    for operator in model.main.operators:
        if operator.op == COMPILED_OP:
            ops.append(OpPlacement(operator.index, operator.op, profile.accelerator))
            continue
        ops.append(OpPlacement(operator.index, operator.op, CPU, left_by_compiler.__name__, reason))
        cause = Finding(left_by_compiler.__name__, operator.index, "info", reason, advice, COMPILER.cite())
        findings.append(cause)
    return TargetReport(
        profile.label, "predicted", profile.accelerator, tuple(ops), len(places), tuple(findings)
    )  # fmt: skip
