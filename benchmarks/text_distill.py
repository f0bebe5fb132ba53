"""What a text student learns from: labels, the teacher's logits, or its hidden states too, at equal steps.

Takes the folder of a finished run of recipes/sst2_minilm.toml for the teacher and the samples. Every student starts
alike: the teacher with the recipe's narrower table of tokens, then without the heads and units that matter least under
its own signal. Each is trained with the same batches for the same steps, written as integers, and run on the dev set.
Differences to the teacher are paired over the sentences; their intervals are 95%, over sentences and seeds together.

Usage: LITESMITH_DATA=FOLDER python benchmarks/text_distill.py RUN_FOLDER [--samples 8000] [--seeds 3]
"""

import argparse
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from litesmith.converters.text.architecture import TextModel
from litesmith.converters.text.integer.quantize import quantize_text
from litesmith.events import ignore
from litesmith.recipe import Recipe
from litesmith.recipe_data import load_samples
from litesmith.recipe_toml import read_recipe
from litesmith.student import Run
from litesmith.text.fit import Objective, fit
from litesmith.text.importance import UNIT_STEP, best, importance
from litesmith.text.predict import predict
from litesmith.text.stages import Lesson, lesson_of
from litesmith.text.structure import keep_heads, keep_units
from litesmith.training_specs import DistillSpec
from litesmith.workspace import open_workspace

Array = npt.NDArray[Any]
RECIPE = Path(__file__).parent.parent / "recipes/sst2_minilm.toml"
SCORED = 512


def main() -> None:
    """Train a student for each signal and seed, and print a row for it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="folder of a finished run")
    parser.add_argument("--samples", type=int, default=8000, help="training sentences (8000)")
    parser.add_argument("--seeds", type=int, default=3, help="students of each signal (3)")
    args = parser.parse_args()
    recipe = read_recipe(RECIPE)
    samples = load_samples(recipe.data, base=RECIPE.parent, seed=recipe.seed)
    with open_workspace(args.run, resume=True, overwrite=False) as workspace:
        run = Run(recipe, samples, workspace, RECIPE.parent, ignore)
        teacher = run.stored_text("teacher")
        test = samples.splits.test
        right = predict(teacher, samples.teacher.test.x).argmax(1) == test.y
        print(f"teacher {100 * right.mean():.2f}% on {len(test)} sentences, {args.samples} to learn from")
        print(f"{'signal':<28}{'seed':>5}{'float':>8}{'integer':>9}{'kept':>8}{'bytes':>11}{'seconds':>9}")
        for name, spec in signals(recipe).items():
            found = [one_student(run, teacher, name, spec, seed, args.samples, right) for seed in range(args.seeds)]
            difference = np.concatenate(found).astype(float)
            print(
                f"{name:<28}{'all':>5} integer against the teacher {100 * difference.mean():+.2f}"
                f" ± {196 * difference.std() / np.sqrt(difference.size):.2f} points",
                flush=True,
            )


def signals(recipe: Recipe) -> dict[str, DistillSpec | None]:
    """What is learnt from, by the name of its rows."""
    assert recipe.distill is not None
    alone = replace(recipe.distill, hidden=None, relations=None)
    return {"labels": None, "logits": alone, "logits and hidden states": replace(alone, hidden=1.0)}


def one_student(
    run: Run, teacher: TextModel, name: str, spec: DistillSpec | None, seed: int, count: int, right: Array
) -> Array:
    """Train a student, print its row, and give for each sentence: right as integers, less teacher right."""
    start = time.perf_counter()
    prune, test = run.recipe.prune, run.samples.splits.test
    assert prune is not None and prune.heads is not None and prune.intermediate is not None
    model = run.text_student(teacher)
    lesson = lesson_of(replace(run, recipe=replace(run.recipe, distill=spec)), model)
    chosen = np.random.default_rng(seed).permutation(len(lesson.ids))[:count]
    lesson = Lesson(lesson.ids[chosen], at(lesson.objective, chosen), {})
    scored = importance(model, lesson.ids[:SCORED], at(lesson.objective, np.arange(SCORED)))
    model = keep_heads(model, best(scored.heads, prune.heads))
    model = keep_units(model, best(scored.units, prune.intermediate, UNIT_STEP))
    model = fit(model, lesson.ids, lesson.objective, prune.train, stage=name, seed=seed, on_event=ignore)
    written = quantize_text(model, run.samples.splits.calibration.x)
    answers = integer_classes(written.content, test.x)
    accuracy = float((predict(model, test.x).argmax(1) == test.y).mean())
    kept = (answers == test.y).mean() / right.mean()
    print(
        f"{name:<28}{seed:>5}{100 * accuracy:>8.2f}{100 * (answers == test.y).mean():>9.2f}{100 * kept:>7.1f}%"
        f"{len(written.content):>11,}{time.perf_counter() - start:>9.0f}",
        flush=True,
    )
    difference: Array = (answers == test.y).astype(int) - right
    return difference


def at(objective: Objective, chosen: Array) -> Objective:
    """The same objective for some of the samples, in their order."""
    return Objective(objective.loss, lambda places, length: objective.targets(chosen[places], length), objective.extra)


def integer_classes(content: bytes, ids: Array) -> Array:
    """The class that the file gives each text."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=content, num_threads=2)
    interpreter.allocate_tensors()
    into, out = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
    found = []
    for row in ids:
        interpreter.set_tensor(into, row[None].astype(np.int32))
        interpreter.invoke()
        found.append(int(interpreter.get_tensor(out).argmax()))
    return np.array(found)


if __name__ == "__main__":
    main()
