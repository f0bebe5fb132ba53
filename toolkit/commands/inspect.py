"""`litesmith inspect`: what a `.tflite` really is, read from every tensor and operator, without running it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from litesmith.commands.answer import Answer, counted, one_line, printable, table
from litesmith.commands.inspect_described import described, described_lines

if TYPE_CHECKING:
    from litesmith.converters.graph import Tensor
    from litesmith.converters.runtime_traps import Trap
    from litesmith.converters.tflite_model import TFLiteModel

SUMMARY = "say what a .tflite file really is"
EXAMPLE = "litesmith inspect model.tflite --json"

_TEXT_BYTES = 64  # metadata no longer than this is shown if it is text
_NAME_LENGTH = 48
_SHOWN = 5
_SIGNATURES_SHOWN = 20
_NO_OPS = "no operators: nothing is computed"
_EXPLAINED = frozenset({"mixed", "dynamic-range", "int8-float-io"})


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `inspect`."""
    parser.add_argument("model", type=Path, metavar="X.tflite", help="the file to read")


def execute(args: argparse.Namespace) -> Answer:
    """Read the file and describe it.

    Raises:
        ModelError: it cannot be read or is not a sound TFLite flatbuffer.
    """
    from litesmith.converters.tflite_model import TFLiteModel

    model = TFLiteModel.from_file(args.model)
    return Answer(describe(model), render(model))


def describe(model: TFLiteModel) -> dict[str, Any]:
    """The JSON document of a model; scale and zero point are null where a tensor is not quantized.

    `ops`, `float_tensors`, `unknown` and `external` are those of all subgraphs, the rest is about the first one;
    a signature names the subgraph that it runs by its place.
    """
    from litesmith.converters.label import truth_label
    from litesmith.converters.runtime_traps import oldest_runtime_of

    return {
        "sha256": model.sha256,
        "bytes": len(model.content),
        "gzip_bytes": model.gzip_bytes,
        "label": truth_label(model),
        "float_tensors": list(model.float_tensors),
        "ops": {op: {"count": ops.count, "max_version": ops.max_version} for op, ops in model.ops.items()},
        "oldest_runtime": str(oldest_runtime_of(model)),
        "weight_sparsity": round(model.weight_sparsity, 6),
        "inputs": [_interface(tensor) for tensor in model.inputs],
        "outputs": [_interface(tensor) for tensor in model.outputs],
        "metadata": {name: _short(content) for name, content in model.metadata.items()},
        "described": described(model),
        **_unusual(model),
    }


def render(model: TFLiteModel) -> str:
    """What `describe` says, for people, with the reason for the label."""
    from litesmith.converters.label import judge
    from litesmith.converters.runtime_traps import traps_of

    facts, verdict = describe(model), judge(model)
    parts = [
        f"{one_line(model.source)}: {verdict.label}\n  {verdict.reason}",
        _summary(facts, traps_of(model)),
        _signature_lines(facts),
        _op_table(facts),
        table(("", "name", "shape", "type", "scale", "zero point"), _interface_rows(facts)),
    ]
    if verdict.label in _EXPLAINED:
        parts.append(_float_lines(model))
    return printable("\n\n".join(part for part in parts if part))


def _unusual(model: TFLiteModel) -> dict[str, Any]:
    """What keeps a reader or a checker from seeing all of the file; zero and empty in most files."""
    from dataclasses import asdict

    from litesmith.converters import unusual

    return {
        "subgraphs": [{"name": graph.name, "ops": len(graph.operators)} for graph in model.subgraphs],
        "signatures": [asdict(signature) for signature in model.signatures],
        "control_flow": list(unusual.control_flow(model)),
        "unknown": [*unusual.unknown_ops(model), *unusual.unknown_types(model)],
        "free_tensors": len(unusual.free_tensors(model)),
        "external": {"tensors": len(unusual.external_tensors(model)), "files": list(model.external_files)},
    }


def _interface(tensor: Tensor) -> dict[str, Any]:
    quantization = tensor.quantization
    return {
        "name": tensor.name,
        "shape": list(tensor.shape_signature),
        "dtype": tensor.dtype,
        "scale": _one_or_all(quantization.scales) if quantization else None,
        "zero_point": _one_or_all(quantization.zero_points) if quantization else None,
    }


def _one_or_all(values: tuple[Any, ...]) -> Any:
    return values[0] if len(values) == 1 else list(values)


