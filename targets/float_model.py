"""One line for a model that computes in float where the target does not, in the place of one for each operator."""

from __future__ import annotations

from collections.abc import Sequence

from litesmith.targets.op_view import OpView
from litesmith.targets.profile import TargetProfile
from litesmith.targets.report import Finding, Severity
from litesmith.targets.rules import explain

# Rules about types; with a float tensor they are broken by every operator of such a model.
TYPE_RULES = frozenset({"tensor_types", "type_pairs", "same_types", "weight_types", "no_hybrid_weights"})
_COMPUTED = frozenset({"activations", "inputs", "input0"})
_CONVERSIONS = frozenset({"QUANTIZE", "DEQUANTIZE"})


def float_model() -> None:
    """{count} of {total} {compute} in {types}, which {accelerator} does not take{weights}.

    Fix: quantize the model to full integer, with integer inputs and outputs, and check it again.
    """


def float_findings(views: Sequence[OpView], profile: TargetProfile) -> tuple[Finding, ...]:
    """The line, where more than half of the operators stay off because they compute in float.

    Args:
        views: all operators; those that only unpack weights do not count.
        profile: the target.
    """
    computing = [view for view in views if view.operator.op not in _CONVERSIONS]
    floats = [view for view in computing if _refuses_float(view, profile)]
    if 2 * len(floats) <= len(computing):
        return ()
    types = sorted({dtype for view in floats for dtype in _float_types(view)})
    weights = "; the weights are float16" if any(_unpacks_float16(view) for view in views) else ""
    facts = {"count": len(floats), "total": len(views), "types": types, "accelerator": profile.accelerator}
    facts["weights"] = weights
    facts["compute"] = "operator computes" if len(views) == 1 else "operators compute"
    message, fix = explain(float_model, facts)
    severity: Severity = "warning" if profile.accelerator_required else "info"
    return (Finding(float_model.__name__, None, severity, message, fix, profile.source.cite()),)


def says_only_float(finding: Finding, op: str) -> bool:
    """Whether a finding about operator `op` adds nothing once it is said that the model computes in float."""
    if finding.severity == "error":  # more than staying on the CPU: a compiler stops there
        return False
    return finding.rule in TYPE_RULES or (finding.rule == "unsupported_op" and op in _CONVERSIONS)


def _refuses_float(view: OpView, profile: TargetProfile) -> bool:
    """Whether the operator computes in float, and the target says that it takes other types only."""
    support, types = profile.ops.get(view.operator.op), _float_types(view)
    uses = (*profile.every_op, *(support.rules if support else ()))
    limits = [use.parameters for use in uses if use.rule == "tensor_types" and not use.when_types]
    return any(not types.issubset(limit["types"]) for limit in limits if limit["of"] in _COMPUTED)


def _unpacks_float16(view: OpView) -> bool:
    first = view.operand(0)
    return view.operator.op == "DEQUANTIZE" and first is not None and first.dtype == "float16" and view.is_static(first)


def _float_types(view: OpView) -> set[str]:
    return {tensor.dtype for tensor in view.tensors("activations") if tensor.is_float}
