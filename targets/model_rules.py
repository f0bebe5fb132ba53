"""Rules about a whole file: what a check of its operators cannot see, or sees nothing of.

As with the rules about operators, the docstring is the message and its `Fix:` the advice; None means: nothing to say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from litesmith.converters import unusual
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.targets.compiled_model import COMPILER, EDGE_TPU, is_compiled
from litesmith.targets.op_view import short_name
from litesmith.targets.profile import TargetProfile
from litesmith.targets.report import Finding, Severity
from litesmith.targets.rules import Source, explain
from litesmith.targets.tensor_rules import Facts

ModelRule = Callable[[TFLiteModel, TargetProfile], Facts | None]
SHOWN = 5
# What a target says of shapes that are not fixed, operator by operator.
_SHAPE_RULES = frozenset({"static_shape", "only_batch_dynamic"})

_LITERT = "https://github.com/google-ai-edge/LiteRT/blob/01d971c556e3f74b696b96e0c2aa1e73b179a14e/tflite/core"
SCHEMA = Source(
    "LiteRT, schema.fbs; read with the schema of ai-edge-litert",
    "https://github.com/google-ai-edge/LiteRT/blob/b057fa3c3327eba42cda915be799f097af18f6fa/tflite/converter/schema/schema.fbs",
)
DELEGATION = Source(
    "LiteRT, Interpreter::ModifyGraphWithDelegateImpl: a delegate gets each subgraph by itself",
    f"{_LITERT}/interpreter.cc",
)
RESIZING = Source(
    "LiteRT, Subgraph::ResizeInputTensor: delegates that need fixed shapes are undone", f"{_LITERT}/subgraph.cc"
)


def no_operators(model: TFLiteModel, profile: TargetProfile) -> Facts | None:
    """The main subgraph has no operators: there is nothing to place.

    Fix: check that this is the file that was meant, and convert the model again.
    """
    return None if model.main.operators else {}


def unknown_operators(model: TFLiteModel, profile: TargetProfile) -> Facts | None:
    """Operators {names} are newer than this version of Litesmith, which knows neither their names nor their rules.

    Fix: use a newer Litesmith, or convert the model with an older converter.
    """
    names = unusual.unknown_ops(model)
    return {"names": _list(names)} if names else None


def unknown_types(model: TFLiteModel, profile: TargetProfile) -> Facts | None:
    """Tensors have types {names}, which are newer than this version of Litesmith: their sizes are not known.

    Fix: use a newer Litesmith, or convert the model with an older converter.
    """
    names = unusual.unknown_types(model)
    return {"names": _list(names)} if names else None


def control_flow(model: TFLiteModel, profile: TargetProfile) -> Facts | None:
    """{names} {run} subgraphs of the file, and what is in them is not checked ({others}).

    Fix: unroll loops, compute both branches and select, or move loop and branch into the app; then all is checked.
    """
    names = unusual.control_flow(model)
    run = "runs" if len(names) == 1 else "run"
    return {"names": _list(names), "run": run, "others": _others(model)} if names else None


def several_subgraphs(model: TFLiteModel, profile: TargetProfile) -> Facts | None:
    """Only the main subgraph, the first, is checked; the file has others ({others}).

    Fix: convert each signature to a file of its own and check them one by one.
    """
    if len(model.subgraphs) == 1 or unusual.control_flow(model):
        return None
    return {"others": _others(model)}


def free_shapes(model: TFLiteModel, profile: TargetProfile) -> Facts | None:
    """{count} {tensors} dimensions that are not fixed, such as '{tensor}' {shape}; they are checked as {stored}.

    Fix: convert the model with fixed input shapes; an app that sets others makes the runtime place everything again.
    """
    free = unusual.free_tensors(model)
    uses = (*profile.runtime, *profile.every_op, *(use for support in profile.ops.values() for use in support.rules))
    if not free or any(use.rule in _SHAPE_RULES for use in uses):
        return None
    first = free[0]
    shapes = {"shape": str(first.shape_signature), "stored": str(first.shape)}
    shapes["tensors"] = "tensor has" if len(free) == 1 else "tensors have"
    return {"count": len(free), "tensor": short_name(first), **shapes}


def external_values(model: TFLiteModel, profile: TargetProfile) -> Facts | None:
    """The values of {count} {constants}, such as '{tensor}', are in other files ({files}): not read nor counted.

    Fix: convert the model with its weights inside; until then no rule about the values of these constants is checked.
    """
    tensors = unusual.external_tensors(model)
    if not tensors:
        return None
    files = _list(model.external_files) or "without names"
    constants = "constant" if len(tensors) == 1 else "constants"
    return {"count": len(tensors), "constants": constants, "tensor": short_name(tensors[0]), "files": files}


def compiled_for_edge_tpu(model: TFLiteModel, profile: TargetProfile) -> Facts | None:
    """It is compiled for the Edge TPU: its operator edgetpu-custom-op runs nowhere else.

    Fix: check the file that edgetpu_compiler read; that is the one for other targets.
    """
    return {} if is_compiled(model) and profile.accelerator != EDGE_TPU else None


# Each with its source. Only where an accelerator is required does a file without operators miss the target.
_RULES: Mapping[ModelRule, tuple[Severity, Source]] = {
    no_operators: ("warning", SCHEMA),
    unknown_operators: ("warning", SCHEMA),
    unknown_types: ("warning", SCHEMA),
    control_flow: ("warning", DELEGATION),
    several_subgraphs: ("warning", DELEGATION),
    free_shapes: ("info", RESIZING),
    external_values: ("warning", SCHEMA),
    compiled_for_edge_tpu: ("warning", COMPILER),
}


def model_findings(model: TFLiteModel, profile: TargetProfile) -> tuple[Finding, ...]:
    """What is to be said of the file as a whole, for one target."""
    findings = []
    for rule, (severity, source) in _RULES.items():
        facts = rule(model, profile)
        if facts is not None:
            message, fix = explain(rule, facts)
            missed = rule is no_operators and profile.accelerator_required
            findings.append(Finding(rule.__name__, None, "error" if missed else severity, message, fix, source.cite()))
    return tuple(findings)


def _others(model: TFLiteModel) -> str:
    """The subgraphs behind the main one, and how many operators they hold."""
    others = model.subgraphs[1:]
    if not others:
        return "there is none beside the main one"
    named = (graph.name or f"subgraph {place}" for place, graph in enumerate(others, 1))
    count = sum(len(graph.operators) for graph in others)
    return f"{_list(named)}: {count} operator{'' if count == 1 else 's'}"


def _list(names: Iterable[str]) -> str:
    """The first few, then how many more there are."""
    listed = list(names)
    more = f" and {len(listed) - SHOWN} more" if len(listed) > SHOWN else ""
    return ", ".join(name[:40] for name in listed[:SHOWN]) + more
