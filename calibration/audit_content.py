"""Audit: samples that say nothing, samples that occur twice or in the test split, classes that do not occur."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from litesmith.calibration.audit_finding import AuditFinding

Array = npt.NDArray[Any]

_LISTED = 10
# A few repeated samples of many change no range; more of them make the set smaller than it looks.
_MANY = 0.05


def check_content(arrays: Mapping[str, Array]) -> tuple[AuditFinding, ...]:
    """Constant and duplicate samples.

    Args:
        arrays: by input name, first axis the sample, of equal lengths.
    """
    digests = sample_digests(arrays)
    if len(digests) > 1 and len(set(digests)) == 1:
        return (
            AuditFinding(
                "duplicates",
                "error",
                f"all {len(digests)} samples are the same",
                {"samples": len(digests), "distinct": 1},
                "look at how the data are read: a generator may hand out one buffer again and again",
            ),
            *_constant(arrays),
        )
    return (*_constant(arrays), *_duplicates(digests))


def check_overlap(arrays: Mapping[str, Array], test: Mapping[str, Array]) -> tuple[AuditFinding, ...]:
    """Samples that are also in the test split: accuracy measured there would not be held out."""
    held_out = set(sample_digests(test))
    shared = [place for place, digest in enumerate(sample_digests(arrays)) if digest in held_out]
    if not shared:
        return ()
    return (
        AuditFinding(
            "overlap",
            "error",
            f"{len(shared)} calibration samples are also in the test split, the first is {shared[0]}",
            {"shared": len(shared), "samples": shared[:_LISTED], "test_samples": len(next(iter(test.values())))},
            "calibrate with training samples, or leave these out",
        ),
    )


def check_classes(
    labels: Array, samples: int, names: Sequence[str] | None, classes: int | None
) -> tuple[AuditFinding, ...]:
    """Classes without a sample, and labels that fit neither the samples nor the classes.

    Args:
        labels: as given with the data.
        samples: how many there are.
        names: of the classes in label order, if known.
        classes: how many scores the model gives, if known.
    """
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        return ()
    if len(labels) != samples:
        evidence = {"labels": len(labels), "samples": samples}
        message = f"there are {len(labels)} labels for {samples} samples"
        return (AuditFinding("classes", "error", message, evidence, "give one label for each sample"),)
    count = len(names) if names is not None else classes
    if count is None or not samples:
        return ()
    wrong = np.unique(labels[(labels < 0) | (labels >= count)])
    if wrong.size:
        evidence = {"labels": wrong[:_LISTED].tolist(), "classes": count}
        message = f"label {wrong[0]} is none of the {count} classes"
        return (AuditFinding("classes", "error", message, evidence, "correct the labels, or give all class_names"),)
    missing = _missing(np.bincount(labels.astype(np.int64), minlength=count), names)
    if names is None or classes in (None, count):
        return missing
    evidence = {"named": count, "scores": classes}
    message = f"the data have {count} classes but the model gives {classes} scores"
    fix = "add samples of the other classes, or check that these data belong to this model"
    return (AuditFinding("classes", "warning", message, evidence, fix), *missing)


def sample_digests(arrays: Mapping[str, Array]) -> list[bytes]:
    """A digest for each sample; equal numbers give the same in any type: a uint8 pixel and the same in float32."""
    every = [arrays[name] for name in sorted(arrays)]
    return [_digest([array[place] for array in every]) for place in range(len(every[0]) if every else 0)]


def _digest(sample: Sequence[Array]) -> bytes:
    digest = hashlib.sha256()
    for values in sample:
        digest.update(f"{values.shape}".encode())
        # Adding zero makes -0.0 the same content as 0.0.
        digest.update(np.ascontiguousarray(_as_float64(values) + 0.0).tobytes())
    return digest.digest()


def _as_float64(values: Array) -> Array:
    # By way of float32, because that is what a model gets of a float64.
    with np.errstate(over="ignore"):
        return (values.astype(np.float32) if values.dtype.kind == "f" else values).astype(np.float64)


def _constant(arrays: Mapping[str, Array]) -> list[AuditFinding]:
    findings = []
    for name, array in arrays.items():
        rows = array.reshape(len(array), -1)
        flat = np.flatnonzero((rows == rows[:, :1]).all(axis=1)) if rows.shape[1] > 1 else np.zeros(0, np.intp)
        if flat.size:
            every = flat.size == len(rows)
            evidence = {"input": name, "constant": int(flat.size), "of": len(rows), "samples": flat[:_LISTED].tolist()}
            message = f"input {name!r}: {flat.size} of {len(rows)} samples hold one value only, the first is {flat[0]}"
            fix = "leave blank samples out; if there should be none, look at how they are read"
            findings.append(AuditFinding("constant", "error" if every else "warning", message, evidence, fix))
    return findings


def _duplicates(digests: Sequence[bytes]) -> list[AuditFinding]:
    repeated = {digest: count for digest, count in Counter(digests).items() if count > 1}
    if not repeated:
        return []
    extra = sum(repeated.values()) - len(repeated)
    groups = [[place for place, digest in enumerate(digests) if digest == one] for one in list(repeated)[:3]]
    return [
        AuditFinding(
            "duplicates",
            "warning" if extra > _MANY * len(digests) else "info",
            f"{extra} of {len(digests)} samples repeat another; samples {groups[0][0]} and {groups[0][1]} are the same",
            {"repeated": extra, "distinct": len(digests) - extra, "groups": [group[:_LISTED] for group in groups]},
            "draw samples without replacement, and remove copies from the source",
        )
    ]


def _missing(counts: npt.NDArray[np.int64], names: Sequence[str] | None) -> tuple[AuditFinding, ...]:
    absent = np.flatnonzero(counts == 0)
    if not absent.size:
        return ()
    listed = [names[place] if names is not None else int(place) for place in absent]
    shown = ", ".join(map(str, listed[:_LISTED])) + (", ..." if len(listed) > _LISTED else "")
    return (
        AuditFinding(
            "classes",
            "warning",
            f"{len(listed)} of {len(counts)} classes have no sample: {shown}",
            {"missing": listed, "counts": counts.tolist()},
            "draw samples from every class: their activations may have other ranges",
        ),
    )