def _short(content: bytes) -> str | int:
    """Short text as text, anything else as its length in bytes."""
    text = content.rstrip(b"\0")
    is_text = 0 < len(text) <= _TEXT_BYTES and text.isascii() and text.decode("ascii").isprintable()
    return text.decode("ascii") if is_text else len(content)


def _summary(facts: dict[str, Any], traps: Sequence[Trap]) -> str:
    older = "".join(f"; older ones {trap.what_happens} ({trap.op})" for trap in traps)
    metadata = ", ".join(
        f"{name} ({value:,} bytes)" if isinstance(value, int) else f"{name} ({value})"
        for name, value in facts["metadata"].items()
    )
    lines = {
        "size": f"{facts['bytes']:,} bytes, {facts['gzip_bytes']:,} after gzip",
        "zeros": f"{facts['weight_sparsity']:.1%} of the weights of its convolutions and dense layers",
        "runtime": f"oldest TFLite that runs it as it is meant: {facts['oldest_runtime']}{older}",
        "metadata": metadata or "none",
        **described_lines(facts["described"]),
        "sha256": facts["sha256"],
        **_unusual_lines(facts),
    }
    return "\n".join(f"{key:9} {value}" for key, value in lines.items())


def _signature_lines(facts: dict[str, Any]) -> str:
    """What callers can run by name: `add: image -> scores (subgraph 1)`."""
    if not facts["signatures"]:
        return ""
    lines = ["signatures:"]
    for signature in facts["signatures"][:_SIGNATURES_SHOWN]:
        ends = (_few([name[:_NAME_LENGTH] for name in signature[side]]) for side in ("inputs", "outputs"))
        of = f" (subgraph {signature['subgraph']})" if len(facts["subgraphs"]) > 1 else ""
        lines.append(one_line(f"  {signature['key'][:_NAME_LENGTH]}: {' -> '.join(ends)}{of}"))
    hidden = len(facts["signatures"]) - _SIGNATURES_SHOWN
    return "\n".join([*lines, f"  and {hidden} more (see --json)"] if hidden > 0 else lines)


def _op_table(facts: dict[str, Any]) -> str:
    """The operators; where there are several subgraphs it says that they are those of all."""
    if not facts["ops"]:
        return _NO_OPS
    rows = table(("operator", "count", "version"), _op_rows(facts))
    graphs = len(facts["subgraphs"])
    return f"operators of all {graphs} subgraphs:\n{rows}" if graphs > 1 else rows


def _unusual_lines(facts: dict[str, Any]) -> dict[str, str]:
    """The lines that most files do not have."""
    external, graphs, callers = facts["external"], facts["subgraphs"], facts["control_flow"]
    free = facts["free_tensors"]
    sizes = [
        f"{graph['name'][:_NAME_LENGTH] or place} ({counted(graph['ops'], 'op')})" for place, graph in enumerate(graphs)
    ]
    runs = f"; {_few(callers)} {'runs' if len(callers) == 1 else 'run'} others" if callers else ""
    lines = {
        "subgraphs": (
            len(graphs) > 1 or callers,
            f"{_few(sizes)}; the first is the main one, with the inputs and outputs below{runs}",
        ),
        "unknown": (facts["unknown"], f"{_few(facts['unknown'])}: newer than this Litesmith; use a newer one"),
        "shapes": (free, f"{counted(free, 'tensor')} with dimensions that are not fixed"),
        "external": (
            external["tensors"],
            f"{counted(external['tensors'], 'constant')} in other files, which are not read: {_few(external['files'])}",
        ),
    }
    return {key: text for key, (present, text) in lines.items() if present}


def _few(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _op_rows(facts: dict[str, Any]) -> list[tuple[str, ...]]:
    return [(op, str(row["count"]), str(row["max_version"])) for op, row in facts["ops"].items()]


def _interface_rows(facts: dict[str, Any]) -> list[tuple[str, ...]]:
    return [
        (
            kind,
            tensor["name"][:_NAME_LENGTH],
            "x".join("?" if size < 0 else str(size) for size in tensor["shape"]) or "scalar",
            tensor["dtype"],
            "-" if tensor["scale"] is None else str(tensor["scale"]),
            "-" if tensor["zero_point"] is None else str(tensor["zero_point"]),
        )
        for kind, tensors in (("input", facts["inputs"]), ("output", facts["outputs"]))
        for tensor in tensors
    ]


def _float_lines(model: TFLiteModel) -> str:
    from litesmith.converters.float_tensors import float_islands, shortened

    floats = float_islands(model)
    if not floats:
        return ""
    return "\n  ".join([f"float tensors ({len(floats)}):", *shortened(floats)])
