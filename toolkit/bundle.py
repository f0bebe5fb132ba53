"""The folder that an app takes: the file, and everything needed to feed it and to prove that it works.

All of it depends on the recipe, the data and the versions alone: no time and no latency, so that the same run gives
the same bytes. What was timed stays in the run's ledger.json.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from litesmith import qat
from litesmith.bundle_contract import CONTRACTS, contract_files
from litesmith.bundle_folder import MANIFEST_FILE, replace_folder
from litesmith.bundle_promise import PROMISE, check_promise, promise_of
from litesmith.converters.label import truth_label
from litesmith.converters.metadata import LABELS_FILE, PREPROCESS_FILE, labels_text, refuse_other_files
from litesmith.converters.runtime_traps import oldest_runtime_of
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import ModelError
from litesmith.files import json_text
from litesmith.golden import MODEL_FILE, VECTORS_FILE
from litesmith.golden_text import golden_of_split
from litesmith.golden_vectors import GoldenVectors
from litesmith.ledger import Ledger
from litesmith.model_card import model_card
from litesmith.splits import Splits
from litesmith.targets.report import SEVERITIES, TargetReport
from litesmith.tasks import HOLDS, task_of
from litesmith.training_specs import EMBEDDING

__all__ = [
    "FILES", "FORMAT", "LABELS_FILE", "MANIFEST_FILE", "PREPROCESS_FILE", "Bundle", "Provenance", "make_bundle",
    "read_bundle", "replace_folder", "write_bundle",
]  # fmt: skip

FORMAT = "litesmith-bundle"
VERSION = 1
CARD_FILE = "MODEL_CARD.md"
# What a bundle of this version holds beside its manifest and the files of its contract; labels where there are any.
COMMON = (MODEL_FILE, LABELS_FILE, VECTORS_FILE, CARD_FILE)
# What a bundle of images or numbers holds: exactly these.
FILES = (MODEL_FILE, LABELS_FILE, PREPROCESS_FILE, VECTORS_FILE, CARD_FILE)


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a file came from.

    Attributes:
        locked: the content of recipe.lock.toml, see `litesmith.recipe_toml.lock`.
        ledger: the row of every stage; the last one is that of the file.
        details: per stage, figures that only this stage has; those of `quantize` are needed, `verify` has processors.
        reports: per target that was checked, what was found.
    """

    locked: Mapping[str, Any]
    ledger: Ledger
    details: Mapping[str, Any]
    reports: Mapping[str, TargetReport]


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle whose files are those of its manifest, as they were when it was read."""

    folder: Path
    manifest: Mapping[str, Any]
    contents: Mapping[str, bytes]


def write_bundle(
    folder: Path, model: TFLiteModel, splits: Splits, provenance: Provenance, *, texts: Sequence[str] | None = None
) -> Path:
    """Write a bundle; one that is there already is replaced when the new one is complete.

    Args:
        folder: of the bundle.
        model: what is shipped.
        splits: what it was trained and measured on.
        provenance: where it came from.
        texts: of a text model, what the test split's ids were made of, in its order.

    Raises:
        ModelError: the runtime cannot run the file, or it is not what the recipe promised or the ledger ends with.
        DataError: a class name has more than one line, or the file holds another contract or other labels.
        OutputError: the folder cannot be written, or holds something else.
    """
    if provenance.ledger.deployed.sha256 != model.sha256:
        raise ModelError("is not the file of the ledger's last row; run the recipe again", file=model.source)
    aware = qat.STAGE in provenance.details["quantize"]["steps"]
    golden = golden_of_split(model, splits.test, quantization_aware=aware, texts=texts)
    facts = _facts(model, golden, splits, provenance)
    check_promise(facts, model)
    contract = contract_files(splits.test.preprocess)
    made = make_bundle(folder, model, golden, facts, contract, model_card(facts, golden, splits, provenance))
    replace_folder(folder, made.contents)
    return folder


def make_bundle(
    folder: Path,
    model: TFLiteModel,
    golden: GoldenVectors,
    facts: Mapping[str, Any],
    contract: Mapping[str, bytes],
    card: str,
) -> Bundle:
    """A bundle of what is known already, not written yet.

    Args:
        folder: where it will be.
        model: what is shipped.
        golden: its vectors, with the names of its classes.
        facts: the manifest without its files.
        contract: what `contract_files` gave.
        card: the model card.

    Raises:
        DataError: a class name has more than one line, or the file holds another contract or other labels.
    """
    labels = labels_text(golden.class_names).encode()
    contents = {
        MODEL_FILE: model.content,
        **({LABELS_FILE: labels} if labels else {}),
        **contract,
        VECTORS_FILE: golden.to_json().encode(),
        CARD_FILE: card.encode(),
    }
    refuse_other_files(model, {LABELS_FILE: labels, **contents})
    files = {name: {"sha256": _sha256(content), "bytes": len(content)} for name, content in contents.items()}
    manifest = _json({"format": FORMAT, "version": VERSION, **facts, "files": files})
    return Bundle(folder, json.loads(manifest), {**contents, MANIFEST_FILE: manifest})


def read_bundle(path: Path) -> Bundle:
    """Read a bundle, or that of a run's folder, and check every file against the manifest.

    Raises:
        ModelError: there is no bundle, or a file is missing or was changed.
    """
    folder = next((place for place in (path, path / "bundle") if (place / MANIFEST_FILE).is_file()), None)
    if folder is None:
        raise ModelError(
            f"is no bundle: no {MANIFEST_FILE} in it or in its bundle/; make one with `litesmith run`, which leaves "
            "it out if a budget or a required target is unmet",
            file=path,
        )
    manifest_text = _read(folder / MANIFEST_FILE)
    manifest, digests = _parse_manifest(folder / MANIFEST_FILE, manifest_text)
    contents = {name: _read(folder / name) for name in digests}
    for name, content in contents.items():
        if _sha256(content) != digests[name]:
            raise ModelError(
                f"was changed: sha256 is {_sha256(content)}, the manifest says {digests[name]}; write the bundle again",
                file=folder / name,
            )
    return Bundle(folder, manifest, {**contents, MANIFEST_FILE: manifest_text})


def _facts(model: TFLiteModel, golden: GoldenVectors, splits: Splits, provenance: Provenance) -> dict[str, Any]:
    """The manifest but for the files."""
    locked, row = provenance.locked, provenance.ledger.deployed
    figures = ("bytes", "gzip_bytes", "parameters", "sparsity", "accuracy", "validation_accuracy")
    return {
        "name": locked["recipe"]["name"],
        "task": locked["recipe"]["task"],
        "label": truth_label(model),
        PROMISE: promise_of(locked["recipe"]),
        "oldest_runtime": str(oldest_runtime_of(model)),
        "inputs": [asdict(golden.input)],
        "outputs": [{**asdict(golden.output), "holds": HOLDS[task_of(golden.output.shape, golden.class_names)]}],
        "steps": list(provenance.details["quantize"]["steps"]),
        "distillation": _distillation(locked["recipe"]),
        "shifted_views": _shifted_views(locked["recipe"].get("data", {})),
        "measured": {
            **{name: getattr(row, name) for name in figures},
            "metric": splits.metric.name,
            "test_samples": len(splits.test),
        },
        "targets": {name: _summary(report) for name, report in sorted(provenance.reports.items())},
        "verified_on": dict(provenance.details.get("verify", {})),
        "digests": dict(locked["digests"]),
        "created_by": dict(locked["versions"]),
    }


def _distillation(recipe: Mapping[str, Any]) -> dict[str, Any] | None:
    """The recipe's section, without what is for classes where the student has none."""
    found, for_classes = recipe.get("distill"), ("temperature", "alpha", "labels")
    if found is None or recipe["task"] != EMBEDDING:
        return found
    return {name: value for name, value in found.items() if name not in for_classes}


