"""Runs a recipe: its stages in order, then the checks and the bundle, all from one folder."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from litesmith import qat
from litesmith.budget import Violation, violations
from litesmith.bundle import Provenance, write_bundle
from litesmith.calibration.text.contract import TextContract
from litesmith.converters.backend import tf_keras
from litesmith.converters.metadata import LABELS_FILE, labels_text
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.events import OnEvent, StageFinished, StageStarted, ignore
from litesmith.files import json_text, write_bytes, write_json, write_text
from litesmith.golden_text import golden_of_split
from litesmith.ledger import Ledger, cells, row_from_dict
from litesmith.preflight import preflight, source_digests
from litesmith.recipe import Recipe
from litesmith.recipe_data import load_samples
from litesmith.recipe_toml import lock, toml_text
from litesmith.splits import Splits
from litesmith.stage import MODEL, Stage
from litesmith.stages import plan
from litesmith.student import Run
from litesmith.targets.check import check
from litesmith.targets.report import TargetReport
from litesmith.targets.requirement import Requirement
from litesmith.text.stages import with_wanted_vectors
from litesmith.training_specs import EMBEDDING
from litesmith.verification import Verification
from litesmith.verify import verify_model
from litesmith.workspace import LOCK_FILE, TEXT, open_workspace

VERIFY_FILE = "verify.json"


@dataclass(frozen=True, slots=True)
class RunResult:
    """What a finished run found.

    `bundle` is None where a budget, a required target or `verification` is unmet; `verification` is
    None where the recipe asks for none, or something else is unmet already.
    """

    model: Path
    ledger: Ledger
    details: Mapping[str, Any]
    reports: Mapping[str, TargetReport]
    unmet_budgets: tuple[Violation, ...]
    unmet_targets: tuple[str, ...]
    bundle: Path | None
    verification: Verification | None = None

    @property
    def ok(self) -> bool:
        """Whether every budget and every required target is met, and every processor computes what it should."""
        verified = self.verification is None or self.verification.ok
        return not self.unmet_budgets and not self.unmet_targets and verified

    def to_dict(self) -> dict[str, Any]:
        """The content of ledger.json."""
        return {
            "model": MODEL,
            "metric": self.ledger.metric,
            "stages": self.ledger.to_list(),
            "details": dict(self.details),
            "unmet_budgets": [violation.to_dict() for violation in self.unmet_budgets],
            "unmet_targets": list(self.unmet_targets),
            "verification": None if self.verification is None else self.verification.summary(VERIFY_FILE),
        }


def run_recipe(
    recipe: Recipe,
    out: Path,
    *,
    base: Path,
    resume: bool = False,
    overwrite: bool = False,
    allow_code: bool = False,
    on_event: OnEvent = ignore,
) -> RunResult:
    """Run a recipe into the folder `out`.

    Args:
        recipe: what to do.
        out: the run's folder; holds model.tflite, ledger.json, targets/, bundle/ and recipe.lock.toml at the end.
        base: folder that paths in the recipe are relative to.
        resume: go on with the run that `out` holds; stages whose inputs did not change are not run again.
        overwrite: delete the run that `out` holds.
        allow_code: load model files even if they hold Python code.
        on_event: listener for progress.

    Raises:
        LitesmithError: data, models, training, conversion or disk failed; see `litesmith.errors`.
    """
    samples = load_samples(recipe.data, base=base, seed=recipe.seed, task=recipe.task)
    tf_keras()  # says what to install where it is missing
    locked = lock(recipe, data_digest=samples.digest, files=source_digests(recipe, base))
    with open_workspace(out, resume=resume, overwrite=overwrite) as workspace:
        run = Run(recipe, samples, workspace, base, on_event, allow_code)
        preflight(run)
        if overwrite:
            workspace.wipe()
        write_text(out / LOCK_FILE, toml_text(locked))
        if recipe.task == EMBEDDING:
            run = with_wanted_vectors(run)
        return _finish(run, _run_stages(run, locked), locked)


def _run_stages(run: Run, locked: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    results: dict[str, dict[str, Any]] = {}
    digests = {name: digest for name, digest in locked["digests"].items() if name != "recipe"}
    key = json_text([digests, locked["versions"]])
    for stage in plan(run.recipe):
        sections = {name: _section(locked["recipe"], name) for name in stage.sections}
        key = hashlib.sha256((key + stage.name + json_text(sections)).encode()).hexdigest()
        results[stage.name] = _run_stage(run, stage, key)
    return results


def _section(table: Mapping[str, Any], name: str) -> Any:
    """A section or key by its dotted name, None where there is none."""
    first, _, rest = name.partition(".")
    found = table.get(first)
    return _section(found, rest) if rest and found is not None else found


def _run_stage(run: Run, stage: Stage, key: str) -> dict[str, Any]:
    recorded = run.workspace.finished(stage.name, key)
    resumed = recorded is not None
    run.on_event(StageStarted(stage.name, 0 if resumed else stage.epochs))
    if recorded is None:
        run.workspace.clear(stage.name)
        result = stage.execute(run)
        recorded = {"row": Ledger((result.row,)).to_list()[0], "details": dict(result.details)}
        run.workspace.finish(stage.name, key, recorded)
    summary = ", ".join(cells(row_from_dict(recorded["row"]), run.splits.metric.name)[1:4])
    run.on_event(StageFinished(stage.name, summary, resumed))
    return recorded


def _data_facts(splits: Splits) -> dict[str, int]:
    parts = {"train": splits.train, "validation": splits.validation}
    parts |= {"calibration": splits.calibration, "test": splits.test}
    counts = {name: len(part) for name, part in parts.items()}
    return {**counts, "duplicates": splits.duplicates, "conflicting_labels": splits.conflicts}


def _finish(run: Run, results: Mapping[str, Mapping[str, Any]], locked: Mapping[str, Any]) -> RunResult:
    out = run.workspace.root
    ledger = Ledger(tuple(row_from_dict(result["row"]) for result in results.values()), run.splits.metric.name)
    content = (run.workspace.stage("quantize") / MODEL).read_bytes()
    write_bytes(out / MODEL, content)
    _write_text_contract(run)
    model = TFLiteModel(content, MODEL)
    reports = {name: check(model, name) for name in run.recipe.targets.check}
    shutil.rmtree(out / "targets", ignore_errors=True)  # of targets that an earlier recipe named
    for name, report in reports.items():
        write_json(out / "targets" / f"{name}.json", {"model": MODEL, "sha256": model.sha256, **report.to_dict()})
    details = {name: result["details"] for name, result in results.items() if result["details"]}
    details["data"] = _data_facts(run.splits)
    unmet_budgets = violations(run.recipe.budget, ledger)
    required = {text: Requirement.parse(text) for text in run.recipe.targets.require}
    unmet_targets = tuple(text for text, one in required.items() if one.missing(reports[one.target]))
    bundle, verification = None, None
    (out / VERIFY_FILE).unlink(missing_ok=True)  # of an earlier recipe
    if not unmet_budgets and not unmet_targets:
        verification = _verify(run, model, details)
    if verification is not None:
        details["verify"] = verification.devices()
    if unmet_budgets or unmet_targets or (verification is not None and not verification.ok):
        shutil.rmtree(out / "bundle", ignore_errors=True)  # of an earlier recipe; this file must not ship
    else:
        provenance = Provenance(locked, ledger, details, reports)
        bundle = write_bundle(out / "bundle", model, run.splits, provenance, texts=run.samples.test_texts)
    result = RunResult(out / MODEL, ledger, details, reports, unmet_budgets, unmet_targets, bundle, verification)
    write_json(
        out / "ledger.json",
        {**result.to_dict(), "digests": locked["digests"], "versions": locked["versions"]},
    )
    return result


def _write_text_contract(run: Run) -> None:
    """What an app needs to make ids of sentences: the contract's files, and the names of the classes."""
    folder, data = run.workspace.root / TEXT, run.splits.test
    shutil.rmtree(folder, ignore_errors=True)  # of an earlier recipe
    if isinstance(data.preprocess, TextContract):
        for name, content in data.preprocess.to_files().items():
            write_bytes(folder / name, content)
    if isinstance(data.preprocess, TextContract) and data.class_names:
        write_text(folder / LABELS_FILE, labels_text(data.class_names))


def _verify(run: Run, model: TFLiteModel, details: Mapping[str, Any]) -> Verification | None:
    """Run the golden vectors on the processors that the recipe names, before a bundle may ship the file."""
    cpus = run.recipe.verify.cpus
    if not cpus:
        return None
    aware = qat.STAGE in details["quantize"]["steps"]
    golden = golden_of_split(model, run.splits.test, quantization_aware=aware, texts=run.samples.test_texts)
    verification = verify_model(model, golden, cpus)
    write_json(run.workspace.root / VERIFY_FILE, verification.to_dict())
    return verification
