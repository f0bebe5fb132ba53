"""Audit: do the arrays fit the model's inputs by name, shape, type and length, and are all values numbers?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import permutations
from typing import Any

import numpy as np
import numpy.typing as npt

from litesmith.calibration.audit_finding import AuditFinding, ModelInput
from litesmith.calibration.samples import CalibrationSet
from litesmith.calibration.sources import UNNAMED, RawData

Array = npt.NDArray[Any]

_LISTED = 10  # places named in evidence
_PERMUTED = 5  # inputs or axes, at most, whose orders are tried


def pair_inputs(inputs: Sequence[ModelInput], data: RawData) -> dict[str, Array]:
    """The arrays by the model's own names, as far as they can be told apart.

    A single array belongs to a single input whatever it is called, so that the other checks can go on.
    """
    if len(inputs) == len(data.inputs) == 1:
        return {inputs[0].name: data.x}
    return {one.name: data.inputs[name] for one in inputs for name in one.names[::-1] if name in data.inputs}


def check_inputs(inputs: Sequence[ModelInput], data: RawData) -> tuple[AuditFinding, ...]:
    """Every way in which `data` cannot be fed to a model with `inputs`."""
    paired = pair_inputs(inputs, data)
    findings = [*_names(inputs, data), *_lengths(data.inputs)]
    swapped = _order(inputs, paired)
    findings += swapped
    for one in inputs:
        if one.name in paired:
            array = paired[one.name]
            findings += [] if swapped else _shape(one, array)
            findings += [*_type(one, array), *_finite(one, array)]
    return tuple(findings)


def usable(inputs: Sequence[ModelInput], data: RawData) -> tuple[CalibrationSet, npt.NDArray[np.intp]] | None:
    """What the model can be run on, and the places of those samples: all of finite numbers, in the model's types.

    None if there is no such sample, or names or shapes do not fit.
    """
    paired = pair_inputs(inputs, data)
    lengths = {len(array) for array in paired.values()}
    if len(paired) < len(inputs) or len(lengths) != 1 or 0 in lengths:
        return None
    for one in inputs:
        array = paired[one.name]
        if not one.fits(array.shape) or array.dtype.kind not in ("iuf" if one.is_float else "iu"):
            return None
        with np.errstate(over="ignore"):
            paired[one.name] = array.astype(np.float32, copy=False) if one.is_float else array
    finite = np.logical_and.reduce([_finite_samples(array) for array in paired.values()])
    if not finite.any():
        return None
    places = np.flatnonzero(finite)
    arrays = {name: array if finite.all() else array[places] for name, array in paired.items()}
    return CalibrationSet(arrays, source=data.source), places


def _names(inputs: Sequence[ModelInput], data: RawData) -> list[AuditFinding]:
    given = sorted(data.inputs)
    if len(inputs) == 1 and given == [UNNAMED]:
        return []
    if any(set(scheme) == set(given) for scheme in zip(*(one.names for one in inputs), strict=True)):
        return []
    wanted = [one.name for one in inputs]
    left = sorted(set(given) - {name for one in inputs for name in one.names})
    renames = {
        name: fitting[0].name for name in left if len(fitting := [one for one in inputs if _fits(one, data, name)]) == 1
    }
    advice = ", ".join(
        f"rename {old!r} to {new!r}" for old, new in renames.items() if list(renames.values()).count(new) == 1
    )
    return [
        AuditFinding(
            "names",
            "error",
            f"the data have inputs {', '.join(given)} but the model has {', '.join(wanted)}",
            {"given": given, "wanted": wanted},
            advice or "name the arrays as the model's inputs",
        )
    ]


def _fits(one: ModelInput, data: RawData, name: str) -> bool:
    return one.fits(data.inputs[name].shape) and not any(other in data.inputs for other in one.names)


def _order(inputs: Sequence[ModelInput], paired: Mapping[str, Array]) -> list[AuditFinding]:
    """Several inputs whose arrays fit, but each another input."""
    if (
        len(paired) < 2
        or len(paired) > _PERMUTED
        or all(one.fits(paired[one.name].shape) for one in inputs if one.name in paired)
    ):
        return []
    present = [one for one in inputs if one.name in paired]
    for order in permutations(present):
        if all(one.fits(paired[other.name].shape) for one, other in zip(present, order, strict=True)):
            moves = {one.name: other.name for one, other in zip(present, order, strict=True) if one is not other}
            return [
                AuditFinding(
                    "order",
                    "error",
                    f"inputs {', '.join(moves)} are in the wrong order: each array has another input's shape",
                    {name: list(paired[name].shape) for name in moves},
                    ", ".join(f"give as {name!r} what is now {other!r}" for name, other in moves.items()),
                )
            ]
    return []


def _lengths(arrays: Mapping[str, Array]) -> list[AuditFinding]:
    lengths = {name: len(array) for name, array in arrays.items()}
    if 0 in lengths.values():
        return [AuditFinding("samples", "error", "there is no sample", lengths, "give at least one; 100 is usual")]
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{name} {length}" for name, length in lengths.items())
        message = f"inputs differ in their number of samples: {listed}"
        return [AuditFinding("samples", "error", message, lengths, "make them equal")]
    return []


def _shape(one: ModelInput, array: Array) -> list[AuditFinding]:
    if one.fits(array.shape):
        return []
    given, wanted = array.shape[1:], one.shape[1:]
    return [
        AuditFinding(
            "shape",
            "error",
            f"input {one.name!r} has samples of shape {given} but the model takes {wanted}",
            {"input": one.name, "given": list(given), "wanted": list(wanted)},
            _reshaping(one, array) or "reshape or preprocess the data",
        )
    ]


def _reshaping(one: ModelInput, array: Array) -> str:
    """The usual ways out of a wrong shape."""
    if one.fits((*array.shape, 1)):
        return "add the channel axis: x[..., None]"
    if one.fits((1, *array.shape)):
        return "this is one sample without a batch axis: x[None]"
    if array.ndim > 1 and array.shape[1] == 1 and one.fits((len(array), *array.shape[2:])):
        return "each sample has a batch axis of its own: x[:, 0]"
    if array.ndim == len(one.shape) <= _PERMUTED:
        for axes in permutations(range(1, array.ndim)):
            if one.fits((len(array), *(array.shape[axis] for axis in axes))):
                return f"its axes are in another order: x.transpose({', '.join(map(str, (0, *axes)))})"
    return ""


def _type(one: ModelInput, array: Array) -> list[AuditFinding]:
    evidence = {"input": one.name, "given": str(array.dtype), "wanted": one.dtype}
    given = f"input {one.name!r} holds {array.dtype} values"
    if array.dtype.kind not in "iuf" or (array.dtype.kind == "f" and not one.is_float):
        fix = f"give {one.dtype} values"
        return [AuditFinding("dtype", "error", f"{given} but the model takes {one.dtype}", evidence, fix)]
    if one.is_float and array.dtype.kind in "iu":
        message = f"{given}, as raw pixels or ids have, but the model takes {one.dtype}"
        fix = "scale them as in training: --preprocess, or --scale and --offset (--scale 1 if it was trained on such)"
        return [AuditFinding("dtype", "error", message, evidence, fix)]
    if array.dtype == np.float64:
        message = f"{given}; Litesmith makes float32 of them, but TensorFlow's converter refuses them"
        return [AuditFinding("dtype", "warning", message, evidence, "save them with x.astype('float32')")]
    return []


def _finite(one: ModelInput, array: Array) -> list[AuditFinding]:
    if array.dtype.kind != "f" or not array.size:
        return []
    with np.errstate(over="ignore"):
        values = array.astype(np.float32, copy=False)
    bad = np.flatnonzero(~_finite_samples(values))
    if not bad.size:
        return []
    evidence = {
        "input": one.name, "samples": bad[:_LISTED].tolist(), "affected": int(bad.size),
        "nan": int(np.isnan(values).sum()), "infinite": int(np.isinf(values).sum()),
    }  # fmt: skip
    message = f"input {one.name!r}: {bad.size} of {len(array)} samples hold NaN or infinity, the first is {bad[0]}"
    return [AuditFinding("finite", "error", message, evidence, "repair these samples or leave them out")]


def _finite_samples(array: Array) -> npt.NDArray[np.bool_]:
    if array.dtype.kind != "f":
        return np.ones(len(array), np.bool_)
    finite: npt.NDArray[np.bool_] = np.isfinite(array).reshape(len(array), -1).all(axis=1)
    return finite