def _shifted_views(data: Mapping[str, Any]) -> dict[str, int] | None:
    """How the training samples were multiplied, None if they were not."""
    views, pixels = data.get("views", 1), data.get("shift_pixels", 0)
    return {"views": views, "shift_pixels": pixels} if views > 1 and pixels > 0 else None


def _summary(report: TargetReport) -> dict[str, Any]:
    severities = [finding.severity for finding in report.findings]
    counts = {severity: severities.count(severity) for severity in SEVERITIES}
    return {
        "basis": report.basis, "accelerator": report.accelerator,
        "mapped": report.mapped, "total": report.total, "findings": counts,
    }  # fmt: skip


def _parse_manifest(path: Path, content: bytes) -> tuple[dict[str, Any], dict[str, str]]:
    """The manifest, and the sha256 of each file."""
    try:
        manifest = json.loads(content)
        kind = (manifest["format"], manifest["version"])
        _ = manifest["name"]
        digests = {name: entry["sha256"] for name, entry in manifest["files"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError("is no manifest of a bundle; write the bundle again", file=path) from error
    if kind != (FORMAT, VERSION):
        raise ModelError(f"is format {kind}, not {(FORMAT, VERSION)}; update litesmith", file=path)
    # Embeddings have no labels; bundles of before hold an empty file of them.
    if not any({*digests, LABELS_FILE} == {*COMMON, *contract} for contract in CONTRACTS):
        raise ModelError(
            f"lists {', '.join(sorted(digests)) or 'no file'}, not {', '.join(sorted(FILES))}, nor the files of a "
            "text contract in place of preprocess.json; write the bundle again",
            file=path,
        )
    return manifest, digests


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"cannot be read ({error.strerror}); write the bundle again", file=path) from error


def _json(document: Mapping[str, Any]) -> bytes:
    return f"{json_text(document)}\n".encode()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
