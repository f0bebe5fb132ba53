"""What a text student learns from: labels, the teacher's logits, or its hidden states too, at equal steps.

Takes the folder of a finished run of recipes/sst2_minilm.toml for the teacher and the samples. Every student starts
alike: the teacher with the recipe's narrower table of tokens, then without the heads and units that matter least under
its own signal. Each is trained with the same batches for the same steps, written as integers, and run on the dev set.
Answers are kept in the run's folder, so that an interrupted benchmark goes on where it was.

Differences are paired over the sentences. Their 95% intervals are bootstrapped over sentences and seeds at once (2,000
draws of both, Owen 2007, arXiv 0712.1111): the seeds share their sentences, and are not 3 times as many of them.

Usage: LITESMITH_DATA=FOLDER python benchmarks/text_distill.py RUN_FOLDER [--samples 24000] [--seeds 3]
"""

import argparse
import time
from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from tempfile import NamedTemporaryFile
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
from litesmith.text.fit import fit
from litesmith.text.importance import UNIT_STEP, best, importance
from litesmith.text.predict import predict
from litesmith.text.signal import from_labels
from litesmith.text.stages import Lesson, lesson_of
from litesmith.text.structure import keep_heads, keep_units
from litesmith.training_specs import DistillSpec
from litesmith.workspace import open_workspace

Array = npt.NDArray[Any]
RECIPE = Path(__file__).parent.parent / "recipes/sst2_minilm.toml"
SCORED = 512
DRAWS = 2000


def main() -> None:
    """Train a student for each seed and signal, print a row for it, and then what the signals differ by."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="folder of a finished run")
    parser.add_argument("--samples", type=int, default=None, help="training sentences (all of the run)")
    parser.add_argument("--seeds", type=int, default=3, help="students of each signal (3)")
    args = parser.parse_args()
    recipe = read_recipe(RECIPE)
    samples = load_samples(recipe.data, base=RECIPE.parent, seed=recipe.seed)
    with open_workspace(args.run, resume=True, overwrite=False) as workspace:
        run = Run(recipe, samples, workspace, RECIPE.parent, ignore)
        teacher, test = run.stored_text("teacher"), samples.splits.test
        right = {"teacher": np.array([predict(teacher, samples.teacher.test.x).argmax(1) == test.y] * args.seeds)}
        print(f"teacher {100 * right['teacher'].mean():.2f}% on {len(test)} sentences")
        print(f"{'signal':<28}{'seed':>5}{'float':>8}{'integer':>9}{'kept':>8}{'bytes':>11}{'seconds':>9}", flush=True)
        found: dict[str, list[Array]] = {name: [] for name in signals(recipe)}
        for seed in range(args.seeds):
            for name, spec in signals(recipe).items():
                trained = kept_student(run, teacher, Path(args.run), name, spec, seed, args.samples)
                print(row(name, seed, trained, right["teacher"][0]), flush=True)
                found[name].append(trained["answers"] == test.y)
    right |= {name: np.array(answers) for name, answers in found.items()}
    for before, after in combinations(right, 2):
        mean, low, high = paired(right[after].astype(float) - right[before])
        print(f"{after} less {before}: {100 * mean:+.2f} points, 95% of draws {100 * low:+.2f} to {100 * high:+.2f}")


def paired(difference: Array) -> tuple[float, float, float]:
    """Mean of differences (seeds, sentences), and the limits of 95% of means of resampled seeds and sentences."""
    random, (seeds, sentences) = np.random.default_rng(0), difference.shape
    means = []
    for _ in range(DRAWS):
        rows, columns = random.integers(seeds, size=seeds), random.integers(sentences, size=sentences)
        means.append(difference[rows][:, columns].mean())
    low, high = np.quantile(means, (0.025, 0.975))
    return float(difference.mean()), float(low), float(high)


def row(name: str, seed: int, trained: Mapping[str, Any], teacher: Array) -> str:
    """A line of the table."""
    share = float(trained["integer"] / teacher.mean())
    return (
        f"{name:<28}{seed:>5}{100 * float(trained['float']):>8.2f}{100 * float(trained['integer']):>9.2f}"
        f"{100 * share:>7.1f}%{int(trained['bytes']):>11,}{float(trained['seconds']):>9.0f}"
    )


def signals(recipe: Recipe) -> dict[str, DistillSpec | None]:
    """What is learnt from, by the name of its rows."""
    assert recipe.distill is not None
    alone = replace(recipe.distill, hidden=None, relations=None)
    return {"labels": None, "logits": alone, "logits and hidden states": replace(alone, hidden=1.0)}


def kept_student(
    run: Run, teacher: TextModel, folder: Path, name: str, spec: DistillSpec | None, seed: int, count: int | None
) -> Mapping[str, Any]:
    """What `one_student` found, from the run's folder where it was found before."""
    path = folder / "distill" / f"{name.replace(' ', '_')}-{seed}-{count or 'all'}.npz"
    if not path.exists():
        trained = one_student(run, teacher, name, spec, seed, count)
        path.parent.mkdir(exist_ok=True)
        with NamedTemporaryFile(dir=path.parent, suffix=".npz", delete=False) as file:
            np.savez(file, **trained)
        Path(file.name).replace(path)
    with np.load(path, allow_pickle=False) as stored:
        return dict(stored)


def one_student(
    run: Run, teacher: TextModel, name: str, spec: DistillSpec | None, seed: int, count: int | None
) -> dict[str, Any]:
    """Train a student; its integer file's classes of the test sentences, both accuracies, bytes and seconds."""
    start = time.perf_counter()
    prune, test = run.recipe.prune, run.samples.splits.test
    assert prune is not None and prune.heads is not None and prune.intermediate is not None
    model = run.text_student(teacher)
    if spec is None:
        train = run.samples.splits.train
        lesson = Lesson(train.x, from_labels(train.y), {})
    else:
        lesson = lesson_of(replace(run, recipe=replace(run.recipe, distill=spec)), model)
    chosen = np.random.default_rng(seed).permutation(len(lesson.ids))[:count]
    lesson = Lesson(lesson.ids[chosen], lesson.objective.at(chosen), {})
    scored = importance(model, lesson.ids[:SCORED], lesson.objective.at(np.arange(SCORED)))
    model = keep_heads(model, best(scored.heads, prune.heads))
    model = keep_units(model, best(scored.units, prune.intermediate, UNIT_STEP))
    model = fit(model, lesson.ids, lesson.objective, prune.train, stage=name, seed=seed, on_event=ignore)
    written = quantize_text(model, run.samples.splits.calibration.x)
    answers = integer_classes(written.content, test.x)
    return {
        "answers": answers,
        "float": (predict(model, test.x).argmax(1) == test.y).mean(),
        "integer": (answers == test.y).mean(),
        "bytes": len(written.content),
        "seconds": time.perf_counter() - start,
    }


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
