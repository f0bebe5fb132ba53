"""`litesmith run`: a recipe from teacher to bundle."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from litesmith.commands.answer import Answer, table

if TYPE_CHECKING:
    from litesmith.pipeline import RunResult

SUMMARY = "run a recipe: teacher, student, pruning, quantization, checks, bundle"
EXAMPLE = "litesmith run recipes/digits.toml --out out/digits"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("recipe", type=Path, metavar="RECIPE.toml", help="the recipe")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for everything the run makes")
    again = parser.add_mutually_exclusive_group()
    again.add_argument("--resume", action="store_true", help="go on with an interrupted run in DIR")
    again.add_argument("--overwrite", action="store_true", help="delete the run in DIR and start anew")
    parser.add_argument("--allow-code", action="store_true", help="load model files that hold Python code")


def execute(args: argparse.Namespace) -> Answer:
    """Run the recipe; exit code 1 if a budget or a required target is unmet."""
    from litesmith.commands.progress import ProgressBars
    from litesmith.pipeline import run_recipe
    from litesmith.recipe import Recipe

    recipe = Recipe.from_toml(args.recipe)
    result = run_recipe(
        recipe,
        args.out,
        base=args.recipe.resolve().parent,
        resume=args.resume,
        overwrite=args.overwrite,
        allow_code=args.allow_code,
        on_event=ProgressBars(),
    )
    document = {"out": str(args.out), **result.to_dict()}
    return Answer(document, _text(result), 0 if result.ok else 1)


def _text(result: RunResult) -> str:
    from litesmith.commands.tries_text import tries_text
    from litesmith.verify_text import outcome_lines

    data = result.details["data"]
    lines = [table(result.ledger.header, result.ledger.table), ""]
    quantized = result.details["quantize"]
    parity = quantized["parity"]
    steps = "" if parity["max_lsb"] is None else f", at most {parity['max_lsb']:.2f} LSB apart"
    agreement = parity["argmax_agreement"]
    same = f"mean cosine {parity['cosine']:.4f}" if agreement is None else f"{100 * agreement:.2f}% same class"
    lines.append(f"parity with Keras: {same}{steps}")
    lines += ["", f"tries, judged on {quantized['judged_on']}:"]
    lines += [tries_text(quantized["tries"], quantized["diagnosis"]), ""]
    lines += [f"note: {quantized['note']}"] * bool(quantized["note"])
    if data["conflicting_labels"]:
        lines.append(f"data: {data['conflicting_labels']} samples stand under more than one label")
    for name, report in result.reports.items():
        lines.append(f"{name}: {report.mapped} of {report.total} ops on {report.accelerator} (predicted)")
    lines += [f"budget unmet: {violation.message}" for violation in result.unmet_budgets]
    lines += [f"target unmet: {name}; see litesmith check" for name in result.unmet_targets]
    if result.verification is not None:
        lines += outcome_lines(result.verification)
    lines.append(f"model: {result.model}")
    lines.append(f"bundle: {result.bundle or 'not written, because of what is unmet above'}")
    return "\n".join(lines)
